/* SPDX-License-Identifier: MIT */
#include "exec/noop.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fault.h"
#include "exec/ops.h"

_Atomic stk_time_ns stk_noop_last_start;

static void noop_run(struct stk_runner *runner, const struct stk_exec_job *job,
                     stk_exec_line_fn line, void *context, struct stk_exec_result *result)
{
    (void)runner, (void)job, (void)line, (void)context;
    atomic_store_explicit(&stk_noop_last_start, stk_clock_mono(), memory_order_release);
    (void)stk_fault(STK_FAULT_EXEC_STARTED);
    stk_buf_adds(&result->result, "{\"ok\":true}");
    result->outcome = STK_OUTCOME_COMPLETED;
    result->exit_status = 0;
    (void)stk_fault(STK_FAULT_EXEC_ENDED);
}

/* It is over before anybody can ask. */
static void noop_stop(struct stk_runner *runner, int64_t job_id, enum stk_stop how)
{
    (void)runner, (void)job_id, (void)how;
}

static void noop_free(struct stk_runner *runner)
{
    free(runner);
}

static const struct stk_executor_ops noop_ops = {
    .name = "noop",
    .run = noop_run,
    .stop = noop_stop,
    .free = noop_free,
};

struct stk_runner *stk_noop_new(void)
{
    struct stk_runner *self = stk_alloc(sizeof(*self));
    self->ops_ = &noop_ops;
    return self;
}
