/* SPDX-License-Identifier: MIT */
#include "session/vault.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/redact.h"
#include "session/credential.h"

/* One for each session of the settings, in their order. */
struct entry {
    struct stk_pass pass;
    bool is_known;
    _Atomic unsigned lacking; /* 1 << enum stk_session_secret: of these the file lacks the key */
};

struct stk_vault {
    const struct stk_settings *settings;
    struct stk_access access;
    pthread_mutex_t lock; /* of all below */
    struct stk_keys *keys;
    struct stk_keys **retired; /* somebody may still seal with them */
    size_t retired_count;
    struct entry *entries; /* [settings->session_count] */
};

struct stk_vault *stk_vault_open(const struct stk_settings *settings,
                                 const struct stk_access *access)
{
    struct stk_vault *vault = stk_alloc(sizeof(*vault));
    vault->settings = settings;
    vault->access = *access;
    vault->entries = stk_alloc((settings->session_count + 1) * sizeof(*vault->entries));
    (void)pthread_mutex_init(&vault->lock, NULL);
    return vault;
}

void stk_vault_close(struct stk_vault *vault)
{
    if (vault == NULL) return;
    for (size_t i = 0; i < vault->settings->session_count; i++) {
        stk_pass_release(&vault->entries[i].pass);
    }
    stk_keys_close(vault->keys);
    for (size_t i = 0; i < vault->retired_count; i++) {
        stk_keys_close(vault->retired[i]);
    }
    free(vault->retired);
    (void)pthread_mutex_destroy(&vault->lock);
    free(vault->entries);
    free(vault);
}

void stk_pass_release(struct stk_pass *pass)
{
    stk_secret_free(pass->credential);
    stk_secret_free(pass->headers);
    *pass = (struct stk_pass){ 0 };
}

/* --- keys ------------------------------------------------------------------- */

static enum stk_rc open_file(const struct stk_vault *vault, struct stk_keys **ret,
                             struct stk_error *err)
{
    const char *path = vault->settings->key_file;
    STK_CLEANUP(stk_freep) char *usual = path == NULL ? stk_keys_default_path() : NULL;
    return stk_keys_open(path != NULL ? path : usual, true, ret, err);
}

static enum stk_rc open_keys(struct stk_vault *vault, struct stk_error *err)
{
    return vault->keys != NULL ? STK_OK : open_file(vault, &vault->keys, err);
}

static void replace_keys(struct stk_vault *vault, struct stk_keys *fresh)
{
    if (vault->keys != NULL) {
        vault->retired =
            stk_realloc(vault->retired, vault->retired_count + 1, sizeof(struct stk_keys *));
        vault->retired[vault->retired_count++] = vault->keys;
    }
    vault->keys = fresh;
}

enum stk_rc stk_vault_rotate(struct stk_vault *vault, const struct stk_keys **ret,
                             struct stk_error *err)
{
    struct stk_keys *fresh = NULL;
    enum stk_rc rc = open_file(vault, &fresh, err);
    if (rc == STK_OK) rc = stk_keys_rotate(fresh, err);
    if (rc != STK_OK) {
        stk_keys_close(fresh);
        return rc;
    }
    (void)pthread_mutex_lock(&vault->lock);
    replace_keys(vault, fresh);
    (void)pthread_mutex_unlock(&vault->lock);
    *ret = fresh;
    return STK_OK;
}

enum stk_rc stk_vault_keys(struct stk_vault *vault, const struct stk_keys **ret,
                           struct stk_error *err)
{
    (void)pthread_mutex_lock(&vault->lock);
    enum stk_rc rc = open_keys(vault, err);
    *ret = vault->keys;
    (void)pthread_mutex_unlock(&vault->lock);
    return rc;
}

/* --- secrets of the store ----------------------------------------------------- */

/* Credentials are bound to their generation; the keeper's own things outlive
 * one (a refresh token that does not rotate). */
char *stk_vault_about(const char *session, enum stk_session_secret which, int64_t generation)
{
    if (which == STK_SESSION_WORK) return stk_format("stoker session work %s", session);
    return stk_format("stoker session credential %" PRId64 " %s", generation, session);
}

struct secret_read {
    const char *session;
    enum stk_session_secret which;
    struct stk_buf sealed;
    int64_t generation;
};

static enum stk_rc read_secret(struct stk_store *store, void *arg, struct stk_error *err)
{
    struct secret_read *read = arg;
    stk_buf_clear(&read->sealed);
    return stk_store_session_secret(store, read->session, read->which, &read->sealed,
                                    &read->generation, err);
}

/* Another process of a shared store may have sealed it with a key that was added
 * to the file after we had read it. */
static enum stk_rc unseal_with_newer(struct stk_vault *vault, const char *about,
                                     const struct secret_read *read, struct stk_secret **ret,
                                     struct stk_error *err)
{
    struct stk_keys *fresh = NULL;
    struct stk_error cause = { .rc = STK_OK };
    if (open_file(vault, &fresh, NULL) != STK_OK) return STK_BAD_CONFIG; /* err has said why */
    enum stk_rc rc = stk_unseal(fresh, about, read->sealed.data, read->sealed.len, ret, &cause);
    if (rc != STK_OK) {
        stk_keys_close(fresh);
        return stk_fail(err, rc, "%s", cause.text);
    }
    replace_keys(vault, fresh);
    return STK_OK;
}

static enum stk_rc unseal(struct stk_vault *vault, const struct secret_read *read,
                          struct stk_secret **ret, struct stk_error *err)
{
    if (read->sealed.len == 0) return STK_OK;
    enum stk_rc rc = open_keys(vault, err);
    if (rc != STK_OK) return rc;

    STK_CLEANUP(stk_freep)
    char *about = stk_vault_about(read->session, read->which, read->generation);
    rc = stk_unseal(vault->keys, about, read->sealed.data, read->sealed.len, ret, err);
    if (rc == STK_BAD_CONFIG) rc = unseal_with_newer(vault, about, read, ret, err);
    if (rc == STK_OK) stk_redact_add_secret(*ret);
    return rc;
}

static void note_lacking(struct stk_vault *vault, const struct secret_read *read, enum stk_rc rc)
{
    unsigned bit = 1U << read->which;
    for (size_t i = 0; i < vault->settings->session_count; i++) {
        struct entry *entry = &vault->entries[i];
        if (strcmp(vault->settings->sessions[i].name, read->session) != 0) continue;
        if (rc == STK_BAD_CONFIG) (void)atomic_fetch_or(&entry->lacking, bit);
        if (rc == STK_OK) (void)atomic_fetch_and(&entry->lacking, ~bit);
    }
}

bool stk_vault_lacks_key(struct stk_vault *vault, const struct stk_session_spec *spec)
{
    return atomic_load(&vault->entries[spec - vault->settings->sessions].lacking) != 0;
}

/* Under the lock: the keys are opened once. */
static enum stk_rc fetch(struct stk_vault *vault, const char *session,
                         enum stk_session_secret which, struct stk_secret **ret,
                         int64_t *ret_generation, struct stk_error *err)
{
    struct secret_read read = { .session = session, .which = which };
    *ret = NULL;
    enum stk_rc rc = stk_read(&vault->access, read_secret, &read, err);
    if (rc == STK_NOT_FOUND) rc = STK_OK; /* a session that nobody has seen yet */
    if (rc == STK_OK) {
        rc = unseal(vault, &read, ret, err);
        note_lacking(vault, &read, rc);
    }
    *ret_generation = read.generation;
    stk_buf_release(&read.sealed);
    return rc;
}

enum stk_rc stk_vault_secret(struct stk_vault *vault, const char *session,
                             enum stk_session_secret which, struct stk_secret **ret,
                             int64_t *ret_generation, struct stk_error *err)
{
    (void)pthread_mutex_lock(&vault->lock);
    enum stk_rc rc = fetch(vault, session, which, ret, ret_generation, err);
    (void)pthread_mutex_unlock(&vault->lock);
    return rc;
}

enum stk_rc stk_vault_check(struct stk_vault *vault, const struct stk_session_spec *spec,
                            struct stk_error *err)
{
    static const enum stk_session_secret both[] = { STK_SESSION_CREDENTIAL, STK_SESSION_WORK };
    enum stk_rc rc = STK_OK;
    for (size_t i = 0; i < STK_ARRAY_LEN(both) && rc == STK_OK; i++) {
        struct stk_secret *secret = NULL;
        int64_t generation = 0;
        rc = stk_vault_secret(vault, spec->name, both[i], &secret, &generation, err);
        stk_secret_free(secret);
    }
    return rc;
}

/* --- passes ------------------------------------------------------------------- */

static void redact_members(const struct stk_secret *credential)
{
    STK_CLEANUP(stk_json_freep) json_t *object = stk_credential_object(credential);
    if (object != NULL) stk_credential_redact(object);
}

/* A ticket cache is for programs: no request can show it. */
static bool has_headers(const struct stk_session_spec *spec)
{
    return spec->format == NULL || strcmp(spec->format, "kerberos") != 0;
}

static enum stk_rc renew_entry(struct stk_vault *vault, const struct stk_session_spec *spec,
                               struct entry *entry, struct stk_error *err)
{
    struct stk_pass fresh = { 0 };
    enum stk_rc rc =
        fetch(vault, spec->name, STK_SESSION_CREDENTIAL, &fresh.credential, &fresh.generation, err);
    if (rc == STK_OK && fresh.credential != NULL && has_headers(spec)) {
        rc = stk_credential_headers(spec, fresh.credential, &fresh.headers, err);
    }
    if (rc != STK_OK) {
        stk_pass_release(&fresh);
        return rc;
    }
    if (fresh.credential != NULL) redact_members(fresh.credential);
    stk_pass_release(&entry->pass);
    entry->pass = fresh;
    entry->is_known = true;
    return STK_OK;
}

static enum stk_rc pass_of(struct stk_vault *vault, const struct stk_session_spec *spec,
                           int64_t generation, struct stk_pass *ret, struct stk_error *err)
{
    struct entry *entry = &vault->entries[spec - vault->settings->sessions];
    enum stk_rc rc = STK_OK;
    if (!entry->is_known || entry->pass.generation < generation) {
        rc = renew_entry(vault, spec, entry, err);
    }
    if (rc != STK_OK) return rc;
    *ret = (struct stk_pass){ .generation = entry->pass.generation };
    if (entry->pass.credential != NULL) {
        ret->credential = stk_secret_ref(entry->pass.credential);
        if (entry->pass.headers != NULL) ret->headers = stk_secret_ref(entry->pass.headers);
    }
    return STK_OK;
}

enum stk_rc stk_vault_pass(struct stk_vault *vault, const struct stk_session_spec *spec,
                           int64_t generation, struct stk_pass *ret, struct stk_error *err)
{
    (void)pthread_mutex_lock(&vault->lock);
    enum stk_rc rc = pass_of(vault, spec, generation, ret, err);
    (void)pthread_mutex_unlock(&vault->lock);
    return rc;
}
