/* SPDX-License-Identifier: MIT
 *
 * task_config - one task of stoker.yaml, read and checked.
 *
 * Memory:  what is read belongs to the task: stk_task_release, also after an
 *          error.
 * Threads: pure.
 * Errors:  STK_BAD_CONFIG naming FILE:LINE: KEY.
 */
#ifndef STK_MODEL_TASK_CONFIG_H
#define STK_MODEL_TASK_CONFIG_H

#include "base/config.h"
#include "model/task.h"

/* `dir`: what a relative `dir:` starts from, and its default. Fills the empty
 * *task. */
STK_MUST_USE enum stk_rc stk_task_read(const struct stk_node *node, const char *dir,
                                       struct stk_task *task, struct stk_error *err);

/* The key `params:` (param_config.c). task->name is set. */
STK_MUST_USE enum stk_rc stk_task_read_params(const struct stk_node *node, struct stk_task *task,
                                              struct stk_error *err);

/* path, or base/path when it is relative; free() ends it. */
char *stk_path_under(const char *base, const char *path);

/* [A-Za-z_][A-Za-z0-9_]*, at most 64 bytes: parameters and variables. */
bool stk_identifier_is_valid(const char *text);

#endif
