/* SPDX-License-Identifier: MIT
 *
 * turn - whether a keeper may ask its authority now, by the limits of class auth
 * that its session names.
 *
 * Threads: the store's.
 * Errors:  the store's.
 */
#ifndef STK_SESSION_TURN_H
#define STK_SESSION_TURN_H

#include "store/store.h"

/* The row of that limit, or one that nobody has seen yet. */
STK_MUST_USE enum stk_rc stk_limit_row(struct stk_store *store, const char *name,
                                       struct stk_limit *ret, struct stk_error *err);

/* Takes one turn of every limit, or none of any: *ret_again_at is then when to
 * ask again; 0: taken. */
STK_MUST_USE enum stk_rc stk_turn_take(struct stk_store *store, const struct stk_session_spec *spec,
                                       stk_time_ns now, stk_time_ns *ret_again_at,
                                       struct stk_error *err);

#endif
