/* SPDX-License-Identifier: MIT */
#include "store/engine.h"

#include <assert.h>

enum stk_rc stk_store_users(struct stk_store *store, const char *name, stk_user_fn each,
                            void *context, struct stk_error *err)
{
    return store->engine->users(store, name, each, context, err);
}

enum stk_rc stk_store_user_set(struct stk_store *store, const struct stk_user *user,
                               struct stk_error *err)
{
    assert(user->name != NULL);
    return store->engine->user_set(store, user, err);
}

enum stk_rc stk_store_user_remove(struct stk_store *store, const char *name, struct stk_error *err)
{
    return store->engine->user_remove(store, name, err);
}

enum stk_rc stk_store_tokens(struct stk_store *store, const char *user, stk_token_fn each,
                             void *context, struct stk_error *err)
{
    return store->engine->tokens(store, user, each, context, err);
}

enum stk_rc stk_store_token_find(struct stk_store *store, const uint8_t hash[STK_TOKEN_HASH_BYTES],
                                 stk_token_fn each, void *context, struct stk_error *err)
{
    return store->engine->token_find(store, hash, each, context, err);
}

enum stk_rc stk_store_token_add(struct stk_store *store, const struct stk_token *token,
                                int64_t *ret_id, struct stk_error *err)
{
    assert(token->user != NULL);
    return store->engine->token_add(store, token, ret_id, err);
}

enum stk_rc stk_store_token_remove(struct stk_store *store, int64_t id, struct stk_error *err)
{
    return store->engine->token_remove(store, id, err);
}

enum stk_rc stk_store_audit_add(struct stk_store *store, const struct stk_audit *audit,
                                stk_time_ns now, struct stk_error *err)
{
    assert(audit->actor != NULL && audit->action != NULL && audit->subject != NULL);
    return store->engine->audit_add(store, audit, now, err);
}

enum stk_rc stk_store_audits(struct stk_store *store, int64_t before_id, size_t limit,
                             stk_audit_fn each, void *context, struct stk_error *err)
{
    return store->engine->audits(store, before_id, limit, each, context, err);
}

enum stk_rc stk_store_audit_verify(struct stk_store *store, int64_t *ret_rows,
                                   struct stk_error *err)
{
    return store->engine->audit_verify(store, ret_rows, err);
}
