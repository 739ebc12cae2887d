/* SPDX-License-Identifier: MIT
 *
 * helper - one question of a session to a program of its own: JSON in on stdin,
 * JSON out on descriptor 3 or the last line of stdout.
 *
 *   in    {"session", "generation", "act", "credential", "work"}
 *         credential: text, or the JSON object it is; null: there is none
 *         work: what the last answer left; null: nothing
 *   out   an object; which members count is for the provider to say
 *
 * The program has STOKER_SESSION and STOKER_SESSION_ACT in its environment, for a
 * watched file STOKER_SESSION_FILE, and for a Kerberos cache KRB5CCNAME.
 *
 * Memory:  release frees what an answer holds.
 * Threads: the keeper's; stk_http_cancel(ask->http) from any other ends it.
 */
#ifndef STK_SESSION_HELPER_H
#define STK_SESSION_HELPER_H

#include "base/json.h"
#include "exec/program.h"
#include "session/provider.h"

struct stk_helper {
    enum stk_program_end end;
    int exit_status; /* -1: it did not come to that */
    json_t *reply;   /* the object it answered with; NULL: none */
    /* "renew-lab: exit status 1: no route to host"; its own "reason" if it gave one. */
    char reason[STK_SESSION_TEXT_MAX];
};
void stk_helper_run(const struct stk_ask *ask, char *const *argv, enum stk_session_act act,
                    struct stk_helper *ret);
void stk_helper_release(struct stk_helper *helper);

/* A number of seconds, as time; false: there is none, or it makes no sense. */
bool stk_helper_seconds(const struct stk_helper *helper, const char *name, stk_time_ns *ret);

#endif
