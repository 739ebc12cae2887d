/* SPDX-License-Identifier: MIT
 *
 * Telling: nobody hears of a round before it is durable.
 */
#include "pool/round.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/timetext.h"

void stk_handout_answer(struct stk_desk *desk, enum stk_rc rc, const struct stk_error *err)
{
    struct stk_call *next = NULL;
    for (struct stk_call *call = desk->calls; call != NULL; call = next) {
        next = call->next;
        if (rc != STK_OK) {
            call->rc = rc;
            call->err = *err;
        }
        stk_bell_ring(&call->done); /* the caller's stack: not to be touched again */
    }
    desk->calls = NULL;
    desk->calls_end = &desk->calls;
}

static void tell_parked(struct stk_consoles *consoles, const struct stk_slot *slot,
                        const struct stk_settle *settle, stk_time_ns now)
{
    char wait[STK_DURATION_TEXT];
    const struct stk_remote *remote = settle->remote;
    if (remote == NULL || remote->poll_at <= now) {
        stk_console_addf(consoles, slot->worker, settle->id, STK_LINE_STEP,
                         "goes on at the authority, asked for again as soon as may be");
        return;
    }
    stk_duration_text(remote->poll_at - now, wait);
    stk_console_addf(consoles, slot->worker, settle->id, STK_LINE_STEP,
                     "goes on at the authority, asked for again in %s", wait);
}

/* What happened to a job whose attempt did not complete, on its worker's
 * console: the desk alone knows. */
static void tell_console(struct stk_desk *desk, const struct stk_slot *slot,
                         const struct stk_settle *settle, stk_time_ns now)
{
    struct stk_consoles *consoles = desk->options.consoles;
    if (consoles == NULL || (settle->accepted && settle->outcome == STK_OUTCOME_COMPLETED)) return;

    if (!settle->accepted) {
        stk_console_addf(consoles, slot->worker, settle->id, STK_LINE_STEP,
                         "late answer refused: the attempt no longer held the job");
        return;
    }
    if (settle->to.state == STK_STATE_RUNNING) {
        tell_parked(consoles, slot, settle, now);
        return;
    }
    if (settle->to.state != STK_STATE_PENDING) {
        stk_console_addf(consoles, slot->worker, settle->id, STK_LINE_STEP, "job is %s%s%s",
                         stk_state_name(settle->to.state), settle->to.note != NULL ? ": " : "",
                         settle->to.note != NULL ? settle->to.note : "");
        return;
    }
    char wait[STK_DURATION_TEXT];
    stk_time_ns ready_at = settle->to.ready_at > now ? settle->to.ready_at : now;
    stk_duration_text(ready_at - now, wait);
    stk_console_addf(consoles, slot->worker, settle->id, STK_LINE_STEP,
                     "back in the queue, next try in %s (attempt %u of %u)", wait,
                     slot->job.attempt, slot->job.task->retry.attempts_max);
}

/* The worker that brought it waits for its next job. */
static void take_in(struct stk_desk *desk, struct stk_slot *slot)
{
    slot->ended = NULL;
    slot->job.id = 0;
    desk->idle[desk->idle_count++] = slot;
}

void stk_handout_dropped(struct stk_desk *desk)
{
    for (size_t i = 0; i < desk->report_count; i++) {
        take_in(desk, desk->reports[i]);
    }
    desk->report_count = desk->settled = 0;
}

void stk_handout_reports(struct stk_desk *desk, stk_time_ns now)
{
    int64_t late = 0, parked = 0, became[STK_STATE_COUNT_] = { 0 };
    for (size_t i = 0; i < desk->report_count; i++) {
        struct stk_slot *slot = desk->reports[i];
        late += !desk->settles[i].accepted;
        parked += desk->settles[i].to.state == STK_STATE_RUNNING;
        became[desk->settles[i].to.state] += desk->settles[i].accepted;
        stk_slot_count(slot, desk->settles[i].outcome);
        tell_console(desk, slot, &desk->settles[i], now);
        take_in(desk, slot);
    }
    if (desk->report_count == 0) return;
    (void)pthread_mutex_lock(&desk->lock);
    desk->settled_count += (int64_t)desk->report_count - parked;
    desk->late_count += late;
    for (size_t i = 0; i < STK_STATE_COUNT_; i++) {
        desk->became[i] += became[i];
    }
    stk_rate_add(&desk->rate, desk->settled_count, stk_clock_now());
    (void)pthread_mutex_unlock(&desk->lock);
    desk->report_count = desk->settled = 0;
}

/* One system call wakes up to 32 of them; one each would cost the desk more than
 * the claims. */
static void wake(struct stk_desk *desk, struct stk_slot *const *slots, size_t count)
{
    uint32_t bits[STK_ARRAY_LEN(desk->gongs)] = { 0 };
    for (size_t i = 0; i < count; i++) {
        stk_sleeper_call(&slots[i]->sleeper);
        bits[(slots[i]->worker - 1) / STK_GONG_SLEEPERS] |= slots[i]->sleeper.bit;
    }
    for (size_t i = 0; i < STK_ARRAY_LEN(desk->gongs); i++) {
        if (bits[i] != 0) stk_gong_strike(&desk->gongs[i], bits[i]);
    }
}

static void swap_jobs(struct stk_slot *slot)
{
    struct stk_assignment done = slot->job;
    slot->job = slot->next;
    slot->next = done; /* its buffer is used again */
}

/* A life that is over starts nothing: what it has claimed comes back like all else
 * that it had. */
void stk_handout_jobs(struct stk_desk *desk)
{
    if (stk_life_is_over(desk)) desk->claimed_count = 0;
    desk->round++;
    desk->fresh = desk->claimed_count;
    desk->handed_at = stk_clock_mono();
    if (desk->claimed_count == 0) return;

    stk_time_ns now = stk_clock_now();
    desk->idle_since = 0;

    for (size_t i = 0; i < desk->claimed_count; i++) {
        swap_jobs(desk->claimed[i]);
        desk->claimed[i]->round = desk->round;
        stk_slot_show(desk->claimed[i], STK_WORKER_RUNNING, now);
    }
    size_t kept = 0;
    for (size_t i = 0; i < desk->idle_count; i++) {
        if (desk->idle[i]->job.id == 0) desk->idle[kept++] = desk->idle[i];
    }
    desk->idle_count = kept;
    wake(desk, desk->claimed, desk->claimed_count);
    (void)stk_fault(STK_FAULT_HANDED_OUT);
}

void stk_handout_ends(struct stk_desk *desk)
{
    for (size_t i = 0; i < desk->idle_count; i++) {
        desk->idle[i]->end = true;
    }
    wake(desk, desk->idle, desk->idle_count);
    desk->idle_count = 0;
}
