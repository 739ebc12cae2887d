/* SPDX-License-Identifier: MIT
 *
 * rows - the completed jobs of a sweep or task, page by page.
 *
 * Memory:  one page at a time.
 * Threads: the main thread.
 * Errors:  those of the API, and of `each`.
 */
#ifndef STK_CLI_ROWS_H
#define STK_CLI_ROWS_H

#include "cli/cli.h"

/* Told each row {"id", "params", "result"}; *ret_stop ends the walk. */
typedef enum stk_rc (*stk_row_fn)(void *context, json_t *row, bool *ret_stop,
                                  struct stk_error *err);

/* sweep, task: NULL for any. `more` (may be NULL): whether the walk was stopped
 * before its end. */
STK_MUST_USE enum stk_rc stk_rows_walk(struct stk_cli *cli, const char *sweep, const char *task,
                                       stk_row_fn each, void *context, bool *ret_more,
                                       struct stk_error *err);

#endif
