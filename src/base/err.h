/* SPDX-License-Identifier: MIT
 *
 * err - what can go wrong, and how one function tells another.
 *
 * Every function that can fail returns an `enum stk_rc` and takes, as its last
 * parameter, a `struct stk_error *err` that may be NULL. On STK_OK, *err is not
 * touched. On any other code, *err holds a sentence fit for an operator, cut
 * between two characters when it is longer than the room.
 *
 * Memory:  struct stk_error owns nothing; copy it, store it, drop it.
 * Threads: no shared state.
 */
#ifndef STK_BASE_ERR_H
#define STK_BASE_ERR_H

#include "base/defs.h"

/* clang-format off */
/*    name         HTTP  exit  again  text                                   */
#define STK_RC_MAP(X)                                                          \
    X(OK,          200,    0,  false, "ok")                                    \
    X(INVALID,     400,   64,  false, "the request is not valid")              \
    X(BAD_DATA,    422,   65,  false, "the input data is not valid")           \
    X(BAD_CONFIG,  500,   78,  false, "the configuration is not valid")        \
    X(DENIED,      403,   77,  false, "not allowed")                           \
    X(NOT_FOUND,   404,   66,  false, "no such thing")                         \
    X(CONFLICT,    409,   73,  false, "the state has moved on")                \
    X(TOO_LARGE,   413,   65,  false, "over a size limit")                     \
    X(THROTTLED,   429,   75,  true,  "over a rate limit")                     \
    X(BUSY,        503,   75,  true,  "busy")                                  \
    X(UNAVAILABLE, 503,   69,  true,  "a dependency is down")                  \
    X(FULL,        507,   74,  true,  "no room on the disk")                   \
    X(TIMEOUT,     504,   75,  true,  "took too long")                         \
    X(INTERNAL,    500,   70,  false, "a bug or a broken promise")
/* clang-format on */

enum stk_rc {
#define STK_RC_NAME(name, http, exit, again, text) STK_##name,
    STK_RC_MAP(STK_RC_NAME)
#undef STK_RC_NAME
};

struct stk_error {
    enum stk_rc rc;
    char text[400];
};

/* Fills *err (if not NULL) and returns rc, so that a failing call reads
 * `return stk_fail(err, STK_BUSY, "...")`. rc must not be STK_OK. */
enum stk_rc stk_fail(struct stk_error *err, enum stk_rc rc, const char *fmt, ...) STK_PRINTF(3, 4);

/* Puts words in front of an error's text: "line 3: " + what was there. For a
 * caller that knows the place when the callee knew the cause. Returns err->rc.
 * The code is known from err alone: with NULL it returns STK_INTERNAL, so who
 * may be given NULL lets the callee fill a struct stk_error of its own. */
enum stk_rc stk_fail_at(struct stk_error *err, const char *fmt, ...) STK_PRINTF(2, 3);

const char *stk_rc_name(enum stk_rc rc); /* "NOT_FOUND" */
const char *stk_rc_text(enum stk_rc rc); /* "no such thing" */
int stk_rc_http_status(enum stk_rc rc);
int stk_rc_exit_status(enum stk_rc rc); /* after sysexits.h */
bool stk_rc_may_try_again(enum stk_rc rc);
bool stk_rc_from_name(const char *name, enum stk_rc *ret_rc);

#endif
