/* SPDX-License-Identifier: MIT
 *
 * selector - which jobs a person means: `5`, `1-10`, `last`, `sweep:3`.
 *
 * Pure. Errors: STK_INVALID quoting the text and naming the forms.
 */
#ifndef STK_MODEL_SELECTOR_H
#define STK_MODEL_SELECTOR_H

#include "base/err.h"

enum stk_selector_kind { STK_SELECT_IDS, STK_SELECT_LAST, STK_SELECT_SWEEP };

struct stk_selector {
    enum stk_selector_kind kind;
    int64_t first, last; /* IDS: both ends; SWEEP: first is the sweep's id, 0 for "sweep:last" */
};

STK_MUST_USE enum stk_rc stk_selector_parse(const char *text, struct stk_selector *ret,
                                            struct stk_error *err);

#endif
