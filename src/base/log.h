/* SPDX-License-Identifier: MIT
 *
 * log - one line an event, for those that own a loop (pool, server, cli).
 *
 * `2026-11-24T03:10:00.125Z info  pool.start pid=71 workers=8` on stderr.
 * Library layers return errors and never log above debug. Control characters
 * are escaped; a line is cut at 4096 bytes, which a pipe takes in one piece.
 *
 * Threads: any; a line is written whole.
 */
#ifndef STK_BASE_LOG_H
#define STK_BASE_LOG_H

#include "base/defs.h"

enum stk_log_level { STK_ERROR, STK_WARN, STK_INFO, STK_DEBUG };

/* fmt NULL: the event alone. */
void stk_log(enum stk_log_level level, const char *event, const char *fmt, ...) STK_PRINTF(3, 4);
void stk_log_level_set(enum stk_log_level level); /* default STK_INFO */
bool stk_log_level_parse(const char *text, enum stk_log_level *ret);

/* Where lines go instead of stderr (the main console of a pool); NULL: stderr.
 * The sink gets the line without its end, runs in the thread that logs and
 * under no lock; context must live until all threads that log have ended. */
void stk_log_sink_set(void (*sink)(void *context, enum stk_log_level level, const char *line),
                      void *context);

#endif
