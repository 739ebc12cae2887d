/* SPDX-License-Identifier: MIT
 *
 * printer - the main console of a pool on stdout: lines as they come and, on a
 * terminal, a status line below them.
 *
 * A thread of its own, so that a stdout that is slow or closed never holds up
 * the pool: what was not taken in time is lost, and counted. The lines are in
 * the files of the consoles all the same.
 *
 * Memory:  start makes, stop frees. What the options name must live longer.
 * Threads: start and stop from one thread, before the pool is freed.
 * Errors:  STK_INTERNAL when there is no thread; later ones are kept quiet.
 */
#ifndef STK_CLI_PRINTER_H
#define STK_CLI_PRINTER_H

#include "cli/term.h"
#include "pool/pool.h"

struct stk_printer;

struct stk_printer_options {
    struct stk_pool *pool;
    const struct stk_term *term;
    bool json;        /* a line is an object, no status line */
    const char *head; /* printed first */
};

STK_MUST_USE enum stk_rc stk_printer_start(const struct stk_printer_options *options,
                                           struct stk_printer **ret, struct stk_error *err);
/* Prints what is left, then `tail`, for at most a second. NULL is a no-op. */
void stk_printer_stop(struct stk_printer *printer, const char *tail);

/* One line of the console as it is printed, with its newline; what is longer
 * than `cells` is cut (0: nothing is; the files have it whole). */
void stk_printer_line_add(const struct stk_term *term, bool json, const struct stk_line *line,
                          int cells, struct stk_buf *out);

/* `▸ 1,234 done · 8 running · 766 pending · 210/s · about 4s left · duty ends in 3h 12m [████  ]`,
 * cut to the width; no newline. `session`: what stk_printer_session_add gave. */
void stk_printer_status_add(const struct stk_term *term, const struct stk_counts *counts,
                            const struct stk_rate *rate, const char *session, struct stk_buf *out);
/* "lab: needs a person, duty ends in 3h 12m"; nothing when all are open and none ends. */
void stk_printer_session_add(const struct stk_session *sessions, size_t count, stk_time_ns now,
                             struct stk_buf *out);

#endif
