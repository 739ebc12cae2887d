/* SPDX-License-Identifier: MIT */
#include "exec/program.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/redact.h"
#include "base/text.h"
#include "base/timetext.h"
#include "exec/capture.h"
#include "exec/child.h"
#include "exec/verdict.h"

static const stk_time_ns TIME_LIMIT_DEFAULT = 30 * STK_SECOND;
static const stk_time_ns GRACE_DEFAULT = 2 * STK_SECOND;

struct stk_program {
    struct stk_child child;
    struct stk_capture capture;
    struct stk_block block;
    atomic_bool is_cancelled;
};

/* ---- while it runs ----------------------------------------------------- */

static enum stk_child_wish wish(void *context)
{
    struct stk_program *program = context;
    return atomic_load(&program->is_cancelled) ? STK_CHILD_END : STK_CHILD_GO_ON;
}

static void keep_output(void *context, enum stk_child_output from, char *bytes, size_t len)
{
    struct stk_program *program = context;
    switch (from) {
    case STK_CHILD_STDOUT: stk_capture_add(&program->capture, STK_STREAM_STDOUT, bytes, len); break;
    case STK_CHILD_STDERR: stk_capture_add(&program->capture, STK_STREAM_STDERR, bytes, len); break;
    case STK_CHILD_ANSWER:
    case STK_CHILD_OUTPUTS: stk_capture_add_answer(&program->capture, bytes, len); break;
    }
    explicit_bzero(bytes, len);
}

/* ---- how it ended ------------------------------------------------------ */

static stk_time_ns time_limit(const struct stk_program_order *order)
{
    return order->time_limit_ns > 0 ? order->time_limit_ns : TIME_LIMIT_DEFAULT;
}

static void say(struct stk_program_result *result, enum stk_program_end end, struct stk_buf *text)
{
    result->end = end;
    if (text->len > 0) (void)stk_redact(text->data, text->len);
    size_t len = stk_utf8_cut(stk_buf_str(text), text->len);
    if (len >= sizeof(result->error)) {
        len = stk_utf8_cut(stk_buf_str(text), sizeof(result->error) - 1);
    }
    memcpy(result->error, stk_buf_str(text), len);
    result->error[len] = '\0';
}

static void say_words(struct stk_program_result *result, enum stk_program_end end,
                      const char *words)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    stk_buf_adds(&text, words);
    say(result, end, &text);
}

static void say_timed_out(struct stk_program_result *result, const struct stk_program_order *order)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    char limit[STK_DURATION_TEXT];
    stk_duration_text(time_limit(order), limit);
    stk_buf_addf(&text, "over its time limit of %s", limit);
    say(result, STK_PROGRAM_TIMED_OUT, &text);
}

static void take_output(const struct stk_program *program, struct stk_program_result *result)
{
    struct stk_capture_text output = stk_capture_result(&program->capture);
    result->output_is_too_long = output.len > program->capture.answer_limit;
    if (output.len > 0 && !result->output_is_too_long) {
        result->output = stk_secret_new(output.text, output.len);
    }
}

static void judge_exit(const struct stk_program *program, int status,
                       struct stk_program_result *result)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    result->exit_status = stk_verdict_exit_status(status);
    if (result->exit_status != 0) stk_verdict_add_ended(&text, &program->capture, status);
    say(result, STK_PROGRAM_EXITED, &text);
    take_output(program, result);
}

static void judge_not_started(const struct stk_program *program,
                              const struct stk_program_order *order,
                              const struct stk_child_end *end, struct stk_program_result *result)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    stk_verdict_add_not_started(&text, program->block.program, order->dir, end->stage, end->error);
    say(result, STK_PROGRAM_NOT_STARTED, &text);
}

static void judge(const struct stk_program *program, const struct stk_program_order *order,
                  const struct stk_child_end *end, struct stk_program_result *result)
{
    bool was_signalled = end->phase != STK_CHILD_ENDED || end->ended.signalled != 0;
    bool was_cancelled = end->rang || atomic_load(&program->is_cancelled);
    if (end->phase == STK_CHILD_NOT_STARTED) {
        judge_not_started(program, order, end, result);
    } else if (end->phase == STK_CHILD_NO_NURSERY) {
        say_words(result, STK_PROGRAM_LOST,
                  "the process that starts programs has ended; restart the pool");
    } else if (was_signalled && was_cancelled) {
        say_words(result, STK_PROGRAM_CANCELLED, "cancelled");
    } else if (was_signalled && end->timed_out) {
        say_timed_out(result, order);
    } else if (end->phase == STK_CHILD_ENDED) {
        judge_exit(program, end->ended.status, result);
    } else {
        say_words(result, STK_PROGRAM_LOST, "the process that kept it was killed");
    }
}

/* ---- a run ------------------------------------------------------------- */

static bool is_readable(int fd)
{
    struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
    return fd > 0 && poll(&poll_fd, 1, 0) > 0;
}

static size_t output_limit(const struct stk_program_order *order)
{
    size_t limit = order->output_bytes_max;
    return limit > 0 && limit < STK_SECRET_BYTES_MAX ? limit : STK_SECRET_BYTES_MAX;
}

void stk_program_run(struct stk_program *program, const struct stk_program_order *order,
                     struct stk_program_result *result)
{
    *result = (struct stk_program_result){ .exit_status = -1 };
    if (atomic_load(&program->is_cancelled) || is_readable(order->cancel_fd)) {
        say_words(result, STK_PROGRAM_CANCELLED, "cancelled");
        return;
    }

    stk_block_fill_words(&program->block, order->dir, order->argv, order->env);
    stk_capture_begin(&program->capture, output_limit(order), NULL, NULL);
    stk_capture_want_secrets(&program->capture);
    const struct stk_child_order child_order = {
        .block = &program->block,
        .input = { stk_wire_part(order->input, order->input_len), stk_wire_part("", 0) },
        .time_limit_ns = time_limit(order),
        .grace_ns = order->grace_ns > 0 ? order->grace_ns : GRACE_DEFAULT,
        .output = keep_output,
        .wish = wish,
        .context = program,
        .other_bell = order->cancel_fd > 0 ? order->cancel_fd : -1,
    };
    struct stk_child_end end;
    stk_child_run(&program->child, &child_order, &end);
    stk_capture_end(&program->capture);
    judge(program, order, &end, result);
    stk_capture_wipe(&program->capture);
}

void stk_program_cancel(struct stk_program *program)
{
    atomic_store(&program->is_cancelled, true);
    stk_child_ring(&program->child);
}

void stk_program_arm(struct stk_program *program)
{
    atomic_store(&program->is_cancelled, false);
}

void stk_program_result_release(struct stk_program_result *result)
{
    stk_secret_free(result->output);
    *result = (struct stk_program_result){ .exit_status = -1 };
}

/* ---- life -------------------------------------------------------------- */

struct stk_program *stk_program_new(struct stk_spawner *spawner)
{
    struct stk_program *program = stk_alloc(sizeof(*program));
    stk_child_init(&program->child, spawner);
    stk_capture_init(&program->capture);
    return program;
}

void stk_program_free(struct stk_program *program)
{
    if (program == NULL) return;
    stk_child_release(&program->child);
    stk_capture_release(&program->capture);
    stk_block_release(&program->block);
    free(program);
}
