/* SPDX-License-Identifier: MIT
 *
 * Users and their tokens: rows that are read rarely, so nothing is kept.
 */
#include "store/pg/pg.h"

#include <assert.h>
#include <string.h>

/* --- users --------------------------------------------------------------- */

static struct stk_user user_of(const struct stk_pg_rows *rows, int row)
{
    enum stk_role role = STK_ROLE_VIEWER;
    bool known = stk_role_from_name(stk_pg_text(rows, row, 1), &role);
    assert(known); /* the schema's CHECK lists the same names; a test compares */
    (void)known;
    return (struct stk_user){
        .name = stk_pg_text(rows, row, 0),
        .role = role,
        .renews = stk_pg_text(rows, row, 2),
        .password_hash = stk_pg_text(rows, row, 3),
        .totp = stk_pg_text(rows, row, 4),
        .totp_len = stk_pg_len(rows, row, 4),
        .totp_step = stk_pg_int(rows, row, 5),
        .failures = (uint32_t)stk_pg_int(rows, row, 6),
        .blocked_until = stk_pg_int(rows, row, 7),
        .created_at = stk_pg_int(rows, row, 8),
        .created_by = stk_pg_text(rows, row, 9),
    };
}

static enum stk_rc fail_no_user(const char *name, struct stk_error *err)
{
    return stk_fail(err, STK_NOT_FOUND, "there is no user \"%s\"", name);
}

enum stk_rc stk_pg_users(struct stk_store *store, const char *name, stk_user_fn each, void *context,
                         struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    enum stmt stmt = name != NULL ? STMT_USER_GET : STMT_USER_LIST;
    if (name != NULL) stk_pg_arg_text(self, name);
    enum stk_rc rc = stk_pg_run(self, stmt, "read the users", &rows, err);
    if (rc != STK_OK) return rc;
    for (int i = 0; i < rows.count; i++) {
        struct stk_user user = user_of(&rows, i);
        each(context, &user);
    }
    return name == NULL || rows.count == 1 ? STK_OK : fail_no_user(name, err);
}

enum stk_rc stk_pg_user_set(struct stk_store *store, const struct stk_user *user,
                            struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    const char *renews = user->renews != NULL ? user->renews : "[]";
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc != STK_OK) return rc;
    if (!stk_pg_is_json(renews, strlen(renews))) {
        return stk_fail(err, STK_CONFLICT, "the sessions that %s may renew are no JSON",
                        user->name);
    }
    stk_pg_arg_text(self, user->name);
    stk_pg_arg_text(self, stk_role_name(user->role));
    stk_pg_arg_text(self, renews);
    stk_pg_arg_text(self, user->password_hash);
    stk_pg_arg_bytes(self, user->totp_len > 0 ? user->totp : NULL, user->totp_len);
    stk_pg_arg_int(self, user->totp_step);
    stk_pg_arg_int(self, user->failures);
    stk_pg_arg_int(self, user->blocked_until);
    stk_pg_arg_int(self, user->created_at);
    stk_pg_arg_text(self, user->created_by);
    return stk_pg_run(self, STMT_USER_SET, "write a user", NULL, err);
}

enum stk_rc stk_pg_user_remove(struct stk_store *store, const char *name, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    int64_t changed = 0;
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc != STK_OK) return rc;
    stk_pg_arg_text(self, name);
    rc = stk_pg_change(self, STMT_USER_REMOVE, "remove a user", &changed, err);
    if (rc != STK_OK) return rc;
    if (changed == 0) return fail_no_user(name, err);
    stk_pg_arg_text(self, name);
    return stk_pg_run(self, STMT_USER_TOKENS_REMOVE, "remove a user", NULL, err);
}

/* --- tokens -------------------------------------------------------------- */

static struct stk_token token_of(const struct stk_pg_rows *rows, int row)
{
    struct stk_token token = {
        .id = stk_pg_int(rows, row, 0),
        .user = stk_pg_text(rows, row, 1),
        .label = stk_pg_text(rows, row, 2),
        .created_at = stk_pg_int(rows, row, 4),
        .expires_at = stk_pg_time(rows, row, 5),
    };
    const void *hash = stk_pg_text(rows, row, 3);
    assert(stk_pg_len(rows, row, 3) == STK_TOKEN_HASH_BYTES); /* a CHECK */
    memcpy(token.hash, hash, sizeof(token.hash));
    return token;
}

static enum stk_rc hand_out(struct stk_pg *self, enum stmt stmt, stk_token_fn each, void *context,
                            int *ret_count, struct stk_error *err)
{
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    enum stk_rc rc = stk_pg_run(self, stmt, "read the tokens", &rows, err);
    if (rc != STK_OK) return rc;
    for (int i = 0; i < rows.count; i++) {
        struct stk_token token = token_of(&rows, i);
        each(context, &token);
    }
    *ret_count = rows.count;
    return STK_OK;
}

enum stk_rc stk_pg_tokens(struct stk_store *store, const char *user, stk_token_fn each,
                          void *context, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    int count = 0;
    if (user != NULL) stk_pg_arg_text(self, user);
    return hand_out(self, user != NULL ? STMT_TOKEN_LIST_USER : STMT_TOKEN_LIST, each, context,
                    &count, err);
}

enum stk_rc stk_pg_token_find(struct stk_store *store, const uint8_t hash[STK_TOKEN_HASH_BYTES],
                              stk_token_fn each, void *context, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    int count = 0;
    stk_pg_arg_bytes(self, hash, STK_TOKEN_HASH_BYTES);
    enum stk_rc rc = hand_out(self, STMT_TOKEN_FIND, each, context, &count, err);
    if (rc != STK_OK || count == 1) return rc;
    return stk_fail(err, STK_NOT_FOUND, "nobody has this token");
}

/* Nothing was added: its hash is known, or nobody has that name. */
static enum stk_rc fail_token(struct stk_pg *self, const struct stk_token *token,
                              struct stk_error *err)
{
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    stk_pg_arg_bytes(self, token->hash, STK_TOKEN_HASH_BYTES);
    enum stk_rc rc = stk_pg_run(self, STMT_TOKEN_FIND, "add a token", &rows, err);
    if (rc != STK_OK) return rc;
    if (rows.count == 0) return fail_no_user(token->user, err);
    return stk_fail(err, STK_CONFLICT, "could not add a token: it is known already");
}

enum stk_rc stk_pg_token_add(struct stk_store *store, const struct stk_token *token,
                             int64_t *ret_id, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    int64_t id = 0;
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc != STK_OK) return rc;
    stk_pg_arg_text(self, token->user);
    stk_pg_arg_text(self, token->label);
    stk_pg_arg_bytes(self, token->hash, STK_TOKEN_HASH_BYTES);
    stk_pg_arg_int(self, token->created_at);
    stk_pg_arg_time(self, token->expires_at);
    rc = stk_pg_number(self, STMT_TOKEN_ADD, "add a token", 0, &id, err);
    if (rc != STK_OK) return rc;
    if (id == 0) return fail_token(self, token, err);
    *ret_id = id;
    return STK_OK;
}

enum stk_rc stk_pg_token_remove(struct stk_store *store, int64_t id, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    int64_t changed = 0;
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc != STK_OK) return rc;
    stk_pg_arg_int(self, id);
    rc = stk_pg_change(self, STMT_TOKEN_REMOVE, "remove a token", &changed, err);
    if (rc != STK_OK || changed == 1) return rc;
    return stk_fail(err, STK_NOT_FOUND, "there is no token %lld", (long long)id);
}
