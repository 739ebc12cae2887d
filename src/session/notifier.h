/* SPDX-License-Identifier: MIT
 *
 * notifier - the thread that brings the notices to people.
 *
 *   read what is due -> channel by channel -> note what is left, and when next
 *
 * What was delivered is noted before the next delivery begins, so that a crash
 * repeats one at most. A channel that fails is tried again, ever more seldom, for
 * a day; then a line of history (notice.failed) says so. It also watches the
 * limits, since nobody else looks at how long one has been closed.
 *
 * Nothing waits for it, and no failure of it reaches a session or a job.
 *
 * Memory:  start makes, stop ends, and cancels what is under way.
 * Threads: poke from any.
 */
#ifndef STK_SESSION_NOTIFIER_H
#define STK_SESSION_NOTIFIER_H

#include "exec/spawner.h"
#include "model/settings.h"
#include "store/access.h"

struct stk_notifier;

struct stk_notifier_options {
    const struct stk_settings *settings;
    struct stk_access access;
    struct stk_spawner *spawner; /* or NULL: no hooks */
    /* One line for the main console, on the notifier's thread; or NULL. */
    void (*say)(void *context, const char *line);
    void *context;
};
/* *ret NULL: stoker.yaml has no channels. */
STK_MUST_USE enum stk_rc stk_notifier_start(const struct stk_notifier_options *options,
                                            struct stk_notifier **ret, struct stk_error *err);
void stk_notifier_stop(struct stk_notifier *notifier);

/* A notice was added: look now. NULL is a no-op. */
void stk_notifier_poke(struct stk_notifier *notifier);

#endif
