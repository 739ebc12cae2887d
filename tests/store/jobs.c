/* SPDX-License-Identifier: MIT */
#include "store/jobs.h"

#include <stdio.h>
#include <string.h>

const struct stk_queue *queue_named(const char *name)
{
    const struct stk_queue *queues = NULL;
    size_t count = 0;
    OK(stk_store_queues(store, &queues, &count, &err));
    for (size_t i = 0; i < count; i++) {
        if (strcmp(queues[i].name, name) == 0) return &queues[i];
    }
    fail_msg("no queue %s", name);
    return NULL;
}

struct stk_new_job plain_job(int64_t task_id, const char *params)
{
    return (
        struct stk_new_job){ .task_id = task_id, .params = params, .params_len = strlen(params) };
}

int64_t submit_job(struct stk_new_job job)
{
    struct stk_submitted made = { 0 };
    begin();
    OK(stk_store_submit(store, &job, 1, NOW, &made, &err));
    commit();
    assert_true(made.id > 0);
    assert_false(made.existing);
    return made.id;
}

static void keep_claim(void *context, const struct stk_claim *claim)
{
    struct claims *claims = context;
    assert_true(claims->count < JOBS_MAX);
    assert_int_equal(strlen(claim->params), claim->params_len);
    claims->claims[claims->count] = *claim;
    claims->claims[claims->count++].params = NULL;
}

size_t claim_in_txn(const char *queue, size_t count, stk_time_ns now, struct claims *ret)
{
    uint32_t slots[JOBS_MAX];
    size_t got = 0;
    for (size_t i = 0; i < count; i++) {
        slots[i] = (uint32_t)i + 1;
    }
    ret->count = 0;
    OK(stk_store_claim(store, queue_named(queue)->id, pool, slots, count, now, keep_claim, ret,
                       &got, &err));
    assert_int_equal(got, ret->count);
    return got;
}

size_t claim(const char *queue, size_t count, struct claims *ret)
{
    begin();
    size_t got = claim_in_txn(queue, count, NOW, ret);
    commit();
    return got;
}

struct stk_settle completed(const struct stk_claim *of, const char *result)
{
    return (struct stk_settle){
        .id = of->id,
        .attempt_id = of->attempt_id,
        .outcome = STK_OUTCOME_COMPLETED,
        .to = { .state = STK_STATE_COMPLETED, .ready_at = STK_NEVER, .counts = true },
        .result = result,
        .result_len = result != NULL ? strlen(result) : 0,
        .exit_status = 0,
    };
}

/* Any other outcome, by the rule of model/lifecycle. */
struct stk_settle ended(const struct stk_claim *of, enum stk_outcome outcome,
                        const struct stk_retry *retry, const char *error)
{
    struct stk_attempt_facts facts = { .attempt = of->attempt,
                                       .interruptions = of->interruptions,
                                       .retry = retry };
    return (struct stk_settle){
        .id = of->id,
        .attempt_id = of->attempt_id,
        .outcome = outcome,
        .to = stk_lifecycle_settle(&facts, outcome, NOW, 0, 7),
        .error = error,
        .tail = "last words\n",
        .tail_len = 11,
        .exit_status = 1,
    };
}

static void see_attempt(void *context, const struct stk_attempt *attempt)
{
    struct seen_attempts *seen = context;
    size_t len = strlen(seen->text);
    (void)snprintf(seen->text + len, sizeof(seen->text) - len, "%u %s %s;", attempt->attempt,
                   attempt->outcome, attempt->error != NULL ? attempt->error : "-");
    seen->count++;
}

struct seen_attempts attempts(int64_t id)
{
    struct seen_attempts seen = { 0 };
    OK(stk_store_attempts(store, id, see_attempt, &seen, &err));
    return seen;
}

static void count_event(void *context, const struct stk_event *event)
{
    struct {
        const char *kind;
        size_t count;
    } *counted = context;
    if (strcmp(event->kind, counted->kind) == 0) counted->count++;
}

size_t events_of(int64_t job_id, enum stk_event_kind kind)
{
    struct {
        const char *kind;
        size_t count;
    } counted = { stk_event_name(kind), 0 };
    OK(stk_store_events(store, 0, job_id, STK_PAGE_MAX, count_event, &counted, &err));
    return counted.count;
}

struct stk_job_range just(int64_t id)
{
    return (struct stk_job_range){ .first = id, .last = id, .state = -1 };
}

struct stk_bulk cancel(int64_t id)
{
    struct stk_job_range range = just(id);
    struct stk_bulk bulk = { 0 };
    begin();
    OK(stk_store_cancel(store, &range, "no need", "ada", NOW, &bulk, NULL, NULL, &err));
    commit();
    return bulk;
}

struct stk_bulk retry(int64_t id)
{
    struct stk_job_range range = just(id);
    struct stk_bulk bulk = { 0 };
    begin();
    OK(stk_store_retry(store, &range, "again", "ada", NOW, &bulk, &err));
    commit();
    return bulk;
}

/* A job of the task brought into a state. */
int64_t job_in(const char *task, enum stk_state state)
{
    struct stk_retry once = { .attempts_max = 1 };
    int64_t id = submit(make_task(task));
    if (state == STK_STATE_PENDING) return id;
    if (state == STK_STATE_CANCELLED) {
        (void)cancel(id);
        return id;
    }
    struct stk_claim got = claim_one(task);
    assert_int_equal(got.id, id);
    if (state == STK_STATE_COMPLETED) assert_true(settle(completed(&got, "{\"y\":2}")));
    if (state == STK_STATE_FAILED) {
        assert_true(settle(ended(&got, STK_OUTCOME_FAILED, &once, "exit status 1")));
    }
    assert_int_equal(state_of(id), state);
    return id;
}

struct stk_bounds at_most(void *context, const char *task)
{
    assert_non_null(task);
    return (struct stk_bounds){ .interruptions_max = *(uint32_t *)context };
}

size_t promote(stk_time_ns now)
{
    size_t moved = 0;
    begin();
    OK(stk_store_promote(store, now, 100, &moved, &err));
    commit();
    return moved;
}

int64_t make_sweep(int64_t task)
{
    int64_t id = 0;
    begin();
    OK(stk_store_sweep_new(store, "s", task, "{\"x\":[1,2]}", 2, NOW, &id, &err));
    commit();
    return id;
}

/* --- around a test ------------------------------------------------------- */

int jobs_start_pool(void **state)
{
    (void)state;
    if (pool != 0) return 0;
    begin();
    OK(stk_store_pool_start(store, "here", 1, 8, BORN, &pool, &err));
    commit();
    return 0;
}

/* What a test leaves running or waiting would be in the way of the next. */
int jobs_clear(void **state)
{
    (void)state;
    stk_store_rollback(store);
    struct stk_bulk rescued = { 0 };
    struct stk_job_range all = { .first = 1, .last = INT64_MAX, .state = -1 };
    struct stk_bulk bulk = { 0 };
    begin();
    OK(stk_store_rescue(store, 0, at_most, &(uint32_t){ 1000 }, NOW, &rescued, &err));
    commit();
    do {
        begin();
        enum stk_rc rc = stk_store_cancel(store, &all, NULL, NULL, NOW, &bulk, NULL, NULL, &err);
        if (rc != STK_NOT_FOUND) OK(rc);
        commit();
    } while (bulk.more);
    (void)promote(NOW + 1000 * STK_DAY);
    pool = 0;
    return 0;
}
