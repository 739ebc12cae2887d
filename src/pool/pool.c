/* SPDX-License-Identifier: MIT */
#include "pool/pool.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "model/http_task.h"
#include "pool/desk.h"
#include "pool/feeder.h"
#include "pool/life.h"
#include "pool/readers.h"
#include "pool/shipper.h"
#include "pool/worker.h"
#include "session/keeper.h"
#include "session/notifier.h"
#include "store/hints.h"

struct stk_pool {
    struct stk_pool_options options;
    struct stk_store *store;
    struct stk_consoles *consoles; /* or NULL */
    struct stk_readers *readers;
    struct stk_desk *desk;
    struct stk_worker **workers;
    uint32_t worker_count; /* started */
    struct stk_feeder *feeder;
    struct stk_vault *vault;
    struct stk_keepers *keepers;
    struct stk_notifier *notifier; /* NULL: nobody is to be told */
    struct stk_shipper *shipper;   /* NULL: no other machine can watch */
    struct stk_listener *listener; /* NULL: nobody else writes to the store */
    pthread_mutex_t hear_lock;
    bool hears; /* under hear_lock: all parts are there to be told */
    _Atomic int64_t id;
    stk_time_ns born_at; /* mono: just before it got its id */
    int64_t rescued;
    stk_time_ns started_at;
};

/* --- access -------------------------------------------------------------- */

static enum stk_rc write_at_desk(void *context, stk_write_fn fn, void *arg, struct stk_error *err)
{
    struct stk_pool *pool = context;
    return stk_desk_call(pool->desk, fn, arg, err);
}

static enum stk_rc read_with_reader(void *context, stk_read_fn fn, void *arg, struct stk_error *err)
{
    struct stk_pool *pool = context;
    return stk_readers_read(pool->readers, fn, arg, err);
}

struct stk_access stk_pool_access(struct stk_pool *pool)
{
    return (struct stk_access){ .write = write_at_desk, .read = read_with_reader, .context = pool };
}

/* --- start --------------------------------------------------------------- */

static enum stk_rc check_in(struct stk_store *store, void *arg, stk_time_ns now,
                            struct stk_error *err)
{
    struct stk_pool *pool = arg;
    int64_t id = 0;
    enum stk_rc rc = stk_life_check_in(store, pool->options.workers, now, &id, err);
    if (rc == STK_OK) atomic_store(&pool->id, id);
    return rc;
}

struct rescue_step {
    struct stk_pool *pool;
    struct stk_bulk bulk;
};

static struct stk_bounds bound_of_task(void *context, const char *name)
{
    const struct stk_retry standard = STK_RETRY_DEFAULT;
    const struct stk_pool *pool = context;
    const struct stk_task *task = stk_settings_task(pool->options.settings, name);
    return (struct stk_bounds){
        .interruptions_max =
            task != NULL ? task->retry.interruptions_max : standard.interruptions_max,
        .ambiguous =
            task != NULL && task->http != NULL ? task->http->ambiguous : STK_AMBIGUOUS_QUARANTINE,
    };
}

static enum stk_rc rescue(struct stk_store *store, void *arg, stk_time_ns now,
                          struct stk_error *err)
{
    struct rescue_step *step = arg;
    return stk_store_rescue(store, step->pool->id, bound_of_task, step->pool, now, &step->bulk,
                            err);
}

static enum stk_rc take_over(struct stk_pool *pool, struct stk_error *err)
{
    struct stk_access direct = stk_access_direct(pool->store);
    pool->born_at = stk_clock_mono();
    enum stk_rc rc = stk_write(&direct, check_in, pool, err);
    struct rescue_step step = { .pool = pool, .bulk.more = true };
    while (rc == STK_OK && step.bulk.more) {
        rc = stk_write(&direct, rescue, &step, err);
    }
    pool->rescued = step.bulk.changed;
    return rc;
}

/* --- what others tell ---------------------------------------------------- */

/* clang-format off */
static void tell_desk(struct stk_pool *pool, unsigned hints) { stk_desk_hint(pool->desk, hints); }
static void tell_keepers(struct stk_pool *pool, unsigned hints) { (void)hints; stk_keepers_poke(pool->keepers, NULL); }
static void tell_feeder(struct stk_pool *pool, unsigned hints) { (void)hints; stk_feeder_hint(pool->feeder); }
static void tell_notifier(struct stk_pool *pool, unsigned hints) { (void)hints; stk_notifier_poke(pool->notifier); }
static void tell_shipper(struct stk_pool *pool, unsigned hints) { (void)hints; stk_shipper_poke(pool->shipper); }

/* A renewal elsewhere is work for those that wait here. */
static const struct {
    unsigned hints;
    void (*tell)(struct stk_pool *pool, unsigned hints);
} hearers[] = {
    { 1U << STK_HINT_JOBS | 1U << STK_HINT_SESSIONS | 1U << STK_HINT_CANCELS, tell_desk     },
    { 1U << STK_HINT_SESSIONS,                                                tell_keepers  },
    { 1U << STK_HINT_SWEEPS,                                                  tell_feeder   },
    { 1U << STK_HINT_NOTICES,                                                 tell_notifier },
    { 1U << STK_HINT_WATCH,                                                   tell_shipper  },
};
/* clang-format on */

/* On the listener's thread. */
static void hear(void *context, unsigned hints)
{
    struct stk_pool *pool = context;
    (void)pthread_mutex_lock(&pool->hear_lock);
    for (size_t i = 0; pool->hears && i < STK_ARRAY_LEN(hearers); i++) {
        if (hints & hearers[i].hints) hearers[i].tell(pool, hints);
    }
    (void)pthread_mutex_unlock(&pool->hear_lock);
}

static void set_hears(struct stk_pool *pool, bool hears)
{
    (void)pthread_mutex_lock(&pool->hear_lock);
    pool->hears = hears;
    (void)pthread_mutex_unlock(&pool->hear_lock);
}

/* --- what its parts ask and tell ------------------------------------------ */

static void stop_job(void *context, uint32_t worker, int64_t job_id, enum stk_stop how)
{
    struct stk_pool *pool = context;
    stk_worker_stop(pool->workers[worker - 1], job_id, how);
}

static bool is_feeding(void *context)
{
    struct stk_pool *pool = context;
    return stk_feeder_is_busy(pool->feeder);
}

static void look_at_sessions(void *context)
{
    struct stk_pool *pool = context;
    stk_keepers_poke(pool->keepers, NULL);
}

static void deliver_notices(void *context)
{
    struct stk_pool *pool = context;
    stk_notifier_poke(pool->notifier);
}

static void say_session(void *context, const char *line)
{
    struct stk_pool *pool = context;
    if (pool->consoles != NULL) stk_console_addf(pool->consoles, 0, 0, STK_LINE_POOL, "%s", line);
}

static void nudge(void *context)
{
    stk_desk_nudge(context);
}

static enum stk_rc open_parts(struct stk_pool *pool, struct stk_error *err)
{
    const struct stk_settings *settings = pool->options.settings;
    const struct stk_store_options store_options = { .command = pool->options.command,
                                                     .serves = pool->options.serves,
                                                     .lease_ns = settings->lease_ns };
    enum stk_rc rc = stk_store_open(settings->store, &store_options, &pool->store, err);
    if (rc != STK_OK) return rc;
    if (pool->options.consoles) {
        rc = stk_consoles_open(settings->logs, pool->options.workers, &pool->consoles, err);
        if (rc != STK_OK) return rc;
    }
    pool->readers = stk_readers_open(settings->store);
    struct stk_access access = stk_pool_access(pool);
    pool->vault = stk_vault_open(settings, &access);
    rc = stk_store_listen(settings->store, hear, pool, &pool->listener, err);
    return rc == STK_OK ? take_over(pool, err) : rc;
}

static void name_owner(int64_t id, char *ret, size_t size)
{
    char host[256] = "";
    (void)gethostname(host, sizeof(host) - 1);
    (void)snprintf(ret, size, "p%" PRId64 " on %s", id, host);
}

/* It was out of touch with the store for too long, and has a new id. */
static void go_on_as(void *context, int64_t id)
{
    struct stk_pool *pool = context;
    char owner[300];
    atomic_store(&pool->id, id);
    name_owner(id, owner, sizeof(owner));
    (void)pthread_mutex_lock(
        &pool->hear_lock); /* the keepers come later than the desk, and go before */
    if (pool->hears) stk_keepers_rename(pool->keepers, owner);
    (void)pthread_mutex_unlock(&pool->hear_lock);
}

static enum stk_rc start_keepers(struct stk_pool *pool, struct stk_error *err)
{
    char owner[300];
    name_owner(pool->id, owner, sizeof(owner));
    stk_time_ns lease_ns = stk_store_lease(pool->store);
    const struct stk_keepers_options options = {
        .settings = pool->options.settings,
        .access = stk_pool_access(pool),
        .vault = pool->vault,
        .spawner = pool->options.spawner,
        .owner = owner,
        .lease_ns = lease_ns != STK_NEVER ? lease_ns : 0,
        .say = say_session,
        .noticed = deliver_notices,
        .context = pool,
    };
    return stk_keepers_start(&options, &pool->keepers, err);
}

static enum stk_rc start_notifier(struct stk_pool *pool, struct stk_error *err)
{
    const struct stk_notifier_options options = {
        .settings = pool->options.settings,
        .access = stk_pool_access(pool),
        .spawner = pool->options.spawner,
        .say = say_session,
        .context = pool,
    };
    return stk_notifier_start(&options, &pool->notifier, err);
}

static int64_t current_id(void *context)
{
    struct stk_pool *pool = context;
    return atomic_load(&pool->id);
}

static enum stk_rc start_shipper(struct stk_pool *pool, struct stk_error *err)
{
    const struct stk_shipper_options options = {
        .access = stk_pool_access(pool),
        .consoles = pool->consoles,
        .listener = pool->listener,
        .pool_id = current_id,
        .context = pool,
    };
    if (pool->listener == NULL || pool->consoles == NULL) return STK_OK;
    return stk_shipper_start(&options, &pool->shipper, err);
}

static enum stk_rc start_threads(struct stk_pool *pool, struct stk_error *err)
{
    const struct stk_desk_options desk_options = {
        .store = pool->store,
        .settings = pool->options.settings,
        .consoles = pool->consoles,
        .pool_id = pool->id,
        .workers = pool->options.workers,
        .drain = pool->options.drain,
        .idle_exit_ns = pool->options.idle_exit_ns,
        .listener = pool->listener,
        .vault = stk_store_is_shared(pool->options.settings->store) ? pool->vault : NULL,
        .born_at = pool->born_at,
        .bound = bound_of_task,
        .reborn = go_on_as,
        .feeding = is_feeding,
        .stop_job = stop_job,
        .session_changed = look_at_sessions,
        .context = pool,
    };
    pool->desk = stk_desk_open(&desk_options);
    enum stk_rc rc = stk_desk_start(pool->desk, err);
    if (rc != STK_OK) return rc;
    const struct stk_feeder_options feeder_options = {
        .access = stk_pool_access(pool),
        .settings = pool->options.settings,
        .consoles = pool->consoles,
        .listener = pool->listener,
        .when_idle = nudge,
        .context = pool->desk,
    };
    rc = stk_feeder_start(&feeder_options, &pool->feeder, err);
    if (rc == STK_OK) rc = start_notifier(pool, err); /* the keepers wake it */
    if (rc == STK_OK) rc = start_keepers(pool, err);
    if (rc == STK_OK) rc = start_shipper(pool, err);
    for (uint32_t i = 0; rc == STK_OK && i < pool->options.workers; i++) {
        rc = stk_worker_start(pool->desk, pool->options.spawner, pool->consoles, pool->vault,
                              pool->id, i + 1, &pool->workers[i], err);
        if (rc == STK_OK) pool->worker_count++;
    }
    return rc;
}

enum stk_rc stk_pool_start(const struct stk_pool_options *options, struct stk_pool **ret,
                           struct stk_error *err)
{
    struct stk_pool *pool = stk_alloc(sizeof(*pool));
    pool->options = *options;
    pool->started_at = stk_clock_now();
    (void)pthread_mutex_init(&pool->hear_lock, NULL);
    pool->workers = stk_alloc(options->workers * sizeof(struct stk_worker *));

    enum stk_rc rc = open_parts(pool, err);
    if (rc == STK_OK) rc = start_threads(pool, err);
    if (rc == STK_OK) set_hears(pool, true);
    if (rc != STK_OK) {
        stk_pool_free(pool);
        return rc;
    }
    if (pool->consoles != NULL && pool->rescued > 0) {
        stk_console_addf(pool->consoles, 0, 0, STK_LINE_POOL,
                         "%" PRId64 " jobs of a pool that died are back in the queue",
                         pool->rescued);
    }
    *ret = pool;
    return STK_OK;
}

/* --- end ----------------------------------------------------------------- */

void stk_pool_stop(struct stk_pool *pool)
{
    stk_desk_stop(pool->desk);
}

bool stk_pool_wait(struct stk_pool *pool, stk_time_ns wait_ns)
{
    return stk_desk_wait(pool->desk, wait_ns);
}

static enum stk_rc check_out(struct stk_store *store, void *arg, stk_time_ns now,
                             struct stk_error *err)
{
    const struct stk_pool *pool = arg;
    return stk_store_pool_stop(store, pool->id, now, err);
}

static void end_workers(struct stk_pool *pool)
{
    if (pool->desk == NULL) return;
    stk_desk_stop(pool->desk);
    for (uint32_t i = 0; i < pool->worker_count; i++) {
        stk_worker_join(pool->workers[i]);
    }
}

/* A store that takes no writes now does not hold up the end: the next owner
 * sees the lost pool. */
static void say_goodbye(struct stk_pool *pool)
{
    struct stk_access direct = stk_access_direct(pool->store);
    struct stk_error err = { 0 };
    if (stk_write(&direct, check_out, pool, &err) == STK_OK || pool->consoles == NULL) return;
    stk_console_addf(pool->consoles, 0, 0, STK_LINE_POOL, "could not note the end: %s", err.text);
}

void stk_pool_free(struct stk_pool *pool)
{
    if (pool == NULL) return;
    end_workers(pool);
    set_hears(pool, false);
    stk_shipper_stop(pool->shipper);
    stk_feeder_stop(pool->feeder);
    stk_keepers_stop(pool->keepers);
    stk_notifier_stop(pool->notifier);
    stk_desk_close(pool->desk);
    if (pool->worker_count == pool->options.workers) say_goodbye(pool);
    stk_listener_close(pool->listener);
    stk_vault_close(pool->vault);
    stk_readers_close(pool->readers);
    stk_store_close(pool->store);
    stk_consoles_close(pool->consoles);
    (void)pthread_mutex_destroy(&pool->hear_lock);
    free(pool->workers);
    free(pool);
}

struct stk_vault *stk_pool_vault(struct stk_pool *pool)
{
    return pool->vault;
}

struct stk_spawner *stk_pool_spawner(struct stk_pool *pool)
{
    return pool->options.spawner;
}

void stk_pool_session_changed(struct stk_pool *pool, const char *session)
{
    stk_keepers_poke(pool->keepers, session);
}

/* --- asked from outside -------------------------------------------------- */

void stk_pool_cancel(struct stk_pool *pool, int64_t job_id)
{
    stk_desk_cancel(pool->desk, job_id);
}

void stk_pool_feed(struct stk_pool *pool)
{
    stk_feeder_poke(pool->feeder);
}

bool stk_pool_feeding(struct stk_pool *pool, int64_t sweep_id, int64_t *ret_done,
                      int64_t *ret_points)
{
    return stk_feeder_progress(pool->feeder, sweep_id, ret_done, ret_points);
}

bool stk_pool_feed_wait(struct stk_pool *pool, int64_t sweep_id, stk_time_ns wait_ns,
                        struct stk_error *err)
{
    return stk_feeder_wait(pool->feeder, sweep_id, wait_ns, err);
}

void stk_pool_workers(struct stk_pool *pool,
                      void (*each)(void *context, const struct stk_worker_view *view),
                      void *context)
{
    stk_desk_workers(pool->desk, each, context);
}

void stk_pool_view(struct stk_pool *pool, struct stk_pool_view *ret)
{
    stk_desk_view(pool->desk, ret);
    ret->id = pool->id;
    ret->started_at = pool->started_at;
    ret->containment =
        pool->options.spawner != NULL ? stk_spawner_containment(pool->options.spawner) : "none";
}

stk_time_ns stk_pool_turned_at(struct stk_pool *pool)
{
    return stk_desk_turned_at(pool->desk);
}

struct stk_consoles *stk_pool_consoles(struct stk_pool *pool)
{
    return pool->consoles;
}
