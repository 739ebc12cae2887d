/* SPDX-License-Identifier: MIT */
#include "api/who.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/request.h"
#include "base/alloc.h"
#include "base/rand.h"
#include "base/redact.h"
#include "base/seal.h"
#include "base/timetext.h"
#include "base/totp.h"
#include "model/shown.h"
#include "store/accounts.h"

#define TOKEN_PREFIX "stk_"
enum { TOKEN_RANDOM_BYTES = 32 };

static const char wrong[] = "wrong name, password or token";
static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

void stk_who_release(struct stk_who *who)
{
    stk_json_freep(&who->renews);
}

bool stk_user_name_is_valid(const char *name)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.@";
    size_t len = strlen(name);
    return len > 0 && len <= STK_USER_NAME_MAX && strspn(name, letters) == len;
}

json_t *stk_user_renews(const struct stk_user *user)
{
    json_t *renews = NULL;
    bool is_list = stk_json_parse(user->renews, strlen(user->renews), &renews, NULL) == STK_OK &&
                   json_is_array(renews);
    if (is_list) return renews;
    json_decref(renews);
    return json_array();
}

/* --- passwords and tokens ------------------------------------------------------- */

enum stk_rc stk_password_hash(const struct stk_secret *password, char **ret, struct stk_error *err)
{
    char *hash = stk_alloc(crypto_pwhash_STRBYTES);
    if (crypto_pwhash_str(hash, stk_secret_bytes(password), stk_secret_len(password),
                          crypto_pwhash_OPSLIMIT_INTERACTIVE,
                          crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0) {
        free(hash);
        return stk_fail(err, STK_UNAVAILABLE, "no memory to hash a password: it takes 64 MiB");
    }
    *ret = hash;
    return STK_OK;
}

static void hash_token(const char *token, size_t len, uint8_t ret[STK_TOKEN_HASH_BYTES])
{
    (void)crypto_generichash(ret, STK_TOKEN_HASH_BYTES, (const unsigned char *)token, len, NULL, 0);
}

struct stk_secret *stk_token_make(uint8_t ret_hash[STK_TOKEN_HASH_BYTES])
{
    unsigned char bytes[TOKEN_RANDOM_BYTES];
    char text[sizeof(TOKEN_PREFIX) +
              sodium_base64_ENCODED_LEN(TOKEN_RANDOM_BYTES,
                                        sodium_base64_VARIANT_URLSAFE_NO_PADDING)] = TOKEN_PREFIX;
    randombytes_buf(bytes, sizeof(bytes));
    (void)sodium_bin2base64(text + strlen(TOKEN_PREFIX), sizeof(text) - strlen(TOKEN_PREFIX), bytes,
                            sizeof(bytes), sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    hash_token(text, strlen(text), ret_hash);
    struct stk_secret *token = stk_secret_new(text, strlen(text));
    stk_redact_add_secret(token);
    sodium_memzero(bytes, sizeof(bytes));
    sodium_memzero(text, sizeof(text));
    return token;
}

/* --- the user's row --------------------------------------------------------------- */

struct account {
    bool found;
    struct stk_user user; /* its texts are below */
    char *hash;
    struct stk_buf totp; /* sealed */
    json_t *renews;
};

static void release(struct account *account)
{
    free(account->hash);
    stk_buf_release(&account->totp);
    stk_json_freep(&account->renews);
}

static void take_user(void *context, const struct stk_user *user)
{
    struct account *account = context;
    release(account);
    account->found = true;
    account->user = *user;
    account->hash = user->password_hash != NULL ? stk_strdup(user->password_hash) : NULL;
    account->renews = stk_user_renews(user);
    if (user->totp != NULL) stk_buf_add(&account->totp, user->totp, user->totp_len);
}

struct account_read {
    const char *name;
    struct account *account;
};

static enum stk_rc read_account(struct stk_store *store, void *arg, struct stk_error *err)
{
    const struct account_read *read = arg;
    enum stk_rc rc = stk_store_users(store, read->name, take_user, read->account, err);
    return rc == STK_NOT_FOUND ? STK_OK : rc;
}

static void become(struct account *account, const char *name, struct stk_who *who)
{
    (void)snprintf(who->name, sizeof(who->name), "%s", name);
    who->role = account->user.role;
    who->is_owner = false;
    who->renews = account->renews;
    account->renews = NULL;
}

/* --- with a password ---------------------------------------------------------------- */

struct note {
    const char *name;
    bool ok;
    int64_t totp_step; /* of the code that was taken; 0: none was */
};

struct rewrite {
    struct stk_store *store;
    const struct note *note;
    stk_time_ns now;
    enum stk_rc rc;
    struct stk_error *err;
};

static void rewrite_user(void *context, const struct stk_user *user)
{
    struct rewrite *rewrite = context;
    struct stk_user next = *user;
    next.failures = rewrite->note->ok ? 0 : user->failures + 1;
    stk_time_ns delay = rewrite->note->ok ? 0 : stk_login_delay(next.failures);
    next.blocked_until = delay > 0 ? rewrite->now + delay : 0;
    if (rewrite->note->totp_step > 0) next.totp_step = rewrite->note->totp_step;
    rewrite->rc = stk_store_user_set(rewrite->store, &next, rewrite->err);
}

static enum stk_rc write_note(struct stk_store *store, void *arg, stk_time_ns now,
                              struct stk_error *err)
{
    struct rewrite rewrite = { .store = store, .note = arg, .now = now, .err = err };
    enum stk_rc rc = stk_store_users(store, rewrite.note->name, rewrite_user, &rewrite, err);
    return rc == STK_OK ? rewrite.rc : rc;
}

static enum stk_rc fail_blocked(const struct account *account, stk_time_ns now,
                                struct stk_error *err)
{
    char left[STK_DURATION_TEXT];
    stk_duration_text(account->user.blocked_until - now, left);
    return stk_fail(err, STK_DENIED, "too many wrong passwords for this name: try again in %s",
                    left);
}

/* Against nobody's password when the hash is NULL, so that a name that is not
 * there takes as long. */
static bool is_right(const char *hash, const char *password)
{
    static const char nobody[] = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$"
                                 "Yw3pVv1qBqg1oLrm5b3h6h2w5U3h9ZQ9o0mXxq1l0Yk";
    char whole[crypto_pwhash_STRBYTES] = { 0 }; /* as long as libsodium wants to read */
    (void)snprintf(whole, sizeof(whole), "%s", hash != NULL ? hash : nobody);
    bool fits = crypto_pwhash_str_verify(whole, password, strlen(password)) == 0;
    return fits && hash != NULL;
}

enum stk_rc stk_totp_keys(const struct stk_call *call, bool make, struct stk_keys **ret,
                          struct stk_error *err)
{
    const char *path = call->api->settings->key_file;
    STK_CLEANUP(stk_freep) char *usual = path == NULL ? stk_keys_default_path() : NULL;
    return stk_keys_open(path != NULL ? path : usual, make, ret, err);
}

char *stk_totp_about(const char *name)
{
    return stk_format("stoker totp %s", name);
}

/* The second half of a sign-in that has one. */
static enum stk_rc check_code(const struct stk_call *call, const char *name,
                              const struct account *account, struct note *note,
                              struct stk_error *err)
{
    if (account->totp.len == 0) return STK_OK;
    if (call->request->code == NULL) {
        return stk_fail(err, STK_DENIED, "%s signs in with a code too: add --code", name);
    }
    STK_CLEANUP(stk_freep) char *about = stk_totp_about(name);
    struct stk_keys *keys = NULL;
    struct stk_secret *key = NULL;
    enum stk_rc rc = stk_totp_keys(call, false, &keys, err);
    if (rc == STK_OK) {
        rc = stk_unseal(keys, about, account->totp.data, account->totp.len, &key, err);
    }
    if (rc == STK_OK) {
        rc = stk_totp_check(key, call->request->code, call->request->now, account->user.totp_step,
                            &note->totp_step, err);
    }
    stk_secret_free(key);
    stk_keys_close(keys);
    return rc;
}

static enum stk_rc check_password(const struct stk_call *call, const char *name,
                                  const char *password, struct account *account,
                                  struct stk_error *err)
{
    const struct stk_access *access = &call->api->access;
    struct account_read read = { .name = name, .account = account };
    enum stk_rc rc = stk_read(access, read_account, &read, err);
    if (rc != STK_OK) return rc;
    if (account->found && account->user.blocked_until > call->request->now) {
        return fail_blocked(account, call->request->now, err);
    }
    struct note note = { .name = name, .ok = is_right(account->hash, password) };
    if (!account->found) return stk_fail(err, STK_DENIED, "%s", wrong);
    struct stk_error why = { .rc = STK_OK };
    if (!note.ok) (void)stk_fail(&why, STK_DENIED, "%s", wrong);
    if (note.ok) note.ok = check_code(call, name, account, &note, &why) == STK_OK;
    bool is_news = !note.ok || account->user.failures > 0 || note.totp_step > 0;
    if (is_news) rc = stk_write(access, write_note, &note, err);
    if (rc != STK_OK || note.ok) return rc;
    return stk_fail(err, why.rc, "%s", why.text);
}

/* --- checked a moment ago --------------------------------------------------------------- */

#define SIGNED_IN_NS STK_MINUTE

static void hash_shown(const struct stk_request *request, unsigned char ret[32])
{
    crypto_generichash_state state;
    const char *code = request->code != NULL ? request->code : "";
    (void)crypto_generichash_init(&state, NULL, 0, 32);
    (void)crypto_generichash_update(
        &state, (const unsigned char *)stk_secret_bytes(request->authorization),
        stk_secret_len(request->authorization) + 1); /* with its NUL, which parts the two */
    (void)crypto_generichash_update(&state, (const unsigned char *)code, strlen(code));
    (void)crypto_generichash_final(&state, ret, 32);
}

static bool was_checked(const struct stk_request *request)
{
    unsigned char hash[32];
    const struct stk_signed_in *before = request->signed_in;
    if (before == NULL || before->until <= request->now) return false;
    hash_shown(request, hash);
    return sodium_memcmp(hash, before->hash, sizeof(hash)) == 0;
}

static void keep_checked(const struct stk_request *request)
{
    if (request->signed_in == NULL) return;
    hash_shown(request, request->signed_in->hash);
    request->signed_in->until = request->now + SIGNED_IN_NS;
}

/* The user as they are now: a role may have been taken since. */
static enum stk_rc sign_in_again(const struct stk_call *call, const char *name,
                                 struct account *account, struct stk_error *err)
{
    struct account_read read = { .name = name, .account = account };
    enum stk_rc rc = stk_read(&call->api->access, read_account, &read, err);
    if (rc != STK_OK || account->found) return rc;
    return stk_fail(err, STK_DENIED, "%s", wrong);
}

static enum stk_rc check_basic(const struct stk_call *call, const char *name, const char *password,
                               struct account *account, struct stk_error *err)
{
    if (was_checked(call->request)) return sign_in_again(call, name, account, err);
    (void)pthread_mutex_lock(&one_at_a_time);
    enum stk_rc rc = check_password(call, name, password, account, err);
    (void)pthread_mutex_unlock(&one_at_a_time);
    if (rc == STK_OK) keep_checked(call->request);
    return rc;
}

/* NAME:PASSWORD as base64. */
static enum stk_rc sign_in_basic(const struct stk_call *call, const char *text, struct stk_who *who,
                                 struct stk_error *err)
{
    STK_CLEANUP(stk_buf_wipep) struct stk_buf plain = STK_BUF_INIT;
    STK_CLEANUP(release) struct account account = { .found = false };
    size_t len = 0;
    stk_buf_reserve(&plain, strlen(text) + 1);
    int code = sodium_base642bin((unsigned char *)plain.data, strlen(text), text, strlen(text),
                                 NULL, &len, NULL, sodium_base64_VARIANT_ORIGINAL);
    plain.data[code == 0 ? len : 0] = '\0';
    plain.len = code == 0 ? len : 0;
    char *colon = strchr(plain.data, ':');
    if (colon == NULL || strlen(plain.data) != plain.len) {
        return stk_fail(err, STK_DENIED, "the sign-in is not NAME:PASSWORD in base64");
    }
    *colon = '\0';
    stk_redact_add(colon + 1, strlen(colon + 1));

    enum stk_rc rc = check_basic(call, plain.data, colon + 1, &account, err);
    if (rc == STK_OK) become(&account, plain.data, who);
    return rc;
}

/* --- with a token --------------------------------------------------------------------- */

struct token_read {
    uint8_t hash[STK_TOKEN_HASH_BYTES];
    char user[STK_USER_NAME_MAX + 1];
    stk_time_ns expires_at;
    struct account account;
};

static void take_token(void *context, const struct stk_token *token)
{
    struct token_read *read = context;
    (void)snprintf(read->user, sizeof(read->user), "%s", token->user);
    read->expires_at = token->expires_at;
}

static enum stk_rc read_token(struct stk_store *store, void *arg, struct stk_error *err)
{
    struct token_read *read = arg;
    read->user[0] = '\0';
    enum stk_rc rc = stk_store_token_find(store, read->hash, take_token, read, err);
    if (rc != STK_OK) return rc == STK_NOT_FOUND ? STK_OK : rc;
    return stk_store_users(store, read->user, take_user, &read->account, err);
}

static enum stk_rc sign_in_token(const struct stk_call *call, const char *text, struct stk_who *who,
                                 struct stk_error *err)
{
    struct token_read read = { .expires_at = STK_NEVER };
    stk_redact_add(text, strlen(text));
    hash_token(text, strlen(text), read.hash);
    enum stk_rc rc = stk_read(&call->api->access, read_token, &read, err);
    bool is_over = read.expires_at != STK_NEVER && read.expires_at <= call->request->now;
    if (rc == STK_OK && !read.account.found) rc = stk_fail(err, STK_DENIED, "%s", wrong);
    if (rc == STK_OK && is_over)
        rc = stk_fail(err, STK_DENIED, "this token is over: make a new one");
    if (rc == STK_OK) become(&read.account, read.user, who);
    release(&read.account);
    return rc;
}

/* --- who ---------------------------------------------------------------------------------- */

static enum stk_rc sign_in(const struct stk_call *call, const char *text, struct stk_who *who,
                           struct stk_error *err)
{
    if (strncasecmp(text, "Basic ", 6) == 0) return sign_in_basic(call, text + 6, who, err);
    if (strncasecmp(text, "Bearer ", 7) == 0) return sign_in_token(call, text + 7, who, err);
    return stk_fail(err, STK_DENIED, "a sign-in is Basic or Bearer");
}

enum stk_rc stk_who_find(const struct stk_call *call, struct stk_who *ret, struct stk_error *err)
{
    const struct stk_request *request = call->request;
    *ret = (struct stk_who){ .role = STK_ROLE_ADMIN, .is_owner = true };
    (void)snprintf(ret->name, sizeof(ret->name), "%s",
                   request->actor != NULL ? request->actor : "somebody");
    if (request->authorization == NULL) return STK_OK;
    return sign_in(call, stk_secret_bytes(request->authorization), ret, err);
}

enum stk_rc stk_who_check_role(const struct stk_who *who, enum stk_role least,
                               struct stk_error *err)
{
    if (who->role >= least) return STK_OK;
    return stk_fail(err, STK_DENIED, "%s has the role %s; this takes %s (%s)", who->name,
                    stk_role_name(who->role), stk_role_name(least), stk_role_meaning(least));
}

/* --- the right to renew -------------------------------------------------------------------- */

static bool has_right(const json_t *renews, const char *session)
{
    for (size_t i = 0; i < json_array_size(renews); i++) {
        const char *name = json_string_value(json_array_get(renews, i));
        if (name != NULL && (strcmp(name, "*") == 0 || strcmp(name, session) == 0)) return true;
    }
    return false;
}

static bool is_named(const struct stk_session_spec *spec, const char *name)
{
    for (size_t i = 0; spec->renewers != NULL && spec->renewers[i] != NULL; i++) {
        if (strcmp(spec->renewers[i], name) == 0) return true;
    }
    return false;
}

struct holders {
    const char *session;
    struct stk_buf names; /* "anna, ops" */
};

static void add_holder(void *context, const struct stk_user *user)
{
    struct holders *holders = context;
    STK_CLEANUP(stk_json_freep) json_t *renews = stk_user_renews(user);
    if (!has_right(renews, holders->session)) return;
    stk_buf_addf(&holders->names, "%s%s", holders->names.len > 0 ? ", " : "", user->name);
}

static enum stk_rc read_holders(struct stk_store *store, void *arg, struct stk_error *err)
{
    struct holders *holders = arg;
    stk_buf_clear(&holders->names);
    return stk_store_users(store, NULL, add_holder, holders, err);
}

static void add_named(const struct stk_session_spec *spec, struct stk_buf *names)
{
    for (size_t i = 0; spec->renewers != NULL && spec->renewers[i] != NULL; i++) {
        stk_buf_addf(names, "%s%s", names->len > 0 ? ", " : "", spec->renewers[i]);
    }
}

enum stk_rc stk_who_check_renew(const struct stk_call *call, const struct stk_session_spec *spec,
                                struct stk_error *err)
{
    const struct stk_who *who = &call->who;
    struct holders holders = { .session = spec->name };
    if (!who->is_owner && (has_right(who->renews, spec->name) || is_named(spec, who->name))) {
        return STK_OK;
    }
    enum stk_rc rc = stk_read(&call->api->access, read_holders, &holders, err);
    add_named(spec, &holders.names);
    bool nobody = holders.names.len == 0;
    if (rc == STK_OK && who->is_owner && !nobody) {
        rc = stk_fail(err, STK_DENIED,
                      "session \"%s\" is renewed by %s: sign in as one of them with --as NAME",
                      spec->name, stk_buf_str(&holders.names));
    } else if (rc == STK_OK && !who->is_owner) {
        rc = stk_fail(err, STK_DENIED,
                      "%s may not renew session \"%s\"; an admin gives the right with: stoker user "
                      "grant %s --renew %s",
                      who->name, spec->name, who->name, spec->name);
    }
    stk_buf_release(&holders.names);
    return rc;
}
