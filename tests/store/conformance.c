/* SPDX-License-Identifier: MIT
 *
 * What every store engine must do. The store comes in STK_TEST_STORE: a URL, or
 * the name of an engine that needs no server ("sqlite"), which is given a fresh
 * file. One store serves the whole run, so each test has a task of its own.
 */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/rand.h"
#include "store/store.h"

enum { JOBS_MAX = 600 };

/* Any moment: the store is told the time. */
#define NOW ((stk_time_ns)1800000000 * STK_SECOND)
/* When a test's pools start: on a shared store their lease has long run out, so that any
 * rescue takes them for gone, as on SQLite it does without a lease. */
#define BORN (NOW - STK_HOUR)

#define OK(call) check((call), &err, #call, __LINE__)

static struct stk_store *store;
static struct stk_error err;
static int64_t pool;

static void check(enum stk_rc rc, const struct stk_error *error, const char *call, int line)
{
    if (rc != STK_OK) fail_msg("line %d: %s: %s: %s", line, call, stk_rc_name(rc), error->text);
}

/* --- short words for what most tests do ---------------------------------- */

static void begin(void)
{
    OK(stk_store_begin(store, &err));
}

static void commit(void)
{
    OK(stk_store_commit(store, &err));
}

/* A task and the queue of the same name. */
static int64_t make_task(const char *name)
{
    int64_t id = 0;
    begin();
    OK(stk_store_task(store, name, name, &id, &err));
    commit();
    return id;
}

static const struct stk_queue *queue_named(const char *name)
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

static struct stk_new_job plain_job(int64_t task_id, const char *params)
{
    return (
        struct stk_new_job){ .task_id = task_id, .params = params, .params_len = strlen(params) };
}

static int64_t submit_job(struct stk_new_job job)
{
    struct stk_submitted made = { 0 };
    begin();
    OK(stk_store_submit(store, &job, 1, NOW, &made, &err));
    commit();
    assert_true(made.id > 0);
    assert_false(made.existing);
    return made.id;
}

static int64_t submit(int64_t task_id)
{
    return submit_job(plain_job(task_id, "{\"x\":1}"));
}

struct claims {
    struct stk_claim claims[JOBS_MAX];
    size_t count;
};

static void keep_claim(void *context, const struct stk_claim *claim)
{
    struct claims *claims = context;
    assert_true(claims->count < JOBS_MAX);
    assert_int_equal(strlen(claim->params), claim->params_len);
    claims->claims[claims->count] = *claim;
    claims->claims[claims->count++].params = NULL;
}

static size_t claim_in_txn(const char *queue, size_t count, stk_time_ns now, struct claims *ret)
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

static size_t claim(const char *queue, size_t count, struct claims *ret)
{
    begin();
    size_t got = claim_in_txn(queue, count, NOW, ret);
    commit();
    return got;
}

static struct stk_claim claim_one(const char *queue)
{
    struct claims got;
    assert_int_equal(claim(queue, 1, &got), 1);
    return got.claims[0];
}

static struct stk_settle completed(const struct stk_claim *of, const char *result)
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
static struct stk_settle ended(const struct stk_claim *of, enum stk_outcome outcome,
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

static bool settle(struct stk_settle settle)
{
    begin();
    OK(stk_store_settle(store, &settle, 1, NOW, &err));
    commit();
    return settle.accepted;
}

/* A job as it was read, its texts copied. */
struct seen {
    struct stk_job job;
    char params[256], result[256], error[256], held[64], task[64], queue[64];
};

static void copy(char *to, size_t size, const char *text)
{
    (void)snprintf(to, size, "%s", text != NULL ? text : "(null)");
}

static void see_job(void *context, const struct stk_job *job)
{
    struct seen *seen = context;
    seen->job = *job;
    copy(seen->params, sizeof(seen->params), job->params);
    copy(seen->result, sizeof(seen->result), job->result);
    copy(seen->error, sizeof(seen->error), job->error);
    copy(seen->held, sizeof(seen->held), job->held);
    copy(seen->task, sizeof(seen->task), job->task);
    copy(seen->queue, sizeof(seen->queue), job->queue);
}

static struct seen job(int64_t id)
{
    struct seen seen;
    OK(stk_store_job(store, id, see_job, &seen, &err));
    return seen;
}

static enum stk_state state_of(int64_t id)
{
    return job(id).job.state;
}

struct seen_attempts {
    size_t count;
    char text[1024]; /* "attempt outcome error;" of each */
};

static void see_attempt(void *context, const struct stk_attempt *attempt)
{
    struct seen_attempts *seen = context;
    size_t len = strlen(seen->text);
    (void)snprintf(seen->text + len, sizeof(seen->text) - len, "%u %s %s;", attempt->attempt,
                   attempt->outcome, attempt->error != NULL ? attempt->error : "-");
    seen->count++;
}

static struct seen_attempts attempts(int64_t id)
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

static size_t events_of(int64_t job_id, enum stk_event_kind kind)
{
    struct {
        const char *kind;
        size_t count;
    } counted = { stk_event_name(kind), 0 };
    OK(stk_store_events(store, 0, job_id, STK_PAGE_MAX, count_event, &counted, &err));
    return counted.count;
}

static struct stk_job_range just(int64_t id)
{
    return (struct stk_job_range){ .first = id, .last = id, .state = -1 };
}

static struct stk_bulk cancel(int64_t id)
{
    struct stk_job_range range = just(id);
    struct stk_bulk bulk = { 0 };
    begin();
    OK(stk_store_cancel(store, &range, "no need", "ada", NOW, &bulk, NULL, NULL, &err));
    commit();
    return bulk;
}

static struct stk_bulk retry(int64_t id)
{
    struct stk_job_range range = just(id);
    struct stk_bulk bulk = { 0 };
    begin();
    OK(stk_store_retry(store, &range, "again", "ada", NOW, &bulk, &err));
    commit();
    return bulk;
}

/* A job of the task brought into a state. */
static int64_t job_in(const char *task, enum stk_state state)
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

/* --- faults (first: they count passings) --------------------------------- */

static void commit__that_fails_leaves_nothing_behind(void **state)
{
    (void)state;
#ifdef STK_FAULTS
    struct stk_counts before;
    struct stk_counts after;
    int64_t task = make_task("commit-fails"); /* the first commit */
    struct stk_new_job new_job = plain_job(task, "{}");
    struct stk_submitted made = { 0 };
    OK(stk_store_counts(store, 0, &before, &err));

    begin();
    OK(stk_store_submit(store, &new_job, 1, NOW, &made, &err));
    assert_int_equal(stk_store_commit(store, &err), STK_UNAVAILABLE); /* the second */

    OK(stk_store_counts(store, 0, &after, &err));
    assert_memory_equal(&before, &after, sizeof(before));
    assert_int_equal(stk_store_job(store, made.id, see_job, &(struct seen){ 0 }, NULL),
                     STK_NOT_FOUND);
    assert_true(submit(task) >= made.id); /* a sequence may leave a gap */
#else
    skip();
#endif
}

static void submit__that_fails_can_be_undone_alone(void **state)
{
    (void)state;
#ifdef STK_FAULTS
    int64_t task = make_task("submit-fails");
    struct stk_new_job new_job = plain_job(task, "{}");
    struct stk_submitted made = { 0 };
    int64_t last = 0;
    begin();
    OK(stk_store_submit(store, &new_job, 1, NOW, &made, &err));
    last = made.id;
    OK(stk_store_savepoint(store, &err));
    enum stk_rc rc = STK_OK;
    while (rc == STK_OK) { /* until the planned passing */
        OK(stk_store_savepoint_keep(store, &err));
        last = made.id;
        OK(stk_store_savepoint(store, &err));
        rc = stk_store_submit(store, &new_job, 1, NOW, &made, &err);
    }
    assert_int_equal(rc, STK_UNAVAILABLE);
    stk_store_savepoint_undo(store);
    commit();

    int64_t newest = 0;
    OK(stk_store_last_job(store, &newest, &err));
    assert_int_equal(newest, last);
#else
    skip();
#endif
}

/* --- submit -------------------------------------------------------------- */

static void submit__keeps_what_was_given(void **state)
{
    (void)state;
    struct stk_new_job new_job = plain_job(make_task("keeps"), "{\"fast\":5,\"name\":\"Zoë\"}");
    new_job.priority = -3;
    new_job.key = "k1";
    struct seen seen = job(submit_job(new_job));

    assert_string_equal(seen.params, "{\"fast\":5,\"name\":\"Zoë\"}");
    assert_string_equal(seen.task, "keeps");
    assert_string_equal(seen.queue, "keeps");
    assert_string_equal(seen.result, "(null)");
    assert_int_equal(seen.job.state, STK_STATE_PENDING);
    assert_int_equal(seen.job.priority, -3);
    assert_int_equal(seen.job.created_at, NOW);
    assert_int_equal(seen.job.ready_at, NOW);
    assert_int_equal(seen.job.started_at, STK_NEVER);
    assert_int_equal(seen.job.finished_at, STK_NEVER);
    assert_int_equal(seen.job.attempt, 0);
}

static void submit__with_a_known_key_gives_the_job_that_has_it(void **state)
{
    (void)state;
    struct stk_new_job new_job = plain_job(make_task("key"), "{\"x\":1}");
    new_job.key = "monday";
    int64_t id = submit_job(new_job);
    struct stk_submitted made = { 0 };
    begin();
    OK(stk_store_submit(store, &new_job, 1, NOW, &made, &err));
    commit();
    assert_true(made.existing);
    assert_int_equal(made.id, id);
}

static void submit__with_a_key_taken_by_other_parameters_is_a_conflict(void **state)
{
    (void)state;
    int64_t task = make_task("key-taken");
    struct stk_new_job jobs[3] = { plain_job(task, "{\"x\":1}"), plain_job(task, "{\"x\":2}"),
                                   plain_job(task, "{\"x\":3}") };
    jobs[0].key = "k";
    int64_t id = submit_job(jobs[0]);
    jobs[2].key = "k";

    struct stk_submitted made[3];
    struct stk_counts before;
    struct stk_counts after;
    OK(stk_store_counts(store, 0, &before, &err));
    begin();
    assert_int_equal(stk_store_submit(store, jobs + 1, 2, NOW, made, &err), STK_CONFLICT);
    assert_non_null(strstr(err.text, "\"k\""));
    commit(); /* the transaction stays usable, and holds nothing of the call */

    int64_t last = 0;
    OK(stk_store_last_job(store, &last, &err));
    OK(stk_store_counts(store, 0, &after, &err));
    assert_int_equal(last, id);
    assert_memory_equal(&before, &after, sizeof(before));
}

static void submit__of_another_task_may_use_the_same_key(void **state)
{
    (void)state;
    struct stk_new_job one = plain_job(make_task("key-a"), "{}");
    struct stk_new_job other = plain_job(make_task("key-b"), "{}");
    one.key = other.key = "shared";
    assert_int_not_equal(submit_job(one), submit_job(other));
}

static void submit__of_params_that_are_no_json_is_refused(void **state)
{
    (void)state;
    struct stk_new_job new_job = plain_job(make_task("no-json"), "{fast");
    struct stk_submitted made = { 0 };
    begin();
    assert_int_not_equal(stk_store_submit(store, &new_job, 1, NOW, &made, &err), STK_OK);
    stk_store_rollback(store);
}

static void submit__of_an_unknown_task_is_refused(void **state)
{
    (void)state;
    struct stk_new_job new_job = plain_job(999999, "{}");
    struct stk_submitted made = { 0 };
    begin();
    assert_int_equal(stk_store_submit(store, &new_job, 1, NOW, &made, &err), STK_INVALID);
    commit();
}

static void submit__with_too_long_a_key_is_refused(void **state)
{
    (void)state;
    char key[STK_KEY_BYTES_MAX + 2];
    memset(key, 'k', sizeof(key) - 1);
    key[sizeof(key) - 1] = '\0';
    struct stk_new_job new_job = plain_job(make_task("long-key"), "{}");
    struct stk_submitted made = { 0 };
    new_job.key = key;
    begin();
    assert_int_equal(stk_store_submit(store, &new_job, 1, NOW, &made, &err), STK_INVALID);
    commit();
}

/* --- claim --------------------------------------------------------------- */

static void claim__of_an_empty_queue_gives_none(void **state)
{
    (void)state;
    struct claims got;
    (void)make_task("empty");
    assert_int_equal(claim("empty", 8, &got), 0);
}

static void claim__hands_a_job_out_once(void **state)
{
    (void)state;
    struct claims got;
    int64_t id = submit(make_task("once"));
    assert_int_equal(claim("once", 8, &got), 1);
    assert_int_equal(got.claims[0].id, id);
    assert_int_equal(got.claims[0].attempt, 1);
    assert_true(got.claims[0].attempt_id > 0);
    assert_int_equal(claim("once", 8, &got), 0);

    struct seen seen = job(id);
    assert_int_equal(seen.job.state, STK_STATE_RUNNING);
    assert_int_equal(seen.job.started_at, NOW);
    assert_int_equal(seen.job.ready_at, STK_NEVER);
    assert_int_equal(seen.job.pool_id, pool);
    assert_int_equal(seen.job.worker, 1);
    assert_string_equal(attempts(id).text, "1 running -;");
}

static void claim__takes_the_highest_priority_then_the_oldest(void **state)
{
    (void)state;
    static const int32_t priorities[] = { 0, 5, -1, 5, 0 };
    static const size_t order[] = { 1, 3, 0, 4, 2 };
    int64_t task = make_task("order");
    int64_t ids[STK_ARRAY_LEN(priorities)];
    struct claims got;
    for (size_t i = 0; i < STK_ARRAY_LEN(priorities); i++) {
        struct stk_new_job new_job = plain_job(task, "{}");
        new_job.priority = priorities[i];
        ids[i] = submit_job(new_job);
    }
    assert_int_equal(claim("order", 8, &got), STK_ARRAY_LEN(order));
    for (size_t i = 0; i < STK_ARRAY_LEN(order); i++) {
        assert_int_equal(got.claims[i].id, ids[order[i]]);
        assert_int_equal(got.claims[i].slot, i + 1);
    }
}

static void claim__takes_no_more_than_there_are_slots(void **state)
{
    (void)state;
    struct claims got;
    int64_t task = make_task("slots");
    for (int i = 0; i < 5; i++) {
        (void)submit(task);
    }
    assert_int_equal(claim("slots", 2, &got), 2);
    assert_int_equal(claim("slots", 0, &got), 0);
    assert_int_equal(claim("slots", 8, &got), 3);
}

static void claim__of_a_paused_queue_gives_none_until_it_is_resumed(void **state)
{
    (void)state;
    struct claims got;
    (void)submit(make_task("paused"));
    begin();
    OK(stk_store_queue_pause(store, "paused", true, "night", "ada", NOW, &err));
    assert_int_equal(claim_in_txn("paused", 8, NOW, &got), 0);
    commit();
    assert_true(queue_named("paused")->paused);
    assert_string_equal(queue_named("paused")->reason, "night");
    assert_string_equal(queue_named("paused")->actor, "ada");
    assert_int_equal(claim("paused", 8, &got), 0);

    begin();
    OK(stk_store_queue_pause(store, "paused", false, NULL, "ada", NOW, &err));
    commit();
    assert_false(queue_named("paused")->paused);
    assert_int_equal(claim("paused", 8, &got), 1);
}

static void pause__that_is_rolled_back_leaves_the_queue_open(void **state)
{
    (void)state;
    struct claims got;
    (void)submit(make_task("half-paused"));
    begin();
    OK(stk_store_queue_pause(store, "half-paused", true, "oops", "ada", NOW, &err));
    stk_store_rollback(store);
    assert_int_equal(claim("half-paused", 8, &got), 1);
}

static void pause__of_an_unknown_queue_is_not_found(void **state)
{
    (void)state;
    begin();
    assert_int_equal(stk_store_queue_pause(store, "nowhere", true, NULL, NULL, NOW, &err),
                     STK_NOT_FOUND);
    commit();
}

static void claim__that_is_rolled_back_leaves_the_job_pending(void **state)
{
    (void)state;
    struct claims got;
    int64_t id = submit(make_task("rolled-back"));
    begin();
    assert_int_equal(claim_in_txn("rolled-back", 1, NOW, &got), 1);
    stk_store_rollback(store);
    assert_int_equal(state_of(id), STK_STATE_PENDING);
    assert_int_equal(job(id).job.attempt, 0);
    assert_int_equal(claim("rolled-back", 1, &got), 1);
}

/* --- due times ----------------------------------------------------------- */

static size_t promote(stk_time_ns now)
{
    size_t moved = 0;
    begin();
    OK(stk_store_promote(store, now, 100, &moved, &err));
    commit();
    return moved;
}

static void claim__takes_no_job_before_it_is_due(void **state)
{
    (void)state;
    struct claims got;
    struct stk_new_job new_job = plain_job(make_task("future"), "{}");
    new_job.ready_at = NOW + STK_HOUR;
    int64_t id = submit_job(new_job);
    assert_int_equal(stk_store_next_due(store), NOW + STK_HOUR);
    assert_int_equal(promote(NOW + STK_HOUR - 1), 0);
    assert_int_equal(claim("future", 8, &got), 0);

    assert_int_equal(promote(NOW + STK_HOUR), 1);
    assert_int_equal(stk_store_next_due(store), STK_NEVER);
    assert_int_equal(claim("future", 8, &got), 1);
    assert_int_equal(got.claims[0].id, id);
}

static void next_due__is_right_after_a_rollback_and_an_undo(void **state)
{
    (void)state;
    int64_t task = make_task("due-back");
    struct stk_new_job late = plain_job(task, "{}");
    struct stk_new_job early = plain_job(task, "{}");
    struct stk_submitted made = { 0 };
    size_t moved = 0;
    late.ready_at = NOW + 2 * STK_HOUR;
    early.ready_at = NOW + STK_HOUR;
    (void)submit_job(late);

    begin();
    OK(stk_store_submit(store, &early, 1, NOW, &made, &err));
    assert_int_equal(stk_store_next_due(store), NOW + STK_HOUR);
    stk_store_rollback(store);
    assert_int_equal(stk_store_next_due(store), NOW + 2 * STK_HOUR);

    begin();
    OK(stk_store_savepoint(store, &err));
    OK(stk_store_promote(store, NOW + STK_DAY, 100, &moved, &err));
    assert_int_equal(moved, 1);
    stk_store_savepoint_undo(store);
    assert_int_equal(stk_store_next_due(store), NOW + 2 * STK_HOUR);
    commit();
    assert_int_equal(promote(NOW + STK_DAY), 1);
}

/* --- settle -------------------------------------------------------------- */

static void settle__completed_keeps_the_result(void **state)
{
    (void)state;
    int64_t id = submit(make_task("completed"));
    struct stk_claim got = claim_one("completed");
    assert_true(settle(completed(&got, "{\"sharpe\":1.5}")));
    struct seen seen = job(id);
    assert_int_equal(seen.job.state, STK_STATE_COMPLETED);
    assert_string_equal(seen.result, "{\"sharpe\":1.5}");
    assert_string_equal(seen.error, "(null)");
    assert_int_equal(seen.job.finished_at, NOW);
    assert_int_equal(seen.job.attempt, 1);
    assert_int_equal(seen.job.attempt_id, 0);
    assert_string_equal(attempts(id).text, "1 completed -;");
}

static void settle__stores_a_text_result_as_a_json_string(void **state)
{
    (void)state;
    int64_t id = submit(make_task("text-result"));
    struct stk_claim got = claim_one("text-result");
    struct stk_settle done = completed(&got, "say \"hi\"\n");
    done.result_is_text = true;
    assert_true(settle(done));
    assert_string_equal(job(id).result, "\"say \\\"hi\\\"\\n\"");
}

static void settle__with_no_result_is_completed_too(void **state)
{
    (void)state;
    int64_t id = submit(make_task("no-result"));
    struct stk_claim got = claim_one("no-result");
    assert_true(settle(completed(&got, NULL)));
    assert_string_equal(job(id).result, "(null)");
}

static void settle__with_an_old_attempt_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    int64_t id = submit(make_task("old-attempt"));
    struct stk_claim got = claim_one("old-attempt");
    struct stk_claim old = got;
    old.attempt_id++;
    assert_false(settle(completed(&old, "{\"stale\":1}")));
    struct seen seen = job(id);
    assert_int_equal(seen.job.state, STK_STATE_RUNNING);
    assert_int_equal(seen.job.attempt_id, got.attempt_id);
    assert_string_equal(seen.result, "(null)");
    assert_int_equal(events_of(id, STK_EVENT_ATTEMPT_LATE), 1);
    assert_true(settle(completed(&got, "{\"right\":1}")));
}

static void settle__a_second_time_is_refused(void **state)
{
    (void)state;
    struct stk_retry once = { .attempts_max = 1 };
    int64_t id = submit(make_task("second"));
    struct stk_claim got = claim_one("second");
    assert_true(settle(completed(&got, "{\"first\":1}")));
    assert_false(settle(completed(&got, "{\"second\":1}")));
    assert_false(settle(ended(&got, STK_OUTCOME_FAILED, &once, "late failure")));
    assert_string_equal(job(id).result, "{\"first\":1}");
    assert_int_equal(attempts(id).count, 1);
    assert_int_equal(events_of(id, STK_EVENT_ATTEMPT_LATE), 2);
}

static void settle__of_a_result_that_is_no_json_fails_its_job_alone(void **state)
{
    (void)state;
    int64_t task = make_task("bad-result");
    (void)submit(task);
    (void)submit(task);
    struct claims got;
    assert_int_equal(claim("bad-result", 2, &got), 2);
    struct stk_settle both[2] = { completed(&got.claims[0], "{broken"),
                                  completed(&got.claims[1], "{}") };
    begin();
    OK(stk_store_settle(store, both, 2, NOW, &err));
    commit();
    assert_true(both[0].accepted);
    assert_true(both[1].accepted);
    struct seen seen = job(got.claims[0].id);
    assert_int_equal(seen.job.state, STK_STATE_FAILED);
    assert_string_equal(seen.error, "its result is not valid JSON");
    assert_string_equal(seen.result, "(null)");
    assert_string_equal(attempts(seen.job.id).text, "1 failed_final its result is not valid JSON;");
    assert_int_equal(state_of(got.claims[1].id), STK_STATE_COMPLETED);
}

static void settle__of_a_move_the_schema_forbids_fails_the_job(void **state)
{
    (void)state;
    int64_t id = submit(make_task("forbidden"));
    struct stk_claim got = claim_one("forbidden");
    struct stk_settle wrong = completed(&got, NULL);
    wrong.outcome = STK_OUTCOME_FAILED;
    wrong.to = (struct stk_transition){ .state = STK_STATE_PENDING, .ready_at = STK_NEVER };
    assert_true(settle(wrong));
    assert_int_equal(state_of(id), STK_STATE_FAILED);
    assert_int_equal(events_of(id, STK_EVENT_ATTEMPT_FAILED), 1);
    assert_false(settle(completed(&got, NULL)));
}

static void settle__failed_with_attempts_left_waits_and_keeps_the_attempt(void **state)
{
    (void)state;
    struct stk_retry thrice = STK_RETRY_DEFAULT;
    struct claims none;
    int64_t id = submit(make_task("failed-once"));
    struct stk_claim got = claim_one("failed-once");
    assert_true(settle(ended(&got, STK_OUTCOME_FAILED, &thrice, "exit status 1")));

    struct seen seen = job(id);
    assert_int_equal(seen.job.state, STK_STATE_PENDING);
    assert_true(seen.job.ready_at > NOW);
    assert_int_equal(seen.job.attempt, 1);
    assert_int_equal(seen.job.started_at, STK_NEVER);
    assert_string_equal(seen.error, "exit status 1");
    assert_string_equal(attempts(id).text, "1 failed exit status 1;");
    assert_int_equal(events_of(id, STK_EVENT_ATTEMPT_FAILED), 1);
    assert_int_equal(stk_store_next_due(store), seen.job.ready_at);
    assert_int_equal(claim("failed-once", 1, &none), 0);

    assert_int_equal(promote(seen.job.ready_at), 1);
    got = claim_one("failed-once");
    assert_int_equal(got.attempt, 2);
    assert_true(settle(completed(&got, "{}")));
    assert_string_equal(job(id).error, "(null)");
    assert_string_equal(attempts(id).text, "1 failed exit status 1;2 completed -;");
}

static void settle__failed_at_last_keeps_the_error_and_the_note(void **state)
{
    (void)state;
    struct stk_retry once = { .attempts_max = 1 };
    int64_t id = submit(make_task("failed"));
    struct stk_claim got = claim_one("failed");
    struct stk_settle failed = ended(&got, STK_OUTCOME_FAILED, &once, "exit status 1");
    assert_non_null(failed.to.note);
    assert_true(settle(failed));
    struct seen seen = job(id);
    assert_int_equal(seen.job.state, STK_STATE_FAILED);
    assert_int_equal(seen.job.finished_at, NOW);
    assert_non_null(strstr(seen.error, "exit status 1"));
    assert_non_null(strstr(seen.error, failed.to.note));
}

static void settle__failed_without_a_sentence_gets_one(void **state)
{
    (void)state;
    struct stk_retry once = { .attempts_max = 1 };
    int64_t id = submit(make_task("speechless"));
    struct stk_claim got = claim_one("speechless");
    assert_true(settle(ended(&got, STK_OUTCOME_FAILED_FINAL, &once, NULL)));
    assert_non_null(strstr(job(id).error, stk_outcome_meaning(STK_OUTCOME_FAILED_FINAL)));
}

static void keep_len(void *context, const struct stk_job *of)
{
    *(size_t *)context = strlen(of->error);
}

static void settle__cuts_a_long_error_at_a_whole_character(void **state)
{
    (void)state;
    struct stk_retry once = { .attempts_max = 1 };
    struct stk_buf error = STK_BUF_INIT;
    stk_buf_addc(&error, 'x');
    while (error.len < 2 * STK_ERROR_BYTES_MAX) {
        stk_buf_adds(&error, "ë");
    }
    int64_t id = submit(make_task("long-error"));
    struct stk_claim got = claim_one("long-error");
    assert_true(settle(ended(&got, STK_OUTCOME_FAILED_FINAL, &once, stk_buf_str(&error))));
    size_t len = 0;
    OK(stk_store_job(store, id, keep_len, &len, &err));
    assert_int_equal(len, STK_ERROR_BYTES_MAX - 1);
    stk_buf_release(&error);
}

/* An outcome that does not count gives the attempt back and raises a counter. */
static void settle__that_does_not_count_gives_the_attempt_back(void **state)
{
    (void)state;
    static const enum stk_outcome given_back[] = { STK_OUTCOME_THROTTLED, STK_OUTCOME_SESSION_LOST,
                                                   STK_OUTCOME_INTERRUPTED };
    struct stk_retry thrice = STK_RETRY_DEFAULT;
    int64_t id = submit(make_task("given-back"));
    for (size_t i = 0; i < STK_ARRAY_LEN(given_back); i++) {
        struct stk_claim got = claim_one("given-back");
        assert_int_equal(got.attempt, 1);
        assert_true(settle(ended(&got, given_back[i], &thrice, NULL)));
        assert_int_equal(state_of(id), STK_STATE_PENDING);
    }
    struct seen seen = job(id);
    assert_int_equal(seen.job.attempt, 0);
    assert_int_equal(seen.job.throttles, 1);
    assert_int_equal(seen.job.session_waits, 1);
    assert_int_equal(seen.job.interruptions, 1);
    assert_string_equal(attempts(id).text, "1 interrupted -;");
}

static void settle__interrupted_too_often_quarantines_the_job(void **state)
{
    (void)state;
    struct stk_retry bound = STK_RETRY_DEFAULT;
    bound.interruptions_max = 2;
    int64_t id = submit(make_task("killer"));
    for (int i = 0; i < 3; i++) {
        struct stk_claim got = claim_one("killer");
        assert_true(settle(ended(&got, STK_OUTCOME_INTERRUPTED, &bound, "its pool died")));
    }
    assert_int_equal(state_of(id), STK_STATE_FAILED);
    assert_int_equal(job(id).job.interruptions, 3);
    assert_int_equal(events_of(id, STK_EVENT_JOB_QUARANTINED), 1);
}

static void settle__unknown_task_holds_the_job_until_it_is_released(void **state)
{
    (void)state;
    struct stk_retry thrice = STK_RETRY_DEFAULT;
    struct claims none;
    int64_t task = make_task("unknown");
    int64_t first = submit(task);
    (void)submit(task);
    for (int i = 0; i < 2; i++) {
        struct stk_claim got = claim_one("unknown");
        assert_true(settle(ended(&got, STK_OUTCOME_UNKNOWN_TASK, &thrice, NULL)));
    }
    struct seen seen = job(first);
    assert_int_equal(seen.job.state, STK_STATE_PENDING);
    assert_string_equal(seen.held, "unknown_task");
    assert_int_equal(seen.job.ready_at, STK_NEVER);
    assert_int_equal(seen.job.attempt, 0);
    assert_int_equal(claim("unknown", 8, &none), 0);
    assert_int_equal(events_of(first, STK_EVENT_JOB_HELD), 1);

    struct stk_bulk bulk = { 0 };
    begin();
    OK(stk_store_release_held(store, task, NOW, &bulk, &err));
    commit();
    assert_int_equal(bulk.changed, 2);
    assert_false(bulk.more);
    assert_string_equal(job(first).held, "(null)");
    assert_int_equal(claim("unknown", 8, &none), 2);
}

/* --- what people do ------------------------------------------------------ */

static const char *task_for(const char *what, enum stk_state state)
{
    static char name[64];
    (void)snprintf(name, sizeof(name), "%s-%s", what, stk_state_name(state));
    return name;
}

static void cancel__does_to_each_state_what_the_table_says(void **state)
{
    (void)state;
    for (int from = 0; from < STK_STATE_COUNT_; from++) {
        int64_t id = job_in(task_for("cancel", (enum stk_state)from), (enum stk_state)from);
        struct stk_bulk bulk = cancel(id);
        bool allowed = stk_lifecycle_allows((enum stk_state)from, STK_ACTION_CANCEL);
        assert_int_equal(bulk.changed + bulk.asked, allowed ? 1 : 0);
        assert_int_equal(bulk.skipped, allowed ? 0 : 1);
        if (!allowed) assert_int_equal(state_of(id), from);
    }
}

static void cancel__of_a_pending_job_ends_it_with_the_reason(void **state)
{
    (void)state;
    struct claims none;
    int64_t id = job_in("cancel-why", STK_STATE_PENDING);
    assert_int_equal(cancel(id).changed, 1);
    struct seen seen = job(id);
    assert_int_equal(seen.job.state, STK_STATE_CANCELLED);
    assert_int_equal(seen.job.finished_at, NOW);
    assert_string_equal(seen.error, "cancelled by ada: no need");
    assert_int_equal(claim("cancel-why", 8, &none), 0);
    assert_int_equal(events_of(id, STK_EVENT_JOBS_CANCELLED), 1);
}

static void note_running(void *context, int64_t job_id)
{
    *(int64_t *)context = job_id;
}

static void cancel__of_a_running_job_marks_it_and_names_it(void **state)
{
    (void)state;
    struct stk_retry thrice = STK_RETRY_DEFAULT;
    int64_t id = submit(make_task("cancel-running"));
    struct stk_claim got = claim_one("cancel-running");
    struct stk_job_range range = just(id);
    struct stk_bulk bulk = { 0 };
    int64_t told = 0;
    begin();
    OK(stk_store_cancel(store, &range, NULL, "ada", NOW, &bulk, note_running, &told, &err));
    commit();
    assert_int_equal(told, id);
    assert_int_equal(bulk.asked, 1);
    assert_int_equal(bulk.changed, 0);
    assert_true(job(id).job.cancel_requested);
    assert_int_equal(state_of(id), STK_STATE_RUNNING);

    /* A worker that has not heard of it reports a failure to be tried again. */
    assert_true(settle(ended(&got, STK_OUTCOME_FAILED, &thrice, "killed by signal 15")));
    assert_int_equal(state_of(id), STK_STATE_CANCELLED);
    assert_string_equal(job(id).error, "cancelled by ada");
}

static void cancel__of_a_running_job_that_completes_keeps_its_result(void **state)
{
    (void)state;
    int64_t id = submit(make_task("cancel-late"));
    struct stk_claim got = claim_one("cancel-late");
    assert_int_equal(cancel(id).asked, 1);
    assert_true(settle(completed(&got, "{\"y\":1}")));
    assert_int_equal(state_of(id), STK_STATE_COMPLETED);
    assert_string_equal(job(id).result, "{\"y\":1}");
}

static void cancel__of_a_range_without_jobs_is_not_found(void **state)
{
    (void)state;
    struct stk_job_range range = { .first = INT64_MAX - 5, .last = INT64_MAX, .state = -1 };
    struct stk_bulk bulk = { 0 };
    begin();
    assert_int_equal(stk_store_cancel(store, &range, NULL, NULL, NOW, &bulk, NULL, NULL, &err),
                     STK_NOT_FOUND);
    commit();
}

static void retry__does_to_each_state_what_the_table_says(void **state)
{
    (void)state;
    for (int from = 0; from < STK_STATE_COUNT_; from++) {
        int64_t id = job_in(task_for("retry", (enum stk_state)from), (enum stk_state)from);
        struct stk_bulk bulk = retry(id);
        bool allowed = stk_lifecycle_allows((enum stk_state)from, STK_ACTION_RETRY);
        assert_int_equal(bulk.changed, allowed ? 1 : 0);
        assert_int_equal(state_of(id), allowed ? STK_STATE_PENDING : (enum stk_state)from);
    }
}

static void retry__of_a_completed_job_makes_its_result_history(void **state)
{
    (void)state;
    int64_t id = job_in("retry-result", STK_STATE_COMPLETED);
    assert_int_equal(retry(id).changed, 1);
    struct seen seen = job(id);
    assert_string_equal(seen.result, "(null)");
    assert_int_equal(seen.job.attempt, 0);
    assert_int_equal(seen.job.retries, 1);
    assert_string_equal(attempts(id).text, "1 completed -;");

    struct stk_claim got = claim_one("retry-result");
    assert_int_equal(got.attempt, 1);
    assert_true(settle(completed(&got, "{\"new\":1}")));
    assert_string_equal(attempts(id).text, "1 completed -;1 completed -;");
}

static void retry__of_a_quarantined_job_gives_it_fresh_interruptions(void **state)
{
    (void)state;
    struct stk_retry bound = STK_RETRY_DEFAULT;
    bound.interruptions_max = 0;
    int64_t id = submit(make_task("retry-killer"));
    struct stk_claim got = claim_one("retry-killer");
    assert_true(settle(ended(&got, STK_OUTCOME_INTERRUPTED, &bound, NULL)));
    assert_int_equal(state_of(id), STK_STATE_FAILED);
    assert_int_equal(retry(id).changed, 1);
    assert_int_equal(job(id).job.interruptions, 0);
}

static void cancel__of_many_goes_in_bounded_steps(void **state)
{
    (void)state;
    enum { MANY = 2 * STK_STORE_CHUNK + 500 };
    int64_t task = make_task("many");
    static struct stk_new_job jobs[MANY];
    static struct stk_submitted made[MANY];
    for (size_t i = 0; i < MANY; i++) {
        jobs[i] = plain_job(task, "{}");
    }
    begin();
    OK(stk_store_submit(store, jobs, MANY, NOW, made, &err));
    commit();
    (void)cancel(made[7].id);

    struct stk_job_range range = { .first = made[0].id, .last = made[MANY - 1].id, .state = -1 };
    struct stk_bulk bulk = { 0 };
    int steps = 0;
    do {
        int64_t before = bulk.changed;
        begin();
        OK(stk_store_cancel(store, &range, NULL, "ada", NOW, &bulk, NULL, NULL, &err));
        commit();
        assert_true(bulk.changed - before <= STK_STORE_CHUNK);
        steps++;
    } while (bulk.more);
    assert_true(steps >= 3);
    assert_int_equal(bulk.changed, MANY - 1);
    assert_int_equal(bulk.skipped, 1);

    range.state = STK_STATE_CANCELLED;
    bulk = (struct stk_bulk){ 0 };
    do {
        begin();
        OK(stk_store_retry(store, &range, NULL, "ada", NOW, &bulk, &err));
        commit();
    } while (bulk.more);
    assert_int_equal(bulk.changed, MANY);
}

/* --- rescue -------------------------------------------------------------- */

static struct stk_bounds at_most(void *context, const char *task)
{
    assert_non_null(task);
    return (struct stk_bounds){ .interruptions_max = *(uint32_t *)context };
}

static void rescue__gives_back_the_jobs_of_other_pools_only(void **state)
{
    (void)state;
    int64_t other = 0;
    int64_t mine = submit(make_task("mine"));
    (void)claim_one("mine");
    int64_t task = make_task("lost");
    int64_t lost = submit(task);
    int64_t asked = submit(task);
    begin();
    OK(stk_store_pool_start(store, "elsewhere", 7, 4, BORN, &other, &err));
    commit();
    int64_t saved = pool;
    pool = other;
    struct claims got;
    assert_int_equal(claim("lost", 2, &got), 2);
    pool = saved;
    assert_int_equal(cancel(asked).asked, 1);

    struct stk_bulk bulk = { 0 };
    begin();
    OK(stk_store_rescue(store, pool, at_most, &(uint32_t){ 5 }, NOW, &bulk, &err));
    commit();
    assert_int_equal(bulk.changed, 2);
    assert_false(bulk.more);
    assert_int_equal(state_of(mine), STK_STATE_RUNNING);
    assert_int_equal(state_of(lost), STK_STATE_PENDING);
    assert_int_equal(state_of(asked), STK_STATE_CANCELLED);
    assert_int_equal(job(lost).job.attempt, 0);
    assert_int_equal(job(lost).job.interruptions, 1);
    assert_false(settle(completed(&got.claims[0], "{\"late\":1}")));
    assert_int_equal(claim("lost", 8, &got), 1);
}

static void rescue__quarantines_a_job_that_kills_its_pool(void **state)
{
    (void)state;
    int64_t id = submit(make_task("pool-killer"));
    struct stk_bulk bulk = { 0 };
    (void)claim_one("pool-killer");
    begin();
    OK(stk_store_rescue(store, 0, at_most, &(uint32_t){ 0 }, NOW, &bulk, &err));
    commit();
    assert_int_equal(state_of(id), STK_STATE_FAILED);
    assert_int_equal(events_of(id, STK_EVENT_JOB_QUARANTINED), 1);
    begin(); /* all pools are gone now, ours too */
    OK(stk_store_pool_start(store, "here", 1, 8, BORN, &pool, &err));
    commit();
}

/* --- sweeps -------------------------------------------------------------- */

struct seen_sweep {
    struct stk_sweep sweep;
    char spec[64];
};

static void see_sweep(void *context, const struct stk_sweep *sweep)
{
    struct seen_sweep *seen = context;
    seen->sweep = *sweep;
    copy(seen->spec, sizeof(seen->spec), sweep->spec);
}

static struct seen_sweep sweep_of(int64_t id)
{
    struct seen_sweep seen;
    OK(stk_store_sweeps(store, id, 0, 1, see_sweep, &seen, &err));
    return seen;
}

static int64_t make_sweep(int64_t task)
{
    int64_t id = 0;
    begin();
    OK(stk_store_sweep_new(store, "s", task, "{\"x\":[1,2]}", 2, NOW, &id, &err));
    commit();
    return id;
}

static void sweep__has_each_set_of_parameters_once(void **state)
{
    (void)state;
    int64_t task = make_task("sweep");
    int64_t sweep = make_sweep(task);
    struct stk_new_job jobs[3] = { plain_job(task, "{\"x\":1}"), plain_job(task, "{\"x\":2}"),
                                   plain_job(task, "{\"x\":1}") };
    struct stk_submitted made[3];
    for (size_t i = 0; i < 3; i++) {
        jobs[i].sweep_id = sweep;
    }
    begin();
    OK(stk_store_submit(store, jobs, 3, NOW, made, &err));
    commit();
    assert_false(made[0].existing);
    assert_false(made[1].existing);
    assert_true(made[2].existing);
    assert_int_equal(made[2].id, made[0].id);

    jobs[0].sweep_id = 0; /* outside it, the same parameters are another job */
    assert_int_not_equal(submit_job(jobs[0]), made[0].id);
    struct stk_counts counts;
    OK(stk_store_counts(store, sweep, &counts, &err));
    assert_int_equal(counts.of[STK_STATE_PENDING], 2);
}

static void sweep__has_ended_when_it_is_filled_and_no_job_is_left(void **state)
{
    (void)state;
    int64_t task = make_task("sweep-end");
    int64_t sweep = make_sweep(task);
    struct stk_new_job new_job = plain_job(task, "{\"x\":1}");
    new_job.sweep_id = sweep;
    (void)submit_job(new_job);
    struct stk_claim got = claim_one("sweep-end");
    assert_int_equal(got.sweep_id, sweep);
    assert_true(settle(completed(&got, "{}")));
    assert_int_equal(sweep_of(sweep).sweep.finished_at, STK_NEVER);

    begin();
    OK(stk_store_sweep_set(store, sweep, "{\"x\":[1]}", 1, true, &err));
    commit();
    struct seen_sweep seen = sweep_of(sweep);
    assert_int_equal(seen.sweep.finished_at, NOW);
    assert_int_equal(seen.sweep.points, 1);
    assert_int_equal(seen.sweep.counts.of[STK_STATE_COMPLETED], 1);
    assert_string_equal(seen.spec, "{\"x\":[1]}");
    int64_t last = 0;
    OK(stk_store_last_sweep(store, &last, &err));
    assert_int_equal(last, sweep);
}

static void sweep__that_is_unknown_is_not_found(void **state)
{
    (void)state;
    struct seen_sweep seen;
    begin();
    assert_int_equal(stk_store_sweep_set(store, 99999, "{}", 1, true, &err), STK_NOT_FOUND);
    commit();
    assert_int_equal(stk_store_sweeps(store, 99999, 0, 1, see_sweep, &seen, &err), STK_NOT_FOUND);
}

/* --- lists --------------------------------------------------------------- */

struct seen_ids {
    int64_t ids[STK_PAGE_MAX];
    size_t count;
};

static void see_id(void *context, const struct stk_job *of)
{
    struct seen_ids *seen = context;
    seen->ids[seen->count++] = of->id;
}

static struct seen_ids list(struct stk_job_filter filter)
{
    struct seen_ids seen = { .count = 0 };
    OK(stk_store_jobs(store, &filter, see_id, &seen, &err));
    return seen;
}

/* Twelve jobs of two tasks, one of them in a sweep, in all five states. */
static void jobs__are_listed_alike_by_every_path(void **state)
{
    (void)state;
    int64_t tasks[2] = { make_task("list-a"), make_task("list-b") };
    int64_t sweep = make_sweep(tasks[0]);
    struct {
        int64_t id;
        int task;
        bool in_sweep;
    } known[12];
    for (int i = 0; i < 12; i++) {
        char params[32];
        (void)snprintf(params, sizeof(params), "{\"i\":%d}", i);
        known[i].task = i % 2;
        known[i].in_sweep = i % 4 == 0;
        struct stk_new_job new_job = plain_job(tasks[known[i].task], params);
        if (known[i].in_sweep) new_job.sweep_id = sweep;
        new_job.priority = i % 3;
        known[i].id = submit_job(new_job);
    }
    struct stk_claim a = claim_one("list-a");
    (void)claim_one("list-b");
    assert_true(settle(completed(&a, NULL)));
    assert_int_equal(cancel(known[8].id).changed, 1);
    assert_int_equal(cancel(known[7].id).changed, 1);

    for (int which = 0; which < 2 * 3 * 2 * 6; which++) {
        bool ascending = which % 2 == 1;
        int task = which / 2 % 3 - 1;
        bool in_sweep = which / 6 % 2 == 1;
        int wanted = which / 12 - 1;
        struct stk_job_filter filter = {
            .state = wanted,
            .task = task < 0    ? NULL
                    : task == 0 ? "list-a"
                                : "list-b",
            .sweep_id = in_sweep ? sweep : 0,
            .after_id = ascending ? known[0].id - 1 : known[11].id + 1,
            .ascending = ascending,
            .limit = 12,
        };
        struct seen_ids seen = list(filter);
        size_t at = 0;
        for (int n = 0; n < 12; n++) {
            int i = ascending ? n : 11 - n;
            if (task >= 0 && known[i].task != task) continue;
            if (in_sweep && !known[i].in_sweep) continue;
            if (wanted >= 0 && (int)state_of(known[i].id) != wanted) continue;
            assert_true(at < seen.count);
            assert_int_equal(seen.ids[at++], known[i].id);
        }
        bool only_ours = task >= 0 || in_sweep;
        if (only_ours) assert_int_equal(seen.count, at);
    }
}

static void jobs__come_in_pages(void **state)
{
    (void)state;
    int64_t task = make_task("pages");
    for (int i = 0; i < 5; i++) {
        (void)submit(task);
    }
    struct stk_job_filter filter = { .state = STK_STATE_PENDING, .task = "pages", .limit = 2 };
    struct seen_ids first = list(filter);
    assert_int_equal(first.count, 2);
    assert_true(first.ids[0] > first.ids[1]);
    filter.after_id = first.ids[1];
    struct seen_ids second = list(filter);
    assert_int_equal(second.count, 2);
    assert_true(second.ids[0] < first.ids[1]);
    filter.after_id = second.ids[1];
    assert_int_equal(list(filter).count, 1);
}

static void jobs__of_an_unknown_task_are_none(void **state)
{
    (void)state;
    struct stk_job_filter filter = { .state = -1, .task = "never-seen", .limit = 10 };
    assert_int_equal(list(filter).count, 0);
}

static void jobs_ahead__counts_those_before_it_up_to_a_bound(void **state)
{
    (void)state;
    int64_t task = make_task("ahead");
    struct stk_new_job urgent = plain_job(task, "{}");
    urgent.priority = 9;
    (void)submit(task);
    int64_t id = submit(task);
    (void)submit(task);
    (void)submit_job(urgent);
    int64_t ahead = -1;
    OK(stk_store_jobs_ahead(store, id, 100, &ahead, &err));
    assert_int_equal(ahead, 2);
    OK(stk_store_jobs_ahead(store, id, 1, &ahead, &err));
    assert_int_equal(ahead, 1);
}

static void job__that_is_unknown_is_not_found(void **state)
{
    (void)state;
    struct seen seen;
    assert_int_equal(stk_store_job(store, 123456789, see_job, &seen, &err), STK_NOT_FOUND);
    assert_non_null(strstr(err.text, "123456789"));
}

/* --- transactions -------------------------------------------------------- */

static void savepoint__undo_takes_back_one_call_of_a_transaction(void **state)
{
    (void)state;
    int64_t task = make_task("undo");
    struct stk_new_job new_job = plain_job(task, "{}");
    struct stk_submitted kept = { 0 };
    struct stk_submitted undone = { 0 };
    struct stk_counts before;
    struct stk_counts after;
    OK(stk_store_counts(store, 0, &before, &err));
    begin();
    OK(stk_store_submit(store, &new_job, 1, NOW, &kept, &err));
    OK(stk_store_savepoint(store, &err));
    OK(stk_store_submit(store, &new_job, 1, NOW, &undone, &err));
    stk_store_savepoint_undo(store);
    commit();
    OK(stk_store_counts(store, 0, &after, &err));
    assert_int_equal(after.of[STK_STATE_PENDING], before.of[STK_STATE_PENDING] + 1);
    assert_int_equal(state_of(kept.id), STK_STATE_PENDING);
    assert_int_equal(stk_store_job(store, undone.id, see_job, &(struct seen){ 0 }, NULL),
                     STK_NOT_FOUND);
}

static void task__made_in_a_rolled_back_transaction_does_not_exist(void **state)
{
    (void)state;
    int64_t id = 0;
    begin();
    OK(stk_store_task(store, "ghost", "ghost", &id, &err));
    stk_store_rollback(store);
    struct stk_new_job new_job = plain_job(id, "{}");
    struct stk_submitted made = { 0 };
    begin();
    assert_int_equal(stk_store_submit(store, &new_job, 1, NOW, &made, &err), STK_INVALID);
    commit();
    assert_true(make_task("ghost") >= id); /* a sequence may leave a gap */
}

static void task__goes_to_another_queue_and_its_old_jobs_stay(void **state)
{
    (void)state;
    struct claims got;
    int64_t id = make_task("moves");
    int64_t moved = 0;
    (void)submit(id);
    begin();
    OK(stk_store_task(store, "moves", "moved-to", &moved, &err));
    commit();
    assert_int_equal(moved, id);
    (void)submit(id);
    assert_int_equal(claim("moves", 8, &got), 1);
    assert_int_equal(claim("moved-to", 8, &got), 1);
}

/* --- pools and events ---------------------------------------------------- */

static void see_pool(void *context, const struct stk_pool_row *row)
{
    struct stk_pool_row *wanted = context;
    if (row->id != wanted->id) return;
    *wanted = *row;
    wanted->ended = row->ended == NULL ? NULL : strcmp(row->ended, "stopped") == 0 ? "s" : "l";
}

static void pool__beats_until_it_has_stopped(void **state)
{
    (void)state;
    struct stk_pool_row row = { 0 };
    const struct stk_pool_said said = { .state = STK_POOL_RUNNING };
    begin();
    OK(stk_store_pool_start(store, "host", 42, 3, BORN, &row.id, &err));
    OK(stk_store_pool_beat(store, row.id, &said, NOW + 5, &err));
    commit();
    OK(stk_store_pools(store, 100, see_pool, &row, &err));
    assert_int_equal(row.pid, 42);
    assert_int_equal(row.beat_at, NOW + 5);
    assert_int_equal(row.stopped_at, STK_NEVER);
    assert_null(row.ended);

    begin();
    OK(stk_store_pool_stop(store, row.id, NOW + 9, &err));
    assert_int_equal(stk_store_pool_beat(store, row.id, &said, NOW + 10, &err), STK_CONFLICT);
    commit();
    OK(stk_store_pools(store, 100, see_pool, &row, &err));
    assert_int_equal(row.stopped_at, NOW + 9);
    assert_string_equal(row.ended, "s");
}

struct seen_events {
    int64_t ids[16];
    char texts[16][32];
    size_t count;
};

static void see_event(void *context, const struct stk_event *event)
{
    struct seen_events *seen = context;
    seen->ids[seen->count] = event->id;
    copy(seen->texts[seen->count++], sizeof(seen->texts[0]), event->text);
}

static void events__are_read_on_from_the_last_one_seen(void **state)
{
    (void)state;
    struct seen_events newest = { .count = 0 };
    struct seen_events next = { .count = 0 };
    begin();
    for (int i = 0; i < 4; i++) {
        char text[32];
        (void)snprintf(text, sizeof(text), "event %d", i);
        struct stk_event event = { .text = text, .actor = "ada" };
        OK(stk_store_event(store, STK_EVENT_SWEEP_CREATED, &event, NOW, &err));
    }
    commit();
    OK(stk_store_events(store, 0, 0, 3, see_event, &newest, &err));
    assert_int_equal(newest.count, 3);
    assert_string_equal(newest.texts[0], "event 1");
    assert_string_equal(newest.texts[2], "event 3");
    /* Shared: they wait until no older transaction of the server can add one before them. */
    stk_time_ns deadline = stk_clock_mono() + 10 * STK_SECOND;
    while (next.count == 0 && stk_clock_mono() < deadline) {
        OK(stk_store_events(store, newest.ids[0], 0, 16, see_event, &next, &err));
    }
    assert_int_equal(next.count, 2);
    assert_string_equal(next.texts[0], "event 2");
}

/* --- the counters -------------------------------------------------------- */

enum { WALK_STEPS = 2000 };

struct walk {
    struct stk_seeded dice;
    int64_t tasks[3], sweep;
    struct claims running;
    struct claims running_saved;
};

static void walk_submit(struct walk *walk)
{
    char params[64];
    struct stk_new_job jobs[3];
    struct stk_submitted made[3];
    (void)snprintf(params, sizeof(params), "{\"n\":%d}", (int)stk_seeded_below(&walk->dice, 200));
    for (size_t i = 0; i < 3; i++) {
        size_t task = (size_t)stk_seeded_below(&walk->dice, 3);
        jobs[i] = plain_job(walk->tasks[task], params);
        if (task == 0) jobs[i].sweep_id = walk->sweep;
        jobs[i].priority = (int32_t)stk_seeded_below(&walk->dice, 3);
        if (stk_seeded_below(&walk->dice, 4) == 0) jobs[i].ready_at = NOW + STK_HOUR;
    }
    OK(stk_store_submit(store, jobs, 3, NOW, made, &err));
}

static void walk_claim(struct walk *walk)
{
    static const char *const queues[] = { "walk-0", "walk-1", "walk-2" };
    struct claims got;
    (void)claim_in_txn(queues[stk_seeded_below(&walk->dice, 3)], 2, NOW, &got);
    for (size_t i = 0; i < got.count && walk->running.count < JOBS_MAX; i++) {
        walk->running.claims[walk->running.count++] = got.claims[i];
    }
}

static void walk_settle(struct walk *walk)
{
    struct stk_retry twice = { .attempts_max = 2, .interruptions_max = 2 };
    if (walk->running.count == 0) return;
    size_t at = (size_t)stk_seeded_below(&walk->dice, walk->running.count);
    enum stk_outcome outcome = (enum stk_outcome)stk_seeded_below(&walk->dice, STK_OUTCOME_COUNT_);
    struct stk_settle done =
        outcome == STK_OUTCOME_COMPLETED
            ? completed(&walk->running.claims[at], "{}")
            : ended(&walk->running.claims[at], outcome, &twice, "walked into it");
    struct stk_counts now; /* who reads the counters knows all outcomes */
    OK(stk_store_settle(store, &done, 1, NOW, &err));
    OK(stk_store_counts(store, 0, &now, &err));
    if (stk_seeded_below(&walk->dice, 8) == 0) {
        OK(stk_store_settle(store, &done, 1, NOW, &err));
        OK(stk_store_counts(store, 0, &now, &err));
        assert_false(done.accepted);
        return;
    }
    walk->running.claims[at] = walk->running.claims[--walk->running.count];
}

static void walk_people(struct walk *walk)
{
    int64_t last = 0;
    if (stk_store_last_job(store, &last, NULL) != STK_OK) return;
    int64_t first = 1 + (int64_t)stk_seeded_below(&walk->dice, (uint64_t)last);
    struct stk_job_range range = { .first = first, .last = first + 3, .state = -1 };
    struct stk_bulk bulk = { 0 };
    bool cancels = stk_seeded_below(&walk->dice, 2) == 0;
    enum stk_rc rc = cancels
                         ? stk_store_cancel(store, &range, NULL, NULL, NOW, &bulk, NULL, NULL, &err)
                         : stk_store_retry(store, &range, NULL, NULL, NOW, &bulk, &err);
    if (rc != STK_NOT_FOUND) OK(rc); /* rolled back ids leave gaps on some engines */
}

static void walk_step(struct walk *walk)
{
    size_t moved = 0;
    switch (stk_seeded_below(&walk->dice, 8)) {
    case 0:
    case 1: walk_submit(walk); break;
    case 2:
    case 3: walk_claim(walk); break;
    case 4:
    case 5: walk_settle(walk); break;
    case 6: walk_people(walk); break;
    default: OK(stk_store_promote(store, NOW + STK_DAY, 5, &moved, &err)); break;
    }
}

struct recount {
    struct stk_counts all, sweep;
    int64_t sweep_id, last;
};

static void recount_job(void *context, const struct stk_job *of)
{
    struct recount *recount = context;
    recount->all.of[of->state]++;
    if (of->sweep_id == recount->sweep_id) recount->sweep.of[of->state]++;
    recount->last = of->id;
}

static void check_counters(int64_t sweep)
{
    struct recount recount = { .sweep_id = sweep };
    struct stk_counts kept;
    struct stk_job_filter filter = { .state = -1, .ascending = true, .limit = STK_PAGE_MAX };
    do {
        filter.after_id = recount.last;
        OK(stk_store_jobs(store, &filter, recount_job, &recount, &err));
    } while (recount.last != filter.after_id);

    OK(stk_store_counts(store, 0, &kept, &err));
    assert_memory_equal(&kept, &recount.all, sizeof(kept));
    OK(stk_store_counts(store, sweep, &kept, &err));
    assert_memory_equal(&kept, &recount.sweep, sizeof(kept));
}

/* Transactions of a few steps; some are rolled back, some steps undone. */
static void counters__equal_the_rows_after_a_random_walk(void **state)
{
    (void)state;
    static struct walk walk;
    stk_seeded_init(&walk.dice, 20261124);
    for (int i = 0; i < 3; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "walk-%d", i);
        walk.tasks[i] = make_task(name);
    }
    walk.sweep = make_sweep(walk.tasks[0]);

    for (int step = 0; step < WALK_STEPS;) {
        struct claims before = walk.running;
        begin();
        uint64_t steps = 1 + stk_seeded_below(&walk.dice, 6);
        for (uint64_t i = 0; i < steps; i++, step++) {
            bool undo = stk_seeded_below(&walk.dice, 6) == 0;
            walk.running_saved = walk.running;
            if (undo) OK(stk_store_savepoint(store, &err));
            walk_step(&walk);
            if (undo) stk_store_savepoint_undo(store);
            if (undo) walk.running = walk.running_saved;
        }
        bool rolls_back = stk_seeded_below(&walk.dice, 6) == 0;
        if (rolls_back) stk_store_rollback(store);
        if (rolls_back) walk.running = before;
        if (!rolls_back) commit();
        if (step % 100 < 6) check_counters(walk.sweep);
    }
    check_counters(walk.sweep);
}

static void add_task_counts(void *context, const char *queue, const char *task,
                            const struct stk_counts *counts)
{
    struct stk_counts *sum = context;
    assert_non_null(queue);
    assert_non_null(task);
    for (size_t i = 0; i < STK_STATE_COUNT_; i++) {
        sum->of[i] += counts->of[i];
    }
}

static void counts_by_task__sum_up_to_the_counts(void **state)
{
    (void)state;
    struct stk_counts all;
    struct stk_counts sum = { 0 };
    OK(stk_store_counts(store, 0, &all, &err));
    OK(stk_store_counts_by_task(store, add_task_counts, &sum, &err));
    assert_memory_equal(&all, &sum, sizeof(all));
}

static void find_bad(void *context, enum stk_finding level, const char *text)
{
    if (level == STK_FINDING_BAD) fail_msg("%s", text);
    ++*(int *)context;
}

static void doctor__finds_nothing_wrong_with_all_of_this(void **state)
{
    (void)state;
    int findings = 0;
    OK(stk_store_doctor(store, true, find_bad, &findings, &err));
    assert_true(findings > 3);
    OK(stk_store_tend(store, true, &err));
}

/* --- the run ------------------------------------------------------------- */

static int open_store(void **state)
{
    (void)state;
    struct stk_store_options options = { .command = "conformance" };
    OK(stk_store_open(getenv("STK_TEST_STORE"), &options, &store, &err));
    return 0;
}

static int start_pool(void **state)
{
    (void)state;
    if (pool != 0) return 0;
    begin();
    OK(stk_store_pool_start(store, "here", 1, 8, BORN, &pool, &err));
    commit();
    return 0;
}

static int close_store(void **state)
{
    (void)state;
    stk_store_close(store);
    return 0;
}

/* What a test leaves running or waiting would be in the way of the next. */
static int cancel_all(void **state)
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

/* A fresh file for an engine that is named only; removed with its folder. */
static char folder[] = "/tmp/stoker-conformance-XXXXXX";

static void make_file_store(void)
{
    const char *wanted = getenv("STK_TEST_STORE");
    if (wanted != NULL && strchr(wanted, ':') != NULL) {
        folder[0] = '\0';
        return;
    }
    if (mkdtemp(folder) == NULL) abort();
    STK_CLEANUP(stk_freep) char *url = stk_format("sqlite:%s/stoker.db", folder);
    (void)setenv("STK_TEST_STORE", url, 1);
}

static void remove_file_store(void)
{
    static const char *const ends[] = { "", "-wal", "-shm", ".lock" };
    for (size_t i = 0; i < STK_ARRAY_LEN(ends) && folder[0] != '\0'; i++) {
        STK_CLEANUP(stk_freep) char *path = stk_format("%s/stoker.db%s", folder, ends[i]);
        (void)remove(path);
    }
    if (folder[0] != '\0') (void)remove(folder);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start_pool, cancel_all)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commit__that_fails_leaves_nothing_behind),
        cmocka_unit_test(submit__that_fails_can_be_undone_alone),
        TEST(submit__keeps_what_was_given),
        TEST(submit__with_a_known_key_gives_the_job_that_has_it),
        TEST(submit__with_a_key_taken_by_other_parameters_is_a_conflict),
        TEST(submit__of_another_task_may_use_the_same_key),
        TEST(submit__of_params_that_are_no_json_is_refused),
        TEST(submit__of_an_unknown_task_is_refused),
        TEST(submit__with_too_long_a_key_is_refused),
        TEST(claim__of_an_empty_queue_gives_none),
        TEST(claim__hands_a_job_out_once),
        TEST(claim__takes_the_highest_priority_then_the_oldest),
        TEST(claim__takes_no_more_than_there_are_slots),
        TEST(claim__of_a_paused_queue_gives_none_until_it_is_resumed),
        TEST(pause__that_is_rolled_back_leaves_the_queue_open),
        TEST(pause__of_an_unknown_queue_is_not_found),
        TEST(claim__that_is_rolled_back_leaves_the_job_pending),
        TEST(claim__takes_no_job_before_it_is_due),
        TEST(next_due__is_right_after_a_rollback_and_an_undo),
        TEST(settle__completed_keeps_the_result),
        TEST(settle__stores_a_text_result_as_a_json_string),
        TEST(settle__with_no_result_is_completed_too),
        TEST(settle__with_an_old_attempt_is_refused_and_changes_nothing),
        TEST(settle__a_second_time_is_refused),
        TEST(settle__of_a_result_that_is_no_json_fails_its_job_alone),
        TEST(settle__of_a_move_the_schema_forbids_fails_the_job),
        TEST(settle__failed_with_attempts_left_waits_and_keeps_the_attempt),
        TEST(settle__failed_at_last_keeps_the_error_and_the_note),
        TEST(settle__failed_without_a_sentence_gets_one),
        TEST(settle__cuts_a_long_error_at_a_whole_character),
        TEST(settle__that_does_not_count_gives_the_attempt_back),
        TEST(settle__interrupted_too_often_quarantines_the_job),
        TEST(settle__unknown_task_holds_the_job_until_it_is_released),
        TEST(cancel__does_to_each_state_what_the_table_says),
        TEST(cancel__of_a_pending_job_ends_it_with_the_reason),
        TEST(cancel__of_a_running_job_marks_it_and_names_it),
        TEST(cancel__of_a_running_job_that_completes_keeps_its_result),
        TEST(cancel__of_a_range_without_jobs_is_not_found),
        TEST(retry__does_to_each_state_what_the_table_says),
        TEST(retry__of_a_completed_job_makes_its_result_history),
        TEST(retry__of_a_quarantined_job_gives_it_fresh_interruptions),
        TEST(cancel__of_many_goes_in_bounded_steps),
        TEST(rescue__gives_back_the_jobs_of_other_pools_only),
        TEST(rescue__quarantines_a_job_that_kills_its_pool),
        TEST(sweep__has_each_set_of_parameters_once),
        TEST(sweep__has_ended_when_it_is_filled_and_no_job_is_left),
        TEST(sweep__that_is_unknown_is_not_found),
        TEST(jobs__are_listed_alike_by_every_path),
        TEST(jobs__come_in_pages),
        TEST(jobs__of_an_unknown_task_are_none),
        TEST(jobs_ahead__counts_those_before_it_up_to_a_bound),
        TEST(job__that_is_unknown_is_not_found),
        TEST(savepoint__undo_takes_back_one_call_of_a_transaction),
        TEST(task__made_in_a_rolled_back_transaction_does_not_exist),
        TEST(task__goes_to_another_queue_and_its_old_jobs_stay),
        TEST(pool__beats_until_it_has_stopped),
        TEST(events__are_read_on_from_the_last_one_seen),
        TEST(counters__equal_the_rows_after_a_random_walk),
        cmocka_unit_test(counts_by_task__sum_up_to_the_counts),
        cmocka_unit_test(doctor__finds_nothing_wrong_with_all_of_this),
    };
    /* The second commit, and some later submit. */
    (void)setenv("STK_FAULT", "commit.before:2:fail,submit.inserted:5:fail", 1);
    make_file_store();
    int failed = cmocka_run_group_tests_name("store", tests, open_store, close_store);
    remove_file_store();
    return failed;
}
