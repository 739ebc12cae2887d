/* SPDX-License-Identifier: MIT */
#include "cli/service.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/notify_socket.h"

#define STUCK_AFTER (60 * STK_SECOND)

struct stk_service {
    struct stk_pool *pool;
    stk_time_ns every;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool is_ending; /* under lock */
};

static void say_alive(const struct stk_service *service)
{
    if (stk_clock_mono() - stk_pool_turned_at(service->pool) > STUCK_AFTER) return;
    (void)stk_notify_manager("WATCHDOG=1");
}

static void *watch(void *arg)
{
    struct stk_service *service = arg;
    (void)pthread_mutex_lock(&service->lock);
    while (!service->is_ending) {
        struct timespec until;
        say_alive(service);
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        stk_time_ns nsec = until.tv_nsec + service->every;
        until.tv_sec += nsec / STK_SECOND;
        until.tv_nsec = nsec % STK_SECOND;
        (void)pthread_cond_timedwait(&service->changed, &service->lock, &until);
    }
    (void)pthread_mutex_unlock(&service->lock);
    return NULL;
}

static void release(struct stk_service *service)
{
    (void)pthread_cond_destroy(&service->changed);
    (void)pthread_mutex_destroy(&service->lock);
    free(service);
}

static enum stk_rc start_watch(struct stk_pool *pool, stk_time_ns patience,
                               struct stk_service **ret, struct stk_error *err)
{
    struct stk_service *service = stk_alloc(sizeof(*service));
    pthread_condattr_t attr;
    service->pool = pool;
    service->every = patience / 3;
    (void)pthread_mutex_init(&service->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&service->changed, &attr);
    (void)pthread_condattr_destroy(&attr);

    int code = pthread_create(&service->thread, NULL, watch, service);
    if (code != 0) {
        release(service);
        return stk_fail(err, STK_INTERNAL, "could not start a thread: %s", strerror(code));
    }
    *ret = service;
    return STK_OK;
}

enum stk_rc stk_service_start(struct stk_pool *pool, struct stk_service **ret,
                              struct stk_error *err)
{
    stk_time_ns patience = stk_notify_watchdog();
    enum stk_rc rc = patience > 0 ? start_watch(pool, patience, ret, err) : STK_OK;
    if (rc == STK_OK) (void)stk_notify_manager("READY=1");
    return rc;
}

void stk_service_stopping(void)
{
    (void)stk_notify_manager("STOPPING=1");
}

void stk_service_stop(struct stk_service *service)
{
    if (service == NULL) return;
    (void)pthread_mutex_lock(&service->lock);
    service->is_ending = true;
    (void)pthread_cond_signal(&service->changed);
    (void)pthread_mutex_unlock(&service->lock);
    (void)pthread_join(service->thread, NULL);
    release(service);
}
