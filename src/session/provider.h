/* SPDX-License-Identifier: MIT
 *
 * provider - how one kind of session talks to its authority.
 *
 * One file each in providers/, one table of them (provider.c). A provider keeps
 * nothing: what it knows is passed in, what it has learned is passed out, and
 * the keeper writes it down. It never decides a state either: it says what
 * happened, as an event of model/session.
 *
 * What is asked, and what may be answered:
 *
 *   check       CHECK_OK, CHECK_LOST, NO_ANSWER, LOCKED, RIVAL; of what is
 *               watched CREDENTIAL when there is a new one, CHECK_LOST when it
 *               is still the same and no good. Has no side effect: it signs
 *               nobody in and touches no challenge
 *   renew       CREDENTIAL, REFUSED, DENIED, LOCKED, NO_ANSWER, RIVAL
 *   begin       CREDENTIAL, CHALLENGE, DENIED, LOCKED, NO_ANSWER, REFUSED
 *   poll        CREDENTIAL, CHECK_LOST (not yet; news.poll_every_ns when the
 *               authority asks for another pace), CHALLENGE_OVER, DENIED,
 *               LOCKED, NO_ANSWER, CHALLENGE_DONE (to be finished by `finish`)
 *   finish      CREDENTIAL, CHECK_LOST (not yet), CHALLENGE_OVER, DENIED, ...
 *   keep_alive  as check
 *
 * LOCKED: news.until when the authority said so (Retry-After), else 0.
 * CREDENTIAL, CHECK_OK: news.expires_at, news.deadline_at where known.
 *
 * Memory:  an answer's secrets are its own until stk_answer_release.
 * Threads: one question at a time per session, on the keeper's thread.
 *          stk_http_cancel(ask->http) from any other ends it: NO_ANSWER.
 * Errors:  are answers. Reasons are for people: "lab.example answered 429", never
 *          with a secret, a query or a header in them.
 */
#ifndef STK_SESSION_PROVIDER_H
#define STK_SESSION_PROVIDER_H

#include "base/http.h"
#include "exec/spawner.h"
#include "model/session.h"

struct stk_ask {
    const struct stk_session_spec *spec;
    const struct stk_session *session;   /* the row as the keeper has read it */
    const struct stk_secret *credential; /* of session->generation; NULL: none */
    const struct stk_secret *work;       /* what the last answer left; NULL: none */
    struct stk_http *http;
    struct stk_spawner *spawner; /* for helper programs; NULL: none can be started */
    stk_time_ns now;
};

struct stk_answer {
    enum stk_session_event event;
    struct stk_session_news news; /* link, code and reason point to the texts below */
    char reason[STK_SESSION_TEXT_MAX], link[STK_SESSION_LINK_MAX], code[64];
    struct stk_secret *credential; /* CREDENTIAL: the new one; NULL: it needs no secret */
    struct stk_secret *work;       /* with sets_work: kept for the next question, sealed; */
    bool sets_work;                /* NULL forgets what was kept */
};
void stk_answer_release(struct stk_answer *answer);
/* Sets event and reason; with a NULL fmt no reason. */
void stk_answer_say(struct stk_answer *answer, enum stk_session_event event, const char *fmt, ...)
    STK_PRINTF(3, 4);
void stk_answer_link(struct stk_answer *answer, const char *link, const char *code);

typedef void stk_provider_fn(const struct stk_ask *ask, struct stk_answer *answer);

/* NULL: not a thing this kind can be asked. */
struct stk_provider_ops {
    stk_provider_fn *check, *renew, *begin, *poll, *finish, *keep_alive;
};
extern const struct stk_provider_ops stk_provider_operator, stk_provider_static, stk_provider_file,
    stk_provider_command, stk_provider_form_cookie, stk_provider_challenge_cookie,
    stk_provider_oauth_device, stk_provider_oauth_client, stk_provider_gateway_tickle,
    stk_provider_manual;
const struct stk_provider_ops *stk_provider_ops(enum stk_provider provider);

/* The answer to `check` where nobody can be asked: CHECK_OK, but CHECK_LOST when a
 * job was refused with it. */
void stk_provider_cannot_check(const struct stk_ask *ask, struct stk_answer *answer);

/* Asks, and answers for the provider where it has no function: what cannot be
 * renewed is REFUSED. */
void stk_provider_ask(enum stk_session_act act, const struct stk_ask *ask,
                      struct stk_answer *answer);

#endif
