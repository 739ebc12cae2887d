/* SPDX-License-Identifier: MIT
 *
 * json - jansson, with limits, places in errors, and one canonical form.
 *
 * The only header that names jansson: others include this one and use json_t.
 * Integers are int64, reals are finite doubles.
 *
 * Memory:  json_t is counted: json_decref, or STK_CLEANUP(stk_json_freep).
 * Threads: a json_t belongs to one thread at a time.
 * Errors:  STK_BAD_DATA with "line L, column C: ..." as place.
 */
#ifndef STK_BASE_JSON_H
#define STK_BASE_JSON_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"

enum { STK_JSON_DEPTH_MAX = 64 };

/* The whole text must be one value; duplicate keys are refused; nesting deeper
 * than STK_JSON_DEPTH_MAX is refused, "\u0000" too (no engine stores it).
 * Scalars are values too. */
STK_MUST_USE enum stk_rc stk_json_parse(const char *text, size_t len, json_t **ret,
                                        struct stk_error *err);

/* Canonical text: keys sorted by bytes, no blanks, reals as stk_double_text,
 * only what JSON demands escaped. Equal values give equal text. A NUL and each
 * byte that is not UTF-8 become U+FFFD, so what comes out is always JSON. */
void stk_json_add(struct stk_buf *buf, const json_t *value);
void stk_json_add_string(struct stk_buf *buf, const char *text, size_t len); /* with the quotes */
char *stk_json_text(const json_t *value);

/* Members of a request. Each returns STK_INVALID naming the member when it has
 * another type; an absent or null one leaves *ret as it was. */
STK_MUST_USE enum stk_rc stk_json_get_string(const json_t *object, const char *name,
                                             const char **ret, struct stk_error *err);
STK_MUST_USE enum stk_rc stk_json_get_int(const json_t *object, const char *name, int64_t *ret,
                                          struct stk_error *err);
STK_MUST_USE enum stk_rc stk_json_get_bool(const json_t *object, const char *name, bool *ret,
                                           struct stk_error *err);

/* Refuses members that are not in names[] (ended by NULL): STK_INVALID with
 * the unknown name and, when one is near, "did you mean". NULL has no members;
 * what is not an object is refused. */
STK_MUST_USE enum stk_rc stk_json_only(const json_t *object, const char *const *names,
                                       struct stk_error *err);

void stk_json_freep(json_t **value);

#endif
