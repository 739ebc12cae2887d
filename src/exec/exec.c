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

void stk_exec_run(struct stk_runner *runner, const struct stk_exec_job *job, stk_exec_line_fn line,
                  void *context, struct stk_exec_result *result)
{
    assert(runner != NULL && job != NULL && job->task != NULL && result != NULL);
    clear(&result->result);
    clear(&result->tail);
    result->result_is_text = false;
    result->error[0] = '\0';
    result->exit_status = -1;
    result->until = 0;
    result->until_said = false;
    result->rss_bytes_max = 0;
    result->cpu_ns = 0;
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
