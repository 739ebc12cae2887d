/* SPDX-License-Identifier: MIT
 *
 * console - what each worker is doing, line by line.
 *
 * Each worker has a console: a bounded ring in memory and a file that rotates
 * (DIR/w3.log, w3.log.1, ... at 4 MiB, 4 kept). Console 0 is the pool's own
 * (DIR/pool.log): starts, stops, pauses, log lines. The main console is the
 * merge of all, by sequence number.
 *
 * Memory:  open makes, close frees. Rings grow with use, to 64 KiB each.
 * Threads: add may be called by any thread, never blocks on a reader; read and
 *          wait by any.
 * Errors:  a console that cannot write its file goes on in memory and says so
 *          once; no job fails for it.
 */
#ifndef STK_POOL_CONSOLE_H
#define STK_POOL_CONSOLE_H

#include "base/err.h"

enum { STK_CONSOLE_LINE_MAX = 4096 }; /* longer lines are cut */

/* clang-format off */
/*    name      mark  what the line is                */
#define STK_LINE_MAP(X)                                \
    X(STEP,     "*",  "a step: started, completed ...") \
    X(STDOUT,   ">",  "stdout of the job")             \
    X(STDERR,   "!",  "stderr of the job")             \
    X(POOL,     "#",  "the pool itself")
/* clang-format on */
enum stk_line_kind {
#define STK_LINE_NAME(name, mark, what) STK_LINE_##name,
    STK_LINE_MAP(STK_LINE_NAME)
#undef STK_LINE_NAME
};
const char *stk_line_mark(enum stk_line_kind kind);

struct stk_consoles;

/* dir NULL: rings only; one that another pool has is passed over for DIR.2 and so
 * on (pool/console_dir.h). Worker numbers are 1..workers; 0 is the pool's. */
STK_MUST_USE enum stk_rc stk_consoles_open(const char *dir, uint32_t workers,
                                           struct stk_consoles **ret, struct stk_error *err);
void stk_consoles_close(struct stk_consoles *consoles);
/* Where its files are, or NULL. */
const char *stk_consoles_dir(const struct stk_consoles *consoles);

/* The text is escaped here; it need not end in a newline. */
void stk_console_add(struct stk_consoles *consoles, uint32_t worker, int64_t job_id,
                     enum stk_line_kind kind, const char *text, size_t len);
void stk_console_addf(struct stk_consoles *consoles, uint32_t worker, int64_t job_id,
                      enum stk_line_kind kind, const char *fmt, ...) STK_PRINTF(5, 6);

struct stk_line {
    uint64_t seq; /* grows by one with every line of any console */
    stk_time_ns at;
    int64_t pool_id; /* 0: of this process; else shown as "p3/w2" */
    uint32_t worker;
    int64_t job_id; /* 0: none */
    enum stk_line_kind kind;
    const char *text;
    size_t len;
};
typedef void (*stk_line_fn)(void *context, const struct stk_line *line);

struct stk_line_filter {
    uint64_t after; /* lines with a larger seq; 0: the newest `limit` ones */
    int worker;     /* -1: all */
    int64_t job_id; /* 0: all */
    size_t limit;
};
/* In order of seq. *ret_last: go on from here (the newest seq looked at);
 * *ret_lost: how many consoles have overwritten lines that this reader had not
 * seen (their files have them). */
void stk_consoles_read(struct stk_consoles *consoles, const struct stk_line_filter *filter,
                       stk_line_fn each, void *context, uint64_t *ret_last, uint64_t *ret_lost);

/* Blocks until there is a line above `after`, or the time is over, or close /
 * wake. Returns whether there is one. */
bool stk_consoles_wait(struct stk_consoles *consoles, uint64_t after, stk_time_ns wait_ns);
void stk_consoles_wake(struct stk_consoles *consoles);

/* `2026-11-24T03:10:00.125Z w3  job 17  * completed in 1.2s`, as files and the
 * main console have it; no newline. buf is cleared first. */
struct stk_buf;
void stk_line_text(const struct stk_line *line, struct stk_buf *buf);
/* The way back, for a line that came from elsewhere: kind, and text within `whole`,
 * which it borrows. A text that has another form is taken as the pool's. */
void stk_line_parse(const char *whole, struct stk_line *line);

#endif
