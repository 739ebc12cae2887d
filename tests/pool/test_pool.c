/* SPDX-License-Identifier: MIT
 *
 * The pool from the inside: desk, workers and feeder over a real store, with
 * the no-op executor and, where it must be, /bin/sh.
 */
#include "support/test.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "exec/spawner.h"
#include "pool/pool.h"

static struct stk_spawner *spawner; /* made before any thread */

struct fixture {
    char dir[64];
    char store[128];
    char logs[128];
    struct stk_task tasks[2];
    char *argv[4];
    struct stk_settings settings;
    struct stk_pool *pool;
};

static struct stk_task make_task(const char *name, const char *queue, enum stk_executor executor)
{
    return (struct stk_task){ .name = strdup(name),
                              .queue = strdup(queue),
                              .executor = executor,
                              .dir = strdup("/tmp"),
                              .retry = STK_RETRY_DEFAULT,
                              .kill_grace_ns = 200 * STK_MS,
                              .result_bytes_max = STK_RESULT_BYTES_MAX };
}

static void set_up(struct fixture *fixture)
{
    *fixture = (struct fixture){ 0 };
    (void)snprintf(fixture->dir, sizeof(fixture->dir), "/tmp/stk_pool.XXXXXX");
    assert_non_null(mkdtemp(fixture->dir));
    (void)snprintf(fixture->store, sizeof(fixture->store), "sqlite:%s/t.db", fixture->dir);
    (void)snprintf(fixture->logs, sizeof(fixture->logs), "%s/logs", fixture->dir);
    fixture->tasks[0] = make_task("noop", "noop", STK_EXECUTOR_NOOP);
    fixture->tasks[1] = make_task("shell", "shell", STK_EXECUTOR_COMMAND);
    fixture->settings = (struct stk_settings){ .dir = fixture->dir,
                                               .store = fixture->store,
                                               .logs = fixture->logs,
                                               .workers = 4,
                                               .grace_ns = STK_SECOND,
                                               .tasks = fixture->tasks,
                                               .task_count = 2 };
}

static void shell_runs(struct fixture *fixture, const char *script)
{
    struct stk_task *task = &fixture->tasks[1];
    char *argv[] = { strdup("/bin/sh"), strdup("-c"), strdup(script), NULL };
    task->argv = calloc(4, sizeof(char *));
    assert_non_null(task->argv);
    memcpy(task->argv, argv, sizeof(argv));
}

static void start(struct fixture *fixture, uint32_t workers, bool drain)
{
    const struct stk_pool_options options = { .settings = &fixture->settings,
                                              .spawner = spawner,
                                              .command = "test",
                                              .workers = workers,
                                              .drain = drain };
    struct stk_error err = { 0 };
    if (stk_pool_start(&options, &fixture->pool, &err) != STK_OK) fail_msg("%s", err.text);
}

static void stop(struct fixture *fixture)
{
    stk_pool_free(fixture->pool);
    fixture->pool = NULL;
}

static void tear_down(struct fixture *fixture)
{
    stop(fixture);
    for (size_t i = 0; i < 2; i++) {
        stk_task_release(&fixture->tasks[i]);
    }
    char command[128];
    (void)snprintf(command, sizeof(command), "rm -rf %s", fixture->dir);
    FILE *rm = popen(command, "r");
    if (rm != NULL) (void)pclose(rm);
}

/* --- what tests write ---------------------------------------------------- */

struct submit {
    const char *task, *queue;
    size_t count;
    int32_t priority;
    int64_t first_id, last_id;
};

static enum stk_rc submit_some(struct stk_store *store, void *arg, stk_time_ns now,
                               struct stk_error *err)
{
    struct submit *submit = arg;
    int64_t task_id = 0;
    enum stk_rc rc = stk_store_task(store, submit->task, submit->queue, &task_id, err);
    for (size_t i = 0; rc == STK_OK && i < submit->count; i++) {
        const struct stk_new_job job = {
            .task_id = task_id, .params = "{}", .params_len = 2, .priority = submit->priority
        };
        struct stk_submitted made = { 0 };
        rc = stk_store_submit(store, &job, 1, now, &made, err);
        if (i == 0) submit->first_id = made.id;
        submit->last_id = made.id;
    }
    return rc;
}

static void submit_to(struct fixture *fixture, const char *task, size_t count, int64_t *ret_first)
{
    struct stk_access access = stk_pool_access(fixture->pool);
    struct submit submit = { .task = task, .queue = task };
    for (size_t left = count; left > 0; left -= submit.count) {
        submit.count = left < STK_STORE_CHUNK ? left : STK_STORE_CHUNK;
        struct stk_error err = { 0 };
        if (stk_write(&access, submit_some, &submit, &err) != STK_OK) fail_msg("%s", err.text);
        if (left == count && ret_first != NULL) *ret_first = submit.first_id;
    }
}

static enum stk_rc read_counts(struct stk_store *store, void *arg, struct stk_error *err)
{
    return stk_store_counts(store, 0, arg, err);
}

static struct stk_counts counts_of(struct fixture *fixture)
{
    struct stk_access access = stk_pool_access(fixture->pool);
    struct stk_counts counts = { 0 };
    struct stk_error err = { 0 };
    if (stk_read(&access, read_counts, &counts, &err) != STK_OK) fail_msg("%s", err.text);
    return counts;
}

static bool pause_a_little(void)
{
    (void)poll(NULL, 0, 1); /* between two looks at a condition, see eventually */
    return true;
}

static void eventually_in_state(struct fixture *fixture, enum stk_state state, int64_t count)
{
    stk_time_ns end = stk_clock_mono() + 60 * STK_SECOND;
    while (counts_of(fixture).of[state] != count && stk_clock_mono() < end && pause_a_little()) {
    }
    assert_int_equal(counts_of(fixture).of[state], count);
}

struct job_copy {
    enum stk_state state;
    uint32_t attempt, interruptions;
    char error[200];
};

static void copy_job(void *context, const struct stk_job *job)
{
    struct job_copy *copy = context;
    copy->state = job->state;
    copy->attempt = job->attempt;
    copy->interruptions = job->interruptions;
    (void)snprintf(copy->error, sizeof(copy->error), "%s", job->error != NULL ? job->error : "");
}

struct job_read {
    int64_t id;
    struct job_copy copy;
};

static enum stk_rc read_job(struct stk_store *store, void *arg, struct stk_error *err)
{
    struct job_read *read = arg;
    return stk_store_job(store, read->id, copy_job, &read->copy, err);
}

static struct job_copy job_of(struct fixture *fixture, int64_t id)
{
    struct stk_access access = stk_pool_access(fixture->pool);
    struct job_read read = { .id = id };
    struct stk_error err = { 0 };
    if (stk_read(&access, read_job, &read, &err) != STK_OK) fail_msg("%s", err.text);
    return read.copy;
}

/* --- the promises -------------------------------------------------------- */

static void check_ran_once(void *context, const struct stk_job *job)
{
    size_t *seen = context;
    assert_int_equal(job->state, STK_STATE_COMPLETED);
    assert_int_equal(job->attempt, 1);
    assert_int_equal(job->interruptions, 0);
    assert_string_equal(job->result, "{\"ok\":true}");
    (*seen)++;
}

static void count_attempts(void *context, const struct stk_attempt *attempt)
{
    (void)attempt;
    (*(size_t *)context)++;
}

struct audit {
    int64_t after;
    size_t seen, attempts;
};

static enum stk_rc audit_page(struct stk_store *store, void *arg, struct stk_error *err)
{
    struct audit *audit = arg;
    const struct stk_job_filter filter = {
        .state = -1, .ascending = true, .after_id = audit->after, .limit = STK_PAGE_MAX
    };
    enum stk_rc rc = stk_store_jobs(store, &filter, check_ran_once, &audit->seen, err);
    for (int64_t id = audit->after + 1; rc == STK_OK && id <= audit->after + STK_PAGE_MAX; id++) {
        rc = stk_store_attempts(store, id, count_attempts, &audit->attempts, err);
    }
    audit->after += STK_PAGE_MAX;
    return rc;
}

static void pool__ten_thousand_jobs_over_64_workers_run_exactly_once_each(void **unused)
{
    (void)unused;
    struct fixture fixture;
    set_up(&fixture);
    start(&fixture, 64, false);
    submit_to(&fixture, "noop", 10000, NULL);
    eventually_in_state(&fixture, STK_STATE_COMPLETED, 10000);

    struct stk_access access = stk_pool_access(fixture.pool);
    struct audit audit = { 0 };
    for (int page = 0; page < 10; page++) {
        struct stk_error err = { 0 };
        if (stk_read(&access, audit_page, &audit, &err) != STK_OK) fail_msg("%s", err.text);
    }
    assert_int_equal(audit.seen, 10000);
    assert_int_equal(audit.attempts, 10000);
    tear_down(&fixture);
}

static enum stk_rc refuse(struct stk_store *store, void *arg, stk_time_ns now,
                          struct stk_error *err)
{
    struct submit *submit = arg;
    enum stk_rc rc = submit_some(store, submit, now, err);
    if (rc != STK_OK) return rc;
    return stk_fail(err, STK_CONFLICT, "refused after writing");
}

static void desk__a_call_that_fails_leaves_nothing_and_spoils_nothing(void **unused)
{
    (void)unused;
    struct fixture fixture;
    set_up(&fixture);
    start(&fixture, 2, false);
    struct stk_access access = stk_pool_access(fixture.pool);
    struct submit submit = { .task = "noop", .queue = "noop", .count = 5 };
    struct stk_error err = { 0 };
    assert_int_equal(stk_write(&access, refuse, &submit, &err), STK_CONFLICT);
    assert_string_equal(err.text, "refused after writing");
    submit_to(&fixture, "noop", 3, NULL);
    eventually_in_state(&fixture, STK_STATE_COMPLETED, 3);
    struct stk_counts counts = counts_of(&fixture);
    assert_int_equal(stk_counts_total(&counts), 3);
    tear_down(&fixture);
}

struct caller {
    struct fixture *fixture;
    pthread_t thread;
};

static void *submit_many(void *arg)
{
    struct caller *caller = arg;
    for (int i = 0; i < 50; i++) {
        submit_to(caller->fixture, "noop", 1, NULL);
    }
    return NULL;
}

static void desk__many_callers_share_commits_and_all_are_answered(void **unused)
{
    (void)unused;
    struct fixture fixture;
    set_up(&fixture);
    start(&fixture, 4, false);
    struct caller callers[16];
    for (size_t i = 0; i < STK_ARRAY_LEN(callers); i++) {
        callers[i].fixture = &fixture;
        assert_int_equal(pthread_create(&callers[i].thread, NULL, submit_many, &callers[i]), 0);
    }
    for (size_t i = 0; i < STK_ARRAY_LEN(callers); i++) {
        (void)pthread_join(callers[i].thread, NULL);
    }
    eventually_in_state(&fixture, STK_STATE_COMPLETED, 16 * 50);
    tear_down(&fixture);
}

static enum stk_rc pause_shell(struct stk_store *store, void *arg, stk_time_ns now,
                               struct stk_error *err)
{
    return stk_store_queue_pause(store, "shell", *(bool *)arg, "test", "me", now, err);
}

static void desk__a_paused_queue_does_not_hold_up_another(void **unused)
{
    (void)unused;
    struct fixture fixture;
    set_up(&fixture);
    shell_runs(&fixture, "echo 1");
    start(&fixture, 2, false);
    struct stk_access access = stk_pool_access(fixture.pool);
    bool paused = true;
    assert_int_equal(stk_write(&access, pause_shell, &paused, NULL), STK_OK);
    submit_to(&fixture, "shell", 10, NULL);
    submit_to(&fixture, "noop", 100, NULL);
    eventually_in_state(&fixture, STK_STATE_COMPLETED, 100);
    assert_int_equal(counts_of(&fixture).of[STK_STATE_PENDING], 10);

    paused = false;
    assert_int_equal(stk_write(&access, pause_shell, &paused, NULL), STK_OK);
    eventually_in_state(&fixture, STK_STATE_COMPLETED, 110);
    tear_down(&fixture);
}

static enum stk_rc submit_to_both(struct stk_store *store, void *arg, stk_time_ns now,
                                  struct stk_error *err)
{
    (void)arg;
    struct submit first = { .task = "noop", .queue = "noop", .count = 1000 };
    struct submit second = { .task = "shell", .queue = "shell", .count = 1000 };
    enum stk_rc rc = submit_some(store, &first, now, err);
    return rc == STK_OK ? submit_some(store, &second, now, err) : rc;
}

struct starts {
    stk_time_ns at[1000];
    size_t count;
};

static void note_start(void *context, const struct stk_job *job)
{
    struct starts *starts = context;
    assert_true(starts->count < STK_ARRAY_LEN(starts->at));
    starts->at[starts->count++] = job->started_at;
}

struct start_read {
    const char *task;
    struct starts *starts;
};

static enum stk_rc read_starts(struct stk_store *store, void *arg, struct stk_error *err)
{
    struct start_read *read = arg;
    const struct stk_job_filter filter = {
        .state = -1, .task = read->task, .ascending = true, .limit = STK_PAGE_MAX
    };
    read->starts->count = 0;
    return stk_store_jobs(store, &filter, note_start, read->starts, err);
}

/* Both queues are filled in one transaction, the first with the smaller ids:
 * without turns all of it would start before any of the second. */
static void desk__queues_take_turns(void **unused)
{
    (void)unused;
    static struct starts first, second;
    struct fixture fixture;
    set_up(&fixture);
    fixture.tasks[1].executor = STK_EXECUTOR_NOOP;
    start(&fixture, 4, false);
    struct stk_access access = stk_pool_access(fixture.pool);
    assert_int_equal(stk_write(&access, submit_to_both, NULL, NULL), STK_OK);
    eventually_in_state(&fixture, STK_STATE_COMPLETED, 2000);

    struct start_read of_first = { .task = "noop", .starts = &first };
    struct start_read of_second = { .task = "shell", .starts = &second };
    assert_int_equal(stk_read(&access, read_starts, &of_first, NULL), STK_OK);
    assert_int_equal(stk_read(&access, read_starts, &of_second, NULL), STK_OK);
    assert_int_equal(first.count, 1000);
    assert_int_equal(second.count, 1000);
    assert_true(second.at[100] < first.at[300]);
    assert_true(first.at[100] < second.at[300]);
    tear_down(&fixture);
}

static void pool__a_drained_pool_ends_by_itself(void **unused)
{
    (void)unused;
    struct fixture fixture;
    set_up(&fixture);
    start(&fixture, 8, false);
    submit_to(&fixture, "noop", 200, NULL);
    stop(&fixture);

    start(&fixture, 8, true);
    assert_true(stk_pool_wait(fixture.pool, 60 * STK_SECOND));
    assert_int_equal(counts_of(&fixture).of[STK_STATE_COMPLETED], 200);
    tear_down(&fixture);
}

static void pool__a_stop_interrupts_after_the_grace_and_costs_no_attempt(void **unused)
{
    (void)unused;
    struct fixture fixture;
    set_up(&fixture);
    shell_runs(&fixture, "sleep 600");
    fixture.settings.grace_ns = 50 * STK_MS;
    start(&fixture, 2, false);
    int64_t id = 0;
    submit_to(&fixture, "shell", 1, &id);
    eventually_in_state(&fixture, STK_STATE_RUNNING, 1);
    stk_pool_stop(fixture.pool);
    assert_true(stk_pool_wait(fixture.pool, 30 * STK_SECOND));
    struct job_copy job = job_of(&fixture, id);
    assert_int_equal(job.state, STK_STATE_PENDING);
    assert_int_equal(job.attempt, 0);
    assert_int_equal(job.interruptions, 1);
    tear_down(&fixture);
}

static void note_running(void *context, int64_t job_id)
{
    *(int64_t *)context = job_id;
}

struct cancel {
    int64_t id, running;
};

static enum stk_rc cancel_one(struct stk_store *store, void *arg, stk_time_ns now,
                              struct stk_error *err)
{
    struct cancel *cancel = arg;
    const struct stk_job_range range = { .first = cancel->id, .last = cancel->id, .state = -1 };
    struct stk_bulk bulk = { 0 };
    cancel->running = 0;
    return stk_store_cancel(store, &range, "test", "me", now, &bulk, note_running, &cancel->running,
                            err);
}

static void pool__a_running_job_is_cancelled_and_its_program_ends(void **unused)
{
    (void)unused;
    struct fixture fixture;
    set_up(&fixture);
    shell_runs(&fixture, "trap '' TERM; while :; do sleep 1; done");
    start(&fixture, 2, false);
    struct cancel cancel = { 0 };
    submit_to(&fixture, "shell", 1, &cancel.id);
    eventually_in_state(&fixture, STK_STATE_RUNNING, 1);
    struct stk_access access = stk_pool_access(fixture.pool);
    assert_int_equal(stk_write(&access, cancel_one, &cancel, NULL), STK_OK);
    assert_int_equal(cancel.running, cancel.id);
    stk_pool_cancel(fixture.pool, cancel.id);
    eventually_in_state(&fixture, STK_STATE_CANCELLED, 1);
    tear_down(&fixture);
}

static void pool__failing_jobs_are_tried_again_and_then_failed_with_the_error(void **unused)
{
    (void)unused;
    struct fixture fixture;
    set_up(&fixture);
    shell_runs(&fixture, "echo no such luck >&2; exit 3");
    fixture.tasks[1].retry = (struct stk_retry){ .attempts_max = 3,
                                                 .backoff_min_ns = STK_MS,
                                                 .backoff_max_ns = 2 * STK_MS,
                                                 .interruptions_max = 10 };
    start(&fixture, 2, false);
    int64_t id = 0;
    submit_to(&fixture, "shell", 1, &id);
    eventually_in_state(&fixture, STK_STATE_FAILED, 1);
    struct job_copy job = job_of(&fixture, id);
    assert_int_equal(job.attempt, 3);
    assert_non_null(strstr(job.error, "no such luck"));
    tear_down(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pool__ten_thousand_jobs_over_64_workers_run_exactly_once_each),
        cmocka_unit_test(desk__a_call_that_fails_leaves_nothing_and_spoils_nothing),
        cmocka_unit_test(desk__many_callers_share_commits_and_all_are_answered),
        cmocka_unit_test(desk__a_paused_queue_does_not_hold_up_another),
        cmocka_unit_test(desk__queues_take_turns),
        cmocka_unit_test(pool__a_drained_pool_ends_by_itself),
        cmocka_unit_test(pool__a_stop_interrupts_after_the_grace_and_costs_no_attempt),
        cmocka_unit_test(pool__a_running_job_is_cancelled_and_its_program_ends),
        cmocka_unit_test(pool__failing_jobs_are_tried_again_and_then_failed_with_the_error),
    };
    struct stk_error err = { 0 };
    if (stk_spawner_start(true, &spawner, &err) != STK_OK) return 1;
    int failed = cmocka_run_group_tests_name("pool/pool", tests, NULL, NULL);
    stk_spawner_stop(spawner);
    return failed;
}
