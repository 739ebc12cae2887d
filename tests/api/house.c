/* SPDX-License-Identifier: MIT */
#include "api/house.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"

static const char yaml[] = "store: sqlite:t.db\n"
                           "workers: 2\n"
                           "grace: 1s\n"
                           "tasks:\n"
                           "  backtest:\n"
                           "    command: [/bin/true, \"{fast}\", \"{slow}\", \"{cost}\"]\n"
                           "    params:\n"
                           "      fast: {type: int, min: 1}\n"
                           "      slow: int\n"
                           "      cost: {type: float, default: 0.5}\n"
                           "  noop:\n"
                           "    command: [/bin/true]\n"
                           "  fail:\n"
                           "    command: [/bin/false]\n"
                           "    queue: other\n"
                           "    retry: {attempts: 1}\n";

static void must(enum stk_rc rc, const struct stk_error *err)
{
    if (rc != STK_OK) fail_msg("%s: %s", stk_rc_name(rc), err->text);
}

int house_set_up_without_store(void **state)
{
    struct house *house = stk_alloc(sizeof *house);
    struct stk_error err = { .rc = STK_OK };
    STK_CLEANUP(stk_config_closep) struct stk_node *root = NULL;

    (void)snprintf(house->dir, sizeof house->dir, "/tmp/stk_api.XXXXXX");
    assert_non_null(mkdtemp(house->dir));
    (void)snprintf(house->store_path, sizeof house->store_path, "%s/t.db", house->dir);
    must(stk_config_parse("stoker.yaml", yaml, strlen(yaml), &root, &err), &err);
    must(stk_settings_read(root, house->dir, &house->settings, &err), &err);
    for (size_t i = 0; i < house->settings->task_count; i++) {
        house->settings->tasks[i].executor = STK_EXECUTOR_NOOP;
    }
    house->now = stk_clock_now();
    *state = house;
    return 0;
}

static enum stk_rc add_pool(struct stk_store *store, void *arg, stk_time_ns now,
                            struct stk_error *err)
{
    return stk_store_pool_start(store, "here", getpid(), 2, now, arg, err);
}

int house_set_up(void **state)
{
    (void)house_set_up_without_store(state);
    struct house *house = *state;
    struct stk_error err = { .rc = STK_OK };
    const struct stk_store_options options = { .command = "test" };

    must(stk_store_open(house->settings->store, &options, &house->store, &err), &err);
    house->api =
        (struct stk_api){ .settings = house->settings, .access = stk_access_direct(house->store) };
    must(stk_write(&house->api.access, add_pool, &house->pool_id, &err), &err);
    return 0;
}

int house_tear_down(void **state)
{
    struct house *house = *state;
    stk_store_close(house->store);
    stk_settings_free(house->settings);

    STK_CLEANUP(stk_freep) char *command = stk_format("rm -rf %s", house->dir);
    FILE *rm = popen(command, "r");
    if (rm != NULL) (void)pclose(rm);
    free(house);
    return 0;
}

static enum stk_rc call(struct house *house, const char *method, const char *path_query,
                        const char *body, json_t **ret, struct stk_error *err)
{
    size_t path_len = strcspn(path_query, "?");
    STK_CLEANUP(stk_freep) char *path = stk_strndup(path_query, path_len);
    STK_CLEANUP(stk_json_freep) json_t *parsed = NULL;

    STK_CLEANUP(stk_freep) char *text = stk_strdup(body);
    for (char *quote = text; quote != NULL && (quote = strchr(quote, '\'')) != NULL;) {
        *quote = '"';
    }
    if (text != NULL) must(stk_json_parse(text, strlen(text), &parsed, err), err);
    struct stk_request request = {
        .method = method,
        .path = path,
        .query = path_query[path_len] == '?' ? path_query + path_len + 1 : NULL,
        .body = parsed,
        .actor = "anna",
        .now = house->now,
    };
    return stk_api_call(&house->api, &request, ret, err);
}

json_t *house_ask(struct house *house, const char *method, const char *path_query, const char *body)
{
    struct stk_error err = { .rc = STK_OK };
    json_t *answer = NULL;
    enum stk_rc rc = call(house, method, path_query, body, &answer, &err);
    if (rc != STK_OK) {
        fail_msg("%s %s: %s: %s", method, path_query, stk_rc_name(rc), err.text);
    }
    assert_non_null(answer);
    return answer;
}

void house_refuses(struct house *house, const char *method, const char *path_query,
                   const char *body, enum stk_rc rc, const char *sentence)
{
    struct stk_error err = { .rc = STK_OK };
    STK_CLEANUP(stk_json_freep) json_t *answer = NULL;
    enum stk_rc got = call(house, method, path_query, body, &answer, &err);

    assert_string_equal(err.text, sentence);
    assert_string_equal(stk_rc_name(got), stk_rc_name(rc));
    assert_int_equal(err.rc, rc);
    assert_null(answer);
}

/* --- work by hand -------------------------------------------------------- */

struct work {
    const struct house *house;
    const char *queue;
    int outcome;
    const char *text;
    struct stk_claim claim;
};

static void take_claim(void *context, const struct stk_claim *claim)
{
    struct work *work = context;
    work->claim = *claim;
}

static int64_t find_queue(struct stk_store *store, const char *name)
{
    const struct stk_queue *queues = NULL;
    size_t count = 0;
    assert_int_equal(stk_store_queues(store, &queues, &count, NULL), STK_OK);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(queues[i].name, name) == 0) return queues[i].id;
    }
    fail_msg("no queue %s", name);
    return 0;
}

static enum stk_rc claim_one(struct stk_store *store, void *arg, stk_time_ns now,
                             struct stk_error *err)
{
    struct work *work = arg;
    uint32_t slot = 1;
    size_t count = 0;
    size_t moved = 0;
    enum stk_rc rc = stk_store_promote(store, now, 100, &moved, err);
    if (rc != STK_OK) return rc;
    rc = stk_store_claim(store, find_queue(store, work->queue), work->house->pool_id, &slot, 1, now,
                         take_claim, work, &count, err);
    if (rc == STK_OK) assert_int_equal(count, 1);
    return rc;
}

static enum stk_rc settle_one(struct stk_store *store, void *arg, stk_time_ns now,
                              struct stk_error *err)
{
    const struct work *work = arg;
    const struct stk_retry retry = { .attempts_max = 1, .interruptions_max = 10 };
    const struct stk_attempt_facts facts = { .attempt = work->claim.attempt, .retry = &retry };
    enum stk_outcome outcome = (enum stk_outcome)work->outcome;
    bool is_done = outcome == STK_OUTCOME_COMPLETED;
    struct stk_settle settle = {
        .id = work->claim.id,
        .attempt_id = work->claim.attempt_id,
        .outcome = outcome,
        .to = stk_lifecycle_settle(&facts, outcome, now, 0, 0),
        .result = is_done ? work->text : NULL,
        .result_len = is_done ? strlen(work->text) : 0,
        .error = is_done ? NULL : work->text,
        .exit_status = is_done ? 0 : 3,
    };
    enum stk_rc rc = stk_store_settle(store, &settle, 1, now, err);
    if (rc == STK_OK) assert_true(settle.accepted);
    return rc;
}

int64_t house_work(struct house *house, const char *queue, int outcome, const char *text)
{
    struct work work = { .house = house, .queue = queue, .outcome = outcome, .text = text };
    struct stk_error err = { .rc = STK_OK };

    must(stk_write(&house->api.access, claim_one, &work, &err), &err);
    if (outcome >= 0) must(stk_write(&house->api.access, settle_one, &work, &err), &err);
    return work.claim.id;
}

/* --- members ------------------------------------------------------------- */

const json_t *house_at(const json_t *value, const char *path)
{
    STK_CLEANUP(stk_freep) char *copy = stk_strdup(path);
    char *rest = NULL;
    for (char *part = strtok_r(copy, ".", &rest); part != NULL; part = strtok_r(NULL, ".", &rest)) {
        value = json_is_array(value) ? json_array_get(value, strtoul(part, NULL, 10))
                                     : json_object_get(value, part);
        if (value == NULL) fail_msg("no member %s in %s", part, path);
    }
    return value;
}

int64_t house_int(const json_t *value, const char *path)
{
    const json_t *member = house_at(value, path);
    if (!json_is_integer(member)) fail_msg("%s is no integer", path);
    return json_integer_value(member);
}

const char *house_text(const json_t *value, const char *path)
{
    const json_t *member = house_at(value, path);
    if (!json_is_string(member)) fail_msg("%s is no text", path);
    return json_string_value(member);
}
