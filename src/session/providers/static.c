/* SPDX-License-Identifier: MIT
 *
 * static - a key in a file. A new one comes when the file changes; the old one
 * is good until a job was refused with it.
 */
#include "session/watched.h"

/* With the same key there is only what jobs have seen. */
static void check_same(const struct stk_ask *ask, const struct stk_watched *watched,
                       struct stk_answer *answer)
{
    if (stk_watched_is_trusted(ask->session)) {
        stk_watched_keep(watched, answer);
    } else {
        stk_watched_lose(ask, answer);
    }
}

static void check(const struct stk_ask *ask, struct stk_answer *answer)
{
    STK_CLEANUP(stk_watched_release) struct stk_watched watched;
    stk_watched_look(ask, false, &watched);
    switch (watched.is) {
    case STK_WATCHED_NEW: stk_watched_take(&watched, answer); return;
    case STK_WATCHED_SAME: check_same(ask, &watched, answer); return;
    case STK_WATCHED_ENDED:
    case STK_WATCHED_NOT_YET:
    case STK_WATCHED_UNUSABLE: stk_watched_refuse(ask, &watched, answer); return;
    }
}

const struct stk_provider_ops stk_provider_static = {
    .check = check,
    .begin = stk_watched_begin,
};
