/* SPDX-License-Identifier: MIT */
#include "model/http_ask.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/text.h"
#include "model/keys.h"
#include "model/shown.h"

enum { URL_BYTES_MAX = 4096, BODY_BYTES_MAX = 64 * 1024, HEADERS_MAX = 32, NAME_BYTES_MAX = 128 };

struct reading {
    const struct stk_task *task;
    unsigned has;
    struct stk_http_ask *ask;
};

/* --- templates ------------------------------------------------------------ */

static enum stk_rc check_template(const struct stk_node *node, const struct stk_task *task,
                                  const char *text, enum stk_http_form form, unsigned has,
                                  struct stk_error *err)
{
    struct stk_error cause = { 0 };
    if (strlen(text) > BODY_BYTES_MAX) {
        return stk_node_fail(node, err, "is longer than %d bytes", BODY_BYTES_MAX);
    }
    if (stk_http_template_check(task, text, form, has, &cause) == STK_OK) return STK_OK;
    return stk_node_fail(node, err, "%s", cause.text);
}

enum stk_rc stk_http_read_template(const struct stk_node *node, const struct stk_task *task,
                                   enum stk_http_form form, unsigned has, char **ret,
                                   struct stk_error *err)
{
    const char *text = NULL;
    if (node->kind == STK_NODE_MAP) {
        return stk_node_fail(node, err, "is text; quote the braces: \"{name}\"");
    }
    enum stk_rc rc = stk_node_text(node, &text, err);
    if (rc == STK_OK) rc = check_template(node, task, text, form, has, err);
    if (rc != STK_OK) return rc;
    free(*ret);
    *ret = stk_strdup(text);
    return STK_OK;
}

/* --- url ------------------------------------------------------------------ */

static bool is_start_of_place(const char *text)
{
    return strncmp(text, "{handle}", 8) == 0 || strncmp(text, "{/", 2) == 0;
}

static enum stk_rc check_host(const struct stk_node *node, const char *text, struct stk_error *err)
{
    const char *host = strstr(text, "://");
    bool is_http = strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
    STK_CLEANUP(stk_freep) char *shown = stk_shown(text);
    if (host == NULL || !is_http) {
        return stk_node_fail(node, err, "\"%s\" is not a URL such as https://lab.example/jobs",
                             shown);
    }
    host += 3;
    size_t len = strcspn(host, "/?#");
    if (memchr(host, '@', len) != NULL) { /* not shown: it may be a password */
        return stk_node_fail(node, err, "a URL may not hold a user: secrets only from sessions");
    }
    if (memchr(host, '{', len) != NULL) {
        return stk_node_fail(node, err,
                             "\"%s\": the host cannot come from a parameter: whoever submits a job "
                             "would choose who sees the session",
                             shown);
    }
    return len > 0 ? STK_OK : stk_node_fail(node, err, "\"%s\" has no host", shown);
}

static enum stk_rc read_url(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct reading *self = into;
    char **url = &self->ask->url;
    enum stk_rc rc =
        stk_http_read_template(node, self->task, STK_HTTP_FORM_URL, self->has, url, err);
    if (rc != STK_OK) return rc;
    for (const char *c = *url; *c != '\0'; c++) {
        if ((unsigned char)*c > ' ' && *c != 0x7f) continue;
        return stk_node_fail(node, err, "holds a blank or a control character: write it as %%XX");
    }
    if (strlen(*url) > URL_BYTES_MAX) {
        return stk_node_fail(node, err, "is longer than %d bytes", URL_BYTES_MAX);
    }
    bool may_be_relative = (self->has & STK_HTTP_HAS_HANDLE) != 0;
    bool is_path = (*url)[0] == '/' && (*url)[1] != '/';
    if (may_be_relative && (is_start_of_place(*url) || is_path)) return STK_OK;
    return check_host(node, *url, err);
}

static enum stk_rc read_method(const struct stk_node *node, void *into, struct stk_error *err)
{
    static const char *const methods[] = { "GET", "POST", "PUT", "PATCH", "DELETE" };
    struct reading *self = into;
    const char *text = NULL;
    enum stk_rc rc = stk_node_text(node, &text, err);
    for (size_t i = 0; rc == STK_OK && i < STK_ARRAY_LEN(methods); i++) {
        if (strcmp(methods[i], text) != 0) continue;
        free(self->ask->method);
        self->ask->method = stk_strdup(text);
        return STK_OK;
    }
    if (rc != STK_OK) return rc;
    STK_CLEANUP(stk_freep) char *shown = stk_shown(text);
    return stk_node_fail(node, err, "\"%s\" is not GET, POST, PUT, PATCH or DELETE", shown);
}

/* --- bodies --------------------------------------------------------------- */

static enum stk_rc add_node(struct stk_buf *buf, const struct stk_node *node,
                            struct stk_error *err);

static enum stk_rc add_scalar(struct stk_buf *buf, const struct stk_node *node,
                              struct stk_error *err)
{
    const char *text = NULL;
    double number = 0;
    bool truth = false;
    if (!node->quoted && strcmp(node->text, "null") == 0) {
        stk_buf_adds(buf, "null");
        return STK_OK;
    }
    enum stk_rc rc = stk_node_text(node, &text, err);
    if (rc != STK_OK) return rc;
    bool is_value =
        !node->quoted && (stk_parse_double(text, &number) || stk_parse_bool(text, &truth));
    if (is_value || stk_http_template_is_place(text)) {
        stk_buf_adds(buf, text);
    } else {
        stk_json_add_string(buf, text, strlen(text));
    }
    return STK_OK;
}

/* The body written as YAML becomes the template of its JSON. */
static enum stk_rc add_node(struct stk_buf *buf, const struct stk_node *node, struct stk_error *err)
{
    bool is_map = node->kind == STK_NODE_MAP;
    if (node->kind == STK_NODE_SCALAR) return add_scalar(buf, node, err);
    stk_buf_addc(buf, is_map ? '{' : '[');
    for (size_t i = 0; i < node->count; i++) {
        const struct stk_node *child = node->children[i];
        if (i > 0) stk_buf_addc(buf, ',');
        if (is_map) {
            stk_json_add_string(buf, child->name, strlen(child->name));
            stk_buf_addc(buf, ':');
        }
        enum stk_rc rc = add_node(buf, child, err);
        if (rc != STK_OK) return rc;
    }
    stk_buf_addc(buf, is_map ? '}' : ']');
    return STK_OK;
}

static enum stk_rc check_one_body(const struct stk_node *node, const struct stk_http_ask *ask,
                                  struct stk_error *err)
{
    if (ask->body == NULL) return STK_OK;
    return stk_node_fail(node, err, "the request has json: and body:; it sends one of them");
}

static enum stk_rc read_json(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct reading *self = into;
    STK_CLEANUP(stk_buf_release) struct stk_buf buf = STK_BUF_INIT;
    enum stk_rc rc = check_one_body(node, self->ask, err);
    if (rc != STK_OK) return rc;
    self->ask->is_json = true;
    if (node->kind == STK_NODE_SCALAR) {
        return stk_http_read_template(node, self->task, STK_HTTP_FORM_JSON, self->has,
                                      &self->ask->body, err);
    }
    rc = add_node(&buf, node, err);
    if (rc == STK_OK) {
        rc =
            check_template(node, self->task, stk_buf_str(&buf), STK_HTTP_FORM_JSON, self->has, err);
    }
    if (rc == STK_OK) self->ask->body = stk_buf_take(&buf);
    return rc;
}

static enum stk_rc read_body(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct reading *self = into;
    enum stk_rc rc = check_one_body(node, self->ask, err);
    if (rc != STK_OK) return rc;
    return stk_http_read_template(node, self->task, STK_HTTP_FORM_TEXT, self->has, &self->ask->body,
                                  err);
}

/* --- headers -------------------------------------------------------------- */

static bool is_name(const char *text)
{
    static const char others[] = "!#$%&'*+-.^_`|~0123456789";
    size_t len = 0;
    for (; text[len] != '\0'; len++) {
        bool is_letter = (text[len] | 0x20) >= 'a' && (text[len] | 0x20) <= 'z';
        if (!is_letter && strchr(others, text[len]) == NULL) return false;
    }
    return len > 0 && len <= NAME_BYTES_MAX;
}

static enum stk_rc check_name(const struct stk_node *node, struct stk_error *err)
{
    static const char *const secret[] = { "Authorization", "Cookie", "Proxy-Authorization" };
    if (!is_name(node->name)) {
        STK_CLEANUP(stk_freep) char *shown = stk_shown(node->name);
        return stk_node_fail(node, err, "\"%s\" is not the name of a header", shown);
    }
    for (size_t i = 0; i < STK_ARRAY_LEN(secret); i++) {
        if (strcasecmp(node->name, secret[i]) != 0) continue;
        return stk_node_fail(node, err, "is a secret: give the task a session: that shows it");
    }
    return STK_OK;
}

static enum stk_rc read_headers(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct reading *self = into;
    struct stk_http_ask *ask = self->ask;
    enum stk_rc rc = stk_node_map_of(node, NULL, err);
    if (rc != STK_OK) return rc;
    if (node->count > HEADERS_MAX) {
        return stk_node_fail(node, err, "has %zu headers; the limit is %d", node->count,
                             HEADERS_MAX);
    }
    ask->headers = stk_alloc((node->count + 1) * sizeof(*ask->headers));
    for (size_t i = 0; i < node->count; i++) {
        const struct stk_node *child = node->children[i];
        struct stk_http_field *field = &ask->headers[ask->header_count++];
        rc = check_name(child, err);
        if (rc != STK_OK) return rc;
        field->name = stk_strdup(child->name);
        rc = stk_http_read_template(child, self->task, STK_HTTP_FORM_TEXT, self->has, &field->value,
                                    err);
        if (rc != STK_OK) return rc;
    }
    return STK_OK;
}

/* --- all of it ------------------------------------------------------------ */

static const struct stk_key keys[] = {
    { "method", read_method }, { "url", read_url },         { "json", read_json },
    { "body", read_body },     { "headers", read_headers },
};

enum stk_rc stk_http_ask_read(const struct stk_node *node, const struct stk_task *task,
                              const char *method, unsigned has, struct stk_http_ask *ask,
                              struct stk_error *err)
{
    struct reading reading = { .task = task, .has = has, .ask = ask };
    ask->method = stk_strdup(method);
    enum stk_rc rc = stk_keys_read(node, keys, STK_ARRAY_LEN(keys), &reading, err);
    if (rc != STK_OK) return rc;
    if (ask->url == NULL) return stk_node_fail(node, err, "needs a url");
    if (ask->body != NULL && strcmp(ask->method, "GET") == 0) {
        return stk_node_fail(node, err, "has a body: write the method, such as POST");
    }
    return STK_OK;
}

void stk_http_ask_release(struct stk_http_ask *ask)
{
    for (size_t i = 0; i < ask->header_count; i++) {
        free(ask->headers[i].name);
        free(ask->headers[i].value);
    }
    free(ask->headers);
    free(ask->method);
    free(ask->url);
    free(ask->body);
    *ask = (struct stk_http_ask){ 0 };
}
