/* SPDX-License-Identifier: MIT
 *
 * gate - whether jobs of a queue may start now, how many, and when to ask again.
 *
 * Asked inside the claim's transaction, told there what was claimed, and told
 * with each outcome what the authority said. The rules are model/limit's and
 * model/session's; how many attempts are alive is counted from the jobs
 * themselves. A session is read as this transaction sees it, so that a worker
 * that slept for hours starts with the generation of now. A queue without
 * session and limits costs no call of the store.
 *
 * Memory:  init and release; the settings are borrowed.
 * Threads: one at a time: the desk has its own, a reader of the api another.
 * Errors:  the store's; roll back.
 */
#ifndef STK_POOL_GATE_H
#define STK_POOL_GATE_H

#include "exec/exec.h"
#include "model/settings.h"
#include "session/vault.h"
#include "store/store.h"

/* A job that was refused with a session which then proved to be good: the fault
 * is its own (a path it may not see, say), and it must not stop all others again
 * and again. In memory: a pool that starts counts anew. */
enum { STK_REFUSED_JOBS_MAX = 64, STK_REFUSALS_MAX = 3 };
struct stk_refused_job {
    int64_t id, attempt_id, generation;
    uint32_t times;
};

struct stk_gates {
    const struct stk_settings *settings;
    struct stk_vault *vault; /* on a shared store: jobs whose credential it cannot open are left to
                                others; else NULL */
    const struct stk_task **of_queue_; /* by the queue's id; see task_of_queue */
    size_t size_;
    struct stk_refused_job refused_[STK_REFUSED_JOBS_MAX];
    size_t refused_next_;
    bool session_changed; /* set here when a keeper has to look; cleared by the caller */
};
void stk_gates_init(struct stk_gates *gates, const struct stk_settings *settings);
void stk_gates_release(struct stk_gates *gates);

struct stk_gate {
    int64_t generation;    /* of its session; 0: it needs none */
    size_t admits;         /* may start now; SIZE_MAX: any number */
    stk_time_ns again_at;  /* jobs wait behind it: ask again then, by wall time. STK_NEVER: none
                              waits, or when an attempt ends */
    const char *closed_by; /* jobs wait for this session; or NULL. Of the settings */
};
STK_MUST_USE enum stk_rc stk_gate_ask(struct stk_gates *gates, struct stk_store *store,
                                      const struct stk_queue *queue, stk_time_ns now,
                                      struct stk_gate *ret, struct stk_error *err);
/* A limit as it stands, and the attempts alive in all queues that share it. */
STK_MUST_USE enum stk_rc stk_gate_limit(struct stk_gates *gates, struct stk_store *store,
                                        const struct stk_limit_spec *spec, struct stk_limit *ret,
                                        int64_t *ret_in_use, struct stk_error *err);
/* `count` jobs of the queue have been claimed. */
STK_MUST_USE enum stk_rc stk_gate_took(struct stk_gates *gates, struct stk_store *store,
                                       const struct stk_queue *queue, size_t count, stk_time_ns now,
                                       struct stk_error *err);
/* The same for parked jobs that are due: whether the authority may be asked how
 * they are getting on. They hold their slots already, so only what is limited in
 * time counts. A read may follow at once, so its limits are asked too; it is
 * counted when it has happened. */
STK_MUST_USE enum stk_rc stk_gate_ask_polls(struct stk_gates *gates, struct stk_store *store,
                                            const struct stk_queue *queue, stk_time_ns now,
                                            struct stk_gate *ret, struct stk_error *err);
STK_MUST_USE enum stk_rc stk_gate_took_polls(struct stk_gates *gates, struct stk_store *store,
                                             const struct stk_queue *queue, size_t count,
                                             stk_time_ns now, struct stk_error *err);
/* An attempt has ended. */
struct stk_heard {
    const struct stk_task *task;
    int64_t job_id, attempt_id;
    int64_t generation;   /* of the session that it showed */
    stk_time_ns sent_at;  /* when it began */
    stk_time_ns ahead_ns; /* of this machine's clock, which `ended` has, is the store's */
    const struct stk_exec_result *ended;
    size_t refused;           /* attempts alive that the authority has refused for want of a slot */
    enum stk_outcome outcome; /* in: what it ended with; out: what that makes of its job */
    stk_time_ns until;        /* in, out: not before; its reserved turn when it was throttled */
    const char *why;          /* out: in place of its error; NULL: as it said */
};
STK_MUST_USE enum stk_rc stk_gate_heard(struct stk_gates *gates, struct stk_store *store,
                                        struct stk_heard *heard, stk_time_ns now,
                                        struct stk_error *err);

#endif
