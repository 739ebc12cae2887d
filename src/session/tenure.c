/* SPDX-License-Identifier: MIT */
#include "session/tenure.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/lifeline.h"

enum { STACK_BYTES = 256 * 1024, OWNER_MAX = 128 };

struct tenure {
    const char *session;
    struct stk_http *http;
    struct stk_lifeline *line; /* NULL: it never ends */
    _Atomic int64_t epoch;
};

struct stk_tenures {
    struct stk_access access;
    stk_time_ns lease_ns;
    struct tenure *list; /* [count] */
    size_t count;
    pthread_t thread;
    bool has_thread;

    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    char owner[OWNER_MAX];
    bool stop;
};

/* --- one write ------------------------------------------------------------ */

struct write {
    struct stk_lease lease;
    char owner[OWNER_MAX];
    int64_t epoch;
    struct stk_session row;
    bool done;
};

static void prepare(struct stk_tenures *tenures, size_t at, struct write *write)
{
    *write = (struct write){ .epoch = atomic_load(&tenures->list[at].epoch) };
    (void)pthread_mutex_lock(&tenures->lock);
    (void)snprintf(write->owner, sizeof(write->owner), "%s", tenures->owner);
    (void)pthread_mutex_unlock(&tenures->lock);
    write->lease = (struct stk_lease){ .session = tenures->list[at].session,
                                       .owner = write->owner,
                                       .lease_ns = tenures->lease_ns };
}

static enum stk_rc write_take(struct stk_store *store, void *arg, stk_time_ns now,
                              struct stk_error *err)
{
    struct write *write = arg;
    return stk_lease_take(store, &write->lease, now, &write->row, &write->done, err);
}

static enum stk_rc write_extension(struct stk_store *store, void *arg, stk_time_ns now,
                                   struct stk_error *err)
{
    struct write *write = arg;
    return stk_lease_extend(store, &write->lease, write->epoch, now, &write->done, err);
}

static enum stk_rc write_end(struct stk_store *store, void *arg, stk_time_ns now,
                             struct stk_error *err)
{
    struct write *write = arg;
    (void)now;
    return stk_lease_end(store, &write->lease, write->epoch, err);
}

static stk_time_ns end_of(const struct stk_tenures *tenures, stk_time_ns sent_at)
{
    return sent_at + tenures->lease_ns - stk_lease_margin(tenures->lease_ns);
}

/* --- taking --------------------------------------------------------------- */

int64_t stk_tenure_epoch(struct stk_tenures *tenures, size_t at)
{
    return atomic_load(&tenures->list[at].epoch);
}

bool stk_tenure_is_over(struct stk_tenures *tenures, size_t at)
{
    return stk_lifeline_is_over(tenures->list[at].line);
}

bool stk_tenure_holds(struct stk_tenures *tenures, size_t at, const struct stk_session *row)
{
    return row->epoch == stk_tenure_epoch(tenures, at) && !stk_tenure_is_over(tenures, at);
}

bool stk_tenure_may_take(struct stk_tenures *tenures, size_t at, const struct stk_session *row,
                         stk_time_ns now, stk_time_ns *ret_at)
{
    struct write write;
    prepare(tenures, at, &write);
    bool is_timed = row->lease_until != STK_NEVER;
    *ret_at = is_timed ? row->lease_until + stk_lease_grace(tenures->lease_ns) : STK_NEVER;
    return stk_lease_is_free(&write.lease, row, now);
}

enum stk_rc stk_tenure_take(struct stk_tenures *tenures, size_t at, struct stk_session *ret_row,
                            bool *ret_taken, struct stk_error *err)
{
    struct tenure *tenure = &tenures->list[at];
    struct write write;
    prepare(tenures, at, &write);
    stk_time_ns sent_at = stk_clock_mono();
    enum stk_rc rc = stk_write(&tenures->access, write_take, &write, err);
    if (rc != STK_OK) return rc;
    *ret_row = write.row;
    *ret_taken = write.done;
    if (!write.done) return STK_OK;
    atomic_store(&tenure->epoch, write.row.epoch);
    stk_lifeline_renew(tenure->line, end_of(tenures, sent_at));
    return STK_OK;
}

/* --- extending ------------------------------------------------------------ */

/* False: it could not be asked for. */
static bool extend_one(struct stk_tenures *tenures, size_t at)
{
    struct tenure *tenure = &tenures->list[at];
    struct write write;
    if (stk_lifeline_is_over(tenure->line)) return true;
    prepare(tenures, at, &write);
    stk_time_ns sent_at = stk_clock_mono();
    if (stk_write(&tenures->access, write_extension, &write, NULL) != STK_OK) return false;
    bool is_same = atomic_load(&tenure->epoch) == write.epoch; /* else: taken anew meanwhile */
    if (write.done) stk_lifeline_extend(tenure->line, end_of(tenures, sent_at));
    if (!write.done && is_same) stk_lifeline_cut(tenure->line);
    return true;
}

/* False: stop. */
static bool wait_for(struct stk_tenures *tenures, stk_time_ns wait_ns)
{
    struct timespec end;
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    wait_ns += end.tv_nsec;
    end.tv_sec += wait_ns / STK_SECOND;
    end.tv_nsec = wait_ns % STK_SECOND;
    (void)pthread_mutex_lock(&tenures->lock);
    int code = 0;
    while (!tenures->stop && code == 0) {
        code = pthread_cond_timedwait(&tenures->changed, &tenures->lock, &end);
    }
    bool stop = tenures->stop;
    (void)pthread_mutex_unlock(&tenures->lock);
    return !stop;
}

static void *extender_main(void *arg)
{
    struct stk_tenures *tenures = arg;
    stk_time_ns wait_ns = tenures->lease_ns / 3;
    while (wait_for(tenures, wait_ns)) {
        bool all = true;
        for (size_t i = 0; i < tenures->count; i++) {
            all = extend_one(tenures, i) && all;
        }
        wait_ns = all ? tenures->lease_ns / 3 : tenures->lease_ns / 20;
    }
    return NULL;
}

/* --- open and close ------------------------------------------------------- */

struct stk_tenures *stk_tenures_open(const struct stk_tenures_options *options, size_t count)
{
    struct stk_tenures *tenures = stk_alloc(sizeof(*tenures));
    pthread_condattr_t attr;
    tenures->access = options->access;
    tenures->lease_ns = options->lease_ns;
    tenures->list = stk_alloc((count + 1) * sizeof(*tenures->list));
    (void)snprintf(tenures->owner, sizeof(tenures->owner), "%s", options->owner);
    (void)pthread_mutex_init(&tenures->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&tenures->changed, &attr);
    (void)pthread_condattr_destroy(&attr);
    return tenures;
}

static void end_request(void *context)
{
    stk_http_cancel(context);
}

enum stk_rc stk_tenures_add(struct stk_tenures *tenures, size_t at, const char *session,
                            struct stk_http *http, struct stk_error *err)
{
    struct tenure *tenure = &tenures->list[at];
    tenure->session = session;
    tenure->http = http;
    atomic_store(&tenure->epoch, -1);
    tenures->count = at + 1;
    if (tenures->lease_ns == 0) return STK_OK;
    return stk_lifeline_start(0, end_request, http, &tenure->line, err);
}

enum stk_rc stk_tenures_start(struct stk_tenures *tenures, struct stk_error *err)
{
    pthread_attr_t attr;
    if (tenures->lease_ns == 0 || tenures->count == 0) return STK_OK;
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, STACK_BYTES);
    int code = pthread_create(&tenures->thread, &attr, extender_main, tenures);
    (void)pthread_attr_destroy(&attr);
    tenures->has_thread = code == 0;
    if (code == 0) return STK_OK;
    return stk_fail(err, STK_UNAVAILABLE, "could not start the thread of the sessions' leases");
}

static void give_back(struct stk_tenures *tenures, size_t at)
{
    struct write write;
    if (tenures->lease_ns == 0 || stk_tenure_is_over(tenures, at)) return;
    prepare(tenures, at, &write);
    if (stk_write(&tenures->access, write_end, &write, NULL) != STK_OK) return; /* it runs out */
}

void stk_tenure_give_back(struct stk_tenures *tenures, size_t at)
{
    give_back(tenures, at);
    stk_lifeline_cut(tenures->list[at].line);
}

void stk_tenures_owner(struct stk_tenures *tenures, char *ret_owner, size_t size)
{
    (void)pthread_mutex_lock(&tenures->lock);
    (void)snprintf(ret_owner, size, "%s", tenures->owner);
    (void)pthread_mutex_unlock(&tenures->lock);
}

void stk_tenures_close(struct stk_tenures *tenures)
{
    if (tenures == NULL) return;
    (void)pthread_mutex_lock(&tenures->lock);
    tenures->stop = true;
    (void)pthread_cond_signal(&tenures->changed);
    (void)pthread_mutex_unlock(&tenures->lock);
    if (tenures->has_thread) (void)pthread_join(tenures->thread, NULL);
    for (size_t i = 0; i < tenures->count; i++) {
        give_back(tenures, i);
        stk_lifeline_stop(tenures->list[i].line);
    }
    (void)pthread_cond_destroy(&tenures->changed);
    (void)pthread_mutex_destroy(&tenures->lock);
    free(tenures->list);
    free(tenures);
}

void stk_tenures_rename(struct stk_tenures *tenures, const char *owner)
{
    (void)pthread_mutex_lock(&tenures->lock);
    (void)snprintf(tenures->owner, sizeof(tenures->owner), "%s", owner);
    (void)pthread_mutex_unlock(&tenures->lock);
}
