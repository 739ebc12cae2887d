/* SPDX-License-Identifier: MIT
 *
 * ending - how an attempt ends, the same in every engine: what becomes of an
 * outcome, and what the job, its history and the events say of it.
 *
 * An engine locks the job that the attempt holds, or refuses the outcome; heeds
 * a cancel; writes the job's row, the attempt's where one is kept, and has the
 * events said. Outcomes that break a rule of the schema it fails instead.
 *
 * Memory:  texts are the settle's or stand in the given buffer, until it changes.
 * Errors:  those of stk_store_event, which says the events.
 * Private to src/store.
 */
#ifndef STK_STORE_ENDING_H
#define STK_STORE_ENDING_H

#include "store/store.h"

/* The job whose attempt ends. */
struct stk_held {
    int64_t task_id, queue_id, sweep_id, pool_id;
    const char *task, *queue; /* their names; or NULL */
    bool cancel;
    int64_t attempt, retries, worker;
    int64_t rank; /* its place among claims, of an engine that remembers where they begin */
    stk_time_ns started_at;
};

/* A person's cancel that the worker has not heard of yet still wins over
 * trying again. A job that runs elsewhere goes on: its next poll takes the
 * cancel there. */
struct stk_settle stk_ending_heed(const struct stk_settle *settle, const struct stk_held *held);
/* An outcome that breaks a rule of the schema must not leave the job running
 * for ever: the attempt has failed, and says why. */
struct stk_settle stk_ending_fail(const struct stk_settle *settle, const char *why);
/* The `why` of a result that is none. */
#define STK_ENDING_BAD_RESULT "its result is not valid JSON"

/* The sentence that the job keeps; NULL: none. */
const char *stk_ending_error(const struct stk_settle *settle, struct stk_buf *buf);
/* The result as JSON; NULL: none. Whether one that came as JSON is valid is the engine's to see. */
const char *stk_ending_result(const struct stk_settle *settle, struct stk_buf *buf,
                              size_t *ret_len);
/* The end of its output that is kept; NULL: none. */
const char *stk_ending_tail(const struct stk_settle *settle, size_t *ret_len);

/* When a job that is parked once more, with nothing new known of it, is polled. */
stk_time_ns stk_ending_poll_at(const struct stk_settle *settle, bool cancel, stk_time_ns now);
/* Of jobs elsewhere, STK_CONFLICT: it cannot be parked; it must not be submitted. */
enum stk_rc stk_ending_fail_park(struct stk_error *err);
enum stk_rc stk_ending_fail_note(int64_t job_id, struct stk_error *err);

/* Whether the attempt gets a row of its own, besides the job's. */
bool stk_ending_keeps_row(const struct stk_settle *settle);
/* The event of this outcome, if it has one. `error`: what the job keeps. */
STK_MUST_USE enum stk_rc stk_ending_tell(struct stk_store *store, const struct stk_settle *settle,
                                         const struct stk_held *held, const char *error,
                                         stk_time_ns now, struct stk_error *err);
/* That a task's jobs are held. One line a task, not one a job: there may be a
 * million of them, so the engine says it of the first. */
STK_MUST_USE enum stk_rc stk_ending_tell_held(struct stk_store *store,
                                              const struct stk_settle *settle,
                                              const struct stk_held *held, stk_time_ns now,
                                              struct stk_error *err);
/* That the attempt no longer holds the job. */
STK_MUST_USE enum stk_rc stk_ending_refuse(struct stk_store *store, const struct stk_settle *settle,
                                           stk_time_ns now, struct stk_error *err);

#endif
