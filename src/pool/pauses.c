/* SPDX-License-Identifier: MIT
 *
 * While the store takes no writes: outcomes are kept, and tried again.
 */
#include <stdio.h>

#include "base/clock.h"
#include "pool/round.h"

#define PAUSE_MIN_NS STK_SECOND
#define PAUSE_MAX_NS (30 * STK_SECOND)

/* Where a lease runs out meanwhile, the pool tries often enough to keep it. */
static stk_time_ns longest(const struct stk_desk *desk)
{
    return desk->is_shared ? desk->life.beat_ns / 4 : PAUSE_MAX_NS;
}

void stk_round_pause(struct stk_desk *desk, const struct stk_error *err)
{
    bool fresh = desk->paused_since == 0;
    if (fresh) desk->paused_since = stk_store_now(desk->options.store);
    desk->pause_ns = fresh ? PAUSE_MIN_NS : desk->pause_ns * 2;
    if (desk->pause_ns > longest(desk)) desk->pause_ns = longest(desk);
    desk->retry_at = stk_clock_mono() + desk->pause_ns;

    (void)pthread_mutex_lock(&desk->lock);
    (void)snprintf(desk->pause_reason, sizeof(desk->pause_reason), "%s", err->text);
    (void)pthread_mutex_unlock(&desk->lock);
    if (!fresh || desk->options.consoles == NULL) return;
    stk_console_addf(desk->options.consoles, 0, 0, STK_LINE_POOL,
                     "paused: %s; %zu outcomes are kept and tried again until it works", err->text,
                     desk->report_count);
}

/* Written in the first round that goes through, as the store could not take it
 * when it happened. */
enum stk_rc stk_pause_note_end(struct stk_desk *desk, stk_time_ns now, struct stk_error *err)
{
    if (desk->paused_since == 0) return STK_OK;
    const struct stk_event paused = { .pool_id = desk->options.pool_id,
                                      .text = desk->pause_reason };
    enum stk_rc rc = stk_store_event(desk->options.store, STK_EVENT_POOL_PAUSED, &paused,
                                     desk->paused_since, err);
    if (rc != STK_OK) return rc;
    const struct stk_event resumed = { .pool_id = desk->options.pool_id,
                                       .text = "the store takes writes again" };
    return stk_store_event(desk->options.store, STK_EVENT_POOL_RESUMED, &resumed, now, err);
}

void stk_pause_end(struct stk_desk *desk)
{
    if (desk->paused_since == 0) return;
    desk->paused_since = desk->retry_at = 0;
    desk->hungry = true;
    (void)pthread_mutex_lock(&desk->lock);
    if (!desk->broken) desk->pause_reason[0] = '\0';
    (void)pthread_mutex_unlock(&desk->lock);
    if (desk->options.consoles == NULL) return;
    stk_console_addf(desk->options.consoles, 0, 0, STK_LINE_POOL,
                     "goes on: the store takes writes again");
}
