/* SPDX-License-Identifier: MIT
 *
 * accounts - who may come, and what they did: the store's users, tokens and
 * audit log.
 *
 * Memory, Threads, Errors: as of store/store.h. What is given to a callback
 * borrows its strings until it returns.
 */
#ifndef STK_STORE_ACCOUNTS_H
#define STK_STORE_ACCOUNTS_H

#include "model/user.h"
#include "store/store.h"

typedef void (*stk_user_fn)(void *context, const struct stk_user *user);
/* name NULL: all, by name; else that one, STK_NOT_FOUND when there is none. */
STK_MUST_USE enum stk_rc stk_store_users(struct stk_store *store, const char *name,
                                         stk_user_fn each, void *context, struct stk_error *err);
STK_MUST_USE enum stk_rc stk_store_user_set(struct stk_store *store, const struct stk_user *user,
                                            struct stk_error *err); /* inserts or replaces */
/* With its tokens. STK_NOT_FOUND. */
STK_MUST_USE enum stk_rc stk_store_user_remove(struct stk_store *store, const char *name,
                                               struct stk_error *err);

typedef void (*stk_token_fn)(void *context, const struct stk_token *token);
STK_MUST_USE enum stk_rc stk_store_tokens(struct stk_store *store, const char *user,
                                          stk_token_fn each, void *context, struct stk_error *err);
/* The token with that hash. STK_NOT_FOUND. */
STK_MUST_USE enum stk_rc stk_store_token_find(struct stk_store *store,
                                              const uint8_t hash[STK_TOKEN_HASH_BYTES],
                                              stk_token_fn each, void *context,
                                              struct stk_error *err);
STK_MUST_USE enum stk_rc stk_store_token_add(struct stk_store *store, const struct stk_token *token,
                                             int64_t *ret_id, struct stk_error *err);
STK_MUST_USE enum stk_rc stk_store_token_remove(struct stk_store *store, int64_t id,
                                                struct stk_error *err);

/* Append-only: the schema refuses UPDATE and DELETE, and each row's hash covers
 * the one before it (BLAKE2b over the previous hash and all columns). */
struct stk_audit {
    int64_t id;
    stk_time_ns at;
    const char *actor, *action, *subject, *reason; /* reason may be NULL */
};
STK_MUST_USE enum stk_rc stk_store_audit_add(struct stk_store *store, const struct stk_audit *audit,
                                             stk_time_ns now, struct stk_error *err);
typedef void (*stk_audit_fn)(void *context, const struct stk_audit *audit);
/* The newest `limit` below before_id (0: the newest), newest first. */
STK_MUST_USE enum stk_rc stk_store_audits(struct stk_store *store, int64_t before_id, size_t limit,
                                          stk_audit_fn each, void *context, struct stk_error *err);
/* STK_BAD_DATA naming the first row that does not fit the chain. */
STK_MUST_USE enum stk_rc stk_store_audit_verify(struct stk_store *store, int64_t *ret_rows,
                                                struct stk_error *err);

#endif
