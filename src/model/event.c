/* SPDX-License-Identifier: MIT */
#include "model/event.h"

#include <assert.h>

static const struct {
    const char *name;
    const char *meaning;
} events[] = {
#define STK_EVENT_ROW(name, text, what) [STK_EVENT_##name] = { text, what },
    STK_EVENT_MAP(STK_EVENT_ROW)
#undef STK_EVENT_ROW
};
_Static_assert(STK_ARRAY_LEN(events) == STK_EVENT_COUNT_, "one row per kind");

const char *stk_event_name(enum stk_event_kind kind)
{
    assert(kind < STK_EVENT_COUNT_);
    return events[kind].name;
}

const char *stk_event_meaning(enum stk_event_kind kind)
{
    assert(kind < STK_EVENT_COUNT_);
    return events[kind].meaning;
}
