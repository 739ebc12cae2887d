/* SPDX-License-Identifier: MIT */
#include "base/lifeline.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"

/* A wait counts no time that the machine sleeps, so it is a short one. */
#define LOOK_NS STK_SECOND

struct stk_lifeline {
    void (*over)(void *context);
    void *context;
    pthread_t thread;
    _Atomic bool is_over; /* written under lock */

    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    stk_time_ns until; /* mono */
    bool is_told;      /* `over` was called for this life */
    bool quit;
};

/* Under lock, like the next. */
static stk_time_ns find_over(struct stk_lifeline *line)
{
    stk_time_ns left = line->until - stk_clock_mono();
    if (left <= 0) atomic_store(&line->is_over, true);
    return left;
}

static void wait_a_while(struct stk_lifeline *line, stk_time_ns left)
{
    struct timespec end;
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    left = (left < LOOK_NS ? left : LOOK_NS) + end.tv_nsec;
    end.tv_sec += left / STK_SECOND;
    end.tv_nsec = left % STK_SECOND;
    (void)pthread_cond_timedwait(&line->changed, &line->lock, &end);
}

/* Until it has to act: true; false: quit. */
static bool wait_for_end(struct stk_lifeline *line)
{
    (void)pthread_mutex_lock(&line->lock);
    for (;;) {
        stk_time_ns left = find_over(line);
        bool is_over = atomic_load(&line->is_over);
        if (line->quit || (is_over && !line->is_told)) break;
        if (is_over) (void)pthread_cond_wait(&line->changed, &line->lock);
        if (!is_over) wait_a_while(line, left);
    }
    line->is_told = true;
    bool quit = line->quit;
    (void)pthread_mutex_unlock(&line->lock);
    return !quit;
}

static void *lifeline_main(void *arg)
{
    struct stk_lifeline *line = arg;
    while (wait_for_end(line)) {
        line->over(line->context);
    }
    return NULL;
}

static void init_lock(struct stk_lifeline *line)
{
    pthread_condattr_t attr;
    (void)pthread_mutex_init(&line->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&line->changed, &attr);
    (void)pthread_condattr_destroy(&attr);
}

static void release(struct stk_lifeline *line)
{
    (void)pthread_cond_destroy(&line->changed);
    (void)pthread_mutex_destroy(&line->lock);
    free(line);
}

enum stk_rc stk_lifeline_start(stk_time_ns until, void (*over)(void *context), void *context,
                               struct stk_lifeline **ret, struct stk_error *err)
{
    struct stk_lifeline *line = stk_alloc(sizeof(*line));
    line->until = until;
    line->is_told = until == 0;
    line->over = over;
    line->context = context;
    init_lock(line);
    if (pthread_create(&line->thread, NULL, lifeline_main, line) != 0) {
        release(line);
        return stk_fail(err, STK_UNAVAILABLE, "could not start the thread that watches the lease");
    }
    *ret = line;
    return STK_OK;
}

void stk_lifeline_stop(struct stk_lifeline *line)
{
    if (line == NULL) return;
    (void)pthread_mutex_lock(&line->lock);
    line->quit = true;
    (void)pthread_cond_signal(&line->changed);
    (void)pthread_mutex_unlock(&line->lock);
    (void)pthread_join(line->thread, NULL);
    release(line);
}

/* By the clock too: the thread may be late. */
bool stk_lifeline_is_over(struct stk_lifeline *line)
{
    if (line == NULL) return false;
    if (atomic_load(&line->is_over)) return true;
    (void)pthread_mutex_lock(&line->lock);
    (void)find_over(line);
    bool is_over = atomic_load(&line->is_over);
    if (is_over) (void)pthread_cond_signal(&line->changed);
    (void)pthread_mutex_unlock(&line->lock);
    return is_over;
}

void stk_lifeline_extend(struct stk_lifeline *line, stk_time_ns until)
{
    if (line == NULL) return;
    (void)pthread_mutex_lock(&line->lock);
    (void)find_over(line);
    if (!atomic_load(&line->is_over) && until > line->until) line->until = until;
    (void)pthread_mutex_unlock(&line->lock);
}

void stk_lifeline_cut(struct stk_lifeline *line)
{
    if (line == NULL) return;
    (void)pthread_mutex_lock(&line->lock);
    atomic_store(&line->is_over, true);
    (void)pthread_cond_signal(&line->changed);
    (void)pthread_mutex_unlock(&line->lock);
}

void stk_lifeline_renew(struct stk_lifeline *line, stk_time_ns until)
{
    if (line == NULL) return;
    (void)pthread_mutex_lock(&line->lock);
    line->until = until;
    line->is_told = false;
    atomic_store(&line->is_over, false);
    (void)pthread_cond_signal(&line->changed);
    (void)pthread_mutex_unlock(&line->lock);
}
