/* SPDX-License-Identifier: MIT */
#include "model/pool_state.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *meaning;
} states[] = {
#define STATE_ROW(name, text, what) [STK_POOL_##name] = { text, what },
    STK_POOL_STATE_MAP(STATE_ROW)
#undef STATE_ROW
};
_Static_assert(STK_ARRAY_LEN(states) == STK_POOL_STATE_COUNT_, "one row per state");

const char *stk_pool_state_name(enum stk_pool_state state)
{
    assert(state < STK_POOL_STATE_COUNT_);
    return states[state].name;
}

const char *stk_pool_state_meaning(enum stk_pool_state state)
{
    assert(state < STK_POOL_STATE_COUNT_);
    return states[state].meaning;
}

bool stk_pool_state_from_name(const char *name, enum stk_pool_state *ret)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(states); i++) {
        if (strcmp(states[i].name, name) != 0) continue;
        *ret = (enum stk_pool_state)i;
        return true;
    }
    return false;
}

void stk_pool_keyless_text(const char *session, char *ret_text, size_t size)
{
    (void)snprintf(ret_text, size, "its key file cannot open the secret of session \"%s\"",
                   session);
}

/* It beats thrice in a lease, so after two thirds the first one has not come, nor
 * what was tried since. */
enum stk_pool_state stk_pool_state_seen(enum stk_pool_state said, stk_time_ns beat_at,
                                        stk_time_ns lease_until, stk_time_ns now)
{
    if (lease_until == STK_NEVER) return said;
    if (lease_until <= now) return STK_POOL_LOST;
    return now - beat_at > (lease_until - beat_at) * 2 / 3 ? STK_POOL_SILENT : said;
}
