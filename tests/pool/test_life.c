/* SPDX-License-Identifier: MIT
 *
 * The desk over a store that others could share: an SQLite store whose engine
 * says so, and fails, refuses and runs ahead as each test wants it.
 */
#include "support/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "pool/desk.h"
#include "store/engine.h"

enum { STOPS_MAX = 64 };

struct stop {
    int64_t job_id;
    enum stk_stop how;
};

/* The store as it is, and what stands before it. */
static struct {
    char folder[64];
    struct stk_store *store;
    const struct stk_engine *real;
    struct stk_engine engine;
    stk_time_ns lease_ns, ahead_ns;
    _Atomic int busy_commits;       /* that many more fail: another was in the way */
    _Atomic int commits;            /* tried */
    _Atomic bool is_away, is_taken; /* cannot be reached; beats are refused */
    _Atomic int said, beats;        /* enum stk_pool_state of the last beat */
    _Atomic int64_t to_cancel;      /* somebody else wants it stopped; 0: none */
} stage;

/* The pool around the desk, and its one worker. */
static struct {
    struct stk_task task;
    struct stk_settings settings;
    struct stk_desk *desk;
    _Atomic int64_t id;
    pthread_t worker;
    _Atomic int64_t job_id, claimed_by; /* the worker's; 0: none */
    _Atomic bool may_end, has_ended;    /* its job; it itself */
    pthread_mutex_t lock;
    struct stop stops[STOPS_MAX]; /* under lock */
    size_t stop_count;
} pool;

/* --- the engine ------------------------------------------------------------ */

static stk_time_ns now_ahead(struct stk_store *store)
{
    (void)store;
    return stk_clock_now() + stage.ahead_ns;
}

static stk_time_ns some_lease(struct stk_store *store)
{
    (void)store;
    return stage.lease_ns;
}

static enum stk_rc begin_if_there(struct stk_store *store, struct stk_error *err)
{
    if (atomic_load(&stage.is_away)) return stk_fail(err, STK_UNAVAILABLE, "the store is away");
    return stage.real->begin(store, err);
}

static enum stk_rc commit_if_free(struct stk_store *store, struct stk_error *err)
{
    (void)atomic_fetch_add(&stage.commits, 1);
    if (atomic_load(&stage.busy_commits) == 0) return stage.real->commit(store, err);
    (void)atomic_fetch_sub(&stage.busy_commits, 1);
    stage.real->rollback(store);
    return stk_fail(err, STK_BUSY, "another was in the way");
}

static enum stk_rc beat_if_alive(struct stk_store *store, int64_t id,
                                 const struct stk_pool_said *said, stk_time_ns now,
                                 struct stk_error *err)
{
    atomic_store(&stage.said, (int)said->state);
    (void)atomic_fetch_add(&stage.beats, 1);
    if (atomic_exchange(&stage.is_taken, false)) return stk_fail(err, STK_CONFLICT, "it is gone");
    return stage.real->pool_beat(store, id, said, now, err);
}

static enum stk_rc one_cancel(struct stk_store *store, int64_t pool_id,
                              void (*each)(void *context, int64_t job_id), void *context,
                              struct stk_error *err)
{
    (void)store;
    (void)pool_id;
    (void)err;
    int64_t job_id = atomic_exchange(&stage.to_cancel, 0);
    if (job_id != 0) each(context, job_id);
    return STK_OK;
}

static void open_store(void)
{
    struct stk_error err = { 0 };
    (void)snprintf(stage.folder, sizeof(stage.folder), "/tmp/stk_life_XXXXXX");
    assert_non_null(mkdtemp(stage.folder));
    STK_CLEANUP(stk_freep) char *url = stk_format("sqlite:%s/t.db", stage.folder);
    const struct stk_store_options options = { .command = "test" };
    if (stk_store_open(url, &options, &stage.store, &err) != STK_OK) fail_msg("%s", err.text);
    stage.lease_ns = STK_HOUR;
    stage.real = stage.store->engine;
    stage.engine = *stage.real;
    stage.engine.is_shared = true;
    stage.engine.now = now_ahead;
    stage.engine.lease = some_lease;
    stage.engine.begin = begin_if_there;
    stage.engine.commit = commit_if_free;
    stage.engine.pool_beat = beat_if_alive;
    stage.engine.cancels = one_cancel;
    stage.store->engine = &stage.engine;
}

/* --- the pool -------------------------------------------------------------- */

static void note_stop(void *context, uint32_t worker, int64_t job_id, enum stk_stop how)
{
    (void)context;
    (void)worker;
    (void)pthread_mutex_lock(&pool.lock);
    if (pool.stop_count < STOPS_MAX) pool.stops[pool.stop_count++] = (struct stop){ job_id, how };
    (void)pthread_mutex_unlock(&pool.lock);
    atomic_store(&pool.may_end, true);
}

static struct stk_bounds any_bound(void *context, const char *task)
{
    (void)context;
    (void)task;
    return (struct stk_bounds){ .interruptions_max = 5 };
}

static void note_id(void *context, int64_t id)
{
    (void)context;
    atomic_store(&pool.id, id);
}

static enum stk_rc check_in(struct stk_store *store, void *arg, stk_time_ns now,
                            struct stk_error *err)
{
    return stk_store_pool_start(store, "here", 1, 1, now, arg, err);
}

/* Its jobs last until they are told to end. */
static void *worker_main(void *arg)
{
    struct stk_exec_result ended = { .outcome = STK_OUTCOME_COMPLETED, .exit_status = 0 };
    (void)arg;
    const struct stk_assignment *job = stk_desk_next(pool.desk, 1, NULL);
    while (job != NULL) {
        atomic_store(&pool.claimed_by, job->pool_id);
        atomic_store(&pool.job_id, job->id);
        while (!atomic_load(&pool.may_end)) {
            stk_clock_pause(STK_MS);
        }
        atomic_store(&pool.may_end, false);
        atomic_store(&pool.job_id, 0);
        job = stk_desk_next(pool.desk, 1, &ended);
    }
    atomic_store(&pool.has_ended, true);
    return NULL;
}

static void start(stk_time_ns idle_exit_ns)
{
    struct stk_error err = { 0 };
    struct stk_access direct = stk_access_direct(stage.store);
    int64_t id = 0;
    stk_time_ns born_at = stk_clock_mono();
    if (stk_write(&direct, check_in, &id, &err) != STK_OK) fail_msg("%s", err.text);
    atomic_store(&pool.id, id);
    pool.task = (struct stk_task){ .name = (char *)(uintptr_t) "t",
                                   .queue = (char *)(uintptr_t) "t",
                                   .executor = STK_EXECUTOR_NOOP,
                                   .retry = STK_RETRY_DEFAULT };
    pool.settings = (struct stk_settings){ .tasks = &pool.task, .task_count = 1 };
    const struct stk_desk_options options = { .store = stage.store,
                                              .settings = &pool.settings,
                                              .pool_id = id,
                                              .workers = 1,
                                              .idle_exit_ns = idle_exit_ns,
                                              .born_at = born_at,
                                              .bound = any_bound,
                                              .reborn = note_id,
                                              .stop_job = note_stop };
    pool.desk = stk_desk_open(&options);
    if (stk_desk_start(pool.desk, &err) != STK_OK) fail_msg("%s", err.text);
    assert_int_equal(pthread_create(&pool.worker, NULL, worker_main, NULL), 0);
}

static int set_up(void **state)
{
    (void)state;
    memset(&stage, 0, sizeof(stage));
    memset(&pool, 0, sizeof(pool));
    (void)pthread_mutex_init(&pool.lock, NULL);
    open_store();
    return 0;
}

static int tear_down(void **state)
{
    static const char *const suffixes[] = { "", "-wal", "-shm", ".lock", ".sock" };
    (void)state;
    atomic_store(&stage.is_away, false);
    stk_desk_stop(pool.desk);
    stk_desk_stop(pool.desk);
    (void)pthread_join(pool.worker, NULL);
    stk_desk_close(pool.desk);
    stk_store_close(stage.store);
    for (size_t i = 0; i < STK_ARRAY_LEN(suffixes); i++) {
        STK_CLEANUP(stk_freep) char *path = stk_format("%s/t.db%s", stage.folder, suffixes[i]);
        (void)unlink(path);
    }
    (void)pthread_mutex_destroy(&pool.lock);
    return rmdir(stage.folder);
}

/* --- steps ------------------------------------------------------------------ */

#define EVENTUALLY(condition)                                  \
    do {                                                       \
        stk_time_ns end_ = stk_clock_mono() + 60 * STK_SECOND; \
        while (!(condition) && stk_clock_mono() < end_) {      \
            stk_clock_pause(STK_MS);                           \
        }                                                      \
        assert_true(condition);                                \
    } while (0)

struct submit {
    stk_time_ns ready_at;
    int64_t job_id;
};

static enum stk_rc write_job(struct stk_store *store, void *arg, stk_time_ns now,
                             struct stk_error *err)
{
    struct submit *submit = arg;
    struct stk_submitted made = { 0 };
    struct stk_new_job job = { .params = "{}", .params_len = 2, .ready_at = submit->ready_at };
    enum stk_rc rc = stk_store_task(store, "t", "t", &job.task_id, err);
    if (rc == STK_OK) rc = stk_store_submit(store, &job, 1, now, &made, err);
    submit->job_id = made.id;
    return rc;
}

static int64_t submit_at(stk_time_ns ready_at)
{
    struct submit submit = { .ready_at = ready_at };
    struct stk_error err = { 0 };
    if (stk_desk_call(pool.desk, write_job, &submit, &err) != STK_OK) fail_msg("%s", err.text);
    return submit.job_id;
}

static void eventually_runs(int64_t job_id)
{
    EVENTUALLY(atomic_load(&pool.job_id) == job_id);
}

static bool was_stopped(int64_t job_id, enum stk_stop how)
{
    bool was = false;
    (void)pthread_mutex_lock(&pool.lock);
    for (size_t i = 0; i < pool.stop_count; i++) {
        was = was || (pool.stops[i].job_id == job_id && pool.stops[i].how == how);
    }
    (void)pthread_mutex_unlock(&pool.lock);
    return was;
}

struct seen {
    int64_t job_id;
    enum stk_state state;
    int64_t pool_id;
    uint32_t interruptions;
};

static void see(void *context, const struct stk_job *job)
{
    struct seen *seen = context;
    seen->state = job->state;
    seen->pool_id = job->pool_id;
    seen->interruptions = job->interruptions;
}

static enum stk_rc look(struct stk_store *store, void *arg, stk_time_ns now, struct stk_error *err)
{
    struct seen *seen = arg;
    (void)now;
    return stk_store_job(store, seen->job_id, see, seen, err);
}

static struct seen job_now(int64_t job_id)
{
    struct seen seen = { .job_id = job_id };
    struct stk_error err = { 0 };
    if (stk_desk_call(pool.desk, look, &seen, &err) != STK_OK) fail_msg("%s", err.text);
    return seen;
}

static enum stk_rc do_nothing(struct stk_store *store, void *arg, stk_time_ns now,
                              struct stk_error *err)
{
    (void)store;
    (void)now;
    (void)err;
    (*(int *)arg)++;
    return STK_OK;
}

static struct stk_pool_view view_now(void)
{
    struct stk_pool_view view = { 0 };
    stk_desk_view(pool.desk, &view);
    return view;
}

/* --- rounds that are in each other's way ------------------------------------- */

static void a_round_that_met_another__is_run_again_at_once(void **state)
{
    (void)state;
    start(0);
    int runs = 0;
    struct stk_error err = { 0 };
    for (int i = 0; i < 20 && runs < 2; i++) { /* a round of the desk's own may meet them first */
        runs = 0;
        atomic_store(&stage.busy_commits, 3);
        assert_int_equal(stk_desk_call(pool.desk, do_nothing, &runs, &err), STK_OK);
    }
    assert_true(runs >= 2);
    assert_int_equal(view_now().state, STK_POOL_RUNNING);
}

static void a_round_that_meets_others_again_and_again__is_a_pause(void **state)
{
    (void)state;
    start(0);
    int runs = 0;
    struct stk_error err = { 0 };
    (void)job_now(submit_at(STK_HOUR + stk_clock_now())); /* all is written, nothing to do */
    atomic_store(&stage.busy_commits, 1000);
    int before = atomic_load(&stage.commits);
    assert_int_equal(stk_desk_call(pool.desk, do_nothing, &runs, &err), STK_BUSY);
    assert_true(atomic_load(&stage.commits) - before >= 8);
    EVENTUALLY(view_now().state == STK_POOL_PAUSED);
    atomic_store(&stage.busy_commits, 0);
    EVENTUALLY(view_now().state == STK_POOL_RUNNING);
}

static enum stk_rc be_busy(struct stk_store *store, void *arg, stk_time_ns now,
                           struct stk_error *err)
{
    int *left = arg;
    (void)store;
    (void)now;
    if (*left == 0) return STK_OK;
    (*left)--;
    return stk_fail(err, STK_BUSY, "a row was changed by another");
}

static void a_call_that_met_another__is_run_again_with_its_round(void **state)
{
    (void)state;
    start(0);
    int left = 4;
    struct stk_error err = { 0 };
    assert_int_equal(stk_desk_call(pool.desk, be_busy, &left, &err), STK_OK);
    assert_int_equal(left, 0);
}

static void a_call_that_is_always_busy__gets_that_for_an_answer_and_stops_nobody(void **state)
{
    (void)state;
    start(0);
    int left = 1000;
    struct stk_error err = { 0 };
    assert_int_equal(stk_desk_call(pool.desk, be_busy, &left, &err), STK_BUSY);
    assert_int_equal(view_now().state, STK_POOL_RUNNING);
}

/* --- the store's clock --------------------------------------------------------- */

static void jobs_are_due__by_the_clock_of_the_store(void **state)
{
    (void)state;
    stage.ahead_ns = 2 * STK_HOUR;
    start(0);
    int64_t later = submit_at(stk_clock_now() + 3 * STK_HOUR);
    int64_t due = submit_at(stk_clock_now() + STK_HOUR);
    eventually_runs(due);
    assert_int_equal(job_now(later).state, STK_STATE_PENDING);
}

/* --- the end of a life ----------------------------------------------------------- */

static void a_pool_that_was_taken_for_gone__kills_all_and_goes_on_with_a_new_id(void **state)
{
    (void)state;
    stage.lease_ns = 3 * STK_SECOND;
    start(0);
    int64_t old_id = atomic_load(&pool.id);
    int64_t job_id = submit_at(0);
    eventually_runs(job_id);

    atomic_store(&stage.is_taken, true);
    EVENTUALLY(was_stopped(job_id, STK_STOP_NOW));
    EVENTUALLY(atomic_load(&pool.id) != old_id);

    /* what it reported was not written: the job comes back as one of a dead pool */
    eventually_runs(job_id);
    assert_int_equal(atomic_load(&pool.claimed_by), atomic_load(&pool.id));
    struct seen seen = job_now(job_id);
    assert_int_equal(seen.state, STK_STATE_RUNNING);
    assert_int_equal(seen.pool_id, atomic_load(&pool.id));
    assert_int_equal(seen.interruptions, 1);
}

static void a_pool_out_of_touch__kills_all_before_its_lease_is_over_and_comes_back(void **state)
{
    (void)state;
    stage.lease_ns = 3 * STK_SECOND;
    start(0);
    int64_t old_id = atomic_load(&pool.id);
    int64_t job_id = submit_at(0);
    eventually_runs(job_id);

    atomic_store(&stage.is_away, true);
    stk_time_ns away_since = stk_clock_mono();
    EVENTUALLY(was_stopped(job_id, STK_STOP_NOW));
    assert_true(stk_clock_mono() - away_since < stage.lease_ns);
    int runs = 0;
    assert_int_equal(stk_desk_call(pool.desk, do_nothing, &runs, NULL), STK_UNAVAILABLE);
    assert_int_equal(atomic_load(&pool.id), old_id);

    atomic_store(&stage.is_away, false);
    EVENTUALLY(atomic_load(&pool.id) != old_id);
    eventually_runs(job_id);
    assert_int_equal(job_now(job_id).interruptions, 1);
}

static void a_pool_that_beats__lives_on_past_its_first_lease(void **state)
{
    (void)state;
    stage.lease_ns = 3 * STK_SECOND;
    start(0);
    int64_t old_id = atomic_load(&pool.id);
    int64_t job_id = submit_at(0);
    eventually_runs(job_id);
    stk_time_ns until = stk_clock_mono() + stage.lease_ns * 3 / 2;
    EVENTUALLY(stk_clock_mono() > until);
    assert_int_equal(atomic_load(&pool.id), old_id);
    assert_int_equal(atomic_load(&pool.job_id), job_id);
}

static void a_pool_that_must_end_while_it_is_out_of_touch__ends(void **state)
{
    (void)state;
    stage.lease_ns = 3 * STK_SECOND;
    start(0);
    eventually_runs(submit_at(0));
    atomic_store(&stage.is_away, true);
    EVENTUALLY(stk_desk_wait(pool.desk, 0) || atomic_load(&pool.job_id) == 0);
    stk_desk_stop(pool.desk);
    EVENTUALLY(atomic_load(&pool.has_ended));
}

/* --- others ------------------------------------------------------------------------ */

static void a_job_that_others_want_cancelled__is_stopped_when_they_say_so(void **state)
{
    (void)state;
    start(0);
    int64_t job_id = submit_at(0);
    eventually_runs(job_id);
    atomic_store(&stage.to_cancel, job_id);
    stk_desk_hint(pool.desk, 1U << STK_HINT_CANCELS);
    EVENTUALLY(was_stopped(job_id, STK_STOP_CANCEL));
}

static void ignore_claim(void *context, const struct stk_claim *claim)
{
    *(int64_t *)context = claim->id;
}

/* A pool that dies with a job. */
static enum stk_rc claim_as_other(struct stk_store *store, void *arg, stk_time_ns now,
                                  struct stk_error *err)
{
    const struct stk_queue *queues = NULL;
    size_t count = 0;
    int64_t id = 0;
    uint32_t slot = 1;
    struct submit submit = { 0 };
    enum stk_rc rc = write_job(store, &submit, now, err);
    if (rc == STK_OK) rc = stk_store_pool_start(store, "there", 2, 1, now, &id, err);
    if (rc == STK_OK) rc = stk_store_queues(store, &queues, &count, err);
    if (rc != STK_OK) return rc;
    return stk_store_claim(store, queues[0].id, id, &slot, 1, now, ignore_claim, arg, &count, err);
}

static void jobs_of_a_pool_that_died__are_given_back_while_this_one_runs(void **state)
{
    (void)state;
    stage.lease_ns = 3 * STK_SECOND;
    start(0);
    int64_t lost = 0;
    struct stk_error err = { 0 };
    if (stk_desk_call(pool.desk, claim_as_other, &lost, &err) != STK_OK) fail_msg("%s", err.text);
    assert_int_not_equal(lost, 0);
    eventually_runs(lost);
    assert_int_equal(job_now(lost).interruptions, 1);
}

/* --- idle ---------------------------------------------------------------------------- */

static void a_pool_with_nothing_to_run__ends_after_a_while(void **state)
{
    (void)state;
    start(200 * STK_MS);
    int64_t job_id = submit_at(0);
    eventually_runs(job_id);
    stk_time_ns until = stk_clock_mono() + 600 * STK_MS;
    EVENTUALLY(stk_clock_mono() > until);
    assert_false(atomic_load(&pool.has_ended)); /* it has something to run */
    atomic_store(&pool.may_end, true);
    EVENTUALLY(atomic_load(&pool.has_ended));
    assert_false(view_now().broken);
}

/* --- what it says ---------------------------------------------------------------------- */

static void a_stop__is_said_at_once_with_a_beat_of_its_own(void **state)
{
    (void)state;
    start(0);
    eventually_runs(submit_at(0));
    EVENTUALLY(atomic_load(&stage.beats) == 1);
    assert_int_equal(atomic_load(&stage.said), STK_POOL_RUNNING);
    stk_desk_stop(pool.desk);
    EVENTUALLY(atomic_load(&stage.said) == STK_POOL_STOPPING); /* the next beat is due in 20 min */
    assert_int_equal(view_now().state, STK_POOL_STOPPING);
    assert_false(atomic_load(&pool.has_ended));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_round_that_met_another__is_run_again_at_once),
        TEST(a_round_that_meets_others_again_and_again__is_a_pause),
        TEST(a_call_that_met_another__is_run_again_with_its_round),
        TEST(a_call_that_is_always_busy__gets_that_for_an_answer_and_stops_nobody),
        TEST(jobs_are_due__by_the_clock_of_the_store),
        TEST(a_pool_that_was_taken_for_gone__kills_all_and_goes_on_with_a_new_id),
        TEST(a_pool_out_of_touch__kills_all_before_its_lease_is_over_and_comes_back),
        TEST(a_pool_that_beats__lives_on_past_its_first_lease),
        TEST(a_pool_that_must_end_while_it_is_out_of_touch__ends),
        TEST(a_job_that_others_want_cancelled__is_stopped_when_they_say_so),
        TEST(jobs_of_a_pool_that_died__are_given_back_while_this_one_runs),
        TEST(a_pool_with_nothing_to_run__ends_after_a_while),
        TEST(a_stop__is_said_at_once_with_a_beat_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
