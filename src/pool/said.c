/* SPDX-License-Identifier: MIT */
#include "pool/said.h"

#include <stdio.h>

#include "base/clock.h"

static enum stk_pool_state state_of(const struct stk_desk *desk, bool is_idle, bool is_paused)
{
    if (atomic_load(&desk->stop_level) != STK_GO_ON) return STK_POOL_STOPPING;
    if (is_paused) return STK_POOL_PAUSED;
    if (is_idle && atomic_load(&desk->waits_for) != NULL) return STK_POOL_WAITING;
    return desk->options.drain ? STK_POOL_DRAINING : STK_POOL_RUNNING;
}

static const char *session_without_key(const struct stk_desk *desk)
{
    const struct stk_settings *settings = desk->options.settings;
    for (size_t i = 0; desk->options.vault != NULL && i < settings->session_count; i++) {
        const struct stk_session_spec *spec = &settings->sessions[i];
        if (stk_vault_lacks_key(desk->options.vault, spec)) return spec->name;
    }
    return NULL;
}

/* What the desk has noted is why it pauses or breaks. */
static void add_reason(const struct stk_desk *desk, enum stk_pool_state state, char *reason,
                       size_t size)
{
    const char *session = session_without_key(desk);
    if (reason[0] == '\0' && session != NULL) {
        stk_pool_keyless_text(session, reason, size);
        return;
    }
    session = atomic_load(&desk->waits_for);
    if (state != STK_POOL_WAITING || session == NULL) return;
    (void)snprintf(reason, size, "its jobs wait for session \"%s\"", session);
}

void stk_said_view(struct stk_desk *desk, bool is_idle, struct stk_pool_view *ret)
{
    (void)pthread_mutex_lock(&desk->lock);
    stk_rate_add(&desk->rate, desk->settled_count, stk_clock_now());
    ret->per_s = desk->rate.per_s;
    ret->late_answers = desk->late_count;
    ret->completed = desk->became[STK_STATE_COMPLETED];
    ret->failed = desk->became[STK_STATE_FAILED];
    ret->broken = desk->broken;
    (void)snprintf(ret->reason, sizeof(ret->reason), "%s", desk->pause_reason);
    (void)pthread_mutex_unlock(&desk->lock);
    ret->state = state_of(desk, is_idle, ret->reason[0] != '\0');
    add_reason(desk, ret->state, ret->reason, sizeof(ret->reason));
}

enum stk_pool_state stk_said_state(const struct stk_desk *desk)
{
    return state_of(desk, desk->idle_count == desk->options.workers, false);
}

void stk_said_news(struct stk_desk *desk)
{
    const char *news = stk_store_news(desk->options.store);
    if (news == NULL || desk->options.consoles == NULL) return;
    stk_console_addf(desk->options.consoles, 0, 0, STK_LINE_POOL, "%s", news);
}

/* A pause is over with the round that writes this. */
void stk_said_make(struct stk_desk *desk, char *reason, size_t size, struct stk_pool_said *ret)
{
    *ret = (struct stk_pool_said){ .state = stk_said_state(desk) };
    reason[0] = '\0';
    (void)pthread_mutex_lock(&desk->lock);
    stk_rate_add(&desk->rate, desk->settled_count, stk_clock_now());
    ret->per_s = desk->rate.per_s;
    if (desk->broken) (void)snprintf(reason, size, "%s", desk->pause_reason);
    (void)pthread_mutex_unlock(&desk->lock);
    add_reason(desk, ret->state, reason, size);
    if (reason[0] != '\0') ret->reason = reason;
}
