/* SPDX-License-Identifier: MIT
 *
 * console_dir - the folder that a pool writes its consoles to, alone.
 *
 * Several pools of a shared store may run in one folder with one stoker.yaml:
 * the first takes DIR, the next DIR.2, DIR.3, ... A lock on DIR/lock says that
 * it is taken; it ends with the process, however that ends.
 *
 * Memory:  take makes *ret_dir and *ret_lock_fd (-1: no lock could be had);
 *          free() and close() end them.
 * Threads: any.
 * Errors:  STK_UNAVAILABLE when a folder cannot be made; STK_BUSY when
 *          STK_CONSOLE_DIRS_MAX are taken.
 */
#ifndef STK_POOL_CONSOLE_DIR_H
#define STK_POOL_CONSOLE_DIR_H

#include "base/err.h"

enum { STK_CONSOLE_DIRS_MAX = 999 };

STK_MUST_USE enum stk_rc stk_console_dir_take(const char *dir, char **ret_dir, int *ret_lock_fd,
                                              struct stk_error *err);

/* DIR, DIR.2, DIR.3 of number 1, 2, 3; free() ends it. */
char *stk_console_dir_make(const char *dir, int number);

#endif
