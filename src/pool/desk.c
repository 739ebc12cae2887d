/* SPDX-License-Identifier: MIT
 *
 * The desk's loop, and what other threads call.
 */
#include "pool/desk.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "pool/poll.h"
#include "pool/round.h"
#include "pool/said.h"

#define TEND_NS (5 * STK_SECOND)

/* --- arrivals, from any thread ------------------------------------------- */

static void arrive(struct stk_desk *desk, struct stk_arrival *arrival)
{
    bool is_call = arrival->is_call; /* once it is on the list it is the desk's */
    struct stk_arrival *head = atomic_load(&desk->arrived);
    do {
        arrival->next = head;
    } while (!atomic_compare_exchange_weak(&desk->arrived, &head, arrival));
    if (is_call || atomic_fetch_sub(&desk->awaited, 1) <= 1) stk_bell_ring(&desk->bell);
}

void stk_desk_await(struct stk_desk *desk, int reports, stk_time_ns wait_ns)
{
    atomic_store(&desk->awaited, reports);
    bool has_some = reports > 1 && atomic_load(&desk->arrived) != NULL;
    if (!has_some) (void)stk_bell_wait(&desk->bell, wait_ns);
    atomic_store(&desk->awaited, 1);
}

const struct stk_assignment *stk_desk_next(struct stk_desk *desk, uint32_t worker,
                                           const struct stk_exec_result *ended)
{
    assert(worker >= 1 && worker <= desk->options.workers);
    struct stk_slot *slot = &desk->slots[worker - 1];

    stk_slot_show(slot, STK_WORKER_IDLE, stk_clock_now());
    slot->ended = ended;
    arrive(desk, &slot->arrival);
    stk_sleeper_wait(&slot->sleeper);
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
    struct stk_call call = { .arrival.is_call = true, .fn = fn, .arg = arg };
    arrive(desk, &call.arrival);
    (void)stk_bell_wait(&call.done, -1);

    if (call.rc != STK_OK && err != NULL) *err = call.err;
    return call.rc;
}

/* Moves what has arrived to calls and reports, oldest first. */
size_t stk_desk_gather(struct stk_desk *desk)
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
            struct stk_call *call = (struct stk_call *)oldest;
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

/* --- the loop ------------------------------------------------------------ */

void stk_desk_interrupt(struct stk_desk *desk, enum stk_stop how)
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

/* Follows stk_desk_stop: at first running jobs may end, after the grace they
 * are interrupted; a second stop interrupts at once. */
static void follow_stop(struct stk_desk *desk, stk_time_ns mono)
{
    int level = atomic_load(&desk->stop_level);
    if (level == STK_GO_ON) return;
    if (desk->stop_seen == STK_GO_ON) {
        desk->stop_seen = STK_STOP_AFTER_JOBS;
        desk->stop_at = mono + desk->options.settings->grace_ns;
    }
    if (level == STK_STOP_AT_ONCE && desk->stop_seen != STK_STOP_AT_ONCE) {
        desk->stop_seen = STK_STOP_AT_ONCE;
        desk->stop_at = 0;
        stk_desk_interrupt(desk, STK_STOP_NOW);
    }
    if (desk->stop_at != 0 && mono >= desk->stop_at) {
        desk->stop_at = 0;
        stk_desk_interrupt(desk, STK_STOP_INTERRUPT);
    }
    /* The store takes no writes and the pool must end now: these attempts stay
     * running in the store, and the next owner gives them back. */
    if (desk->paused_since != 0 && desk->stop_at == 0) stk_handout_dropped(desk);
    if (desk->report_count == 0) stk_handout_ends(desk);
}

/* On a shared store a job that runs in another pool may come back, should that
 * pool die or put it back: somebody must be there for it. Looked at once a second;
 * when none runs any more, what came back before that is claimed first. */
static bool others_run(struct stk_desk *desk, stk_time_ns mono)
{
    struct stk_counts counts = { { 0 } };
    if (!desk->is_shared || desk->drain_sure) return false;
    if (mono < desk->drain_look_at) return true;
    desk->drain_look_at = mono + STK_SECOND;
    enum stk_rc rc = stk_store_counts(desk->options.store, 0, &counts, NULL);
    if (rc != STK_OK || counts.of[STK_STATE_RUNNING] > 0) return true;
    desk->drain_sure = desk->hungry = true;
    return true;
}

static bool is_drained(struct stk_desk *desk)
{
    struct stk_store *store = desk->options.store;
    if (desk->idle_count < desk->options.workers) return false;
    if (desk->calls != NULL || desk->report_count > 0) return false;
    if (stk_store_next_due(store) != STK_NEVER || stk_store_next_poll(store) != STK_NEVER) {
        return false;
    }
    if (desk->gate_at != STK_NEVER) return false;
    return desk->options.feeding == NULL || !desk->options.feeding(desk->options.context);
}

/* Nothing runs, here or elsewhere, nothing can be claimed, nothing will be due. */
static void follow_drain(struct stk_desk *desk, stk_time_ns mono)
{
    if (!desk->options.drain || desk->hungry) return;
    if (!is_drained(desk)) {
        desk->drain_sure = false;
        return;
    }
    if (!others_run(desk, mono)) stk_desk_stop(desk);
}

/* A parked job counts as one that runs: somebody has to ask for it. */
static void follow_idle(struct stk_desk *desk, stk_time_ns mono)
{
    stk_time_ns idle_exit_ns = desk->options.idle_exit_ns;
    if (idle_exit_ns == 0 || atomic_load(&desk->stop_level) != STK_GO_ON) return;
    bool is_idle = desk->idle_count == desk->options.workers &&
                   stk_store_next_poll(desk->options.store) == STK_NEVER;
    if (!is_idle) desk->idle_since = 0;
    if (is_idle && desk->idle_since == 0) desk->idle_since = mono;
    if (!is_idle || mono < desk->idle_since + idle_exit_ns) return;
    if (desk->options.consoles != NULL) {
        stk_console_addf(desk->options.consoles, 0, 0, STK_LINE_POOL,
                         "stopping: no job has run for a while (--idle-exit)");
    }
    stk_desk_stop(desk);
}

static void earlier(stk_time_ns *at, stk_time_ns other)
{
    if (other != 0 && other < *at) *at = other;
}

/* STK_NEVER is later than all. */
static stk_time_ns sooner(stk_time_ns a, stk_time_ns b)
{
    if (a == STK_NEVER) return b;
    return b == STK_NEVER || a < b ? a : b;
}

/* When a job becomes due, a parked one is to be asked for, or a closed gate may
 * open, by the store's clock. Polls that are due behind a closed gate wait for that. */
static stk_time_ns next_chance(struct stk_desk *desk)
{
    struct stk_store *store = desk->options.store;
    stk_time_ns poll = desk->held_at != STK_NEVER ? desk->held_at : stk_store_next_poll(store);
    return sooner(sooner(stk_store_next_due(store), desk->gate_at), poll);
}

static stk_time_ns time_to_wait(struct stk_desk *desk, stk_time_ns mono)
{
    stk_time_ns at = desk->poll_at;
    earlier(&at, desk->retry_at);
    earlier(&at, desk->stop_at);
    if (desk->retry_at == 0) earlier(&at, stk_life_due_at(desk));
    if (desk->idle_since != 0) earlier(&at, desk->idle_since + desk->options.idle_exit_ns);
    if (desk->drain_look_at > mono) earlier(&at, desk->drain_look_at);
    stk_time_ns due = next_chance(desk);
    if (due != STK_NEVER && desk->retry_at == 0 && desk->idle_count > 0) {
        earlier(&at, mono + (due - stk_store_now(desk->options.store)));
    }
    return at > mono ? at - mono : 0;
}

/* Whether there is anything to write or to claim. */
static bool has_work(struct stk_desk *desk, stk_time_ns mono)
{
    if (desk->calls != NULL) return true;
    if (desk->retry_at != 0 && mono < desk->retry_at) return false;
    if (desk->report_count > 0 || desk->retry_at != 0) return true;
    if (stk_life_is_due(desk, mono)) return true;
    if (desk->idle_count == 0 || atomic_load(&desk->stop_level) != STK_GO_ON) return false;
    stk_time_ns due = next_chance(desk);
    return desk->hungry || (due != STK_NEVER && due <= stk_store_now(desk->options.store));
}

static void poll_and_tend(struct stk_desk *desk, stk_time_ns mono)
{
    if (mono < desk->poll_at) return;
    desk->poll_at = mono + stk_poll_next(desk->options.listener);
    desk->hungry = true;
    stk_life_look(desk);
    if (mono < desk->tend_at || desk->paused_since != 0) return;
    desk->tend_at = mono + TEND_NS;

    struct stk_error err = { 0 };
    bool idle = desk->idle_count == desk->options.workers;
    if (stk_store_tend(desk->options.store, idle, &err) != STK_OK) stk_round_pause(desk, &err);
    stk_said_news(desk);
}

static void follow_hints(struct stk_desk *desk)
{
    if (atomic_load(&desk->heard) == 0) return;
    unsigned hints = atomic_exchange(&desk->heard, 0);
    if (hints & (1U << STK_HINT_CANCELS)) stk_life_look(desk);
    if (hints & (1U << STK_HINT_JOBS | 1U << STK_HINT_SESSIONS)) desk->hungry = true;
}

/* Nothing is written any more for a life that is over; see pool/life.h. */
static void live_on(struct stk_desk *desk, stk_time_ns mono)
{
    stk_time_ns at = stk_life_renew(desk, mono);
    if (!stk_life_is_over(desk)) return;
    follow_stop(desk, mono);
    if (!atomic_load(&desk->quit)) stk_desk_await(desk, 1, at > mono ? at - mono : 0);
}

stk_time_ns stk_desk_turned_at(struct stk_desk *desk)
{
    return atomic_load(&desk->turned_at);
}

static void *desk_main(void *arg)
{
    struct stk_desk *desk = arg;
    while (!atomic_load(&desk->quit) || atomic_load(&desk->arrived) != NULL) {
        (void)stk_desk_gather(desk);
        stk_time_ns mono = stk_clock_mono();
        atomic_store(&desk->turned_at, mono);
        if (stk_life_is_over(desk)) {
            live_on(desk, mono);
            continue;
        }
        follow_hints(desk);
        poll_and_tend(desk, mono);
        if (has_work(desk, mono)) {
            stk_round_run(desk);
            continue;
        }
        follow_stop(desk, mono);
        follow_drain(desk, mono);
        follow_idle(desk, mono);
        stk_desk_await(desk, 1, time_to_wait(desk, mono));
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
    desk->gate_at = STK_NEVER;
    desk->held_at = STK_NEVER;
    stk_gates_init(&desk->gates, options->settings);
    desk->gates.vault = options->vault;
    desk->settles = stk_alloc(workers * sizeof(*desk->settles));
    desk->idle = stk_alloc(workers * sizeof(*desk->idle));
    desk->claimed = stk_alloc(workers * sizeof(*desk->claimed));
    desk->unknown = stk_alloc(workers * sizeof(*desk->unknown));
    desk->numbers = stk_alloc(workers * sizeof(*desk->numbers));
    desk->calls_end = &desk->calls;
    desk->commit_ns = STK_MS;
    desk->hungry = true;
    atomic_store(&desk->awaited, 1);
    (void)pthread_mutex_init(&desk->lock, NULL);
    for (uint32_t i = 0; i < workers; i++) {
        stk_slot_init(&desk->slots[i], i + 1);
        desk->slots[i].sleeper.gong = &desk->gongs[i / STK_GONG_SLEEPERS];
        desk->slots[i].sleeper.bit = UINT32_C(1) << i % STK_GONG_SLEEPERS;
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
    if (rc == STK_OK) rc = stk_life_start(desk, err);
    if (rc != STK_OK) return rc;
    atomic_store(&desk->turned_at, stk_clock_mono());
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
    stk_life_stop(desk);

    for (uint32_t i = 0; i < desk->options.workers; i++) {
        stk_slot_release(&desk->slots[i]);
    }
    (void)pthread_mutex_destroy(&desk->lock);
    free(desk->slots);
    free(desk->tasks);
    free(desk->reports);
    stk_gates_release(&desk->gates);
    free(desk->settles);
    free(desk->idle);
    free(desk->claimed);
    free(desk->unknown);
    free(desk->numbers);
    free(desk);
}

/* --- asked and told from other threads ----------------------------------- */

bool stk_desk_is_shared(const struct stk_desk *desk)
{
    return desk->is_shared;
}

bool stk_desk_is_stopping(const struct stk_desk *desk)
{
    return atomic_load(&desk->stop_level) != STK_GO_ON;
}

void stk_desk_stop(struct stk_desk *desk)
{
    int level = atomic_load(&desk->stop_level);
    if (level < STK_STOP_AT_ONCE) atomic_store(&desk->stop_level, level + 1);
    stk_bell_ring(&desk->bell);
}

void stk_desk_nudge(struct stk_desk *desk)
{
    stk_bell_ring(&desk->bell);
}

void stk_desk_hint(struct stk_desk *desk, unsigned hints)
{
    (void)atomic_fetch_or(&desk->heard, hints);
    stk_bell_ring(&desk->bell);
}

void stk_desk_break(struct stk_desk *desk, const char *reason)
{
    (void)pthread_mutex_lock(&desk->lock);
    bool first = !desk->broken;
    desk->broken = true;
    (void)snprintf(desk->pause_reason, sizeof(desk->pause_reason), "%s", reason);
    (void)pthread_mutex_unlock(&desk->lock);
    if (!first) return;
    if (desk->options.consoles != NULL) {
        stk_console_addf(desk->options.consoles, 0, 0, STK_LINE_POOL, "stopping: %s", reason);
    }
    stk_desk_stop(desk);
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

    stk_said_view(desk, ret->busy == 0, ret);
}
