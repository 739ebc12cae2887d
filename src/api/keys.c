/* SPDX-License-Identifier: MIT
 *
 * A new key for what is sealed in the database: sessions' credentials, and the
 * keys of people's codes. The old keys stay in the key file, behind the new one,
 * for backups of the database that were made before.
 */
#include <string.h>

#include "api/routes.h"
#include "api/show.h"
#include "base/alloc.h"
#include "session/vault.h"
#include "store/accounts.h"

struct rotation {
    const struct stk_call *call;
    const struct stk_keys *keys;
    int64_t sealed; /* anew */
};

static enum stk_rc seal_again(const struct stk_keys *keys, const char *about,
                              const struct stk_buf *old, struct stk_buf *ret, struct stk_error *err)
{
    struct stk_secret *plain = NULL;
    enum stk_rc rc = stk_unseal(keys, about, old->data, old->len, &plain, err);
    if (rc == STK_OK) stk_seal(keys, about, plain, ret);
    stk_secret_free(plain);
    return rc;
}

/* --- sessions ------------------------------------------------------------------- */

static enum stk_rc reseal_secret(struct stk_store *store, struct rotation *rotation,
                                 const char *session, enum stk_session_secret which,
                                 struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf old = STK_BUF_INIT;
    STK_CLEANUP(stk_buf_release) struct stk_buf fresh = STK_BUF_INIT;
    int64_t generation = 0;
    enum stk_rc rc = stk_store_session_secret(store, session, which, &old, &generation, err);
    if (rc == STK_NOT_FOUND || (rc == STK_OK && old.len == 0)) return STK_OK;
    STK_CLEANUP(stk_freep) char *about = stk_vault_about(session, which, generation);
    if (rc == STK_OK) rc = seal_again(rotation->keys, about, &old, &fresh, err);
    if (rc != STK_OK) return rc;
    rotation->sealed++;
    return stk_store_session_secret_set(store, session, which, fresh.data, fresh.len, err);
}

static enum stk_rc reseal_sessions(struct stk_store *store, struct rotation *rotation,
                                   struct stk_error *err)
{
    static const enum stk_session_secret both[] = { STK_SESSION_CREDENTIAL, STK_SESSION_WORK };
    const struct stk_settings *settings = rotation->call->api->settings;
    enum stk_rc rc = STK_OK;
    for (size_t i = 0; i < settings->session_count; i++) {
        for (size_t k = 0; rc == STK_OK && k < STK_ARRAY_LEN(both); k++) {
            rc = reseal_secret(store, rotation, settings->sessions[i].name, both[k], err);
        }
    }
    return rc;
}

/* --- people's codes --------------------------------------------------------------- */

struct reseal_user {
    struct stk_store *store;
    struct rotation *rotation;
    enum stk_rc rc;
    struct stk_error *err;
};

static void reseal_user(void *context, const struct stk_user *user)
{
    struct reseal_user *job = context;
    STK_CLEANUP(stk_buf_release) struct stk_buf old = STK_BUF_INIT;
    STK_CLEANUP(stk_buf_release) struct stk_buf fresh = STK_BUF_INIT;
    STK_CLEANUP(stk_freep) char *about = stk_totp_about(user->name);
    struct stk_user next = *user;
    if (user->totp == NULL) return;
    stk_buf_add(&old, user->totp, user->totp_len);
    job->rc = seal_again(job->rotation->keys, about, &old, &fresh, job->err);
    if (job->rc != STK_OK) return;
    next.totp = fresh.data;
    next.totp_len = fresh.len;
    job->rotation->sealed++;
    job->rc = stk_store_user_set(job->store, &next, job->err);
}

static void add_name(void *context, const struct stk_user *user)
{
    (void)json_array_append_new(context, json_string(user->name));
}

static enum stk_rc reseal_users(struct stk_store *store, struct rotation *rotation,
                                struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *names = json_array();
    struct reseal_user job = { .store = store, .rotation = rotation, .err = err };
    enum stk_rc rc = stk_store_users(store, NULL, add_name, names, err);
    for (size_t i = 0; rc == STK_OK && i < json_array_size(names); i++) {
        rc = stk_store_users(store, json_string_value(json_array_get(names, i)), reseal_user, &job,
                             err);
        if (rc == STK_OK) rc = job.rc;
    }
    return rc;
}

/* --- the whole ----------------------------------------------------------------------- */

static enum stk_rc write_rotation(struct stk_store *store, void *arg, stk_time_ns now,
                                  struct stk_error *err)
{
    struct rotation *rotation = arg;
    const struct stk_audit audit = { .actor = rotation->call->who.name,
                                     .action = "key.rotate",
                                     .subject = "key file" };
    rotation->sealed = 0;
    enum stk_rc rc = reseal_sessions(store, rotation, err);
    if (rc == STK_OK) rc = reseal_users(store, rotation, err);
    return rc == STK_OK ? stk_store_audit_add(store, &audit, now, err) : rc;
}

enum stk_rc stk_api_key_rotate(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    const struct stk_api *api = call->api;
    struct stk_vault *own = api->pool == NULL ? stk_vault_open(api->settings, &api->access) : NULL;
    struct rotation rotation = { .call = call };
    enum stk_rc rc =
        stk_vault_rotate(own != NULL ? own : stk_pool_vault(api->pool), &rotation.keys, err);
    if (rc == STK_OK) rc = stk_write(&api->access, write_rotation, &rotation, err);
    stk_vault_close(own);
    if (rc != STK_OK) return rc;
    *ret = json_object();
    stk_put(*ret, "sealed", json_integer(rotation.sealed));
    return STK_OK;
}
