/* SPDX-License-Identifier: MIT */
#include "store/columns.h"

#include <assert.h>
#include <string.h>

#define COLUMN(type, kind, name)                                                         \
    {                                                                                    \
        STK_COLUMN_##kind, offsetof(struct type, name), sizeof(((struct type *)0)->name) \
    }

#define SESSION(kind, name) COLUMN(stk_session, kind, name)
static const struct stk_column session_columns[] = {
    SESSION(TEXT, name),
    SESSION(STATE, state),
    SESSION(STATE, resume_state),
    SESSION(NUMBER, generation),
    SESSION(TIME, issued_at),
    SESSION(TIME, expires_at),
    SESSION(TIME, deadline_at),
    SESSION(TIME, changed_at),
    SESSION(TIME, closed_at),
    SESSION(TEXT, reason),
    SESSION(TEXT, renewed_by),
    SESSION(TIME, renewed_at),
    SESSION(NUMBER, renew_tried),
    SESSION(SMALL, tries),
    SESSION(TIME, try_at),
    SESSION(TIME, checked_at),
    SESSION(TEXT, link),
    SESSION(TEXT, code),
    SESSION(TIME, challenge_at),
    SESSION(TIME, challenge_until),
    SESSION(NUMBER, poll_every_ns),
    SESSION(SMALL, challenges),
    SESSION(TIME, ready_at),
    SESSION(TIME, blocked_until),
    SESSION(SMALL, blocks),
    SESSION(TEXT, wish),
    SESSION(TEXT, wish_by),
    SESSION(TIME, wish_at),
    SESSION(NUMBER, epoch),
    SESSION(TEXT, keeper),
    SESSION(TIME, lease_until),
    SESSION(FLAG, block_unknown),
};

const struct stk_columns stk_session_columns = { session_columns, STK_ARRAY_LEN(session_columns) };

#define LIMIT(kind, name) COLUMN(stk_limit, kind, name)
static const struct stk_column limit_columns[] = {
    LIMIT(TEXT, name),
    LIMIT(NUMBER, tat),
    LIMIT(NUMBER, interval_ns),
    LIMIT(NUMBER, interval_at),
    LIMIT(NUMBER, turn_at),
    LIMIT(NUMBER, blocked_until),
    LIMIT(TEXT, reason),
    LIMIT(NUMBER, episode),
    LIMIT(NUMBER, episode_at),
    LIMIT(SMALL, strikes),
    LIMIT(FLAG, half_open),
    LIMIT(SMALL, errors),
    LIMIT(NUMBER, errors_since),
    LIMIT(SMALL, cap_learned),
    LIMIT(NUMBER, cap_until),
    LIMIT(NUMBER, cap_probe_at),
    LIMIT(NUMBER, window_from),
    LIMIT(NUMBER, used),
    LIMIT(NUMBER, set_per_window),
    LIMIT(NUMBER, set_concurrency),
    LIMIT(TEXT, set_by),
    LIMIT(NUMBER, changed_at),
};
const struct stk_columns stk_limit_columns = { limit_columns, STK_ARRAY_LEN(limit_columns) };

/* --- one member ---------------------------------------------------------- */

/* What does not fit was not written by stk_store_*_set; it is cut. */
void stk_column_set_text(const struct stk_column *column, void *member, const char *text)
{
    size_t len = text != NULL ? strnlen(text, column->size - 1) : 0;
    char *to = member;
    if (len > 0) memcpy(to, text, len);
    to[len] = '\0';
}

void stk_column_set_state(void *member, const char *name)
{
    enum stk_session_state state = STK_SESSION_NONE;
    bool known = stk_session_state_from_name(name, &state);
    assert(known); /* the schema's CHECK lists the same names; a test compares */
    (void)known;
    *(enum stk_session_state *)member = state;
}
