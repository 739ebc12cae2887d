/* SPDX-License-Identifier: MIT
 *
 * ops - what an executor must provide; private to src/exec.
 */
#ifndef STK_EXEC_OPS_H
#define STK_EXEC_OPS_H

#include "exec/exec.h"

struct stk_executor_ops {
    const char *name;
    void (*run)(struct stk_runner *runner, const struct stk_exec_job *job, stk_exec_line_fn line,
                void *context, struct stk_exec_result *result);
    void (*stop)(struct stk_runner *runner, int64_t job_id, enum stk_stop how);
    void (*free)(struct stk_runner *runner);
};

#endif
