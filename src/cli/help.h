/* SPDX-License-Identifier: MIT
 *
 * help - what the records of the commands say, as help, man pages, completion.
 *
 * Memory:  the buf is the caller's.
 * Threads: pure.
 * Errors:  none.
 */
#ifndef STK_CLI_HELP_H
#define STK_CLI_HELP_H

#include "cli/cli.h"

void stk_help_overview(const struct stk_term *term, struct stk_buf *out);
void stk_help_command(const struct stk_term *term, const struct stk_command_info *info,
                      struct stk_buf *out);

/* roff for stoker-NAME(1); info NULL: stoker(1). */
void stk_help_man(const struct stk_command_info *info, struct stk_buf *out);

/* A script for bash; the user sources it. */
void stk_help_bash(struct stk_buf *out);

/* "sweep-show": the name as pages and completion have it. */
char *stk_help_page_name(const struct stk_command_info *info);

#endif
