/* SPDX-License-Identifier: MIT
 *
 * engine - what an engine must provide; private to src/store.
 *
 * STK_ENGINE_MAP is the one list of it: a call `claim` is the public
 * stk_store_claim, a member of struct stk_engine and, in an engine NAME, the
 * function stk_NAME_claim, all of one type. What they promise stands in
 * store/store.h and the headers beside it; who calls an engine has checked the
 * arguments that need no database.
 */
#ifndef STK_STORE_ENGINE_H
#define STK_STORE_ENGINE_H

#include "store/accounts.h"
#include "store/consoles.h"
#include "store/hints.h"
#include "store/notices.h"
#include "store/store.h"

/* clang-format off */
#define STK_ENGINE_MAP(X)                                                     \
    X(open) X(close) X(owner) X(socket_path) X(versions)                      \
    X(now) X(lease) X(begin) X(commit) X(rollback)                            \
    X(savepoint) X(savepoint_keep) X(savepoint_undo)                          \
    X(task) X(queues) X(queue_pause)                                          \
    X(submit) X(promote) X(next_due) X(claim) X(settle)                       \
    X(cancel) X(retry) X(rescue) X(release_held)                              \
    X(sweep_new) X(sweep_set) X(sweeps) X(unfilled_sweep) X(last_sweep)                         \
    X(jobs) X(job) X(last_job) X(jobs_ahead) X(attempts)                      \
    X(counts) X(counts_by_task)                                               \
    X(pool_start) X(pool_beat) X(pool_stop) X(pools)                          \
    X(event) X(events)                                                        \
    X(claim_polls) X(next_poll) X(queue_load) X(remote_note) X(remote)           \
    X(sessions) X(session_set) X(session_secret) X(session_secret_set)        \
    X(limits) X(limit_set) X(task_run_time)                                   \
    X(users) X(user_set) X(user_remove)                                       \
    X(tokens) X(token_find) X(token_add) X(token_remove)                      \
    X(audit_add) X(audits) X(audit_verify)                                    \
    X(notice_add) X(notices_due) X(notice_tried)                              \
    X(cancels) X(sweep_take) X(hints) X(tell) X(listen)                       \
    X(watch) X(watched) X(ship) X(answer) X(answers) X(shipped)               \
    X(tend) X(news) X(doctor)
/* clang-format on */

enum { STK_ENGINE_SCHEMES = 2 };
struct stk_engine {
    const char *schemes[STK_ENGINE_SCHEMES]; /* "sqlite" matches "sqlite:..." */
    bool is_shared;                          /* see stk_store_is_shared */
#define STK_ENGINE_MEMBER(name) __typeof__(stk_store_##name) *name;
    STK_ENGINE_MAP(STK_ENGINE_MEMBER)
#undef STK_ENGINE_MEMBER
};

/* The first member of every engine's own struct. */
struct stk_store {
    const struct stk_engine *engine;
};

void stk_store_say_wait(const char *sentence); /* see stk_store_on_wait */

extern const struct stk_engine stk_engine_sqlite;
extern const struct stk_engine stk_engine_pg;

/* The engine of a URL. STK_INVALID: it names none. */
STK_MUST_USE enum stk_rc stk_engine_of(const char *url, const struct stk_engine **ret,
                                       struct stk_error *err);

#endif
