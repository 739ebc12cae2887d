/* SPDX-License-Identifier: MIT
 *
 * gate - whether jobs of a queue may start now, how many, and when to ask again.
 *
 * Asked inside the claim's transaction, told there what was claimed, and told
 * with each outcome what the authority said. The rules are model/limit's; how
 * many attempts are alive is counted from the jobs themselves. A queue without
 * limits costs no call of the store.
 *
 * Memory:  init and release; the settings are borrowed.
 * Threads: one at a time: the desk has its own, a reader of the api another.
 * Errors:  the store's; roll back.
 */
#ifndef STK_POOL_GATE_H
#define STK_POOL_GATE_H

#include "exec/exec.h"
#include "model/settings.h"
#include "store/store.h"

struct stk_gates {
    const struct stk_settings *settings;
    const struct stk_task **of_queue_; /* by the queue's id; see task_of_queue */
    size_t size_;
};
void stk_gates_init(struct stk_gates *gates, const struct stk_settings *settings);
void stk_gates_release(struct stk_gates *gates);

struct stk_gate {
    size_t admits;        /* may start now; SIZE_MAX: any number */
    stk_time_ns again_at; /* jobs wait behind it: ask again then, by wall time. STK_NEVER: none
                             waits, or when an attempt ends */
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
/* An attempt begun at `sent_at` has ended. *until: when its job may be taken
 * again, raised to its reserved turn when it was throttled. */
STK_MUST_USE enum stk_rc stk_gate_heard(struct stk_gates *gates, struct stk_store *store,
                                        const struct stk_task *task,
                                        const struct stk_exec_result *ended, stk_time_ns sent_at,
                                        stk_time_ns now, stk_time_ns *until, struct stk_error *err);

#endif
