/* SPDX-License-Identifier: MIT
 *
 * shown - what people typed, made fit to be quoted in a sentence.
 *
 * Escaped, so that a job's name cannot move the cursor of whoever reads the
 * error; one line; shortened, so that the sentence around it survives.
 *
 * Memory:  the texts are the caller's to free.
 * Threads: pure.
 */
#ifndef STK_MODEL_SHOWN_H
#define STK_MODEL_SHOWN_H

#include "base/json.h"

enum { STK_SHOWN_BYTES_MAX = 80 };

/* The first line, at most len_max bytes and then "...", no quotes around it. */
void stk_shown_add(struct stk_buf *buf, const char *text, size_t len, size_t len_max);

char *stk_shown(const char *text);         /* of STK_SHOWN_BYTES_MAX */
char *stk_shown_json(const json_t *value); /* text in quotes, all else as JSON */

#endif
