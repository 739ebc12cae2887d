/* SPDX-License-Identifier: MIT */
#include "exec/http_talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/redact.h"
#include "base/text.h"
#include "exec/http_verdict.h"

enum { WHERE_BYTES_MAX = 160 };

/* What one request is made of, until it has been sent. */
struct letter {
    struct stk_http_header headers[STK_HTTP_HEADERS_MAX];
    size_t header_count;
    struct stk_buf texts; /* of the step's headers, each ended by a NUL; reserved before */
    struct stk_buf lines; /* of the session's; secret */
    struct stk_buf body;
    bool has_body, has_type;
};

static void release_letter(struct letter *letter)
{
    stk_buf_release(&letter->texts);
    stk_buf_wipe(&letter->lines);
    stk_buf_release(&letter->body);
}

/* --- the turn ------------------------------------------------------------- */

struct stk_http_values stk_http_values_of(const struct stk_http_turn *turn)
{
    return (struct stk_http_values){ .task = turn->job->task,
                                     .job_id = turn->job->id,
                                     .params = turn->params,
                                     .handle = turn->result->remote.handle,
                                     .body = turn->body };
}

enum stk_rc stk_http_address(const struct stk_http_turn *turn, const char *template, char **ret,
                             struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    struct stk_http_values values = stk_http_values_of(turn);
    enum stk_rc rc = stk_http_render(&values, template, STK_HTTP_IN_URL, &text, err);
    if (rc != STK_OK) return rc;
    const char *base = turn->origin != NULL ? turn->origin : stk_buf_str(&text);
    return stk_url_resolve(base, stk_buf_str(&text), ret, err);
}

enum stk_rc stk_http_turn_init(struct stk_http_turn *turn, struct stk_error *err)
{
    const struct stk_exec_job *job = turn->job;
    enum stk_rc rc = stk_json_parse(job->params, job->params_len, &turn->params, err);
    if (rc != STK_OK) return rc;
    turn->now = stk_clock_now();
    return stk_http_address(turn, turn->spec->submit.url, &turn->origin, err);
}

void stk_http_turn_release(struct stk_http_turn *turn)
{
    json_decref(turn->params);
    json_decref(turn->body);
    stk_freep(&turn->origin);
}

struct stk_http_answer stk_http_answer_of(const struct stk_http_turn *turn)
{
    return (struct stk_http_answer){ .status = turn->reply->status,
                                     .headers = stk_buf_str(&turn->reply->headers),
                                     .body = turn->body };
}

/* --- writing the letter --------------------------------------------------- */

static enum stk_rc add_header(struct letter *letter, const char *name, const char *value,
                              struct stk_error *err)
{
    if (letter->header_count == STK_ARRAY_LEN(letter->headers)) {
        return stk_fail(err, STK_INVALID, "the task and its session have more than %d headers",
                        STK_HTTP_HEADERS_MAX);
    }
    letter->headers[letter->header_count++] = (struct stk_http_header){ name, value };
    if (strcasecmp(name, "content-type") == 0) letter->has_type = true;
    return STK_OK;
}

/* All into one buffer first: it moves while it grows. */
static enum stk_rc add_step_headers(const struct stk_http_turn *turn,
                                    const struct stk_http_step *step, struct letter *letter,
                                    struct stk_error *err)
{
    struct stk_http_values values = stk_http_values_of(turn);
    char *const *pairs = step->headers;
    for (size_t i = 0; pairs != NULL && pairs[i] != NULL; i += 2) {
        enum stk_rc rc =
            stk_http_render(&values, pairs[i + 1], STK_HTTP_IN_TEXT, &letter->texts, err);
        if (rc != STK_OK) return rc;
        stk_buf_addc(&letter->texts, '\0');
    }
    const char *value = stk_buf_str(&letter->texts);
    for (size_t i = 0; pairs != NULL && pairs[i] != NULL; i += 2) {
        enum stk_rc rc = add_header(letter, pairs[i], value, err);
        if (rc != STK_OK) return rc;
        value += strlen(value) + 1;
    }
    return STK_OK;
}

/* "Name: value\n" lines, taken apart in place. */
static enum stk_rc add_session_headers(const struct stk_secret *lines, struct letter *letter,
                                       struct stk_error *err)
{
    stk_buf_reserve(&letter->lines, stk_secret_len(lines) + 1);
    stk_buf_add(&letter->lines, stk_secret_bytes(lines), stk_secret_len(lines));
    char *line = letter->lines.data;
    while (line != NULL && *line != '\0') {
        char *end = line + strcspn(line, "\n");
        char *next = *end == '\n' ? end + 1 : end;
        char *colon = strchr(line, ':');
        *end = '\0';
        if (colon != NULL && colon < end) {
            *colon = '\0';
            enum stk_rc rc = add_header(letter, line, colon + 1 + strspn(colon + 1, " "), err);
            if (rc != STK_OK) return rc;
        }
        line = next;
    }
    return STK_OK;
}

static enum stk_rc add_body(const struct stk_http_turn *turn, const struct stk_http_step *step,
                            struct letter *letter, struct stk_error *err)
{
    struct stk_http_values values = stk_http_values_of(turn);
    letter->has_body = step->json != NULL || step->body != NULL;
    if (step->body != NULL) {
        return stk_http_render(&values, step->body, STK_HTTP_IN_TEXT, &letter->body, err);
    }
    if (step->json == NULL) return STK_OK;

    STK_CLEANUP(stk_json_freep) json_t *filled = NULL;
    enum stk_rc rc = stk_http_render_json(&values, step->json, &filled, err);
    if (rc != STK_OK) return rc;
    stk_json_add(&letter->body, filled);
    return letter->has_type ? STK_OK : add_header(letter, "Content-Type", "application/json", err);
}

/* What the session shows goes to the authority alone, not to where a handle or a
 * result may lead. */
static enum stk_rc write_letter(const struct stk_http_turn *turn, const struct stk_http_step *step,
                                const char *url, struct letter *letter, struct stk_error *err)
{
    enum stk_rc rc = add_step_headers(turn, step, letter, err);
    if (rc == STK_OK) rc = add_body(turn, step, letter, err);
    if (rc != STK_OK || turn->job->headers == NULL) return rc;
    if (!stk_url_is_same_origin(url, turn->origin)) return STK_OK;
    return add_session_headers(turn->job->headers, letter, err);
}

/* --- sending it ----------------------------------------------------------- */

static void read_body(struct stk_http_turn *turn)
{
    const struct stk_buf *body = &turn->reply->body;
    json_decref(turn->body);
    turn->body = NULL;
    if (body->len == 0) return;
    if (stk_json_parse(body->data, body->len, &turn->body, NULL) != STK_OK) turn->body = NULL;
}

/* A step of the job, on its worker's console: without the query, which may hold
 * what the console should not. */
static void say(const struct stk_http_turn *turn, const struct stk_http_step *step, const char *url)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    size_t len = strcspn(url, "?#");
    stk_buf_addf(&text, "%s ", step->method);
    stk_text_add_escaped(&text, url, len > WHERE_BYTES_MAX ? WHERE_BYTES_MAX : len);
    if (turn->reply->status > 0) {
        stk_buf_addf(&text, ": %d", turn->reply->status);
    } else {
        stk_buf_addf(&text, ": %s", turn->why);
    }
    (void)stk_redact(text.data, text.len);
    turn->line(turn->context, STK_STREAM_STDOUT, text.data, text.len);
}

void stk_http_ask(struct stk_http_turn *turn, const struct stk_http_step *step, const char *url,
                  enum stk_limit_class class_, size_t bytes_max)
{
    STK_CLEANUP(release_letter) struct letter letter = { 0 };
    struct stk_error err = { 0 };
    stk_http_reply_release(turn->reply); /* nothing of the answer before */
    enum stk_rc rc = write_letter(turn, step, url, &letter, &err);
    if (rc == STK_OK) {
        const struct stk_http_request request = {
            .method = step->method,
            .url = url,
            .headers = letter.headers,
            .header_count = letter.header_count,
            .body = letter.has_body ? stk_buf_str(&letter.body) : NULL,
            .body_len = letter.body.len,
            .timeout_ns = turn->spec->timeout_ns,
            .bytes_max = bytes_max,
            .redirects_max = strcmp(step->method, "GET") == 0 ? turn->spec->redirects : 0,
            .ca_file = turn->spec->ca_file,
        };
        rc = stk_http_run(turn->http, &request, turn->reply, &err);
    }
    turn->now = stk_clock_now();
    read_body(turn);
    stk_hint_read(stk_buf_str(&turn->reply->headers), turn->now, &turn->hint);
    bool is_question = step != &turn->spec->submit && step != &turn->spec->cancel;
    stk_http_judge(turn, rc, &err, class_, is_question);
    say(turn, step, url);
}
