/* SPDX-License-Identifier: MIT
 *
 * watched - a credential file compared with what was taken from it last.
 *
 * What `static` and `file` have in common. The content decides, by its hash,
 * which the sealed work of the session keeps; a file that was only touched is
 * the same one.
 *
 * Memory:  release frees what a look holds.
 * Threads: the keeper's.
 */
#ifndef STK_SESSION_WATCHED_H
#define STK_SESSION_WATCHED_H

#include "session/filecred.h"
#include "session/provider.h"

enum stk_watched_is {
    STK_WATCHED_NEW,
    STK_WATCHED_SAME,
    STK_WATCHED_ENDED,   /* by what its content says */
    STK_WATCHED_NOT_YET, /* half written, or nothing in it */
    STK_WATCHED_UNUSABLE /* missing, open to others, not what was expected */
};
struct stk_watched {
    enum stk_watched_is is;
    struct stk_filecred cred; /* of the first three */
    struct stk_error err;     /* why, of the others: for people */
};
/* `is_settled`: whoever wrote it has ended. */
void stk_watched_look(const struct stk_ask *ask, bool is_settled, struct stk_watched *ret);
void stk_watched_release(struct stk_watched *watched);

/* Nobody has said anything against the credential that is known. */
bool stk_watched_is_trusted(const struct stk_session *session);

/* CREDENTIAL, with the hash as work. */
void stk_watched_take(struct stk_watched *watched, struct stk_answer *answer);
/* CHECK_OK for the same content, which somebody has found good. */
void stk_watched_keep(const struct stk_watched *watched, struct stk_answer *answer);
/* There is a cause to ask somebody whether the content is good, beyond that it is
 * looked at again. It may cost a request, so without a pace of its own
 * (check_every) a runnable session is believed. */
bool stk_watched_is_asked(const struct stk_ask *ask, const struct stk_watched *watched);
/* For the first two, without a program that knows: the authority itself decides
 * where spec->check says how, else what jobs have seen. */
void stk_watched_answer(const struct stk_ask *ask, struct stk_watched *watched,
                        struct stk_answer *answer);
/* What a check answers to the last three. */
void stk_watched_refuse(const struct stk_ask *ask, const struct stk_watched *watched,
                        struct stk_answer *answer);

/* `begin`: whatever is there is taken, else REFUSED or NO_ANSWER says why not. */
void stk_watched_begin(const struct stk_ask *ask, struct stk_answer *answer);

#endif
