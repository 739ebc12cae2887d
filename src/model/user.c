/* SPDX-License-Identifier: MIT */
#include "model/user.h"

#include <assert.h>
#include <string.h>

/* Typing errors are free; then a guess costs more each time. */
enum { FREE_FAILURES = 3 };
#define DELAY_MAX (15 * STK_MINUTE)

static const struct {
    const char *name, *may;
} roles[] = {
#define ROLE_ROW(name, text, may) [STK_ROLE_##name] = { text, may },
    STK_ROLE_MAP(ROLE_ROW)
#undef ROLE_ROW
};
_Static_assert(STK_ARRAY_LEN(roles) == STK_ROLE_COUNT_, "one row per role");

const char *stk_role_name(enum stk_role role)
{
    assert(role < STK_ROLE_COUNT_);
    return roles[role].name;
}

const char *stk_role_meaning(enum stk_role role)
{
    assert(role < STK_ROLE_COUNT_);
    return roles[role].may;
}

bool stk_role_from_name(const char *name, enum stk_role *ret)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(roles); i++) {
        if (strcmp(roles[i].name, name) != 0) continue;
        *ret = (enum stk_role)i;
        return true;
    }
    return false;
}

stk_time_ns stk_login_delay(uint32_t failures)
{
    if (failures <= FREE_FAILURES) return 0;
    stk_time_ns delay = STK_SECOND;
    for (uint32_t i = FREE_FAILURES + 1; i < failures && delay < DELAY_MAX; i++) {
        delay *= 2;
    }
    return delay < DELAY_MAX ? delay : DELAY_MAX;
}
