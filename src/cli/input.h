/* SPDX-License-Identifier: MIT
 *
 * input - what a person gives a command: files, and words like fast=5.
 *
 * Memory:  as said below.
 * Threads: pure but for reading.
 * Errors:  STK_NOT_FOUND, STK_DENIED, STK_TOO_LARGE, STK_BAD_DATA naming the
 *          file; STK_INVALID quoting the word.
 */
#ifndef STK_CLI_INPUT_H
#define STK_CLI_INPUT_H

#include "base/json.h"

enum { STK_INPUT_BYTES_MAX = 64 * 1024 * 1024 };

/* The whole file, "-" is stdin; UTF-8 text. *ret is a new JSON string. */
STK_MUST_USE enum stk_rc stk_input_read(const char *path, json_t **ret, struct stk_error *err);

/* Splits NAME=VALUE; *ret_name is a new text, *ret_value points into word.
 * form: "NAME=VALUE", for the error. */
STK_MUST_USE enum stk_rc stk_input_pair(const char *word, const char *form, char **ret_name,
                                        const char **ret_value, struct stk_error *err);

#endif
