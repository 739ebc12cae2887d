/* SPDX-License-Identifier: MIT
 *
 * noop - an executor that completes at once with the result {"ok":true}; for
 * `stoker bench` only, no stoker.yaml can name it.
 */
#ifndef STK_EXEC_NOOP_H
#define STK_EXEC_NOOP_H

#include "exec/exec.h"

struct stk_runner *stk_noop_new(void);

#endif
