/* SPDX-License-Identifier: MIT
 *
 * watch - shows something again every second, in place.
 *
 * A store opened in this process is let go between two looks, so that a pool
 * can start meanwhile.
 *
 * Threads: the main thread.
 * Errors:  those of draw. A pool that went away is waited for: the next look
 *          opens the store anew.
 */
#ifndef STK_CLI_WATCH_H
#define STK_CLI_WATCH_H

#include "cli/cli.h"

/* Adds one look to cli->out; *ret_done: it will not change any more. */
typedef enum stk_rc (*stk_watch_fn)(struct stk_cli *cli, void *context, bool *ret_done,
                                    struct stk_error *err);

/* Until draw says done. On a terminal the look is redrawn in place, else it is
 * written again only when it has changed. */
STK_MUST_USE enum stk_rc stk_watch(struct stk_cli *cli, stk_watch_fn draw, void *context,
                                   struct stk_error *err);

/* The text as one frame: from the top of the screen, at most height lines. */
void stk_watch_frame(struct stk_buf *out, const char *text, int height);

#endif
