/* SPDX-License-Identifier: MIT
 *
 * authority - one request to it, and what its answer means.
 *
 * Private to session/: what the providers that speak HTTP share. A 401 comes in
 * many disguises (a 200 with a login page, a redirect, a JSON error, a 204), and
 * a 429 is no answer to the question; both are read here, the same way for all.
 *
 * Redirects are never followed: the first one of a dead session leads to a page
 * that says 200.
 *
 * Memory:  a reply is the caller's, init to zero, ended by stk_reply_release.
 * Threads: the provider's.
 * Errors:  are answers, as in session/provider.h. A password file that cannot be
 *          read is NO_ANSWER: tried again, so that it works once it is mended.
 */
#ifndef STK_SESSION_AUTHORITY_H
#define STK_SESSION_AUTHORITY_H

#include "base/json.h"
#include "session/provider.h"

struct stk_call {
    const char *method; /* NULL: GET */
    const char *ref;    /* a path or a URL: from spec->url */
    const char *type;   /* of the body */
    const char *body;   /* NULL: none */
    size_t body_len;
    const struct stk_secret *shown; /* header lines (session/credential.h), or NULL */
    const char *user;               /* basic authentication, or NULL */
    const struct stk_secret *password;
};
struct stk_reply {
    struct stk_http_reply http;
    json_t *body;           /* NULL: not JSON */
    stk_time_ns server_now; /* by the authority's clock */
};
void stk_reply_release(struct stk_reply *reply);

/* False: there is no reply, and *answer says NO_ANSWER and why. *ret_rc, which may
 * be NULL, tells a time-out (it may have been done) from the others. */
STK_MUST_USE bool stk_authority_call(const struct stk_ask *ask, const struct stk_call *call,
                                     struct stk_reply *reply, enum stk_rc *ret_rc,
                                     struct stk_answer *answer);

/* The URL of a path or URL of the settings. free() ends it. */
char *stk_authority_url(const struct stk_session_spec *spec, const char *ref);
/* Whether cookies and passwords may be sent there: the scheme, host and port of
 * spec->url. */
bool stk_authority_is_own(const struct stk_session_spec *spec, const char *url);

/* What a reply says of the session that was shown. */
enum stk_verdict {
    STK_VERDICT_OK,
    STK_VERDICT_LOST,
    STK_VERDICT_LOCKED, /* 429, or 503 with Retry-After */
    STK_VERDICT_SILENT, /* 5xx, or nothing that an authority would say here */
};
enum stk_verdict stk_authority_verdict(const struct stk_session_spec *spec,
                                       const struct stk_reply *reply);
/* spec->lost_marker stands in the body. */
bool stk_authority_has_marker(const struct stk_session_spec *spec, const struct stk_reply *reply);
/* The page of spec->login once more, by a redirect or with a 200: so a password is
 * refused. */
bool stk_authority_is_login_again(const struct stk_session_spec *spec,
                                  const struct stk_reply *reply);

/* True: the reply is no answer to a sign-in (429, 5xx), and *answer says LOCKED
 * or NO_ANSWER. */
bool stk_authority_put_off(const struct stk_ask *ask, const struct stk_reply *reply,
                           struct stk_answer *answer);

/* The whole question: GET `ref` with that credential. CHECK_OK, CHECK_LOST, LOCKED,
 * NO_ANSWER. With a NULL ref nobody can be asked: what a job has seen counts. */
void stk_authority_check(const struct stk_ask *ask, const char *ref,
                         const struct stk_secret *credential, struct stk_answer *answer);

/* spec->expiry_pointer in the reply; STK_NEVER: not there. */
stk_time_ns stk_authority_expiry(const struct stk_ask *ask, const struct stk_reply *reply);

/* CREDENTIAL with the object's text as the secret, which base/redact then knows
 * by its values. Its end is told by `reply` (spec->expiry_pointer, the cookie),
 * else by a JSON web token in it. Takes no reference. */
void stk_authority_grant(const struct stk_ask *ask, const json_t *object,
                         const struct stk_reply *reply, struct stk_answer *answer);

/* *answer is a CREDENTIAL: asks `check` with it. CHECK_OK leaves it, with the end
 * that the check knows; any other event, which is returned, takes its place. */
enum stk_session_event stk_authority_confirm(const struct stk_ask *ask, const char *ref,
                                             struct stk_answer *answer);

/* {"cookies": {...}} of the reply on top of those in `before` (may be NULL): a
 * new reference. NULL: no cookie, or not the one that spec->cookie names. */
json_t *stk_authority_jar(const struct stk_ask *ask, const struct stk_reply *reply,
                          const json_t *before);

/* Kept for the next question, sealed. NULL: nothing is. Takes no reference. */
void stk_authority_keep(const struct stk_ask *ask, const json_t *work, struct stk_answer *answer);
/* What was kept: a new reference to an object, empty when there is none. */
json_t *stk_authority_work(const struct stk_ask *ask);

/* Reads the file when it is used; NULL: *answer says NO_ANSWER. */
struct stk_secret *stk_authority_secret(const char *path, struct stk_answer *answer);

/* "lab.example:8443", for reasons. */
const char *stk_authority_host(const struct stk_ask *ask, const char *ref, char *room, size_t size);

#endif
