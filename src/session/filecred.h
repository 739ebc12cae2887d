/* SPDX-License-Identifier: MIT
 *
 * filecred - the credential in a file that another program writes.
 *
 *   raw       the content, without line ends behind it
 *   json      an object with accessToken, access_token or token, and perhaps
 *             expiresAt, expires_at or expiry (RFC 3339, or seconds or
 *             milliseconds since 1970): {"access_token": TOKEN} and no more, since
 *             base/redact takes every text of a credential for a secret
 *   kerberos  a credential cache (session/ccache.h): the content
 *   cookies   Netscape cookies.txt, or JSON as browsers' tools export it:
 *             {"cookies": {NAME: VALUE}} of spec->cookie, or of all that go to
 *             the host of spec->url
 *
 * Memory:  release frees what a reading holds.
 * Threads: pure, but for the file.
 * Errors:  the sentence names the file. STK_BUSY: it is being written, or has
 *          nothing yet: look again. STK_BAD_CONFIG: missing, unreadable, open to
 *          others, too long. STK_BAD_DATA: complete, but not what was expected.
 */
#ifndef STK_SESSION_FILECRED_H
#define STK_SESSION_FILECRED_H

#include "base/secret.h"
#include "model/session_config.h"

enum { STK_FILECRED_HASH_TEXT = 65 };

struct stk_filecred {
    struct stk_secret *credential;
    stk_time_ns expires_at;            /* STK_NEVER: the content says nothing */
    stk_time_ns deadline_at;           /* 0: the same */
    char hash[STK_FILECRED_HASH_TEXT]; /* of the content */
    uint64_t inode;
    stk_time_ns written_at; /* by the file system's clock */
};
STK_MUST_USE enum stk_rc stk_filecred_read(const struct stk_session_spec *spec,
                                           struct stk_filecred *ret, struct stk_error *err);
void stk_filecred_release(struct stk_filecred *cred);

/* Of formats that do not show where they end: a writer may be in the middle. */
bool stk_filecred_is_open_ended(const struct stk_session_spec *spec);

/* The content alone; sets credential and the two times. The error does not
 * begin with the file. */
STK_MUST_USE enum stk_rc stk_filecred_parse(const struct stk_session_spec *spec,
                                            const struct stk_secret *content,
                                            struct stk_filecred *ret, struct stk_error *err);

#endif
