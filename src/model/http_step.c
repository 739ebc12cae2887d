/* SPDX-License-Identifier: MIT */
#include "model/http_step.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json_pointer.h"
#include "base/text.h"
#include "model/http_template.h"
#include "model/shown.h"

/* --- texts ---------------------------------------------------------------- */

enum stk_rc stk_http_text(const struct stk_node *node, const struct stk_task *task, int holes,
                          char **ret, struct stk_error *err)
{
    if (node->kind == STK_NODE_MAP) {
        return stk_node_fail(node, err, "must be text; quote the braces: \"{name}\"");
    }
    const char *text = NULL;
    enum stk_rc rc = stk_node_text(node, &text, err);
    if (rc != STK_OK) return rc;
    struct stk_error cause = { 0 };
    rc = stk_http_template_check(task, text, holes, &cause);
    if (rc != STK_OK) return stk_node_fail(node, err, "%s", cause.text);
    *ret = stk_strdup(text);
    return STK_OK;
}

enum stk_rc stk_http_pointer(const struct stk_node *node, char **ret, struct stk_error *err)
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

/* --- the address ---------------------------------------------------------- */

/* A host that came from a job's parameters would be anybody's: whoever submits
 * a job would choose who is shown the session. */
static bool has_fixed_host(const char *url)
{
    size_t scheme = strncmp(url, "https://", 8) == 0 ? 8 : strncmp(url, "http://", 7) == 0 ? 7 : 0;
    size_t host = scheme > 0 ? strcspn(url + scheme, "/?#") : 0;
    return host > 0 && strcspn(url + scheme, "{}@") >= host;
}

static bool starts_from_known(const char *url)
{
    bool is_path = url[0] == '/' && url[1] != '/';
    return is_path || strncmp(url, "{handle}", 8) == 0 || strncmp(url, "{/", 2) == 0;
}

enum stk_rc stk_http_step_url(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_http_step_reading *self = into;
    enum stk_rc rc = stk_http_text(node, self->task, self->url_holes, &self->step->url, err);
    if (rc != STK_OK || has_fixed_host(self->step->url)) return rc;
    if (self->starts_all) {
        return stk_node_fail(node, err,
                             "must begin with https:// (or http://) and a host, without "
                             "a user name, and no parameter in it");
    }
    if (starts_from_known(self->step->url)) return STK_OK;
    return stk_node_fail(node, err, "must begin with https:// and a host, with / or with {handle}");
}

enum stk_rc stk_http_step_method(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_http_step_reading *self = into;
    const char *text = NULL;
    enum stk_rc rc = stk_node_text(node, &text, err);
    if (rc != STK_OK) return rc;
    size_t len = 0;
    while (text[len] >= 'A' && text[len] <= 'Z') {
        len++;
    }
    if (len == 0 || len > 16 || text[len] != '\0') {
        return stk_node_fail(node, err, "is not a method such as POST, PUT or DELETE");
    }
    free(self->step->method);
    self->step->method = stk_strdup(text);
    return STK_OK;
}

/* --- headers -------------------------------------------------------------- */

static bool is_header_name(const char *name)
{
    for (const char *c = name; *c != '\0'; c++) {
        if (!isalnum((unsigned char)*c) && *c != '-' && *c != '_') return false;
    }
    return *name != '\0';
}

enum stk_rc stk_http_step_headers(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_http_step_reading *self = into;
    enum stk_rc rc = stk_node_map_of(node, NULL, err);
    if (rc != STK_OK) return rc;
    if (node->count > STK_HTTP_STEP_HEADERS_MAX) {
        return stk_node_fail(node, err, "has %zu headers; the limit is %d", node->count,
                             STK_HTTP_STEP_HEADERS_MAX);
    }
    self->step->headers = stk_alloc((2 * node->count + 1) * sizeof(char *));
    for (size_t i = 0; i < node->count; i++) {
        const struct stk_node *member = node->children[i];
        if (!is_header_name(member->name)) {
            return stk_node_fail(member, err, "is not the name of a header");
        }
        char *value = NULL;
        rc = stk_http_text(member, self->task, self->holes, &value, err);
        if (rc != STK_OK) return rc;
        self->step->headers[2 * i] = stk_strdup(member->name);
        self->step->headers[2 * i + 1] = value;
    }
    return STK_OK;
}

/* --- the body ------------------------------------------------------------- */

static json_t *make_scalar(const struct stk_node *node)
{
    int64_t whole = 0;
    double real = 0;
    bool truth = false;
    if (node->quoted) return json_string(node->text);
    if (stk_parse_i64(node->text, &whole)) return json_integer(whole);
    if (stk_parse_double(node->text, &real)) return json_real(real);
    if (stk_parse_bool(node->text, &truth)) return json_boolean(truth);
    bool is_null = strcmp(node->text, "null") == 0 || strcmp(node->text, "~") == 0;
    return is_null ? json_null() : json_string(node->text);
}

/* The YAML as the JSON it stands for; NULL: a text that is no UTF-8. */
static json_t *make_json(const struct stk_node *node)
{
    if (node->kind == STK_NODE_SCALAR) return make_scalar(node);
    STK_CLEANUP(stk_json_freep)
    json_t *made = node->kind == STK_NODE_LIST ? json_array() : json_object();
    for (size_t i = 0; i < node->count; i++) {
        json_t *child = make_json(node->children[i]);
        int code = node->kind == STK_NODE_LIST
                       ? json_array_append_new(made, child)
                       : json_object_set_new(made, node->children[i]->name, child);
        if (code != 0) return NULL;
    }
    return json_incref(made);
}

enum stk_rc stk_http_step_json(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_http_step_reading *self = into;
    self->step->json = make_json(node);
    if (self->step->json == NULL) return stk_node_fail(node, err, "is not valid UTF-8");
    struct stk_error cause = { 0 };
    enum stk_rc rc =
        stk_http_template_check_json(self->task, self->step->json, self->holes, &cause);
    return rc == STK_OK ? STK_OK : stk_node_fail(node, err, "%s", cause.text);
}

enum stk_rc stk_http_step_body(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_http_step_reading *self = into;
    if (self->step->json != NULL) return stk_node_fail(node, err, "there is json: already");
    return stk_http_text(node, self->task, self->holes, &self->step->body, err);
}

void stk_http_step_release(struct stk_http_step *step)
{
    for (size_t i = 0; step->headers != NULL && step->headers[i] != NULL; i++) {
        free(step->headers[i]);
    }
    free(step->headers);
    free(step->url);
    free(step->method);
    free(step->body);
    json_decref(step->json);
    *step = (struct stk_http_step){ 0 };
}
