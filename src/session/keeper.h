/* SPDX-License-Identifier: MIT
 *
 * keeper - the threads that keep sessions going, one for each session.
 *
 *   read the row -> stk_session_plan -> ask the provider -> record the answer
 *
 * Nobody else talks to an authority's sign-in. What a keeper knows is in the
 * row: killed at any moment, the next one goes on from there (an open challenge
 * is kept, a lock-out is waited for, a renewal without an answer is checked).
 * It holds a lease with an epoch; who finds another epoch in the row stops
 * writing. On a shared store each process has a keeper for the session; those
 * that have no lease follow the row, and one takes over when the lease runs out
 * (session/tenure.h). Then time is the database's, for all of them.
 *
 * Memory:  start makes, stop ends (and cancels what is under way).
 * Threads: poke from any.
 */
#ifndef STK_SESSION_KEEPER_H
#define STK_SESSION_KEEPER_H

#include "exec/spawner.h"
#include "session/vault.h"

struct stk_keepers;

struct stk_keepers_options {
    const struct stk_settings *settings;
    struct stk_access access;
    struct stk_vault *vault;
    struct stk_spawner *spawner; /* or NULL */
    const char *owner;           /* of the leases: "p3 on host" */
    stk_time_ns lease_ns;        /* how long one lasts; 0: as long as the store is open */
    /* One line for the main console, on a keeper's thread; or NULL. */
    void (*say)(void *context, const char *line);
    void (*noticed)(void *context); /* a notice for people was written; or NULL */
    void *context;
};
STK_MUST_USE enum stk_rc stk_keepers_start(const struct stk_keepers_options *options,
                                           struct stk_keepers **ret, struct stk_error *err);
void stk_keepers_stop(struct stk_keepers *keepers);

/* The leases taken and extended from now on are of that owner. */
void stk_keepers_rename(struct stk_keepers *keepers, const char *owner);

/* Its row has changed: look at it now. NULL: all. */
void stk_keepers_poke(struct stk_keepers *keepers, const char *session);

#endif
