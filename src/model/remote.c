/* SPDX-License-Identifier: MIT */
#include "model/remote.h"

#include <assert.h>
#include <string.h>

static const char *const phases[] = {
#define PHASE_ROW(name, text) [STK_REMOTE_##name] = (text),
    STK_REMOTE_PHASE_MAP(PHASE_ROW)
#undef PHASE_ROW
};
_Static_assert(STK_ARRAY_LEN(phases) == STK_REMOTE_PHASE_COUNT_, "one name per phase");

const char *stk_remote_phase_name(enum stk_remote_phase phase)
{
    assert(phase < STK_REMOTE_PHASE_COUNT_);
    return phases[phase];
}

bool stk_remote_phase_from_name(const char *name, enum stk_remote_phase *ret)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(phases); i++) {
        if (strcmp(phases[i], name) != 0) continue;
        *ret = (enum stk_remote_phase)i;
        return true;
    }
    return false;
}
