/* SPDX-License-Identifier: MIT
 *
 * keeper - the process that starts, watches and ends one worker's programs;
 * private to src/exec.
 *
 * One program at a time. The keeper tells of its end only when all it left
 * behind is gone too. Alone for a minute, or left by its worker, it ends.
 *
 * Threads: a process with one thread.
 */
#ifndef STK_EXEC_KEEPER_H
#define STK_EXEC_KEEPER_H

#include "base/defs.h"

enum { STK_KEEPER_IDLE_MS = 60 * 1000 };

/* Life of a keeper, in a process just made whose socket is `socket`.
 * `contained`: it is pid 1 of a namespace of its own. */
STK_NORETURN void stk_keeper_main(int socket, bool contained);

/* In a mount namespace just made: nobody else sees what is mounted on /proc from
 * now on. False: errno. */
bool stk_keeper_hide_mounts(void);

/* Puts /dev/null where it is missing of 0, 1 and 2, `socket` at 3, and closes
 * everything else. Returns 3. For the nursery too. */
int stk_keeper_fds(int socket);

/* Sends SIGKILL to the children of this process: all, or those `strange` to
 * its session. Only children, because nobody else reaps them: their pids
 * cannot have become somebody else's. Theirs come to a subreaper in turn. */
void stk_keeper_kill_children(bool strange);

#endif
