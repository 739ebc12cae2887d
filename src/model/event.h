/* SPDX-License-Identifier: MIT
 *
 * event - the kinds of lines in the history of the system.
 *
 * One table; the store keeps the text, docs/operating.md lists the same words.
 */
#ifndef STK_MODEL_EVENT_H
#define STK_MODEL_EVENT_H

#include "base/defs.h"

/* clang-format off */
/*    name              text                 what happened                                   */
#define STK_EVENT_MAP(X)                                                                      \
    X(POOL_STARTED,     "pool.started",      "a pool opened the store")                       \
    X(POOL_STOPPED,     "pool.stopped",      "a pool stopped in good order")                  \
    X(POOL_LOST,        "pool.lost",         "a pool died; its jobs were given back")         \
    X(POOL_PAUSED,      "pool.paused",       "a pool cannot write and waits")                 \
    X(POOL_KEYLESS,     "pool.keyless",      "a pool's key file cannot open a session's secret; it leaves session and jobs to others") \
    X(POOL_RESUMED,     "pool.resumed",      "a pool that waited goes on")                    \
    X(ATTEMPT_FAILED,   "attempt.failed",    "an attempt ended without a result")             \
    X(ATTEMPT_LATE,     "attempt.late",      "an answer of an attempt that no longer holds its job was refused") \
    X(JOB_QUARANTINED,  "job.quarantined",   "a job was interrupted too often and is failed") \
    X(JOB_HELD,         "job.held",          "a job's task is unknown to the pool")           \
    X(JOBS_CANCELLED,   "jobs.cancelled",    "a person cancelled jobs")                       \
    X(JOBS_RETRIED,     "jobs.retried",      "a person put jobs back")                        \
    X(QUEUE_PAUSED,     "queue.paused",      "a person closed a queue")                       \
    X(QUEUE_RESUMED,    "queue.resumed",     "a person opened a queue")                       \
    X(LIMIT_CLOSED,    "limit.closed",     "an authority said to come back later")          \
    X(LIMIT_OPENED,    "limit.opened",     "a limit that was closed lets jobs through again") \
    X(LIMIT_SET,       "limit.set",        "a person set or cleared a limit")               \
    X(SWEEP_CREATED,    "sweep.created",     "a sweep was accepted")                          \
    X(SWEEP_EXTENDED,   "sweep.extended",    "points were added to a sweep")                  \
    X(STORE_MIGRATED,   "store.migrated",    "the schema was brought to a newer version")      \
    X(STORE_CHANGED,    "store.changed",     "the database is another server's, or on another timeline: a failover, a restore, a copy") \
    X(STORE_LOST,       "store.lost",        "the database lacks what a pool was told it had committed")  \
    X(STORE_MOVED,      "store.moved",       "the store was copied into another database; its queues here are paused") \
    X(SESSION_CHANGED,  "session.changed",   "a session came into another state")             \
    X(SESSION_RENEWED,  "session.renewed",   "a session has a new credential")                \
    X(JOB_AMBIGUOUS,    "job.ambiguous",     "nobody knows whether the authority accepted a job; a person has to look") \
    X(USER_CHANGED,     "user.changed",      "a user or token was made, changed or removed")  \
    X(NOTICE_FAILED,    "notice.failed",     "a notice could not be delivered")
/* clang-format on */

enum stk_event_kind {
#define STK_EVENT_NAME(name, text, what) STK_EVENT_##name,
    STK_EVENT_MAP(STK_EVENT_NAME)
#undef STK_EVENT_NAME
        STK_EVENT_COUNT_
};

const char *stk_event_name(enum stk_event_kind kind);
const char *stk_event_meaning(enum stk_event_kind kind);

#endif
