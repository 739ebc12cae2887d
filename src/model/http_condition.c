/* SPDX-License-Identifier: MIT */
#include "model/http_condition.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/json_pointer.h"
#include "model/keys.h"
#include "model/shown.h"

/* --- reading -------------------------------------------------------------- */

static enum stk_rc read_pointer_into(const struct stk_node *node, char **ret, struct stk_error *err)
{
    const char *text = NULL;
    enum stk_rc rc = stk_node_text(node, &text, err);
    if (rc != STK_OK) return rc;
    if (!stk_json_pointer_is_valid(text)) {
        STK_CLEANUP(stk_freep) char *shown = stk_shown(text);
        return stk_node_fail(node, err, "\"%s\" is no JSON pointer, such as /status", shown);
    }
    *ret = stk_strdup(text);
    return STK_OK;
}

static enum stk_rc read_pointer(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_http_condition *self = into;
    return read_pointer_into(node, &self->pointer, err);
}

static enum stk_rc read_missing(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_http_condition *self = into;
    return read_pointer_into(node, &self->missing, err);
}

static enum stk_rc read_present(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_http_condition *self = into;
    return read_pointer_into(node, &self->present, err);
}

static enum stk_rc read_in(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_http_condition *self = into;
    if (node->kind != STK_NODE_LIST || node->count == 0) {
        return stk_node_fail(node, err, "must be a list of values, such as [COMPLETE, WARNING]");
    }
    self->in = json_array();
    for (size_t i = 0; i < node->count; i++) {
        const char *text = NULL;
        enum stk_rc rc = stk_node_text(node->children[i], &text, err);
        if (rc != STK_OK) return rc;
        if (json_array_append_new(self->in, json_string(text)) != 0) {
            return stk_node_fail(node->children[i], err, "is not valid UTF-8");
        }
    }
    return STK_OK;
}

static enum stk_rc read_status(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_http_condition *self = into;
    if (node->kind != STK_NODE_LIST || node->count == 0) {
        return stk_node_fail(node, err, "must be a list of statuses, such as [200, 202]");
    }
    if (node->count > STK_HTTP_STATUSES_MAX) {
        return stk_node_fail(node, err, "has %zu statuses; at most %d", node->count,
                             STK_HTTP_STATUSES_MAX);
    }
    for (size_t i = 0; i < node->count; i++) {
        int64_t status = 0;
        enum stk_rc rc = stk_node_int(node->children[i], 200, 599, &status, err);
        if (rc != STK_OK) return rc;
        self->statuses[self->status_count++] = (int)status;
    }
    return STK_OK;
}

static enum stk_rc read_text_into(const struct stk_node *node, char **ret, struct stk_error *err)
{
    const char *text = NULL;
    enum stk_rc rc = stk_node_text(node, &text, err);
    if (rc != STK_OK) return rc;
    if (*text == '\0') return stk_node_fail(node, err, "is empty");
    *ret = stk_strdup(text);
    return STK_OK;
}

static enum stk_rc read_header(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_http_condition *self = into;
    return read_text_into(node, &self->header, err);
}

static enum stk_rc read_no_header(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_http_condition *self = into;
    return read_text_into(node, &self->no_header, err);
}

static const struct stk_key condition_keys[] = {
    { "pointer", read_pointer },     { "in", read_in },         { "missing", read_missing },
    { "present", read_present },     { "status", read_status }, { "header", read_header },
    { "no_header", read_no_header },
};

enum stk_rc stk_http_condition_read(const struct stk_node *node, struct stk_http_condition *ret,
                                    struct stk_error *err)
{
    enum stk_rc rc = stk_keys_read(node, condition_keys, STK_ARRAY_LEN(condition_keys), ret, err);
    if (rc != STK_OK) return rc;
    if (node->count == 0) {
        return stk_node_fail(node, err, "is empty: {pointer: /status, in: [DONE]} is a condition");
    }
    if ((ret->pointer == NULL) != (ret->in == NULL)) {
        return stk_node_fail(node, err,
                             "pointer and in belong together; "
                             "{present: /x} and {missing: /x} need no value");
    }
    ret->given = true;
    return STK_OK;
}

void stk_http_condition_release(struct stk_http_condition *condition)
{
    free(condition->pointer);
    json_decref(condition->in);
    free(condition->missing);
    free(condition->present);
    free(condition->header);
    free(condition->no_header);
    *condition = (struct stk_http_condition){ 0 };
}

/* --- asking --------------------------------------------------------------- */

static bool status_fits(const struct stk_http_condition *self, int status)
{
    for (size_t i = 0; i < self->status_count; i++) {
        if (self->statuses[i] == status) return true;
    }
    return self->status_count == 0 && status >= 200 && status < 300;
}

static bool has_header(const char *headers, const char *name)
{
    size_t len = strlen(name);
    while (*headers != '\0') {
        if (strncasecmp(headers, name, len) == 0 && headers[len] == ':') return true;
        headers += strcspn(headers, "\n");
        headers += *headers == '\n';
    }
    return false;
}

static bool is_one_of(const json_t *value, const json_t *texts)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    if (!stk_json_add_plain(&text, value)) return false;
    for (size_t i = 0; i < json_array_size(texts); i++) {
        if (strcmp(json_string_value(json_array_get(texts, i)), stk_buf_str(&text)) == 0) {
            return true;
        }
    }
    return false;
}

/* A null is as good as missing. */
static bool is_present(json_t *body, const char *pointer)
{
    json_t *value = stk_json_at(body, pointer);
    return value != NULL && !json_is_null(value);
}

static bool body_fits(const struct stk_http_condition *self, json_t *body)
{
    bool looks = self->pointer != NULL || self->missing != NULL || self->present != NULL;
    if (!looks) return true;
    if (body == NULL) return false;
    if (self->missing != NULL && is_present(body, self->missing)) return false;
    if (self->present != NULL && !is_present(body, self->present)) return false;
    return self->pointer == NULL || is_one_of(stk_json_at(body, self->pointer), self->in);
}

bool stk_http_condition_holds(const struct stk_http_condition *condition,
                              const struct stk_http_answer *answer)
{
    if (!condition->given || !status_fits(condition, answer->status)) return false;
    const char *header = condition->header, *no_header = condition->no_header;
    if (header != NULL && !has_header(answer->headers, header)) return false;
    if (no_header != NULL && has_header(answer->headers, no_header)) return false;
    return body_fits(condition, answer->body);
}
