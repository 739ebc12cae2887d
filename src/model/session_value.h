/* SPDX-License-Identifier: MIT
 *
 * session_value - readers of the values that sessions.NAME may have, one kind
 * each: a text, a path, a URL, a duration.
 *
 * Memory:  texts go into the place given (char **), free() ends them, also
 *          after an error.
 * Threads: pure, but for the time zone, whose file is looked for.
 * Errors:  STK_BAD_CONFIG naming FILE:LINE: KEY.
 */
#ifndef STK_MODEL_SESSION_VALUE_H
#define STK_MODEL_SESSION_VALUE_H

#include "model/session_config.h"

/* `place` is the member of the spec; `dir` what relative paths start from. */
typedef enum stk_rc stk_session_reader(const struct stk_node *node, const char *dir, void *place,
                                       struct stk_error *err);

stk_session_reader stk_session_text;    /* char *: one line, not empty */
stk_session_reader stk_session_path;    /* char * */
stk_session_reader stk_session_url;     /* char *: "https://host/path", no user in it */
stk_session_reader stk_session_ref;     /* char *: the same, or "/path" under `url` */
stk_session_reader stk_session_argv;    /* char **, NULL at the end */
stk_session_reader stk_session_names;   /* the same: names of users */
stk_session_reader stk_session_limits;  /* the same: names of limits */
stk_session_reader stk_session_header;  /* char *: "Name: value" with {secret} in it */
stk_session_reader stk_session_pointer; /* char *: "/token/expiry" */
stk_session_reader stk_session_zone;    /* char * */
stk_session_reader stk_session_span;    /* stk_time_ns, from 1 ms to 10 years */
stk_session_reader stk_session_pause;   /* the same, or 0 */

#endif
