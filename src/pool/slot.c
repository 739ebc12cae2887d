/* SPDX-License-Identifier: MIT */
#include "pool/slot.h"

#include <assert.h>

#include "base/clock.h"

static const char *const state_names[] = {
#define STK_WORKER_STATE_ROW(name, text) [STK_WORKER_##name] = text,
    STK_WORKER_STATE_MAP(STK_WORKER_STATE_ROW)
#undef STK_WORKER_STATE_ROW
};

const char *stk_worker_state_name(enum stk_worker_state state)
{
    assert(state < STK_ARRAY_LEN(state_names));
    return state_names[state];
}

void stk_slot_init(struct stk_slot *slot, uint32_t worker)
{
    *slot = (struct stk_slot){ .worker = worker };
    slot->view = (struct stk_worker_view){ .number = worker, .since = stk_clock_now() };
    (void)pthread_mutex_init(&slot->lock, NULL);
}

static void release_assignment(struct stk_assignment *job)
{
    stk_buf_release(&job->params);
    stk_buf_release(&job->handle);
    stk_buf_release(&job->result_at);
}

void stk_slot_release(struct stk_slot *slot)
{
    release_assignment(&slot->job);
    release_assignment(&slot->next);
    (void)pthread_mutex_destroy(&slot->lock);
}

void stk_slot_show(struct stk_slot *slot, enum stk_worker_state state, stk_time_ns now)
{
    bool works = state == STK_WORKER_RUNNING;
    (void)pthread_mutex_lock(&slot->lock);
    slot->view.state = state;
    slot->view.since = now;
    slot->view.job_id = works ? slot->job.id : 0;
    slot->view.attempt = works ? slot->job.attempt : 0;
    slot->view.task = works ? slot->job.task->name : NULL;
    if (works) slot->cancel_requested = false;
    (void)pthread_mutex_unlock(&slot->lock);
}

void stk_slot_count(struct stk_slot *slot, enum stk_outcome outcome)
{
    (void)pthread_mutex_lock(&slot->lock);
    if (outcome == STK_OUTCOME_COMPLETED) slot->view.completed++;
    bool goes_on = outcome == STK_OUTCOME_COMPLETED || outcome == STK_OUTCOME_PARKED;
    if (!goes_on && stk_outcome_counts(outcome)) slot->view.failed++;
    (void)pthread_mutex_unlock(&slot->lock);
}

void stk_slot_peek(struct stk_slot *slot, struct stk_worker_view *ret)
{
    (void)pthread_mutex_lock(&slot->lock);
    *ret = slot->view;
    (void)pthread_mutex_unlock(&slot->lock);
}
