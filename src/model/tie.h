/* SPDX-License-Identifier: MIT
 *
 * tie - the limits and the session that a task names, and the limits of a
 * session, become pointers to their own places under limits: and sessions:.
 *
 * Memory, Errors: as of model/settings.h. Threads: none; part of reading.
 */
#ifndef STK_MODEL_TIE_H
#define STK_MODEL_TIE_H

#include "model/settings.h"

/* STK_BAD_CONFIG: a name that stands nowhere, or twice, or a limit of a class
 * that whoever names it cannot use; tasks of one queue that do not agree. */
STK_MUST_USE enum stk_rc stk_settings_tie(struct stk_settings *settings,
                                          const struct stk_node *root, struct stk_error *err);

#endif
