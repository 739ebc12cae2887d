/* SPDX-License-Identifier: MIT
 *
 * answer - reading the API's answers: members that may be absent or null.
 *
 * Memory:  texts and objects are borrowed from the answer.
 * Threads: pure.
 * Errors:  none: what is not there is NULL, 0 or false; every object may be NULL.
 */
#ifndef STK_CLI_ANSWER_H
#define STK_CLI_ANSWER_H

#include "base/json.h"
#include "model/progress.h"

const char *stk_answer_text(const json_t *object, const char *name);
int64_t stk_answer_int(const json_t *object, const char *name);
double stk_answer_number(const json_t *object, const char *name);
bool stk_answer_bool(const json_t *object, const char *name);
json_t *stk_answer_get(const json_t *object, const char *name); /* NULL also for null */

/* RFC 3339 text as a time; STK_NEVER when it is not there. */
stk_time_ns stk_answer_time(const json_t *object, const char *name);

/* {"pending": 0, ...} */
struct stk_counts stk_answer_counts(const json_t *object);

/* A value for people: texts as they are but escaped, null as nothing, numbers
 * short, all else as JSON. */
void stk_value_add(struct stk_buf *buf, const json_t *value);

/* "fast=5 slow=50": an object on one line; exact: numbers with all their digits. */
void stk_params_add(struct stk_buf *buf, json_t *params, bool exact);

#endif
