/* SPDX-License-Identifier: MIT
 *
 * session_verb - what a person does to a session, each once: a command of the
 * CLI (`stoker session VERB`), a route of the API (/sessions/NAME/VERB).
 */
#ifndef STK_MODEL_SESSION_VERB_H
#define STK_MODEL_SESSION_VERB_H

/* how:   act, or import: with a credential.
 * right: RENEW: whom the session names as its renewers; ROLE: who has the route's
 *        least role. To have it checked changes nothing.
 *
 *    verb    how     right  summary
 *            description */
/* clang-format off */
#define STK_SESSION_VERB_MAP(X) \
    X(renew,  act,    RENEW, "renew a session: every waiting worker goes on by itself", \
              "Without a person where that can be; else a sign-in begins, and the answer says what to do next.") \
    X(login,  act,    RENEW, "begin a sign-in", \
              "For a session of provider operator this is all: it is open for its lifetime.") \
    X(ready,  act,    RENEW, "say that you can sign in now: a link or code is made", \
              "Links and codes are scarce and live for minutes, so they are made when somebody is there.") \
    X(done,   act,    RENEW, "say that you have opened the link and passed", \
              "The keeper completes the sign-in at once instead of at its next poll.") \
    X(import, import, RENEW, "give a session its credential, read from stdin", \
              "A token, cookie or JSON object. If it is a JSON web token its end is read from it.") \
    X(cancel, act,    RENEW, "drop the sign-in that waits for a person", \
              "The link is worth nothing any more; login or ready makes another.") \
    X(check,  act,    ROLE,  "ask the authority now whether it still takes the session", \
              "It signs nobody in and changes no challenge.") \
    X(unlock, act,    ROLE,  "end a lock-out whose length the authority did not say", \
              "It needs --reason: how do you know that it is over? Trying too early may make the lock longer.") \
    X(pause,  act,    ROLE,  "close a session, until it is resumed", \
              "Jobs that run end; no new one starts. A credential that comes meanwhile is kept.") \
    X(resume, act,    ROLE,  "open a session that was paused", \
              "It leads back to where it was, after a check.")
/* clang-format on */

#endif
