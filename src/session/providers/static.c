/* SPDX-License-Identifier: MIT
 *
 * static - a key in a file. A new one comes when the file changes; the old one
 * is good until a job was refused with it, or the authority says so.
 */
#include "session/watched.h"

static void check(const struct stk_ask *ask, struct stk_answer *answer)
{
    STK_CLEANUP(stk_watched_release) struct stk_watched watched;
    stk_watched_look(ask, false, &watched);
    switch (watched.is) {
    case STK_WATCHED_NEW:
    case STK_WATCHED_SAME: stk_watched_answer(ask, &watched, answer); return;
    case STK_WATCHED_ENDED:
    case STK_WATCHED_NOT_YET:
    case STK_WATCHED_UNUSABLE: stk_watched_refuse(ask, &watched, answer); return;
    }
}

const struct stk_provider_ops stk_provider_static = {
    .check = check,
    .begin = stk_watched_begin,
};
