/* SPDX-License-Identifier: MIT
 *
 * Users and their tokens: rows that are read rarely, so nothing is kept.
 */
#include "store/sqlite/sqlite.h"

#include <assert.h>
#include <string.h>

/* --- users --------------------------------------------------------------- */

static struct stk_user user_of(sqlite3_stmt *stmt)
{
    enum stk_role role = STK_ROLE_VIEWER;
    bool known = stk_role_from_name(stk_sqlite_text(stmt, 1), &role);
    assert(known); /* the schema's CHECK lists the same names; a test compares */
    (void)known;
    return (struct stk_user){
        .name = stk_sqlite_text(stmt, 0),
        .role = role,
        .renews = stk_sqlite_text(stmt, 2),
        .password_hash = stk_sqlite_text(stmt, 3),
        .totp = sqlite3_column_blob(stmt, 4),
        .totp_len = (size_t)sqlite3_column_bytes(stmt, 4),
        .totp_step = sqlite3_column_int64(stmt, 5),
        .failures = (uint32_t)sqlite3_column_int64(stmt, 6),
        .blocked_until = sqlite3_column_int64(stmt, 7),
        .created_at = sqlite3_column_int64(stmt, 8),
        .created_by = stk_sqlite_text(stmt, 9),
    };
}

static enum stk_rc fail_no_user(const char *name, struct stk_error *err)
{
    return stk_fail(err, STK_NOT_FOUND, "there is no user \"%s\"", name);
}

enum stk_rc stk_sqlite_users(struct stk_store *store, const char *name, stk_user_fn each,
                             void *context, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    STK_CLEANUP(stk_sqlite_resetp)
    sqlite3_stmt *stmt = self->stmts[name != NULL ? STMT_USER_GET : STMT_USER_LIST];
    if (name != NULL) stk_sqlite_bind_text(stmt, 1, name);

    size_t count = 0;
    bool row = false;
    enum stk_rc rc = STK_OK;
    while ((rc = stk_sqlite_next(self, stmt, "read the users", &row, err)) == STK_OK && row) {
        struct stk_user user = user_of(stmt);
        each(context, &user);
        count++;
    }
    if (rc != STK_OK || name == NULL || count == 1) return rc;
    return fail_no_user(name, err);
}

enum stk_rc stk_sqlite_user_set(struct stk_store *store, const struct stk_user *user,
                                struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_USER_SET];
    enum stk_rc rc = stk_sqlite_writing(self, err);
    if (rc != STK_OK) return rc;
    stk_sqlite_bind_text(stmt, 1, user->name);
    stk_sqlite_bind_text(stmt, 2, stk_role_name(user->role));
    stk_sqlite_bind_text(stmt, 3, user->renews != NULL ? user->renews : "[]");
    stk_sqlite_bind_text(stmt, 4, user->password_hash);
    if (user->totp_len > 0) {
        (void)sqlite3_bind_blob64(stmt, 5, user->totp, user->totp_len, SQLITE_STATIC);
    }
    (void)sqlite3_bind_int64(stmt, 6, user->totp_step);
    (void)sqlite3_bind_int64(stmt, 7, user->failures);
    (void)sqlite3_bind_int64(stmt, 8, user->blocked_until);
    (void)sqlite3_bind_int64(stmt, 9, user->created_at);
    stk_sqlite_bind_text(stmt, 10, user->created_by);
    return stk_sqlite_run(self, stmt, "write a user", err);
}

static enum stk_rc remove_by_name(struct stk_sqlite *self, enum stmt which, const char *name,
                                  struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[which];
    stk_sqlite_bind_text(stmt, 1, name);
    return stk_sqlite_run(self, stmt, "remove a user", err);
}

enum stk_rc stk_sqlite_user_remove(struct stk_store *store, const char *name, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    enum stk_rc rc = stk_sqlite_writing(self, err);
    if (rc == STK_OK) rc = remove_by_name(self, STMT_USER_REMOVE, name, err);
    if (rc != STK_OK) return rc;
    if (sqlite3_changes(self->db) == 0) return fail_no_user(name, err);
    return remove_by_name(self, STMT_USER_TOKENS_REMOVE, name, err);
}

/* --- tokens -------------------------------------------------------------- */

static struct stk_token token_of(sqlite3_stmt *stmt)
{
    struct stk_token token = {
        .id = sqlite3_column_int64(stmt, 0),
        .user = stk_sqlite_text(stmt, 1),
        .label = stk_sqlite_text(stmt, 2),
        .created_at = sqlite3_column_int64(stmt, 4),
        .expires_at = stk_sqlite_time(stmt, 5),
    };
    const void *hash = sqlite3_column_blob(stmt, 3);
    assert(sqlite3_column_bytes(stmt, 3) == STK_TOKEN_HASH_BYTES); /* a CHECK */
    memcpy(token.hash, hash, sizeof(token.hash));
    return token;
}

static enum stk_rc hand_out(struct stk_sqlite *self, sqlite3_stmt *stmt, stk_token_fn each,
                            void *context, size_t *ret_count, struct stk_error *err)
{
    size_t count = 0;
    bool row = false;
    enum stk_rc rc = STK_OK;
    while ((rc = stk_sqlite_next(self, stmt, "read the tokens", &row, err)) == STK_OK && row) {
        struct stk_token token = token_of(stmt);
        each(context, &token);
        count++;
    }
    if (rc == STK_OK) *ret_count = count;
    return rc;
}

enum stk_rc stk_sqlite_tokens(struct stk_store *store, const char *user, stk_token_fn each,
                              void *context, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    STK_CLEANUP(stk_sqlite_resetp)
    sqlite3_stmt *stmt = self->stmts[user != NULL ? STMT_TOKEN_LIST_USER : STMT_TOKEN_LIST];
    size_t count = 0;
    if (user != NULL) stk_sqlite_bind_text(stmt, 1, user);
    return hand_out(self, stmt, each, context, &count, err);
}

enum stk_rc stk_sqlite_token_find(struct stk_store *store, const uint8_t hash[STK_TOKEN_HASH_BYTES],
                                  stk_token_fn each, void *context, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_TOKEN_FIND];
    size_t count = 0;
    (void)sqlite3_bind_blob(stmt, 1, hash, STK_TOKEN_HASH_BYTES, SQLITE_STATIC);
    enum stk_rc rc = hand_out(self, stmt, each, context, &count, err);
    if (rc != STK_OK || count == 1) return rc;
    return stk_fail(err, STK_NOT_FOUND, "nobody has this token");
}

enum stk_rc stk_sqlite_token_add(struct stk_store *store, const struct stk_token *token,
                                 int64_t *ret_id, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_TOKEN_ADD];
    enum stk_rc rc = stk_sqlite_writing(self, err);
    if (rc != STK_OK) return rc;
    stk_sqlite_bind_text(stmt, 1, token->user);
    stk_sqlite_bind_text(stmt, 2, token->label);
    (void)sqlite3_bind_blob(stmt, 3, token->hash, STK_TOKEN_HASH_BYTES, SQLITE_STATIC);
    (void)sqlite3_bind_int64(stmt, 4, token->created_at);
    stk_sqlite_bind_time(stmt, 5, token->expires_at);
    rc = stk_sqlite_run(self, stmt, "add a token", err);
    if (rc != STK_OK) return rc;
    if (sqlite3_changes(self->db) == 0) return fail_no_user(token->user, err);
    *ret_id = sqlite3_last_insert_rowid(self->db);
    return STK_OK;
}

enum stk_rc stk_sqlite_token_remove(struct stk_store *store, int64_t id, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_TOKEN_REMOVE];
    enum stk_rc rc = stk_sqlite_writing(self, err);
    if (rc != STK_OK) return rc;
    (void)sqlite3_bind_int64(stmt, 1, id);
    rc = stk_sqlite_run(self, stmt, "remove a token", err);
    if (rc != STK_OK || sqlite3_changes(self->db) == 1) return rc;
    return stk_fail(err, STK_NOT_FOUND, "there is no token %lld", (long long)id);
}
