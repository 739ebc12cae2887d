/* SPDX-License-Identifier: MIT
 *
 * spawner - starts programs from a small process and leaves none behind.
 *
 * A pool has many threads and much memory, so it does not fork. At the start of
 * `stoker up`, before any thread or store, stk_spawner_start forks one small
 * process, the nursery. Each worker that runs commands gets from it a keeper of
 * its own (made at its first command, ended after a minute without one), which
 * starts the worker's programs by vfork and exec and reaps them.
 *
 * Containment, best layer first, whatever the host allows:
 *   pid namespace   the keeper is pid 1 of its own (with a user namespace where
 *                   the pool is not root): after an attempt one kill(-1) ends all
 *                   it left behind, and when the keeper dies the kernel ends them
 *   subreaper       orphans come to the keeper, which walks its descendants and
 *                   kills until none is left
 * A pool that is killed takes its keepers along: parent-death signal, and their
 * socket closes. Children get a session and process group of their own.
 *
 * Memory:  one spawner per process.
 * Threads: stk_spawner_start from the only thread; keepers from any.
 */
#ifndef STK_EXEC_SPAWNER_H
#define STK_EXEC_SPAWNER_H

#include "base/err.h"

struct stk_spawner;

/* `contain`: use namespaces where the host allows (tests turn it off to try
 * the weaker layer). STK_UNAVAILABLE when not even fork works. */
STK_MUST_USE enum stk_rc stk_spawner_start(bool contain, struct stk_spawner **ret,
                                           struct stk_error *err);
void stk_spawner_stop(struct stk_spawner *spawner); /* kills whatever still runs */

/* "pid namespace" or "subreaper": what this host allows, found by trying. */
const char *stk_spawner_containment(const struct stk_spawner *spawner);

/* False: the nursery was killed, and no program can be started any more; jobs
 * come back INTERRUPTED. Only a restart of the pool helps. Any thread. */
bool stk_spawner_is_alive(const struct stk_spawner *spawner);

/* For executors: the socket of a new keeper (exec/wire.h), the caller's to
 * close, which ends the keeper. -1: errno; EPIPE when the nursery is gone. */
STK_MUST_USE int stk_spawner_keeper(struct stk_spawner *spawner);

#endif
