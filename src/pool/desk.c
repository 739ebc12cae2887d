/* SPDX-License-Identifier: MIT
 *
 * A round, from top to bottom: gather, call, settle, linger, promote, claim,
 * commit, tell. Everything here but the functions that stk_desk.h says others
 * may call runs on the desk's thread.
 */
#include "pool/desk.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"
#include "base/rand.h"
#include "base/timetext.h"
#include "pool/slot.h"

#define POLL_NS       (5 * STK_SECOND)  /* hints can be lost, the row is the truth */
#define BEAT_NS       (10 * STK_SECOND)
#define TEND_NS       (5 * STK_SECOND)
#define PAUSE_MIN_NS  STK_SECOND
#define PAUSE_MAX_NS  (30 * STK_SECOND)
#define LINGER_MAX_NS (2 * STK_MS)
enum { WAKE_FAN = 2, LINGER_SKIP_MAX = 63, CLAIM_TRIES = 8, PROMOTE_CHUNK = 1000 };

struct call {
    struct stk_arrival arrival;
    stk_write_fn fn;
    void *arg;
    enum stk_rc rc;
    struct stk_error err;
    struct stk_bell done;
    struct call *next;
};

enum stop_level { GO_ON, STOP_AFTER_JOBS, STOP_NOW };

struct stk_desk {
    struct stk_desk_options options;
    struct stk_slot *slots; /* [workers] */
    const struct stk_task **tasks; /* by the store's task id */
    size_t task_count;
    pthread_t thread;

    /* anyone's */
    _Atomic(struct stk_arrival *) arrived; /* newest first */
    struct stk_bell bell;
    _Atomic int stop_level;
    _Atomic bool quit;
    _Atomic uint32_t ended;
    struct stk_bell all_ended;

    /* under lock: what stk_desk_view shows */
    pthread_mutex_t lock;
    struct stk_rate rate;
    int64_t settled_count, late_count;
    char pause_reason[400]; /* "" while all is well */

    /* the desk thread's own */
    struct call *calls, **calls_end;
    struct stk_slot **reports; /* [workers] came back, not yet durable */
    struct stk_settle *settles;
    size_t report_count, settled; /* settled: written in this transaction */
    struct stk_slot **idle;       /* [workers] wait for a job, longest first */
    size_t idle_count;
    struct stk_slot **claimed;    /* [workers] in this transaction */
    struct stk_settle *unknown;   /* claimed, but of a task nobody knows here */
    size_t claimed_count, unknown_count;
    uint32_t *numbers;            /* worker numbers offered to a claim */
    size_t offered;

    uint64_t round;
    size_t turn;        /* the queue that claims first next time */
    bool hungry;        /* a claim may find something */
    size_t fresh;       /* handed out last round, not yet back */
    unsigned linger_skip, linger_wait; /* rounds not to linger, after it was no use */
    stk_time_ns commit_ns;
    stk_time_ns poll_at, beat_at, tend_at, retry_at, stop_at; /* mono; 0: not set */
    stk_time_ns pause_ns, paused_since;
    int stop_seen;
};

/* --- arrivals, from any thread ------------------------------------------- */

static void arrive(struct stk_desk *desk, struct stk_arrival *arrival)
{
    struct stk_arrival *head = atomic_load(&desk->arrived);
    do {
        arrival->next = head;
    } while (!atomic_compare_exchange_weak(&desk->arrived, &head, arrival));
    stk_bell_ring(&desk->bell);
}

const struct stk_assignment *stk_desk_next(struct stk_desk *desk, uint32_t worker,
                                           const struct stk_exec_result *ended)
{
    assert(worker >= 1 && worker <= desk->options.workers);
    struct stk_slot *slot = &desk->slots[worker - 1];

    stk_slot_show(slot, STK_WORKER_IDLE, stk_clock_now());
    slot->ended = ended;
    arrive(desk, &slot->arrival);
    (void)stk_bell_wait(&slot->bell, -1);

    if (slot->wake_next != NULL) stk_bell_ring(&slot->wake_next->bell);
    if (!slot->end) return &slot->job;

    stk_slot_show(slot, STK_WORKER_ENDED, stk_clock_now());
    if (atomic_fetch_add(&desk->ended, 1) + 1 == desk->options.workers) {
        stk_bell_ring(&desk->all_ended);
    }
    return NULL;
}

enum stk_rc stk_desk_call(struct stk_desk *desk, stk_write_fn fn, void *arg, struct stk_error *err)
{
    if (atomic_load(&desk->quit)) {
        return stk_fail(err, STK_UNAVAILABLE, "the pool is stopping; ask again when it is gone");
    }
    struct call call = { .arrival.is_call = true, .fn = fn, .arg = arg };
    arrive(desk, &call.arrival);
    (void)stk_bell_wait(&call.done, -1);

    if (call.rc != STK_OK && err != NULL) *err = call.err;
    return call.rc;
}

/* Moves what has arrived to calls and reports, oldest first. */
static size_t gather(struct stk_desk *desk)
{
    struct stk_arrival *newest = atomic_exchange(&desk->arrived, NULL);
    struct stk_arrival *oldest = NULL;
    while (newest != NULL) {
        struct stk_arrival *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    size_t count = 0;
    for (struct stk_arrival *next = NULL; oldest != NULL; oldest = next, count++) {
        next = oldest->next;
        if (oldest->is_call) {
            struct call *call = (struct call *)oldest;
            *desk->calls_end = call;
            desk->calls_end = &call->next;
            continue;
        }
        struct stk_slot *slot = (struct stk_slot *)oldest;
        if (slot->ended == NULL) {
            desk->idle[desk->idle_count++] = slot;
            desk->hungry = true;
            continue;
        }
        if (slot->round == desk->round && desk->fresh > 0) desk->fresh--;
        desk->reports[desk->report_count++] = slot;
    }
    return count;
}

/* --- the steps of a round ------------------------------------------------ */

/* Errors after which nothing else of this round can be written either. */
static bool is_store_trouble(enum stk_rc rc)
{
    return rc == STK_FULL || rc == STK_UNAVAILABLE;
}

static enum stk_rc run_one_call(struct stk_desk *desk, struct call *call, stk_time_ns now,
                                struct stk_error *err)
{
    struct stk_store *store = desk->options.store;
    enum stk_rc rc = stk_store_savepoint(store, err);
    if (rc != STK_OK) return rc;

    call->err = (struct stk_error){ 0 };
    call->rc = call->fn(store, call->arg, now, &call->err);
    if (call->rc == STK_OK) return stk_store_savepoint_keep(store, err);
    if (is_store_trouble(call->rc)) {
        *err = call->err;
        return call->rc;
    }
    stk_store_savepoint_undo(store);
    return STK_OK;
}

static enum stk_rc run_calls(struct stk_desk *desk, stk_time_ns now, struct stk_error *err)
{
    for (struct call *call = desk->calls; call != NULL; call = call->next) {
        enum stk_rc rc = run_one_call(desk, call, now, err);
        if (rc != STK_OK) return rc;
        desk->hungry = true; /* it may have submitted, resumed, retried */
    }
    return STK_OK;
}

static struct stk_settle settle_of(struct stk_slot *slot, stk_time_ns now)
{
    const struct stk_exec_result *ended = slot->ended;
    const struct stk_attempt_facts facts = {
        .attempt = slot->job.attempt,
        .interruptions = slot->job.interruptions,
        .cancel_requested = slot->cancel_requested,
        .retry = &slot->job.task->retry,
    };
    uint64_t dice = ended->outcome == STK_OUTCOME_COMPLETED ? 0 : stk_rand_u64();
    return (struct stk_settle){
        .id = slot->job.id,
        .attempt_id = slot->job.attempt_id,
        .outcome = ended->outcome,
        .to = stk_lifecycle_settle(&facts, ended->outcome, now, ended->until, dice),
        .result = ended->outcome == STK_OUTCOME_COMPLETED ? ended->result.data : NULL,
        .result_len = ended->result.len,
        .result_is_text = ended->result_is_text,
        .error = ended->error[0] != '\0' ? ended->error : NULL,
        .tail = ended->tail.data,
        .tail_len = ended->tail.len,
        .exit_status = ended->exit_status,
    };
}

/* Writes the outcomes that are not yet in this transaction; their workers are
 * idle from here on. */
static enum stk_rc settle_reports(struct stk_desk *desk, stk_time_ns now, struct stk_error *err)
{
    size_t first = desk->settled;
    for (size_t i = first; i < desk->report_count; i++) {
        desk->settles[i] = settle_of(desk->reports[i], now);
    }
    enum stk_rc rc = stk_store_settle(desk->options.store, desk->settles + first,
                                      desk->report_count - first, now, err);
    if (rc != STK_OK) return rc;
    desk->settled = desk->report_count;
    return STK_OK;
}

/* Group commit alternates between two half batches when the desk commits the
 * moment the first worker is back. So it waits for those it has just served, as
 * long as they keep coming: the outcomes are written meanwhile, the worker that
 * comes alone is never kept, and where jobs are long it soon stops trying. */
static enum stk_rc linger(struct stk_desk *desk, stk_time_ns now, struct stk_error *err)
{
    if (desk->fresh == 0) return STK_OK;
    if (desk->linger_wait > 0) {
        desk->linger_wait--;
        return STK_OK;
    }
    stk_time_ns most_ns = desk->commit_ns < LINGER_MAX_NS ? desk->commit_ns : LINGER_MAX_NS;
    stk_time_ns gap_ns = most_ns / 8 + 30 * STK_US;
    stk_time_ns start = stk_clock_mono(), last = start;
    size_t before = desk->report_count;

    while (desk->fresh > 0) {
        if (gather(desk) > 0) {
            enum stk_rc rc = settle_reports(desk, now, err);
            if (rc != STK_OK) return rc;
            last = stk_clock_mono();
            continue;
        }
        stk_time_ns mono = stk_clock_mono();
        if (mono - last > gap_ns || mono - start > most_ns) break;
        (void)stk_bell_wait(&desk->bell, gap_ns - (mono - last));
    }
    bool of_use = desk->report_count > before || desk->fresh == 0;
    desk->linger_skip = of_use ? 0 : desk->linger_skip * 2 + 1;
    if (desk->linger_skip > LINGER_SKIP_MAX) desk->linger_skip = LINGER_SKIP_MAX;
    desk->linger_wait = desk->linger_skip;
    return STK_OK;
}

static enum stk_rc promote(struct stk_desk *desk, stk_time_ns now, struct stk_error *err)
{
    stk_time_ns due = stk_store_next_due(desk->options.store);
    if (due == STK_NEVER || due > now) return STK_OK;

    size_t moved = 0;
    enum stk_rc rc = stk_store_promote(desk->options.store, now, PROMOTE_CHUNK, &moved, err);
    if (rc == STK_OK && moved > 0) desk->hungry = true;
    return rc;
}

static const struct stk_task *task_of(struct stk_desk *desk, int64_t task_id)
{
    if (task_id < 0 || (size_t)task_id >= desk->task_count) return NULL;
    return desk->tasks[task_id];
}

static void take_claim(void *context, const struct stk_claim *claim)
{
    struct stk_desk *desk = context;
    const struct stk_task *task = task_of(desk, claim->task_id);
    if (task == NULL) {
        desk->unknown[desk->unknown_count++] = (struct stk_settle){
            .id = claim->id,
            .attempt_id = claim->attempt_id,
            .outcome = STK_OUTCOME_UNKNOWN_TASK,
            .to = stk_lifecycle_settle(&(struct stk_attempt_facts){ .attempt = claim->attempt },
                                       STK_OUTCOME_UNKNOWN_TASK, claim->started_at, 0, 0),
            .exit_status = -1,
        };
        return;
    }
    struct stk_slot *slot = &desk->slots[claim->slot - 1];
    struct stk_assignment *job = &slot->next;
    job->task = task;
    job->id = claim->id;
    job->attempt_id = claim->attempt_id;
    job->sweep_id = claim->sweep_id;
    job->attempt = claim->attempt;
    job->interruptions = claim->interruptions;
    stk_buf_clear(&job->params);
    stk_buf_add(&job->params, claim->params, claim->params_len);
    desk->claimed[desk->claimed_count++] = slot;
}

static void offer(struct stk_desk *desk, struct stk_slot *const *slots, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (slots[i]->next.id == 0) desk->numbers[desk->offered++] = slots[i]->worker;
    }
}

/* The workers that wait and have got nothing in this round. */
static size_t offer_waiting(struct stk_desk *desk)
{
    desk->offered = 0;
    offer(desk, desk->idle, desk->idle_count);
    offer(desk, desk->reports, desk->report_count);
    return desk->offered;
}

/* One walk over the queues, each offered its share of the workers that wait, or
 * all of them when `greedy`. *ret_more: some queue may hold more. */
static enum stk_rc claim_walk(struct stk_desk *desk, bool greedy, stk_time_ns now, bool *ret_more,
                              struct stk_error *err)
{
    const struct stk_queue *queues = NULL;
    size_t count = 0;
    enum stk_rc rc = stk_store_queues(desk->options.store, &queues, &count, err);
    if (rc != STK_OK) return rc;

    *ret_more = false;
    for (size_t i = 0; i < count; i++) {
        const struct stk_queue *queue = &queues[(desk->turn + i) % count];
        size_t left = queue->paused ? 0 : offer_waiting(desk);
        if (left == 0) continue;
        size_t want = greedy ? left : (left + (count - i) - 1) / (count - i), got = 0;
        rc = stk_store_claim(desk->options.store, queue->id, desk->options.pool_id, desk->numbers,
                             want, now, take_claim, desk, &got, err);
        if (rc != STK_OK) return rc;
        if (got == want) *ret_more = true;
    }
    return STK_OK;
}

/* Jobs of tasks that this pool does not know are put aside in the transaction
 * that claimed them, so that they neither run nor stand in the way. */
static enum stk_rc hold_unknown(struct stk_desk *desk, stk_time_ns now, struct stk_error *err)
{
    if (desk->unknown_count == 0) return STK_OK;
    enum stk_rc rc =
        stk_store_settle(desk->options.store, desk->unknown, desk->unknown_count, now, err);
    desk->unknown_count = 0;
    return rc;
}

static void want_next(struct stk_slot *const *slots, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        slots[i]->next.id = 0;
    }
}

static enum stk_rc claim(struct stk_desk *desk, stk_time_ns now, struct stk_error *err)
{
    desk->claimed_count = desk->unknown_count = 0;
    want_next(desk->idle, desk->idle_count);
    want_next(desk->reports, desk->report_count);
    if (atomic_load(&desk->stop_level) != GO_ON) return STK_OK;

    bool more = true;
    for (int tries = 0; more && offer_waiting(desk) > 0 && tries < CLAIM_TRIES; tries++) {
        enum stk_rc rc = claim_walk(desk, tries > 0, now, &more, err);
        if (rc == STK_OK) rc = hold_unknown(desk, now, err);
        if (rc != STK_OK) return rc;
    }
    desk->hungry = more;
    desk->turn++;
    return STK_OK;
}

/* --- after the commit ---------------------------------------------------- */

static void answer_calls(struct stk_desk *desk, enum stk_rc rc, const struct stk_error *err)
{
    struct call *next = NULL;
    for (struct call *call = desk->calls; call != NULL; call = next) {
        next = call->next;
        if (rc != STK_OK) {
            call->rc = rc;
            call->err = *err;
        }
        stk_bell_ring(&call->done); /* the caller's stack: not to be touched again */
    }
    desk->calls = NULL;
    desk->calls_end = &desk->calls;
}

/* What happened to a job whose attempt did not complete, on its worker's
 * console: the desk alone knows. */
static void tell_console(struct stk_desk *desk, const struct stk_slot *slot,
                         const struct stk_settle *settle, stk_time_ns now)
{
    struct stk_consoles *consoles = desk->options.consoles;
    if (consoles == NULL || (settle->accepted && settle->outcome == STK_OUTCOME_COMPLETED)) return;

    if (!settle->accepted) {
        stk_console_addf(consoles, slot->worker, settle->id, STK_LINE_STEP,
                         "late answer refused: the attempt no longer held the job");
        return;
    }
    if (settle->to.state != STK_STATE_PENDING) {
        stk_console_addf(consoles, slot->worker, settle->id, STK_LINE_STEP, "job is %s%s%s",
                         stk_state_name(settle->to.state), settle->to.note != NULL ? ": " : "",
                         settle->to.note != NULL ? settle->to.note : "");
        return;
    }
    char wait[STK_DURATION_TEXT];
    stk_time_ns ready_at = settle->to.ready_at > now ? settle->to.ready_at : now;
    stk_duration_text(ready_at - now, wait);
    stk_console_addf(consoles, slot->worker, settle->id, STK_LINE_STEP,
                     "back in the queue, next try in %s (attempt %u of %u)", wait,
                     slot->job.attempt, slot->job.task->retry.attempts_max);
}

static void close_reports(struct stk_desk *desk, stk_time_ns now)
{
    int64_t late = 0;
    for (size_t i = 0; i < desk->report_count; i++) {
        struct stk_slot *slot = desk->reports[i];
        late += !desk->settles[i].accepted;
        tell_console(desk, slot, &desk->settles[i], now);
        slot->ended = NULL;
        slot->job.id = 0;
        desk->idle[desk->idle_count++] = slot;
    }
    if (desk->report_count == 0) return;
    (void)pthread_mutex_lock(&desk->lock);
    desk->settled_count += (int64_t)desk->report_count;
    desk->late_count += late;
    stk_rate_add(&desk->rate, desk->settled_count, now);
    (void)pthread_mutex_unlock(&desk->lock);
    desk->report_count = desk->settled = 0;
}

/* Rings a few; each worker that wakes rings the next of its chain, so that the
 * desk does not spend its time on system calls that others can make. */
static void ring_chain(struct stk_slot *const *slots, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        slots[i]->wake_next = i + WAKE_FAN < count ? slots[i + WAKE_FAN] : NULL;
    }
    for (size_t i = 0; i < count && i < WAKE_FAN; i++) {
        stk_bell_ring(&slots[i]->bell);
    }
}

static void swap_jobs(struct stk_slot *slot)
{
    struct stk_assignment done = slot->job;
    slot->job = slot->next;
    slot->next = done; /* its buffer is used again */
}

static void hand_out(struct stk_desk *desk, stk_time_ns now)
{
    desk->round++;
    desk->fresh = desk->claimed_count;
    if (desk->claimed_count == 0) return;

    for (size_t i = 0; i < desk->claimed_count; i++) {
        swap_jobs(desk->claimed[i]);
        desk->claimed[i]->round = desk->round;
        stk_slot_show(desk->claimed[i], STK_WORKER_RUNNING, now);
    }
    size_t kept = 0;
    for (size_t i = 0; i < desk->idle_count; i++) {
        if (desk->idle[i]->job.id == 0) desk->idle[kept++] = desk->idle[i];
    }
    desk->idle_count = kept;
    ring_chain(desk->claimed, desk->claimed_count);
    (void)stk_fault(STK_FAULT_HANDED_OUT);
}

static void end_idle_workers(struct stk_desk *desk)
{
    for (size_t i = 0; i < desk->idle_count; i++) {
        desk->idle[i]->end = true;
    }
    ring_chain(desk->idle, desk->idle_count);
    desk->idle_count = 0;
}

/* --- pauses -------------------------------------------------------------- */

static void pause_with(struct stk_desk *desk, const struct stk_error *err, stk_time_ns mono)
{
    bool fresh = desk->paused_since == 0;
    if (fresh) desk->paused_since = stk_clock_now();
    desk->pause_ns = fresh ? PAUSE_MIN_NS : desk->pause_ns * 2;
    if (desk->pause_ns > PAUSE_MAX_NS) desk->pause_ns = PAUSE_MAX_NS;
    desk->retry_at = mono + desk->pause_ns;

    (void)pthread_mutex_lock(&desk->lock);
    (void)snprintf(desk->pause_reason, sizeof(desk->pause_reason), "%s", err->text);
    (void)pthread_mutex_unlock(&desk->lock);
    if (!fresh || desk->options.consoles == NULL) return;
    stk_console_addf(desk->options.consoles, 0, 0, STK_LINE_POOL,
                     "paused: %s; %zu outcomes are kept and tried again until it works", err->text,
                     desk->report_count);
}

/* Written in the first round that goes through, as the store could not take it
 * when it happened. */
static enum stk_rc note_end_of_pause(struct stk_desk *desk, stk_time_ns now, struct stk_error *err)
{
    if (desk->paused_since == 0) return STK_OK;
    const struct stk_event paused = { .pool_id = desk->options.pool_id,
                                      .text = desk->pause_reason };
    enum stk_rc rc = stk_store_event(desk->options.store, STK_EVENT_POOL_PAUSED, &paused,
                                     desk->paused_since, err);
    if (rc != STK_OK) return rc;
    const struct stk_event resumed = { .pool_id = desk->options.pool_id,
                                       .text = "the store takes writes again" };
    return stk_store_event(desk->options.store, STK_EVENT_POOL_RESUMED, &resumed, now, err);
}

static void end_pause(struct stk_desk *desk)
{
    if (desk->paused_since == 0) return;
    desk->paused_since = desk->retry_at = 0;
    desk->hungry = true;
    (void)pthread_mutex_lock(&desk->lock);
    desk->pause_reason[0] = '\0';
    (void)pthread_mutex_unlock(&desk->lock);
    if (desk->options.consoles == NULL) return;
    stk_console_addf(desk->options.consoles, 0, 0, STK_LINE_POOL,
                     "goes on: the store takes writes again");
}

/* --- the round ----------------------------------------------------------- */

static enum stk_rc beat(struct stk_desk *desk, stk_time_ns now, struct stk_error *err)
{
    stk_time_ns mono = stk_clock_mono();
    if (mono < desk->beat_at) return STK_OK;
    desk->beat_at = mono + BEAT_NS;
    return stk_store_pool_beat(desk->options.store, desk->options.pool_id, now, err);
}

static enum stk_rc write_round(struct stk_desk *desk, stk_time_ns now, struct stk_error *err)
{
    enum stk_rc rc = run_calls(desk, now, err);
    if (rc == STK_OK) rc = note_end_of_pause(desk, now, err);
    if (rc == STK_OK) rc = settle_reports(desk, now, err);
    if (rc == STK_OK) rc = linger(desk, now, err);
    (void)stk_fault(STK_FAULT_ROUND_SETTLED);
    if (rc == STK_OK) rc = promote(desk, now, err);
    if (rc == STK_OK) rc = beat(desk, now, err);
    if (rc == STK_OK) rc = claim(desk, now, err);
    (void)stk_fault(STK_FAULT_ROUND_CLAIMED);
    return rc;
}

static enum stk_rc try_round(struct stk_desk *desk, stk_time_ns now, struct stk_error *err)
{
    desk->settled = 0;
    enum stk_rc rc = stk_store_begin(desk->options.store, err);
    if (rc != STK_OK) return rc;

    (void)stk_fault(STK_FAULT_ROUND_BEGUN);
    rc = write_round(desk, now, err);
    if (rc != STK_OK) {
        stk_store_rollback(desk->options.store);
        return rc;
    }
    stk_time_ns before = stk_clock_mono();
    rc = stk_store_commit(desk->options.store, err);
    stk_time_ns took_ns = stk_clock_mono() - before;
    desk->commit_ns += (took_ns - desk->commit_ns) / 8;
    return rc;
}

static void run_round(struct stk_desk *desk)
{
    stk_time_ns now = stk_clock_now();
    struct stk_error err = { 0 };
    enum stk_rc rc = try_round(desk, now, &err);
    if (rc != STK_OK) {
        answer_calls(desk, rc, &err);
        pause_with(desk, &err, stk_clock_mono());
        return;
    }
    answer_calls(desk, STK_OK, NULL);
    end_pause(desk);
    close_reports(desk, now);
    hand_out(desk, now);
}

/* --- the loop ------------------------------------------------------------ */

static void interrupt_jobs(struct stk_desk *desk, enum stk_stop how)
{
    for (uint32_t i = 0; i < desk->options.workers; i++) {
        struct stk_slot *slot = &desk->slots[i];
        (void)pthread_mutex_lock(&slot->lock);
        int64_t job_id = slot->view.job_id;
        if (job_id != 0) {
            slot->view.state = STK_WORKER_STOPPING;
            desk->options.stop_job(desk->options.context, slot->worker, job_id, how);
        }
        (void)pthread_mutex_unlock(&slot->lock);
    }
}

/* The store takes no writes and the pool must end now: these attempts stay
 * running in the store, and the next owner gives them back. */
static void abandon_reports(struct stk_desk *desk)
{
    for (size_t i = 0; i < desk->report_count; i++) {
        desk->idle[desk->idle_count++] = desk->reports[i];
    }
    desk->report_count = desk->settled = 0;
}

/* Follows stk_desk_stop: at first running jobs may end, after the grace they
 * are interrupted; a second stop interrupts at once. */
static void follow_stop(struct stk_desk *desk, stk_time_ns mono)
{
    int level = atomic_load(&desk->stop_level);
    if (level == GO_ON) return;
    if (desk->stop_seen == GO_ON) {
        desk->stop_seen = STOP_AFTER_JOBS;
        desk->stop_at = mono + desk->options.settings->grace_ns;
    }
    if (level == STOP_NOW && desk->stop_seen != STOP_NOW) {
        desk->stop_seen = STOP_NOW;
        desk->stop_at = 0;
        interrupt_jobs(desk, STK_STOP_NOW);
    }
    if (desk->stop_at != 0 && mono >= desk->stop_at) {
        desk->stop_at = 0;
        interrupt_jobs(desk, STK_STOP_INTERRUPT);
    }
    if (desk->paused_since != 0 && level == STOP_NOW) abandon_reports(desk);
    if (desk->report_count == 0) end_idle_workers(desk);
}

/* Nothing runs, nothing can be claimed, nothing will be due. */
static void follow_drain(struct stk_desk *desk)
{
    if (!desk->options.drain || desk->hungry || desk->idle_count < desk->options.workers) return;
    if (desk->calls != NULL || desk->report_count > 0) return;
    if (stk_store_next_due(desk->options.store) != STK_NEVER) return;
    if (desk->options.feeding != NULL && desk->options.feeding(desk->options.context)) return;
    stk_desk_stop(desk);
}

static void earlier(stk_time_ns *at, stk_time_ns other)
{
    if (other != 0 && other < *at) *at = other;
}

static stk_time_ns time_to_wait(struct stk_desk *desk, stk_time_ns mono)
{
    stk_time_ns at = desk->poll_at;
    earlier(&at, desk->retry_at);
    earlier(&at, desk->stop_at);
    stk_time_ns due = stk_store_next_due(desk->options.store);
    if (due != STK_NEVER && desk->retry_at == 0 && desk->idle_count > 0) {
        earlier(&at, mono + (due - stk_clock_now()));
    }
    return at > mono ? at - mono : 0;
}

/* Whether there is anything to write or to claim. */
static bool has_work(struct stk_desk *desk, stk_time_ns mono)
{
    if (desk->calls != NULL) return true;
    if (desk->retry_at != 0 && mono < desk->retry_at) return false;
    if (desk->report_count > 0 || desk->retry_at != 0) return true;
    if (mono >= desk->beat_at) return true;
    if (desk->idle_count == 0 || atomic_load(&desk->stop_level) != GO_ON) return false;
    stk_time_ns due = stk_store_next_due(desk->options.store);
    return desk->hungry || (due != STK_NEVER && due <= stk_clock_now());
}

static void poll_and_tend(struct stk_desk *desk, stk_time_ns mono)
{
    if (mono < desk->poll_at) return;
    desk->poll_at = mono + POLL_NS - POLL_NS / 5 + stk_rand_below(1000) * (POLL_NS / 2500);
    desk->hungry = true;
    if (mono < desk->tend_at || desk->paused_since != 0) return;
    desk->tend_at = mono + TEND_NS;

    struct stk_error err = { 0 };
    bool idle = desk->idle_count == desk->options.workers;
    if (stk_store_tend(desk->options.store, idle, &err) != STK_OK) pause_with(desk, &err, mono);
}

static void *desk_main(void *arg)
{
    struct stk_desk *desk = arg;
    while (!atomic_load(&desk->quit) || atomic_load(&desk->arrived) != NULL) {
        (void)gather(desk);
        stk_time_ns mono = stk_clock_mono();
        poll_and_tend(desk, mono);
        if (has_work(desk, mono)) {
            run_round(desk);
            continue;
        }
        follow_stop(desk, mono);
        follow_drain(desk);
        (void)stk_bell_wait(&desk->bell, time_to_wait(desk, mono));
    }
    return NULL;
}

/* --- open, start, close -------------------------------------------------- */

struct stk_desk *stk_desk_open(const struct stk_desk_options *options)
{
    uint32_t workers = options->workers;
    assert(workers >= 1 && workers <= STK_WORKERS_MAX);
    struct stk_desk *desk = stk_alloc(sizeof(*desk));
    desk->options = *options;
    desk->slots = stk_alloc(workers * sizeof(*desk->slots));
    desk->reports = stk_alloc(workers * sizeof(*desk->reports));
    desk->settles = stk_alloc(workers * sizeof(*desk->settles));
    desk->idle = stk_alloc(workers * sizeof(*desk->idle));
    desk->claimed = stk_alloc(workers * sizeof(*desk->claimed));
    desk->unknown = stk_alloc(workers * sizeof(*desk->unknown));
    desk->numbers = stk_alloc(workers * sizeof(*desk->numbers));
    desk->calls_end = &desk->calls;
    desk->commit_ns = STK_MS;
    desk->hungry = true;
    (void)pthread_mutex_init(&desk->lock, NULL);
    for (uint32_t i = 0; i < workers; i++) {
        stk_slot_init(&desk->slots[i], i + 1);
    }
    return desk;
}

/* The store's ids of the tasks this pool knows; what was held for want of them
 * goes on. */
static enum stk_rc know_tasks(struct stk_store *store, void *arg, stk_time_ns now,
                              struct stk_error *err)
{
    struct stk_desk *desk = arg;
    for (size_t i = 0; i < desk->options.settings->task_count; i++) {
        const struct stk_task *task = &desk->options.settings->tasks[i];
        int64_t id = 0;
        enum stk_rc rc = stk_store_task(store, task->name, task->queue, &id, err);
        if (rc != STK_OK) return rc;
        if ((size_t)id >= desk->task_count) {
            size_t count = (size_t)id + 1;
            desk->tasks = stk_realloc(desk->tasks, count, sizeof(struct stk_task *));
            for (size_t gap = desk->task_count; gap < count; gap++) {
                desk->tasks[gap] = NULL;
            }
            desk->task_count = count;
        }
        desk->tasks[id] = task;
        struct stk_bulk bulk = { .more = true };
        while (bulk.more) {
            rc = stk_store_release_held(store, id, now, &bulk, err);
            if (rc != STK_OK) return rc;
        }
    }
    return STK_OK;
}

enum stk_rc stk_desk_start(struct stk_desk *desk, struct stk_error *err)
{
    struct stk_access direct = stk_access_direct(desk->options.store);
    enum stk_rc rc = stk_write(&direct, know_tasks, desk, err);
    if (rc != STK_OK) return rc;
    if (pthread_create(&desk->thread, NULL, desk_main, desk) != 0) {
        return stk_fail(err, STK_UNAVAILABLE, "could not start the desk thread");
    }
    return STK_OK;
}

void stk_desk_close(struct stk_desk *desk)
{
    if (desk == NULL) return;
    atomic_store(&desk->quit, true);
    stk_bell_ring(&desk->bell);
    if (desk->thread != 0) (void)pthread_join(desk->thread, NULL);

    for (uint32_t i = 0; i < desk->options.workers; i++) {
        stk_slot_release(&desk->slots[i]);
    }
    (void)pthread_mutex_destroy(&desk->lock);
    free(desk->slots);
    free(desk->tasks);
    free(desk->reports);
    free(desk->settles);
    free(desk->idle);
    free(desk->claimed);
    free(desk->unknown);
    free(desk->numbers);
    free(desk);
}

/* --- asked and told from other threads ----------------------------------- */

void stk_desk_stop(struct stk_desk *desk)
{
    int level = atomic_load(&desk->stop_level);
    if (level < STOP_NOW) atomic_store(&desk->stop_level, level + 1);
    stk_bell_ring(&desk->bell);
}

void stk_desk_cancel(struct stk_desk *desk, int64_t job_id)
{
    for (uint32_t i = 0; i < desk->options.workers; i++) {
        struct stk_slot *slot = &desk->slots[i];
        (void)pthread_mutex_lock(&slot->lock);
        if (slot->view.job_id == job_id) {
            slot->cancel_requested = true;
            slot->view.state = STK_WORKER_STOPPING;
            desk->options.stop_job(desk->options.context, slot->worker, job_id, STK_STOP_CANCEL);
        }
        (void)pthread_mutex_unlock(&slot->lock);
    }
}

bool stk_desk_wait(struct stk_desk *desk, stk_time_ns wait_ns)
{
    if (atomic_load(&desk->ended) == desk->options.workers) return true;
    (void)stk_bell_wait(&desk->all_ended, wait_ns);
    return atomic_load(&desk->ended) == desk->options.workers;
}

void stk_desk_workers(struct stk_desk *desk,
                      void (*each)(void *context, const struct stk_worker_view *view),
                      void *context)
{
    for (uint32_t i = 0; i < desk->options.workers; i++) {
        struct stk_worker_view view;
        stk_slot_peek(&desk->slots[i], &view);
        each(context, &view);
    }
}

static void count_busy(void *context, const struct stk_worker_view *view)
{
    uint32_t *busy = context;
    *busy += view->job_id != 0;
}

void stk_desk_view(struct stk_desk *desk, struct stk_pool_view *ret)
{
    ret->workers = desk->options.workers;
    ret->busy = 0;
    stk_desk_workers(desk, count_busy, &ret->busy);

    (void)pthread_mutex_lock(&desk->lock);
    stk_rate_add(&desk->rate, desk->settled_count, stk_clock_now());
    ret->per_s = desk->rate.per_s;
    ret->late_answers = desk->late_count;
    (void)snprintf(ret->reason, sizeof(ret->reason), "%s", desk->pause_reason);
    (void)pthread_mutex_unlock(&desk->lock);
    ret->state = atomic_load(&desk->stop_level) != GO_ON ? "stopping"
                 : ret->reason[0] != '\0'                ? "paused"
                                                         : "running";
}
