/* SPDX-License-Identifier: MIT
 *
 * child - one program, from the order to its end; private to src/exec.
 *
 *   STARTING --STARTED--> RUNNING --ENDED--> ended
 *      |  `--FAILED--> not started   |
 *      `-------------+---------------+--keeper gone--> lost
 *                    `--SIGKILL, 10 s--> stuck
 *
 * One thread waits for everything at once: the keeper's replies, the output,
 * the bell that a stop rings, and the next moment at which something is due.
 *
 * Memory:  init once, run as often as wanted, release at the end.
 * Threads: one runs; stk_child_ring from any.
 */
#ifndef STK_EXEC_CHILD_H
#define STK_EXEC_CHILD_H

#include "base/secret.h"
#include "exec/environ.h"
#include "exec/spawner.h"
#include "exec/wire.h"

struct stk_child {
    struct stk_spawner *spawner;
    int keeper; /* socket; -1: none yet, or it has left */
    int bell;   /* eventfd */
    char *read_buffer;
};

/* Which of the program's pipes something came from: its 1, 2 and 3. */
enum stk_child_output { STK_CHILD_STDOUT, STK_CHILD_STDERR, STK_CHILD_ANSWER, STK_CHILD_OUTPUTS };

/* What is asked of a running program. Neither is taken back. */
enum stk_child_wish { STK_CHILD_GO_ON, STK_CHILD_END, STK_CHILD_KILL };

struct stk_child_order {
    const struct stk_block *block;
    int nice;
    const uint64_t *limits;           /* by enum stk_rlimit; NULL: none */
    struct iovec input[2];            /* its stdin */
    const struct stk_secret *session; /* its descriptor 4; NULL: there is none */
    stk_time_ns time_limit_ns;        /* 0: none */
    stk_time_ns grace_ns;             /* between SIGTERM and SIGKILL */

    void (*output)(void *context, enum stk_child_output from, char *bytes, size_t len);
    /* Asked each time the bell has rung. */
    enum stk_child_wish (*wish)(void *context);
    void *context;
    int other_bell; /* once it is readable, END is wished; -1: none */
};

enum stk_child_phase {
    STK_CHILD_STARTING,
    STK_CHILD_RUNNING,
    STK_CHILD_ENDED,
    STK_CHILD_NOT_STARTED, /* stage and error say why */
    STK_CHILD_LOST,        /* the keeper was killed */
    STK_CHILD_UNKEPT,      /* no keeper stays alive long enough */
    STK_CHILD_NO_NURSERY,  /* what starts programs is gone for good */
    STK_CHILD_STUCK        /* still there 10 s after SIGKILL */
};

struct stk_child_end {
    enum stk_child_phase phase; /* none of the first two */
    bool timed_out;             /* stoker began to end it for that */
    bool rang;                  /* ... because other_bell did */
    enum stk_stage stage;
    int error;                   /* errno */
    struct stk_wire_reply ended; /* ENDED */
};

void stk_child_init(struct stk_child *child, struct stk_spawner *spawner);
void stk_child_release(struct stk_child *child);
void stk_child_ring(struct stk_child *child);

/* All output has been given out when it returns. */
void stk_child_run(struct stk_child *child, const struct stk_child_order *order,
                   struct stk_child_end *ret);

#endif
