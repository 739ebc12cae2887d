/* SPDX-License-Identifier: MIT
 *
 * slot - a worker as the desk sees it: its job, its report, its sleep.
 *
 * A slot goes to and fro: from stk_desk_next until the worker is called it
 * is the desk's, from then on the worker's. Only what stands under `lock` is read by
 * others in between. Private to src/pool.
 *
 * Memory:  init and release; storage is the desk's.
 * Threads: as said at each part.
 */
#ifndef STK_POOL_SLOT_H
#define STK_POOL_SLOT_H

#include <pthread.h>

#include "pool/bell.h"
#include "pool/desk.h"

/* What waits at the desk: a slot or a call. First member of both. */
struct stk_arrival {
    struct stk_arrival *next;
    bool is_call;
};

struct stk_slot {
    struct stk_arrival arrival;
    struct stk_sleeper sleeper;
    uint32_t worker; /* 1.. */

    /* the desk's while the worker waits, the worker's while it works */
    struct stk_assignment job;  /* id 0: none */
    struct stk_assignment next; /* the desk's: claimed, not yet durable */
    const struct stk_exec_result *ended;
    struct stk_remote remote; /* of what has ended, as it is written */
    uint64_t round;           /* that handed out the job */
    bool end;

    /* anyone's, under lock */
    pthread_mutex_t lock;
    struct stk_worker_view view;
    bool cancel_requested;
};

void stk_slot_init(struct stk_slot *slot, uint32_t worker);
void stk_slot_release(struct stk_slot *slot);

void stk_slot_show(struct stk_slot *slot, enum stk_worker_state state, stk_time_ns now);
void stk_slot_count(struct stk_slot *slot, enum stk_outcome outcome); /* an attempt of its ended */
void stk_slot_peek(struct stk_slot *slot, struct stk_worker_view *ret);

#endif
