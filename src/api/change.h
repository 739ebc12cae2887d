/* SPDX-License-Identifier: MIT
 *
 * change - what people do to many jobs at once: cancel them, or put them back.
 *
 * Private to api/. Runs in bounded steps, each a durable transaction of its own,
 * so that a million jobs hold up nobody; who breaks off in the middle leaves
 * the rest as it was. Running jobs that were cancelled are told to their pool
 * after the commit.
 *
 * Errors:  those of the store; STK_NOT_FOUND when there is no such job or sweep.
 */
#ifndef STK_API_CHANGE_H
#define STK_API_CHANGE_H

#include "api/request.h"
#include "model/lifecycle.h"
#include "model/selector.h"

/* Answers {"changed", "asked", "skipped"}. A whole sweep that is put back
 * leaves its completed jobs alone; jobs named by number are run again whatever
 * they ended with. */
STK_MUST_USE enum stk_rc stk_change_jobs(const struct stk_call *call, enum stk_action action,
                                         const struct stk_selector *selector, json_t **ret,
                                         struct stk_error *err);

#endif
