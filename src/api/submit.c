/* SPDX-License-Identifier: MIT
 *
 * submit - one job, or a file of them, into the store.
 *
 * Everything that can be wrong with what a person wrote is found before the
 * first row is written; after that only the store can fail.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/routes.h"
#include "api/show.h"
#include "base/alloc.h"
#include "base/text.h"
#include "base/timetext.h"
#include "feed/table.h"
#include "model/shown.h"

/* So that now + wait is still a time. */
#define WAIT_MAX (36500 * STK_DAY)

struct submit {
    const struct stk_task *task;
    struct stk_buf texts;       /* of all params, one behind the other */
    struct stk_new_job *jobs;   /* params point into texts once those are complete */
    struct stk_submitted *done; /* one each */
    size_t count;
    const char *key;
    int32_t priority;
    stk_time_ns at; /* a time, or with at_is_wait how long from now */
    bool at_is_wait;
};

/* One transaction's share of it. */
struct chunk {
    const struct submit *submit;
    size_t first, count;
};

static void release(struct submit *submit)
{
    stk_buf_release(&submit->texts);
    free(submit->jobs);
    free(submit->done);
}

/* --- what was asked ------------------------------------------------------ */

static enum stk_rc ask_task(const struct stk_call *call, struct submit *submit,
                            struct stk_error *err)
{
    const char *name = NULL;
    enum stk_rc rc = stk_json_get_string(call->request->body, "task", &name, err);
    if (rc != STK_OK) return rc;
    if (name == NULL) return stk_fail(err, STK_INVALID, "task is missing: which one?");

    submit->task = stk_settings_task(call->api->settings, name);
    if (submit->task == NULL) {
        return stk_settings_fail_unknown_task(call->api->settings, name, err);
    }
    submit->priority = submit->task->priority;
    return STK_OK;
}

static enum stk_rc ask_at(const struct stk_call *call, struct submit *submit, struct stk_error *err)
{
    const char *text = NULL;
    enum stk_rc rc = stk_json_get_string(call->request->body, "at", &text, err);
    if (rc != STK_OK || text == NULL) return rc;

    submit->at_is_wait = text[0] == '+';
    bool is_right = submit->at_is_wait ? stk_duration_parse(text + 1, &submit->at)
                                       : stk_time_parse(text, &submit->at);
    if (!is_right || (submit->at_is_wait && submit->at > WAIT_MAX)) {
        STK_CLEANUP(stk_freep) char *shown = stk_shown(text);
        return stk_fail(err, STK_INVALID,
                        "at must be a time such as 2026-11-24T03:10:00Z or a wait such as +1h30m, "
                        "not \"%s\"",
                        shown);
    }
    return STK_OK;
}

static bool is_printable(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) return false;
    }
    return true;
}

static enum stk_rc ask_key(const struct stk_call *call, struct submit *submit,
                           struct stk_error *err)
{
    enum stk_rc rc = stk_json_get_string(call->request->body, "key", &submit->key, err);
    if (rc != STK_OK || submit->key == NULL) return rc;

    size_t len = strlen(submit->key);
    if (len == 0 || len > STK_KEY_BYTES_MAX || !is_printable(submit->key)) {
        return stk_fail(err, STK_INVALID, "key must be 1 to %d bytes without control characters",
                        STK_KEY_BYTES_MAX);
    }
    return STK_OK;
}

/* --- the parameters ------------------------------------------------------ */

static void make_room(struct submit *submit, size_t count)
{
    submit->jobs = stk_realloc(NULL, count > 0 ? count : 1, sizeof *submit->jobs);
    submit->done = stk_realloc(NULL, count > 0 ? count : 1, sizeof *submit->done);
}

static void add_job(struct submit *submit, const json_t *params)
{
    size_t begin = submit->texts.len;
    stk_json_add(&submit->texts, params);
    submit->jobs[submit->count++] = (struct stk_new_job){
        .params_len = submit->texts.len - begin,
        .key = submit->key,
        .priority = submit->priority,
    };
    stk_buf_addc(&submit->texts, '\0');
}

/* Only now do the texts stay where they are. */
static void point_to_texts(struct submit *submit)
{
    const char *text = stk_buf_str(&submit->texts);
    for (size_t i = 0; i < submit->count; i++) {
        submit->jobs[i].params = text;
        text += submit->jobs[i].params_len + 1;
    }
}

static enum stk_rc take_params(struct submit *submit, const json_t *given, bool from_text,
                               struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *params = NULL;
    STK_CLEANUP(stk_json_freep) json_t *none = json_object();
    const json_t *object = given != NULL ? given : none;

    if (!json_is_object(object)) {
        return stk_fail(err, STK_INVALID, "%s must be an object of parameters",
                        from_text ? "text_params" : "params");
    }
    enum stk_rc rc = stk_params_check(submit->task, object, from_text, &params, err);
    if (rc != STK_OK) return rc;

    make_room(submit, 1);
    add_job(submit, params);
    return STK_OK;
}

static enum stk_rc take_file(struct submit *submit, const json_t *file, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *rows = NULL;
    const char *name = "file";
    const char *text = NULL;

    enum stk_rc rc = json_is_object(file)
                         ? stk_json_only(file, (const char *const[]){ "name", "text", NULL }, err)
                         : stk_fail(err, STK_INVALID, "file must be an object: name, text");
    if (rc == STK_OK) rc = stk_json_get_string(file, "name", &name, err);
    if (rc == STK_OK) rc = stk_json_get_string(file, "text", &text, err);
    if (rc != STK_OK) return rc;
    if (text == NULL) return stk_fail(err, STK_INVALID, "file has no text");
    if (submit->key != NULL) {
        return stk_fail(err, STK_INVALID, "key goes with one job, not with a file of them");
    }

    STK_CLEANUP(stk_freep) char *shown = stk_shown(name);
    rc = stk_table_jsonl(submit->task, shown, text, strlen(text), true, &rows, err);
    if (rc != STK_OK) return rc;

    make_room(submit, json_array_size(rows));
    for (size_t i = 0; i < json_array_size(rows); i++) {
        add_job(submit, json_array_get(rows, i));
    }
    return STK_OK;
}

static const json_t *member(const struct stk_call *call, const char *name)
{
    const json_t *value = json_object_get(call->request->body, name);
    return json_is_null(value) ? NULL : value;
}

static enum stk_rc take_jobs(const struct stk_call *call, struct submit *submit,
                             struct stk_error *err)
{
    const json_t *params = member(call, "params");
    const json_t *text_params = member(call, "text_params");
    const json_t *file = member(call, "file");
    if ((params != NULL) + (text_params != NULL) + (file != NULL) > 1) {
        return stk_fail(err, STK_INVALID, "only one of params, text_params and file can be given");
    }

    if (file != NULL) return take_file(submit, file, err);
    return take_params(submit, text_params != NULL ? text_params : params, text_params != NULL,
                       err);
}

/* --- into the store ------------------------------------------------------ */

static enum stk_rc write_chunk(struct stk_store *store, void *arg, stk_time_ns now,
                               struct stk_error *err)
{
    const struct chunk *chunk = arg;
    const struct submit *submit = chunk->submit;
    struct stk_new_job *jobs = submit->jobs + chunk->first;
    int64_t task_id = 0;

    enum stk_rc rc = stk_store_task(store, submit->task->name, submit->task->queue, &task_id, err);
    if (rc != STK_OK) return rc;

    for (size_t i = 0; i < chunk->count; i++) {
        jobs[i].task_id = task_id;
        jobs[i].ready_at = submit->at_is_wait ? now + submit->at : submit->at;
    }
    return stk_store_submit(store, jobs, chunk->count, now, submit->done + chunk->first, err);
}

/* A file of more than one chunk is not one transaction: who has no room for its
 * end is told which part of it is in. */
static enum stk_rc write_all(const struct stk_call *call, const struct submit *submit,
                             struct stk_error *err)
{
    struct stk_error why = { .rc = STK_OK };
    size_t first = 0;
    while (first < submit->count && why.rc == STK_OK) {
        size_t left = submit->count - first;
        struct chunk chunk = { .submit = submit,
                               .first = first,
                               .count = left < STK_STORE_CHUNK ? left : STK_STORE_CHUNK };
        if (stk_write(&call->api->access, write_chunk, &chunk, &why) == STK_OK) {
            first += chunk.count;
        }
    }
    if (why.rc == STK_OK) return STK_OK;

    if (first == 0) return stk_fail(err, why.rc, "%s", why.text);
    return stk_fail(err, why.rc,
                    "only the first %zu of %zu jobs were submitted, %" PRId64 " to %" PRId64 ": %s",
                    first, submit->count, submit->done[0].id, submit->done[first - 1].id, why.text);
}

static json_t *show(const struct submit *submit)
{
    json_t *shown = json_object();
    size_t last = submit->count > 0 ? submit->count - 1 : 0;
    int64_t existing = 0;
    for (size_t i = 0; i < submit->count; i++) {
        existing += submit->done[i].existing;
    }

    stk_put(shown, "first_id", submit->count > 0 ? json_integer(submit->done[0].id) : json_null());
    stk_put(shown, "last_id",
            submit->count > 0 ? json_integer(submit->done[last].id) : json_null());
    stk_put(shown, "count", json_integer((json_int_t)submit->count));
    stk_put(shown, "existing", json_integer(existing));
    return shown;
}

enum stk_rc stk_api_submit(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    STK_CLEANUP(release) struct submit submit = { .texts = STK_BUF_INIT };
    bool has_priority = false;

    enum stk_rc rc = ask_task(call, &submit, err);
    if (rc == STK_OK) rc = stk_call_priority(call, &submit.priority, &has_priority, err);
    if (rc == STK_OK) rc = ask_at(call, &submit, err);
    if (rc == STK_OK) rc = ask_key(call, &submit, err);
    if (rc == STK_OK) rc = take_jobs(call, &submit, err);
    if (rc != STK_OK) return rc;

    point_to_texts(&submit);
    rc = write_all(call, &submit, err);
    if (rc != STK_OK) return rc;

    *ret = show(&submit);
    return STK_OK;
}
