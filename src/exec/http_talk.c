/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "exec/http_step.h"

enum { HOPS_MAX = 3, LOCATION_BYTES = 4096 };

/* --- preparing ------------------------------------------------------------ */

static void clear_request(struct stk_http_step *step)
{
    stk_freep(&step->url);
    stk_buf_clear(&step->body);
    if (step->lines.len > 0) explicit_bzero(step->lines.data, step->lines.len);
    stk_buf_release(&step->lines);
    step->header_count = 0;
}

static void clear_reply(struct stk_http_step *step)
{
    json_decref(step->answer);
    step->answer = NULL;
}

void stk_http_step_release(struct stk_http_step *step)
{
    clear_request(step);
    clear_reply(step);
    stk_buf_release(&step->body);
    stk_http_reply_release(&step->reply);
    json_decref(step->params);
    step->params = NULL;
}

static struct stk_http_values values_of(const struct stk_http_step *step)
{
    return (struct stk_http_values){ .params = step->params,
                                     .job_id = step->job->id,
                                     .handle = step->remote.handle,
                                     .answer = step->answer };
}

/* What is relative starts from where the job was submitted to. */
static enum stk_rc prepare_url(struct stk_http_step *step, const struct stk_http_ask *ask,
                               const char *url, struct stk_error *err)
{
    const struct stk_http_values values = values_of(step);
    STK_CLEANUP(stk_buf_release) struct stk_buf buf = STK_BUF_INIT;
    STK_CLEANUP(stk_buf_release) struct stk_buf base = STK_BUF_INIT;
    enum stk_rc rc = STK_OK;
    if (url == NULL) rc = stk_http_template_fill(ask->url, STK_HTTP_FORM_URL, &values, &buf, err);
    if (rc == STK_OK) {
        const char *submit = step->spec->submit.url;
        rc = stk_http_template_fill(submit, STK_HTTP_FORM_URL, &values, &base, err);
    }
    if (rc != STK_OK) return rc;
    return stk_url_resolve(stk_buf_str(&base), url != NULL ? url : stk_buf_str(&buf), &step->url,
                           err);
}

static enum stk_rc prepare_body(struct stk_http_step *step, const struct stk_http_ask *ask,
                                struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *value = NULL;
    const struct stk_http_values values = values_of(step);
    enum stk_http_form form = ask->is_json ? STK_HTTP_FORM_JSON : STK_HTTP_FORM_TEXT;
    if (ask->body == NULL) return STK_OK;
    enum stk_rc rc = stk_http_template_fill(ask->body, form, &values, &step->body, err);
    if (rc != STK_OK || !ask->is_json) return rc;
    return stk_json_parse(stk_buf_str(&step->body), step->body.len, &value, err);
}

static enum stk_rc prepare_lines(struct stk_http_step *step, const struct stk_http_ask *ask,
                                 struct stk_error *err)
{
    const struct stk_http_values values = values_of(step);
    for (size_t i = 0; i < ask->header_count; i++) {
        size_t from = 0;
        stk_buf_addf(&step->lines, "%s: ", ask->headers[i].name);
        from = step->lines.len;
        enum stk_rc rc = stk_http_template_fill(ask->headers[i].value, STK_HTTP_FORM_TEXT, &values,
                                                &step->lines, err);
        if (rc != STK_OK) return rc;
        if (strchr(step->lines.data + from, '\n') != NULL) {
            return stk_fail(err, STK_INVALID, "the header %s would have more than one line",
                            ask->headers[i].name);
        }
        stk_buf_addc(&step->lines, '\n');
    }
    return STK_OK;
}

enum stk_rc stk_http_prepare(struct stk_http_step *step, const struct stk_http_ask *ask,
                             const char *url, struct stk_error *err)
{
    clear_request(step);
    step->ask = ask;
    enum stk_rc rc = prepare_url(step, ask, url, err);
    if (rc == STK_OK) rc = prepare_body(step, ask, err);
    return rc == STK_OK ? prepare_lines(step, ask, err) : rc;
}

/* --- headers -------------------------------------------------------------- */

/* Scheme and host: a session is shown to whom the job is submitted, and to
 * nobody else, wherever an answer sends us. */
static bool is_own_host(const struct stk_http_step *step)
{
    const char *submit = step->spec->submit.url;
    size_t len = (size_t)(strstr(submit, "://") - submit) + 3;
    len += strcspn(submit + len, "/?#");
    if (strncasecmp(step->url, submit, len) != 0) return false;
    return strchr("/?#", step->url[len]) != NULL; /* or at its own NUL */
}

static void add_header(struct stk_http_step *step, const char *name, const char *value)
{
    if (step->header_count == STK_HTTP_HEADERS_MAX) return;
    step->headers[step->header_count++] = (struct stk_http_header){ name, value };
}

/* The lines are cut up where they stand. */
static void add_lines(struct stk_http_step *step, char *lines)
{
    for (char *line = lines; line != NULL && *line != '\0';) {
        char *end = strchr(line, '\n');
        char *colon = strchr(line, ':');
        if (end == NULL || colon == NULL || colon > end) return;
        *end = *colon = '\0';
        add_header(step, line, colon + 1 + strspn(colon + 1, " "));
        line = end + 1;
    }
}

static bool has_header(const struct stk_http_step *step, const char *name)
{
    for (size_t i = 0; i < step->header_count; i++) {
        if (strcasecmp(step->headers[i].name, name) == 0) return true;
    }
    return false;
}

static void put_headers(struct stk_http_step *step, struct stk_buf *lines)
{
    const struct stk_secret *shown = step->job->headers;
    step->header_count = 0;
    stk_buf_reserve(lines, step->lines.len + (shown != NULL ? stk_secret_len(shown) : 0));
    stk_buf_add(lines, stk_buf_str(&step->lines), step->lines.len);
    if (shown != NULL && is_own_host(step)) {
        stk_buf_add(lines, stk_secret_bytes(shown), stk_secret_len(shown));
    }
    if (lines->len > 0) add_lines(step, lines->data);
    if (!has_header(step, "accept")) add_header(step, "Accept", "application/json, */*;q=0.5");
    if (step->body.len > 0 && !has_header(step, "content-type")) {
        add_header(step, "Content-Type", step->ask->is_json ? "application/json" : "text/plain");
    }
}

/* --- sending -------------------------------------------------------------- */

static void send_once(struct stk_http_step *step, size_t bytes_max)
{
    STK_CLEANUP(stk_buf_wipep) struct stk_buf lines = STK_BUF_INIT;
    put_headers(step, &lines);
    const struct stk_http_request request = {
        .method = step->ask->method,
        .url = step->url,
        .headers = step->headers,
        .header_count = step->header_count,
        .body = step->ask->body != NULL ? stk_buf_str(&step->body) : NULL,
        .body_len = step->body.len,
        .timeout_ns = step->spec->timeout_ns,
        .bytes_max = bytes_max,
        .ca_file = step->spec->ca_file,
    };
    step->rc = stk_http_run(step->http, &request, &step->reply, &step->err);
    step->header_count = 0; /* what they point at ends here */
    step->now = stk_clock_now();
}

/* To where the reply sends us; false: nowhere, or where we do not go. */
static bool follow(struct stk_http_step *step)
{
    char location[LOCATION_BYTES];
    char *target = NULL;
    int status = step->reply.status;
    bool is_redirect = step->rc == STK_OK && status >= 301 && status <= 308 && status != 304;
    bool is_get = strcmp(step->ask->method, "GET") == 0;
    if (!is_redirect || !is_get || stk_http_leads_to_login(&step->reply)) return false;
    if (stk_http_reply_header(&step->reply, "location", 0, location, sizeof(location)) == NULL ||
        stk_url_resolve(step->url, location, &target, NULL) != STK_OK) {
        return false;
    }
    bool is_weaker =
        strncasecmp(step->url, "https:", 6) == 0 && strncasecmp(target, "https:", 6) != 0;
    if (is_weaker) {
        free(target);
        return false;
    }
    free(step->url);
    step->url = target;
    return true;
}

enum stk_http_said stk_http_send(struct stk_http_step *step, enum stk_limit_class class_,
                                 size_t bytes_max)
{
    clear_reply(step);
    send_once(step, bytes_max);
    for (int hops = 0; hops < HOPS_MAX && follow(step); hops++) {
        send_once(step, bytes_max);
    }
    const struct stk_buf *body = &step->reply.body;
    bool has_body = step->rc == STK_OK && body->len > 0;
    if (!has_body || stk_json_parse(body->data, body->len, &step->answer, NULL) != STK_OK) {
        step->answer = NULL;
    }
    step->hint = (struct stk_hint){ .limit = -1, .remaining = -1, .reset_ns = -1 };
    if (step->rc == STK_OK) {
        stk_hint_read(stk_buf_str(&step->reply.headers), step->now, &step->hint);
    }
    return stk_http_judge(step, class_);
}
