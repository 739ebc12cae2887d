/* SPDX-License-Identifier: MIT */
#include "pool/feeder.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "pool/poll.h"

enum { FAILURES_MAX = 32 };

struct failure {
    int64_t sweep_id;
    struct stk_error err;
};

struct stk_feeder {
    struct stk_feeder_options options;
    pthread_t thread;

    pthread_mutex_t lock; /* all below */
    pthread_cond_t changed;
    bool stop, poked;
    bool elsewhere; /* another pool fills a sweep */
    uint64_t pokes;
    int64_t current, done, points;         /* the sweep being filled; 0: none */
    uint64_t finished;                     /* sweeps that came to an end, either way */
    struct failure failures[FAILURES_MAX]; /* the latest, a ring */
    size_t failure_count;
};

/* --- the list of work, in the store -------------------------------------- */

struct search {
    int64_t after, found;
};

static enum stk_rc find_unfilled(struct stk_store *store, void *arg, struct stk_error *err)
{
    struct search *search = arg;
    enum stk_rc rc = stk_store_unfilled_sweep(store, search->after, &search->found, err);
    if (rc != STK_NOT_FOUND) return rc;
    search->found = 0;
    return STK_OK;
}

static void look_at_sweep(void *context, const struct stk_sweep *sweep)
{
    *(bool *)context = sweep->filled;
}

struct filled_check {
    int64_t sweep_id;
    bool filled;
};

static enum stk_rc check_filled(struct stk_store *store, void *arg, struct stk_error *err)
{
    struct filled_check *check = arg;
    return stk_store_sweeps(store, check->sweep_id, 0, 1, look_at_sweep, &check->filled, err);
}

/* --- the thread ---------------------------------------------------------- */

static bool go_on(void *context, int64_t done, int64_t points)
{
    struct stk_feeder *feeder = context;
    (void)pthread_mutex_lock(&feeder->lock);
    feeder->done = done;
    feeder->points = points;
    bool more = !feeder->stop;
    (void)pthread_mutex_unlock(&feeder->lock);
    return more;
}

/* Under lock. */
static void forget_failure(struct stk_feeder *feeder, int64_t sweep_id)
{
    for (size_t i = 0; i < FAILURES_MAX; i++) {
        if (feeder->failures[i].sweep_id == sweep_id) feeder->failures[i].sweep_id = 0;
    }
}

static void finish(struct stk_feeder *feeder, int64_t sweep_id, enum stk_rc rc,
                   const struct stk_error *err)
{
    (void)pthread_mutex_lock(&feeder->lock);
    forget_failure(feeder, sweep_id);
    if (rc == STK_BUSY) {
        feeder->elsewhere = !feeder->stop;
    } else if (rc != STK_OK) {
        size_t at = feeder->failure_count++ % FAILURES_MAX;
        feeder->failures[at] = (struct failure){ .sweep_id = sweep_id, .err = *err };
    }
    feeder->current = 0;
    feeder->finished++;
    (void)pthread_cond_broadcast(&feeder->changed);
    (void)pthread_mutex_unlock(&feeder->lock);
}

static void fill_one(struct stk_feeder *feeder, int64_t sweep_id)
{
    struct stk_error err = { 0 };
    (void)pthread_mutex_lock(&feeder->lock);
    feeder->current = sweep_id;
    feeder->done = feeder->points = 0;
    (void)pthread_mutex_unlock(&feeder->lock);

    struct stk_sweep_answer answer = { 0 };
    enum stk_rc rc = stk_sweep_fill(&feeder->options.access, feeder->options.settings, sweep_id,
                                    go_on, feeder, &answer, &err);
    finish(feeder, sweep_id, rc, &err);
    if (feeder->options.consoles == NULL || rc == STK_BUSY) return;
    if (rc == STK_OK) {
        stk_console_addf(feeder->options.consoles, 0, 0, STK_LINE_POOL,
                         "sweep %" PRId64 ": %" PRId64 " new jobs in the queue", sweep_id,
                         answer.fresh);
        return;
    }
    stk_console_addf(feeder->options.consoles, 0, 0, STK_LINE_POOL,
                     "sweep %" PRId64
                     " could not be filled: %s; it is tried again at the next start",
                     sweep_id, err.text);
}

/* Under lock. */
static bool find_failure(const struct stk_feeder *feeder, int64_t sweep_id, struct stk_error *err)
{
    for (size_t i = 0; i < FAILURES_MAX; i++) {
        if (feeder->failures[i].sweep_id != sweep_id) continue;
        *err = feeder->failures[i].err;
        return true;
    }
    return false;
}

/* Until somebody pokes: a look by the clock does not try it again. */
static bool has_failed(struct stk_feeder *feeder, int64_t sweep_id)
{
    struct stk_error err = { 0 };
    (void)pthread_mutex_lock(&feeder->lock);
    bool failed = find_failure(feeder, sweep_id, &err);
    (void)pthread_mutex_unlock(&feeder->lock);
    return failed;
}

static void fill_all(struct stk_feeder *feeder)
{
    struct search search = { 0 };
    (void)pthread_mutex_lock(&feeder->lock);
    feeder->elsewhere = false;
    (void)pthread_mutex_unlock(&feeder->lock);
    while (go_on(feeder, 0, 0)) {
        if (stk_read(&feeder->options.access, find_unfilled, &search, NULL) != STK_OK) return;
        if (search.found == 0) return;
        if (!has_failed(feeder, search.found)) fill_one(feeder, search.found);
        search.after = search.found; /* one that failed is not tried again in this walk */
    }
}

/* Under lock; false when the time is over. */
static bool wait_until(struct stk_feeder *feeder, stk_time_ns end_mono)
{
    stk_time_ns left = end_mono - stk_clock_mono();
    if (left <= 0) return false;
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    left += until.tv_nsec;
    until.tv_sec += left / STK_SECOND;
    until.tv_nsec = left % STK_SECOND;
    (void)pthread_cond_timedwait(&feeder->changed, &feeder->lock, &until);
    return true;
}

/* Under lock. Where others accept sweeps too, the time for a look is a poke. */
static void wait_for_time(struct stk_feeder *feeder)
{
    bool elsewhere = feeder->elsewhere;
    stk_time_ns wait_ns = stk_poll_next(feeder->options.listener);
    stk_time_ns end = stk_clock_mono() + (elsewhere ? STK_POLL_DEAF_NS : wait_ns);
    while (!feeder->poked && !feeder->stop) {
        if (!wait_until(feeder, end)) feeder->poked = true;
    }
}

/* Waits for a poke; false: stop. `poked` stays set while the walk goes on, so
 * that is_busy does not flicker. */
static bool wait_for_poke(struct stk_feeder *feeder, uint64_t *ret_pokes)
{
    (void)pthread_mutex_lock(&feeder->lock);
    if (feeder->options.listener != NULL) wait_for_time(feeder);
    while (!feeder->poked && !feeder->stop) {
        (void)pthread_cond_wait(&feeder->changed, &feeder->lock);
    }
    *ret_pokes = feeder->pokes;
    bool stop = feeder->stop;
    (void)pthread_mutex_unlock(&feeder->lock);
    return !stop;
}

static void *feeder_main(void *arg)
{
    struct stk_feeder *feeder = arg;
    uint64_t pokes = 0;
    while (wait_for_poke(feeder, &pokes)) {
        fill_all(feeder);
        (void)pthread_mutex_lock(&feeder->lock);
        bool idle = feeder->pokes == pokes; /* else: walk again */
        if (idle) feeder->poked = false;
        feeder->finished++; /* those who wait look whether somebody else has filled theirs */
        (void)pthread_cond_broadcast(&feeder->changed);
        (void)pthread_mutex_unlock(&feeder->lock);
        if (idle) feeder->options.when_idle(feeder->options.context);
    }
    return NULL;
}

/* --- for others ---------------------------------------------------------- */

enum stk_rc stk_feeder_start(const struct stk_feeder_options *options, struct stk_feeder **ret,
                             struct stk_error *err)
{
    struct stk_feeder *feeder = stk_alloc(sizeof(*feeder));
    feeder->options = *options;
    feeder->poked = true; /* what a crash left */
    (void)pthread_mutex_init(&feeder->lock, NULL);
    pthread_condattr_t attr;
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&feeder->changed, &attr);
    (void)pthread_condattr_destroy(&attr);

    if (pthread_create(&feeder->thread, NULL, feeder_main, feeder) != 0) {
        free(feeder);
        return stk_fail(err, STK_UNAVAILABLE, "could not start the feeder thread");
    }
    *ret = feeder;
    return STK_OK;
}

void stk_feeder_stop(struct stk_feeder *feeder)
{
    if (feeder == NULL) return;
    (void)pthread_mutex_lock(&feeder->lock);
    feeder->stop = true;
    (void)pthread_cond_broadcast(&feeder->changed);
    (void)pthread_mutex_unlock(&feeder->lock);
    (void)pthread_join(feeder->thread, NULL);
    (void)pthread_cond_destroy(&feeder->changed);
    (void)pthread_mutex_destroy(&feeder->lock);
    free(feeder);
}

void stk_feeder_poke(struct stk_feeder *feeder)
{
    (void)pthread_mutex_lock(&feeder->lock);
    feeder->poked = true;
    feeder->pokes++;
    memset(feeder->failures, 0, sizeof(feeder->failures)); /* they are tried again */
    (void)pthread_cond_broadcast(&feeder->changed);
    (void)pthread_mutex_unlock(&feeder->lock);
}

void stk_feeder_hint(struct stk_feeder *feeder)
{
    (void)pthread_mutex_lock(&feeder->lock);
    feeder->poked = true;
    feeder->pokes++;
    (void)pthread_cond_broadcast(&feeder->changed);
    (void)pthread_mutex_unlock(&feeder->lock);
}

bool stk_feeder_is_busy(struct stk_feeder *feeder)
{
    (void)pthread_mutex_lock(&feeder->lock);
    bool busy = feeder->poked || feeder->elsewhere || feeder->current != 0;
    (void)pthread_mutex_unlock(&feeder->lock);
    return busy;
}

bool stk_feeder_progress(struct stk_feeder *feeder, int64_t sweep_id, int64_t *ret_done,
                         int64_t *ret_points)
{
    (void)pthread_mutex_lock(&feeder->lock);
    bool is_it = feeder->current == sweep_id;
    if (is_it) {
        *ret_done = feeder->done;
        *ret_points = feeder->points;
    }
    (void)pthread_mutex_unlock(&feeder->lock);
    return is_it;
}

/* Under lock; false when the time is over. */
static bool wait_for_change(struct stk_feeder *feeder, uint64_t finished, stk_time_ns end_mono)
{
    while (feeder->finished == finished && !feeder->stop) {
        if (!wait_until(feeder, end_mono)) return false;
    }
    return true;
}

bool stk_feeder_wait(struct stk_feeder *feeder, int64_t sweep_id, stk_time_ns wait_ns,
                     struct stk_error *err)
{
    stk_time_ns end = stk_clock_mono() + wait_ns;
    for (;;) {
        (void)pthread_mutex_lock(&feeder->lock);
        uint64_t finished = feeder->finished;
        bool failed = feeder->current != sweep_id && find_failure(feeder, sweep_id, err);
        (void)pthread_mutex_unlock(&feeder->lock);
        if (failed) return true;

        struct filled_check check = { .sweep_id = sweep_id };
        if (stk_read(&feeder->options.access, check_filled, &check, err) != STK_OK) return true;
        if (check.filled) return true;

        (void)pthread_mutex_lock(&feeder->lock);
        bool in_time = wait_for_change(feeder, finished, end);
        bool stop = feeder->stop;
        (void)pthread_mutex_unlock(&feeder->lock);
        if (!in_time || stop) return false;
    }
}
