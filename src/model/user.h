/* SPDX-License-Identifier: MIT
 *
 * user - the people and programs that may do things, and what each role may.
 *
 * Roles are ranks: each may do what the ones before it may. The right to renew
 * a session stands beside them and is given by name; no role has it by itself.
 *
 * Pure.
 */
#ifndef STK_MODEL_USER_H
#define STK_MODEL_USER_H

#include "base/defs.h"

/* clang-format off */
#define STK_ROLE_MAP(X)                                                              \
    X(VIEWER,     "viewer",     "sees everything")                                   \
    X(RESEARCHER, "researcher", "submits, retries and cancels jobs")                 \
    X(OPERATOR,   "operator",   "pauses queues and sessions, sets limits")           \
    X(ADMIN,      "admin",      "makes users and tokens, unlocks sessions")
/* clang-format on */
enum stk_role {
#define STK_ROLE_NAME(name, text, may) STK_ROLE_##name,
    STK_ROLE_MAP(STK_ROLE_NAME)
#undef STK_ROLE_NAME
        STK_ROLE_COUNT_
};
const char *stk_role_name(enum stk_role role);
const char *stk_role_meaning(enum stk_role role);
bool stk_role_from_name(const char *name, enum stk_role *ret);

enum { STK_TOKEN_HASH_BYTES = 32, STK_PASSWORD_BYTES_MIN = 8, STK_PASSWORD_BYTES_MAX = 1024 };

struct stk_user {
    const char *name;
    enum stk_role role;
    const char *renews;        /* JSON array of names of sessions; "*" is all */
    const char *password_hash; /* argon2id, as libsodium writes it; NULL: tokens only */
    const void *totp;          /* sealed secret, or NULL */
    size_t totp_len;
    int64_t totp_step;         /* the last time step used: a code is good once */
    uint32_t failures;         /* wrong passwords in a row */
    stk_time_ns blocked_until; /* login delay; survives restarts */
    stk_time_ns created_at;
    const char *created_by; /* or NULL */
};
struct stk_token {
    int64_t id;
    const char *user, *label; /* label may be NULL */
    uint8_t hash[STK_TOKEN_HASH_BYTES];
    stk_time_ns created_at, expires_at; /* expires_at STK_NEVER: none */
};

/* The wait after the n-th wrong password in a row: none for 3, then 1 s doubling
 * to 15 min. */
stk_time_ns stk_login_delay(uint32_t failures);

#endif
