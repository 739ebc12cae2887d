/* SPDX-License-Identifier: MIT
 *
 * capture - what is kept of a program's output, however much it writes;
 * private to src/exec.
 *
 * Lines go to the worker's console as they come. Kept are the end of both
 * streams, the last line of each that is not blank, and what was written to
 * fd 3, each up to a limit; the rest is dropped. Known secrets (base/redact) are
 * in none of it.
 *
 * Memory:  init once, begin for every attempt, release at the end. At most two
 *          lines and fd 3 of limit + 1 bytes each, some 30 KiB, and a line of
 *          each stream that has not ended (512 KiB).
 * Threads: the worker's.
 */
#ifndef STK_EXEC_CAPTURE_H
#define STK_EXEC_CAPTURE_H

#include "base/buf.h"
#include "exec/exec.h"

enum {
    STK_CAPTURE_LINE_MAX = 4096,    /* piece of a line given to the console */
    STK_CAPTURE_COMPLAINT_MAX = 300 /* of the last line of stderr */
};

/* The last line that is not blank; longer than limit: its first limit + 1 bytes. */
struct stk_last_line {
    struct stk_buf current, last;
    size_t limit;
};

struct stk_line_stream {
    enum stk_stream stream;
    struct stk_buf held; /* a line whose end has not come */
    char *piece;         /* of what the console has not been given yet */
    size_t piece_len;
    bool open; /* part of the line has been given out */
    struct stk_last_line line;
};

struct stk_capture {
    struct stk_line_stream streams[2]; /* by enum stk_stream */
    struct stk_buf answer;             /* fd 3, up to answer_limit + 1 bytes */
    size_t answer_limit;
    char *tail; /* a ring */
    size_t tail_end, tail_len;
    bool wants_secrets; /* of stdout and fd 3; false: known ones are taken out */
    stk_exec_line_fn line;
    void *context;
};

struct stk_capture_text {
    const char *text;
    size_t len;
};

void stk_capture_init(struct stk_capture *capture);
void stk_capture_release(struct stk_capture *capture);

/* Forgets the last attempt. `line` may be NULL. */
void stk_capture_begin(struct stk_capture *capture, size_t result_bytes_max, stk_exec_line_fn line,
                       void *context);
/* After begin: what comes on stdout and fd 3 is itself secret. It is kept as it
 * is, all room is made before (a buffer that grows leaves copies behind), and
 * wipe ends it instead of the next begin. */
void stk_capture_want_secrets(struct stk_capture *capture);
void stk_capture_wipe(struct stk_capture *capture);
void stk_capture_add(struct stk_capture *capture, enum stk_stream stream, const char *bytes,
                     size_t len);
void stk_capture_add_answer(struct stk_capture *capture, const char *bytes, size_t len);
void stk_capture_end(struct stk_capture *capture); /* lines without an end end here */

/* What was written to fd 3, or else the last line of stdout; of more than
 * answer_limit bytes the first answer_limit + 1. */
struct stk_capture_text stk_capture_result(const struct stk_capture *capture);

/* The end of the output made safe to store and to show: UTF-8, no control
 * characters but line feeds and tabs. */
void stk_capture_add_tail(const struct stk_capture *capture, struct stk_buf *buf);

#endif
