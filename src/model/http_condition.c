/* SPDX-License-Identifier: MIT */
#include "model/http_condition.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "model/keys.h"
#include "model/shown.h"

enum { STATUS_MIN = 100, STATUS_MAX = 599, HEADER_BYTES = 4096 };

/* --- values --------------------------------------------------------------- */

enum stk_rc stk_http_read_pointer(const struct stk_node *node, char **ret, struct stk_error *err)
{
    const char *text = NULL;
    enum stk_rc rc = stk_node_text(node, &text, err);
    if (rc != STK_OK) return rc;
    if (*text != '/') {
        STK_CLEANUP(stk_freep) char *shown = stk_shown(text);
        return stk_node_fail(node, err, "\"%s\" is not a JSON pointer such as /status", shown);
    }
    free(*ret);
    *ret = stk_strdup(text);
    return STK_OK;
}

static enum stk_rc check_count(const struct stk_node *node, struct stk_error *err)
{
    if (node->count == 0) return stk_node_fail(node, err, "is empty");
    if (node->count <= STK_HTTP_CHOICES_MAX) return STK_OK;
    return stk_node_fail(node, err, "has %zu values; the limit is %d", node->count,
                         STK_HTTP_CHOICES_MAX);
}

/* A list, or one value that stands for a list of one. */
static const struct stk_node *item(const struct stk_node *node, size_t at)
{
    return node->kind == STK_NODE_LIST ? node->children[at] : node;
}

static size_t count_items(const struct stk_node *node)
{
    return node->kind == STK_NODE_LIST ? node->count : 1;
}

enum stk_rc stk_http_read_texts(const struct stk_node *node, char ***ret, struct stk_error *err)
{
    enum stk_rc rc = node->kind == STK_NODE_LIST ? check_count(node, err) : STK_OK;
    if (rc != STK_OK) return rc;
    stk_http_texts_free(*ret);
    *ret = stk_alloc((count_items(node) + 1) * sizeof(char *));
    for (size_t i = 0; i < count_items(node); i++) {
        const char *text = NULL;
        rc = stk_node_text(item(node, i), &text, err);
        if (rc != STK_OK) return rc;
        if (*text == '\0') return stk_node_fail(item(node, i), err, "is empty");
        (*ret)[i] = stk_strdup(text);
    }
    return STK_OK;
}

void stk_http_texts_free(char **texts)
{
    for (size_t i = 0; texts != NULL && texts[i] != NULL; i++) {
        free(texts[i]);
    }
    free(texts);
}

enum stk_rc stk_http_read_statuses(const struct stk_node *node, int *ret, size_t *ret_count,
                                   struct stk_error *err)
{
    enum stk_rc rc = node->kind == STK_NODE_LIST ? check_count(node, err) : STK_OK;
    if (rc != STK_OK) return rc;
    for (size_t i = 0; i < count_items(node); i++) {
        int64_t status = 0;
        rc = stk_node_int(item(node, i), STATUS_MIN, STATUS_MAX, &status, err);
        if (rc != STK_OK) return rc;
        ret[i] = (int)status;
    }
    *ret_count = count_items(node);
    return STK_OK;
}

/* --- reading -------------------------------------------------------------- */

static enum stk_rc read_pointer(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_http_condition *condition = into;
    return stk_http_read_pointer(node, &condition->pointer, err);
}

static enum stk_rc read_missing(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_http_condition *condition = into;
    return stk_http_read_pointer(node, &condition->missing, err);
}

static enum stk_rc read_present(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_http_condition *condition = into;
    return stk_http_read_pointer(node, &condition->present, err);
}

static enum stk_rc read_header(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_http_condition *condition = into;
    const char *name = NULL;
    enum stk_rc rc = stk_node_text(node, &name, err);
    if (rc == STK_OK) condition->header = stk_strdup(name);
    return rc;
}

static enum stk_rc read_in(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_http_condition *condition = into;
    return stk_http_read_texts(node, &condition->in, err);
}

static enum stk_rc read_status(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_http_condition *condition = into;
    return stk_http_read_statuses(node, condition->status, &condition->status_count, err);
}

static const struct stk_key keys[] = {
    { "pointer", read_pointer }, { "missing", read_missing }, { "present", read_present },
    { "header", read_header },   { "in", read_in },           { "status", read_status },
};

enum stk_rc stk_http_condition_read(const struct stk_node *node,
                                    struct stk_http_condition *condition, struct stk_error *err)
{
    enum stk_rc rc = stk_keys_read(node, keys, STK_ARRAY_LEN(keys), condition, err);
    if (rc != STK_OK) return rc;
    bool has_value = condition->pointer != NULL || condition->header != NULL;
    if (node->count == 0) {
        return stk_node_fail(node, err, "is empty: write {pointer: /status, in: [DONE]}");
    }
    if (condition->pointer != NULL && condition->header != NULL) {
        return stk_node_fail(node, err, "has both pointer and header: which of them is in?");
    }
    if (condition->in != NULL && !has_value) {
        return stk_node_fail(node, err, "has in: but no pointer: or header: to compare");
    }
    if (condition->pointer != NULL && condition->in == NULL) {
        return stk_node_fail(node, err, "needs in: [...] beside pointer:, or present: instead");
    }
    condition->is_set = true;
    return STK_OK;
}

void stk_http_condition_release(struct stk_http_condition *condition)
{
    free(condition->pointer);
    free(condition->missing);
    free(condition->present);
    free(condition->header);
    stk_http_texts_free(condition->in);
    *condition = (struct stk_http_condition){ 0 };
}

/* --- whether it holds ----------------------------------------------------- */

static bool is_in(char *const *in, const char *text)
{
    for (; *in != NULL; in++) {
        if (strcmp(*in, text) == 0) return true;
    }
    return false;
}

/* Numbers and truths are compared as JSON writes them: in: [2, true]. */
static bool value_is_in(char *const *in, const json_t *value)
{
    if (value == NULL) return false;
    if (json_is_string(value)) return is_in(in, json_string_value(value));
    STK_CLEANUP(stk_freep) char *text = stk_json_text(value);
    return is_in(in, text);
}

static bool is_there(const json_t *body, const char *pointer)
{
    const json_t *value = stk_json_at(body, pointer);
    return value != NULL && !json_is_null(value);
}

static bool header_holds(const struct stk_http_condition *condition,
                         const struct stk_http_reply *reply)
{
    char room[HEADER_BYTES];
    const char *value = stk_http_reply_header(reply, condition->header, 0, room, sizeof(room));
    if (value == NULL) return false;
    return condition->in == NULL || is_in(condition->in, value);
}

static bool status_holds(const struct stk_http_condition *condition, int status)
{
    for (size_t i = 0; i < condition->status_count; i++) {
        if (condition->status[i] == status) return true;
    }
    return condition->status_count == 0;
}

bool stk_http_condition_holds(const struct stk_http_condition *condition,
                              const struct stk_http_reply *reply, const json_t *body)
{
    if (!condition->is_set || !status_holds(condition, reply->status)) return false;
    if (condition->header != NULL && !header_holds(condition, reply)) return false;

    bool reads_body =
        condition->pointer != NULL || condition->missing != NULL || condition->present != NULL;
    if (reads_body && body == NULL) return false; /* unreadable: neither there nor missing */
    if (condition->missing != NULL && is_there(body, condition->missing)) return false;
    if (condition->present != NULL && !is_there(body, condition->present)) return false;
    return condition->pointer == NULL ||
           value_is_in(condition->in, stk_json_at(body, condition->pointer));
}
