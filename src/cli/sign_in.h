/* SPDX-License-Identifier: MIT
 *
 * sign_in - under which name a command acts, and the passwords it takes.
 *
 * --as NAME with a password, asked on the terminal without echo, or the next
 * line of stdin with --password-stdin; or the token in STOKER_TOKEN. None of it
 * ever stands in argv.
 *
 * Memory:  *ret is a new reference; NULL: as the owner of the store.
 * Threads: the main thread.
 * Errors:  STK_INVALID: there is no terminal to ask on, or nothing on stdin.
 */
#ifndef STK_CLI_SIGN_IN_H
#define STK_CLI_SIGN_IN_H

#include "base/secret.h"
#include "cli/cli.h"

/* The value of the header Authorization. */
STK_MUST_USE enum stk_rc stk_sign_in(const struct stk_cli *cli, struct stk_secret **ret,
                                     char *ret_code, size_t code_size, struct stk_error *err);

/* `what`: "password for anna". twice: a new one, asked again to be sure. */
STK_MUST_USE enum stk_rc stk_password_ask(const struct stk_cli *cli, const char *what, bool twice,
                                          struct stk_secret **ret, struct stk_error *err);

#endif
