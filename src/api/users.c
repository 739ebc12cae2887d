/* SPDX-License-Identifier: MIT
 *
 * People, their rights and their tokens, and the audit. Every change stands in
 * the audit with who made it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/routes.h"
#include "api/show.h"
#include "base/alloc.h"
#include "base/redact.h"
#include "base/seal.h"
#include "base/text.h"
#include "base/timetext.h"
#include "base/totp.h"
#include "model/shown.h"
#include "store/accounts.h"

enum { RENEWS_MAX = STK_SESSIONS_MAX, LABEL_BYTES_MAX = 100 };

struct change {
    const struct stk_call *call;
    const char *name;    /* of the user */
    const char *action;  /* "user.add" */
    const char *renew;   /* a session; or NULL */
    const char *role;    /* or NULL */
    json_t *renews;      /* of a new user; or NULL */
    char *hash;          /* a new password; or NULL */
    struct stk_buf totp; /* a new sealed key; empty with sets_totp: none any more */
    bool sets_totp;
    bool take; /* the right away */
    bool found;
    stk_time_ns now;
    enum stk_rc rc;
    struct stk_store *store;
    struct stk_error *err;
    json_t *shown;
};

static void release(struct change *change)
{
    stk_json_freep(&change->renews);
    stk_json_freep(&change->shown);
    stk_buf_release(&change->totp);
    free(change->hash);
}

/* --- shown --------------------------------------------------------------------- */

static json_t *show_user(const struct stk_user *user)
{
    json_t *shown = json_object();
    stk_put(shown, "name", stk_show_text(user->name));
    stk_put(shown, "role", stk_show_text(stk_role_name(user->role)));
    stk_put(shown, "renews", stk_show_json(user->renews));
    stk_put(shown, "totp", json_boolean(user->totp != NULL));
    stk_put(shown, "password", json_boolean(user->password_hash != NULL));
    stk_put(shown, "blocked_until",
            user->blocked_until > 0 ? stk_show_time(user->blocked_until) : json_null());
    stk_put(shown, "created_at", stk_show_time(user->created_at));
    stk_put(shown, "created_by", stk_show_text(user->created_by));
    return shown;
}

static void add_user(void *context, const struct stk_user *user)
{
    (void)json_array_append_new(context, show_user(user));
}

static enum stk_rc read_users(struct stk_store *store, void *arg, struct stk_error *err)
{
    (void)json_array_clear(arg);
    return stk_store_users(store, NULL, add_user, arg, err);
}

enum stk_rc stk_api_users(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    json_t *rows = json_array();
    *ret = json_object();
    stk_put(*ret, "users", rows);
    return stk_read(&call->api->access, read_users, rows, err);
}

/* --- what is asked ---------------------------------------------------------------- */

static enum stk_rc note(struct stk_store *store, const struct stk_call *call, const char *action,
                        const char *name, stk_time_ns now, struct stk_error *err)
{
    STK_CLEANUP(stk_freep) char *subject = stk_format("user %s", name);
    STK_CLEANUP(stk_freep) char *text = stk_format("%s: %s", action, subject);
    const struct stk_audit audit = { .actor = call->who.name,
                                     .action = action,
                                     .subject = subject };
    const struct stk_event event = { .actor = call->who.name, .text = text };
    enum stk_rc rc = stk_store_audit_add(store, &audit, now, err);
    return rc == STK_OK ? stk_store_event(store, STK_EVENT_USER_CHANGED, &event, now, err) : rc;
}

static enum stk_rc check_session(const struct stk_call *call, const char *name,
                                 struct stk_error *err)
{
    bool is_all = strcmp(name, "*") == 0;
    if (is_all || stk_settings_session(call->api->settings, name) != NULL) return STK_OK;
    STK_CLEANUP(stk_freep) char *shown = stk_shown(name);
    return stk_fail(err, STK_INVALID, "stoker.yaml has no session \"%s\"", shown);
}

static enum stk_rc check_role(const char *name, struct stk_error *err)
{
    enum stk_role role = STK_ROLE_VIEWER;
    if (name == NULL || stk_role_from_name(name, &role)) return STK_OK;
    STK_CLEANUP(stk_freep) char *shown = stk_shown(name);
    return stk_fail(err, STK_INVALID,
                    "\"%s\" is no role: they are viewer, researcher, operator and admin", shown);
}

static enum stk_rc read_renews(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    const json_t *given = json_object_get(call->request->body, "renews");
    *ret = json_array();
    if (given == NULL || json_is_null(given)) return STK_OK;
    if (!json_is_array(given) || json_array_size(given) > RENEWS_MAX) {
        return stk_fail(err, STK_INVALID, "renews must be a list of sessions");
    }
    for (size_t i = 0; i < json_array_size(given); i++) {
        const char *name = json_string_value(json_array_get(given, i));
        if (name == NULL) return stk_fail(err, STK_INVALID, "renews must be a list of sessions");
        enum stk_rc rc = check_session(call, name, err);
        if (rc != STK_OK) return rc;
        (void)json_array_append(*ret, json_array_get(given, i));
    }
    return STK_OK;
}

static enum stk_rc read_password(const struct stk_call *call, bool must, char **ret,
                                 struct stk_error *err)
{
    const char *text = NULL;
    enum stk_rc rc = stk_json_get_string(call->request->body, "password", &text, err);
    if (rc != STK_OK) return rc;
    if (text == NULL && !must) return STK_OK;
    size_t len = text != NULL ? strlen(text) : 0;
    if (len < STK_PASSWORD_BYTES_MIN || len > STK_PASSWORD_BYTES_MAX) {
        return stk_fail(err, STK_INVALID, "a password has from %d to %d bytes",
                        STK_PASSWORD_BYTES_MIN, STK_PASSWORD_BYTES_MAX);
    }
    struct stk_secret *password = stk_secret_new(text, len);
    stk_redact_add_secret(password);
    rc = stk_password_hash(password, ret, err);
    stk_secret_free(password);
    return rc;
}

/* --- a new one ---------------------------------------------------------------------- */

static void find_user(void *context, const struct stk_user *user)
{
    (void)user;
    *(bool *)context = true;
}

static enum stk_rc write_new(struct stk_store *store, void *arg, stk_time_ns now,
                             struct stk_error *err)
{
    struct change *change = arg;
    STK_CLEANUP(stk_freep) char *renews = stk_json_text(change->renews);
    bool exists = false;
    enum stk_role role = STK_ROLE_VIEWER;
    if (change->role != NULL) (void)stk_role_from_name(change->role, &role);
    enum stk_rc rc = stk_store_users(store, change->name, find_user, &exists, NULL);
    if (rc == STK_OK && exists) {
        return stk_fail(err, STK_CONFLICT, "there is a user \"%s\" already", change->name);
    }
    const struct stk_user user = {
        .name = change->name,
        .role = role,
        .renews = renews,
        .password_hash = change->hash,
        .created_at = now,
        .created_by = change->call->who.name,
    };
    rc = stk_store_user_set(store, &user, err);
    if (rc == STK_OK) rc = note(store, change->call, change->action, change->name, now, err);
    stk_json_freep(&change->shown);
    change->shown = show_user(&user);
    return rc;
}

enum stk_rc stk_api_user_new(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    STK_CLEANUP(release) struct change change = { .call = call, .action = "user.add" };
    const json_t *body = call->request->body;
    enum stk_rc rc = stk_json_get_string(body, "name", &change.name, err);
    if (rc == STK_OK && (change.name == NULL || !stk_user_name_is_valid(change.name))) {
        return stk_fail(err, STK_INVALID, "a user's name is letters, digits and _-.@, at most %d",
                        STK_USER_NAME_MAX);
    }
    if (rc == STK_OK) rc = stk_json_get_string(body, "role", &change.role, err);
    if (rc == STK_OK) rc = check_role(change.role, err);
    if (rc == STK_OK) rc = read_renews(call, &change.renews, err);
    if (rc == STK_OK) rc = read_password(call, false, &change.hash, err);
    if (rc == STK_OK) rc = stk_write(&call->api->access, write_new, &change, err);
    if (rc == STK_OK) *ret = json_incref(change.shown);
    return rc;
}

/* --- changes ------------------------------------------------------------------------- */

static void drop(json_t *renews, const char *name)
{
    for (size_t i = json_array_size(renews); i > 0; i--) {
        const char *at = json_string_value(json_array_get(renews, i - 1));
        if (at != NULL && strcmp(at, name) == 0) (void)json_array_remove(renews, i - 1);
    }
}

static void change_user(void *context, const struct stk_user *user)
{
    struct change *change = context;
    struct stk_user next = *user;
    STK_CLEANUP(stk_json_freep) json_t *renews = stk_user_renews(user);
    if (change->renew != NULL) {
        drop(renews, change->renew);
        if (!change->take) (void)json_array_append_new(renews, json_string(change->renew));
    }
    STK_CLEANUP(stk_freep) char *text = stk_json_text(renews);
    next.renews = text;
    if (change->role != NULL) (void)stk_role_from_name(change->role, &next.role);
    if (change->hash != NULL) {
        next.password_hash = change->hash;
        next.failures = 0;
        next.blocked_until = 0;
    }
    if (change->sets_totp) {
        next.totp = change->totp.len > 0 ? change->totp.data : NULL;
        next.totp_len = change->totp.len;
        next.totp_step = 0;
    }
    change->rc = stk_store_user_set(change->store, &next, change->err);
    stk_json_freep(&change->shown);
    change->shown = show_user(&next);
}

static enum stk_rc write_change(struct stk_store *store, void *arg, stk_time_ns now,
                                struct stk_error *err)
{
    struct change *change = arg;
    change->store = store;
    change->err = err;
    change->rc = STK_OK;
    enum stk_rc rc = stk_store_users(store, change->name, change_user, change, err);
    if (rc == STK_OK) rc = change->rc;
    return rc == STK_OK ? note(store, change->call, change->action, change->name, now, err) : rc;
}

static enum stk_rc run_change(struct change *change, json_t **ret, struct stk_error *err)
{
    enum stk_rc rc = stk_write(&change->call->api->access, write_change, change, err);
    if (rc == STK_OK) *ret = json_incref(change->shown);
    return rc;
}

static enum stk_rc change_right(const struct stk_call *call, const char *action, bool take,
                                json_t **ret, struct stk_error *err)
{
    STK_CLEANUP(release)
    struct change change = { .call = call, .name = call->arg, .action = action, .take = take };
    const json_t *body = call->request->body;
    enum stk_rc rc = stk_json_get_string(body, "renew", &change.renew, err);
    if (rc == STK_OK && !take) rc = stk_json_get_string(body, "role", &change.role, err);
    if (rc == STK_OK) rc = check_role(change.role, err);
    if (rc == STK_OK && change.renew != NULL && !take) rc = check_session(call, change.renew, err);
    if (rc == STK_OK && change.renew == NULL && change.role == NULL) {
        rc = stk_fail(err, STK_INVALID, "say which right: --renew SESSION%s",
                      take ? "" : ", or --role ROLE");
    }
    return rc == STK_OK ? run_change(&change, ret, err) : rc;
}

enum stk_rc stk_api_user_grant(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    return change_right(call, "user.grant", false, ret, err);
}

enum stk_rc stk_api_user_revoke(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    return change_right(call, "user.revoke", true, ret, err);
}

enum stk_rc stk_api_user_password(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    STK_CLEANUP(release)
    struct change change = { .call = call, .name = call->arg, .action = "user.password" };
    bool is_own = strcmp(call->who.name, call->arg) == 0;
    enum stk_rc rc = is_own ? STK_OK : stk_who_check_role(&call->who, STK_ROLE_ADMIN, err);
    if (rc == STK_OK) rc = read_password(call, true, &change.hash, err);
    return rc == STK_OK ? run_change(&change, ret, err) : rc;
}

/* The only moment in which the key is shown. */
static enum stk_rc make_totp(struct change *change, struct stk_secret **ret_uri,
                             struct stk_error *err)
{
    STK_CLEANUP(stk_freep) char *about = stk_totp_about(change->name);
    struct stk_keys *keys = NULL;
    enum stk_rc rc = stk_totp_keys(change->call, true, &keys, err);
    if (rc != STK_OK) return rc;
    struct stk_secret *key = stk_totp_make();
    stk_seal(keys, about, key, &change->totp);
    *ret_uri = stk_totp_uri(key, change->name);
    stk_secret_free(key);
    stk_keys_close(keys);
    return STK_OK;
}

enum stk_rc stk_api_user_totp(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    STK_CLEANUP(release)
    struct change change = {
        .call = call, .name = call->arg, .action = "user.totp", .sets_totp = true
    };
    struct stk_secret *uri = NULL;
    bool off = false, is_own = strcmp(call->who.name, call->arg) == 0;
    enum stk_rc rc = is_own ? STK_OK : stk_who_check_role(&call->who, STK_ROLE_ADMIN, err);
    if (rc == STK_OK) rc = stk_json_get_bool(call->request->body, "off", &off, err);
    if (rc == STK_OK && !off) rc = make_totp(&change, &uri, err);
    if (rc == STK_OK) rc = run_change(&change, ret, err);
    if (rc == STK_OK && uri != NULL) stk_put(*ret, "uri", json_string(stk_secret_bytes(uri)));
    stk_secret_free(uri);
    return rc;
}

static enum stk_rc write_remove(struct stk_store *store, void *arg, stk_time_ns now,
                                struct stk_error *err)
{
    const struct change *change = arg;
    enum stk_rc rc = stk_store_user_remove(store, change->name, err);
    return rc == STK_OK ? note(store, change->call, change->action, change->name, now, err) : rc;
}

enum stk_rc stk_api_user_remove(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    struct change change = { .call = call, .name = call->arg, .action = "user.remove" };
    enum stk_rc rc = stk_write(&call->api->access, write_remove, &change, err);
    if (rc != STK_OK) return rc;
    *ret = json_object();
    stk_put(*ret, "removed", stk_show_text(call->arg));
    return STK_OK;
}

/* --- tokens ----------------------------------------------------------------------------- */

struct tokens_read {
    const char *user;
    json_t *rows;
};

static void add_token(void *context, const struct stk_token *token)
{
    json_t *shown = json_object();
    stk_put(shown, "id", json_integer(token->id));
    stk_put(shown, "user", stk_show_text(token->user));
    stk_put(shown, "label", stk_show_text(token->label));
    stk_put(shown, "created_at", stk_show_time(token->created_at));
    stk_put(shown, "expires_at", stk_show_time(token->expires_at));
    (void)json_array_append_new(context, shown);
}

static void add_name(void *context, const struct stk_user *user)
{
    (void)json_array_append_new(context, json_string(user->name));
}

static enum stk_rc read_tokens(struct stk_store *store, void *arg, struct stk_error *err)
{
    struct tokens_read *read = arg;
    STK_CLEANUP(stk_json_freep) json_t *names = json_array();
    (void)json_array_clear(read->rows);
    enum stk_rc rc = stk_store_users(store, read->user, add_name, names, err);
    for (size_t i = 0; rc == STK_OK && i < json_array_size(names); i++) {
        rc = stk_store_tokens(store, json_string_value(json_array_get(names, i)), add_token,
                              read->rows, err);
    }
    return rc;
}

enum stk_rc stk_api_tokens(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    json_t *rows = json_array();
    struct tokens_read read = { .user = stk_call_text(call, "user"), .rows = rows };
    *ret = json_object();
    stk_put(*ret, "tokens", rows);
    return stk_read(&call->api->access, read_tokens, &read, err);
}

struct new_token {
    const struct stk_call *call;
    struct stk_token token;
    stk_time_ns expires_in; /* 0: never */
    int64_t id;
};

static enum stk_rc write_token(struct stk_store *store, void *arg, stk_time_ns now,
                               struct stk_error *err)
{
    struct new_token *made = arg;
    bool exists = false;
    made->token.created_at = now;
    made->token.expires_at = made->expires_in > 0 ? now + made->expires_in : STK_NEVER;
    enum stk_rc rc = stk_store_users(store, made->token.user, find_user, &exists, err);
    if (rc == STK_OK) rc = stk_store_token_add(store, &made->token, &made->id, err);
    return rc == STK_OK ? note(store, made->call, "token.add", made->token.user, now, err) : rc;
}

static enum stk_rc read_new_token(const struct stk_call *call, struct new_token *made,
                                  struct stk_error *err)
{
    const json_t *body = call->request->body;
    const char *expires = NULL;
    enum stk_rc rc = stk_json_get_string(body, "user", &made->token.user, err);
    if (rc == STK_OK) rc = stk_json_get_string(body, "label", &made->token.label, err);
    if (rc == STK_OK) rc = stk_json_get_string(body, "expires_in", &expires, err);
    if (rc != STK_OK) return rc;
    if (made->token.user == NULL) return stk_fail(err, STK_INVALID, "say whose: --user NAME");
    if (made->token.label != NULL && strlen(made->token.label) > LABEL_BYTES_MAX) {
        return stk_fail(err, STK_INVALID, "a label has at most %d bytes", LABEL_BYTES_MAX);
    }
    bool is_span = expires == NULL || stk_duration_parse(expires, &made->expires_in);
    if (is_span && made->expires_in >= 0 && made->expires_in <= 3650 * STK_DAY) return STK_OK;
    return stk_fail(err, STK_INVALID, "expires_in is a duration such as 90d, at most 3650d");
}

/* The only moment in which the token is shown: the store has its hash. */
enum stk_rc stk_api_token_new(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    struct new_token made = { .call = call };
    enum stk_rc rc = read_new_token(call, &made, err);
    if (rc != STK_OK) return rc;
    struct stk_secret *token = stk_token_make(made.token.hash);
    rc = stk_write(&call->api->access, write_token, &made, err);
    if (rc == STK_OK) {
        *ret = json_object();
        stk_put(*ret, "id", json_integer(made.id));
        stk_put(*ret, "user", stk_show_text(made.token.user));
        stk_put(*ret, "expires_at", stk_show_time(made.token.expires_at));
        stk_put(*ret, "token", json_string(stk_secret_bytes(token)));
    }
    stk_secret_free(token);
    return rc;
}

static enum stk_rc write_token_remove(struct stk_store *store, void *arg, stk_time_ns now,
                                      struct stk_error *err)
{
    const struct stk_call *call = arg;
    int64_t id = 0;
    if (!stk_parse_i64(call->arg, &id)) {
        return stk_fail(err, STK_INVALID, "a token is named by its number");
    }
    enum stk_rc rc = stk_store_token_remove(store, id, err);
    STK_CLEANUP(stk_freep) char *name = stk_format("of token %" PRId64, id);
    return rc == STK_OK ? note(store, call, "token.remove", name, now, err) : rc;
}

enum stk_rc stk_api_token_remove(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    struct stk_call known = *call;
    enum stk_rc rc = stk_write(&call->api->access, write_token_remove, &known, err);
    if (rc != STK_OK) return rc;
    *ret = json_object();
    stk_put(*ret, "removed", stk_show_text(call->arg));
    return STK_OK;
}

/* --- the audit -------------------------------------------------------------------------- */

struct audit_read {
    int64_t before, rows_ok;
    size_t limit;
    bool verify;
    json_t *rows;
};

static void add_audit(void *context, const struct stk_audit *audit)
{
    json_t *shown = json_object();
    stk_put(shown, "id", json_integer(audit->id));
    stk_put(shown, "at", stk_show_time(audit->at));
    stk_put(shown, "by", stk_show_text(audit->actor));
    stk_put(shown, "action", stk_show_text(audit->action));
    stk_put(shown, "subject", stk_show_text(audit->subject));
    stk_put(shown, "reason", stk_show_text(audit->reason));
    (void)json_array_append_new(context, shown);
}

static enum stk_rc read_audit(struct stk_store *store, void *arg, struct stk_error *err)
{
    struct audit_read *read = arg;
    (void)json_array_clear(read->rows);
    if (read->verify) return stk_store_audit_verify(store, &read->rows_ok, err);
    return stk_store_audits(store, read->before, read->limit, add_audit, read->rows, err);
}

enum stk_rc stk_api_audit(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *rows = json_array();
    struct audit_read read = { .limit = 100, .rows = rows };
    enum stk_rc rc = stk_call_int(call, "before", 1, INT64_MAX, &read.before, err);
    if (rc == STK_OK) rc = stk_call_limit(call, &read.limit, err);
    if (rc == STK_OK) rc = stk_call_bool(call, "verify", &read.verify, err);
    if (rc == STK_OK) rc = stk_read(&call->api->access, read_audit, &read, err);
    if (rc != STK_OK) return rc;

    *ret = json_object();
    if (read.verify) {
        stk_put(*ret, "verified", json_integer(read.rows_ok));
        return STK_OK;
    }
    size_t count = json_array_size(rows);
    json_t *last = count == read.limit ? json_array_get(rows, count - 1) : NULL;
    stk_put(*ret, "audit", json_incref(rows));
    stk_put(*ret, "next", last == NULL ? json_null() : json_incref(json_object_get(last, "id")));
    return STK_OK;
}
