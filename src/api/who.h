/* SPDX-License-Identifier: MIT
 *
 * who - who is asking, and what they may do.
 *
 * Whoever can open the store's socket, or its file, owns them on this machine:
 * without signing in they are an admin. The right to renew a session is given
 * to persons, so it needs a name: --as NAME with a password, or a token.
 *
 * A wrong password makes the next try of that name wait (model/user.h); that is
 * in the store, and looked at before the password is. One password is checked
 * at a time, so that no one gets more tries by asking in parallel.
 *
 * Memory:  find fills, release frees what is inside.
 * Threads: any.
 * Errors:  STK_DENIED: what is missing, and how it is had. Names that are not
 *          known take as long, and get the same words, as wrong passwords.
 */
#ifndef STK_API_WHO_H
#define STK_API_WHO_H

#include "api/api.h"

enum { STK_USER_NAME_MAX = 64 };

struct stk_who {
    char name[STK_USER_NAME_MAX + 1];
    enum stk_role role;
    bool is_owner;  /* of this machine's store, not signed in */
    json_t *renews; /* names of sessions, "*" is all; or NULL */
};

struct stk_call;
STK_MUST_USE enum stk_rc stk_who_find(const struct stk_call *call, struct stk_who *ret,
                                      struct stk_error *err);
void stk_who_release(struct stk_who *who);

STK_MUST_USE enum stk_rc stk_who_check_role(const struct stk_who *who, enum stk_role least,
                                            struct stk_error *err);
/* May they renew this session: their user has the right, or stoker.yaml names
 * them among its renewers. The owner, without signing in, only while stoker.yaml
 * names nobody and no user has the right. */
STK_MUST_USE enum stk_rc stk_who_check_renew(const struct stk_call *call,
                                             const struct stk_session_spec *spec,
                                             struct stk_error *err);

/* Letters, digits and _ - . @: at most STK_USER_NAME_MAX. */
bool stk_user_name_is_valid(const char *name);
/* The sessions a user may renew: an array, a new reference. */
json_t *stk_user_renews(const struct stk_user *user);
/* What seals the keys of their codes, and what is bound to one. free() ends it. */
struct stk_keys;
STK_MUST_USE enum stk_rc stk_totp_keys(const struct stk_call *call, bool make,
                                       struct stk_keys **ret, struct stk_error *err);
char *stk_totp_about(const char *name);
/* argon2id, as libsodium writes it. STK_UNAVAILABLE: no memory for it. */
STK_MUST_USE enum stk_rc stk_password_hash(const struct stk_secret *password, char **ret,
                                           struct stk_error *err);
/* "stk_" and 43 letters; its hash is what the store keeps. */
struct stk_secret *stk_token_make(uint8_t ret_hash[STK_TOKEN_HASH_BYTES]);

#endif
