/* SPDX-License-Identifier: MIT */
#include "exec/exec.h"

#include <assert.h>

#include "exec/ops.h"

enum { KEPT_BYTES_MAX = 64 * 1024 }; /* a result's memory, from one job to the next */

static void clear(struct stk_buf *buf)
{
    if (buf->size_ > KEPT_BYTES_MAX) stk_buf_release(buf);
    stk_buf_clear(buf);
}

void stk_exec_result_clear(struct stk_exec_result *result)
{
    struct stk_exec_result empty = {
        .result = result->result,
        .tail = result->tail,
        .handle = result->handle,
        .result_at = result->result_at,
        .exit_status = -1,
    };
    clear(&empty.result);
    clear(&empty.tail);
    clear(&empty.handle);
    clear(&empty.result_at);
    *result = empty;
}

void stk_exec_run(struct stk_runner *runner, const struct stk_exec_job *job, stk_exec_line_fn line,
                  void *context, struct stk_exec_result *result)
{
    assert(runner != NULL && job != NULL && job->task != NULL && result != NULL);
    stk_exec_result_clear(result);
    runner->ops_->run(runner, job, line, context, result);
}

void stk_exec_stop(struct stk_runner *runner, int64_t job_id, enum stk_stop how)
{
    runner->ops_->stop(runner, job_id, how);
}

void stk_runner_free(struct stk_runner *runner)
{
    if (runner != NULL) runner->ops_->free(runner);
}

void stk_exec_result_release(struct stk_exec_result *result)
{
    stk_buf_release(&result->result);
    stk_buf_release(&result->tail);
    stk_buf_release(&result->handle);
    stk_buf_release(&result->result_at);
}
