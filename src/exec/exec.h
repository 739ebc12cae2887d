/* SPDX-License-Identifier: MIT
 *
 * exec - one attempt, from its parameters to its outcome.
 *
 * An executor runs one job at a time for one worker, on that worker's thread,
 * and always comes back with an outcome of model/lifecycle: there is no other
 * way to fail. Knows no store and no pool.
 *
 * Memory:  the result's buffers are the caller's: init to zero once, reuse for
 *          every job (run clears them), stk_exec_result_release at the end.
 * Threads: run belongs to the worker; stop may be called by any thread at any
 *          time, also when nothing runs (then it does nothing).
 */
#ifndef STK_EXEC_EXEC_H
#define STK_EXEC_EXEC_H

#include "base/secret.h"
#include "model/lifecycle.h"
#include "model/limit.h"
#include "model/remote.h"
#include "model/task.h"

enum { STK_EXEC_TAIL_BYTES_MAX = 16 * 1024 }; /* as many as the store keeps */

struct stk_exec_job {
    const struct stk_task *task;
    int64_t id, attempt_id, sweep_id; /* sweep_id 0: none */
    uint32_t attempt;
    const char *params; /* canonical JSON object */
    size_t params_len;
    const char *worker; /* "p1/w3", for the job's environment */

    /* What its session shows; NULL: it has none, or one without a secret. */
    const struct stk_secret *credential; /* STOKER_SESSION_FD */
    const struct stk_secret *headers;    /* for http: "Name: value\n" lines */

    /* http: what is known of the job elsewhere, phase NONE: nothing. */
    struct stk_remote remote;
    bool cancel_requested; /* it runs elsewhere and is to be cancelled there */
    /* Called just before the request that submits goes out; must be durable when
     * it returns STK_OK, else nothing is sent. */
    enum stk_rc (*note_submit)(void *context, struct stk_error *err);
    void *note_context;
};

enum { STK_EXIT_SIGNALLED = 256 }; /* added to the signal's number */

struct stk_exec_result {
    enum stk_outcome outcome;
    struct stk_buf result; /* completed: JSON, or plain text with result_is_text; empty: none */
    bool result_is_text;
    struct stk_buf tail;   /* the end of stdout and stderr, in order of arrival; safe to show */
    char error[400];       /* one sentence; "" when completed */
    int exit_status;       /* 0..255, 256+N killed by signal N, -1 never started */
    stk_time_ns until;     /* THROTTLED, FAILED: it asked to come back at; 0: it did not say */
    int64_t generation;    /* of the session that it showed; set by who ran it */
    bool until_said;       /* THROTTLED: by the job; false: as usual when it says nothing */
    int64_t rss_bytes_max; /* the most memory one of its processes had; 0: not known */
    stk_time_ns cpu_ns;    /* of it and the children it waited for */

    /* http. remote.phase NONE: nothing is known of it elsewhere (any more). Its
     * texts are the buffers' here. */
    struct stk_remote remote;
    struct stk_buf handle, result_at;
    /* What the answers said of the limits, kind NONE: nothing; a command's is
     * read from its outcome (pool/gate.c). */
    struct stk_signal signal;
};
/* Empty again, its buffers kept for the next job. */
void stk_exec_result_clear(struct stk_exec_result *result);
void stk_exec_result_release(struct stk_exec_result *result);

enum stk_stream { STK_STREAM_STDOUT, STK_STREAM_STDERR };

/* One line of the job's output as it comes, without its newline; long lines
 * come in pieces of at most 4 KiB. Called on the worker's thread. */
typedef void (*stk_exec_line_fn)(void *context, enum stk_stream stream, const char *line,
                                 size_t len);

enum stk_stop {
    STK_STOP_CANCEL, /* a person cancelled it: SIGTERM, after the task's grace SIGKILL; CANCELLED */
    STK_STOP_INTERRUPT, /* the pool stops: the same, INTERRUPTED */
    STK_STOP_NOW        /* SIGKILL at once; INTERRUPTED (or CANCELLED if that was asked before) */
};

/* For `stoker bench latency`: when the newest no-op job began, by the monotonic
 * clock. Here, since cli/ may not name a single executor. */
extern _Atomic stk_time_ns stk_noop_last_start;

struct stk_executor_ops; /* private: the vtable */
struct stk_runner {      /* what a worker holds; one per executor kind it has used */
    const struct stk_executor_ops *ops_;
};

/* Runs the job to its end. When it returns no process that it started lives
 * on, as far as the host allows (exec/spawner.h). */
void stk_exec_run(struct stk_runner *runner, const struct stk_exec_job *job, stk_exec_line_fn line,
                  void *context, struct stk_exec_result *result);

/* Ends the job with that id if it is the one that runs now. Sticky: a stop that
 * comes between claim and start is kept for that job until the runner's next
 * run, whichever that is. Returns at once. */
void stk_exec_stop(struct stk_runner *runner, int64_t job_id, enum stk_stop how);
void stk_runner_free(struct stk_runner *runner);

#endif
