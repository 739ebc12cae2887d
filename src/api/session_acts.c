/* SPDX-License-Identifier: MIT
 *
 * What a person does to a session. An event is applied at once, a wish is left
 * in the row for the keeper, which alone talks to the authority.
 */
#include <stdlib.h>
#include <string.h>

#include "api/routes.h"
#include "api/sessions.h"
#include "api/show.h"
#include "base/alloc.h"
#include "base/redact.h"
#include "base/text.h"
#include "model/shown.h"
#include "session/credential.h"
#include "session/record.h"
#include "session/vault.h"

struct act {
    const struct stk_call *call;
    const struct stk_session_spec *spec;
    const char *reason;
    const char *verb;              /* for the refusal: "renew" */
    enum stk_session_event event;  /* with wish NULL */
    const char *wish;              /* or NULL */
    bool under_way;                /* it is being done already: only show it */
    struct stk_secret *credential; /* import; or NULL */
    const struct stk_keys *keys;
    bool *seen;             /* see stk_sessions_seen */
    struct stk_session row; /* as it is now, and then: afterwards */
    json_t *shown;
};

/* --- what was meant ------------------------------------------------------------ */

static enum stk_rc find_spec(const struct stk_call *call, const struct stk_session_spec **ret,
                             struct stk_error *err)
{
    const struct stk_settings *settings = call->api->settings;
    *ret = stk_settings_session(settings, call->arg);
    if (*ret != NULL) return STK_OK;

    const char *names[STK_SESSIONS_MAX] = { 0 };
    for (size_t i = 0; i < settings->session_count; i++) {
        names[i] = settings->sessions[i].name;
    }
    STK_CLEANUP(stk_freep) char *shown = stk_shown(call->arg);
    const char *near = stk_nearest(call->arg, names, settings->session_count);
    if (near == NULL) {
        return stk_fail(err, STK_NOT_FOUND, "stoker.yaml has no session \"%s\"", shown);
    }
    return stk_fail(err, STK_NOT_FOUND, "stoker.yaml has no session \"%s\"; did you mean \"%s\"?",
                    shown, near);
}

static enum stk_rc refuse(const struct act *act, struct stk_error *err)
{
    return stk_fail(err, STK_CONFLICT, "session \"%s\" is %s (%s): %s means nothing now",
                    act->spec->name, stk_session_state_name(act->row.state),
                    stk_session_state_meaning(act->row.state), act->verb);
}

static bool is_operator(const struct stk_session_spec *spec)
{
    return spec->provider == STK_PROVIDER_OPERATOR;
}

/* A sign-in that a person starts: for an operator's session that is all of it. */
static enum stk_rc mean_login(struct act *act, struct stk_error *err)
{
    if (is_operator(act->spec)) {
        act->event = STK_SESSION_ON_CREDENTIAL;
        return STK_OK;
    }
    if (!stk_session_spec_begins(act->spec)) {
        return stk_fail(err, STK_INVALID, "session \"%s\" (%s) cannot be signed in from here: %s",
                        act->spec->name, stk_provider_name(act->spec->provider),
                        act->spec->file != NULL
                            ? "renew its file, which is watched"
                            : "give its credential with: stoker session import NAME");
    }
    act->event = STK_SESSION_ON_LOGIN;
    return STK_OK;
}

/* Whatever renews it: without a person where that may succeed, else a sign-in. */
static enum stk_rc mean_renew(struct act *act, struct stk_error *err)
{
    act->under_way = act->row.state == STK_SESSION_CHALLENGE_OPEN ||
                     act->row.state == STK_SESSION_FINALIZING ||
                     act->row.state == STK_SESSION_RENEWING;
    if (act->under_way) return STK_OK;
    bool may_succeed =
        stk_session_spec_renews(act->spec) && act->row.generation > 0 &&
        (stk_session_is_runnable(act->row.state) || act->row.state == STK_SESSION_SUSPECT ||
         act->row.state == STK_SESSION_UNREACHABLE);
    if (!may_succeed) return mean_login(act, err);
    act->wish = "renew";
    return STK_OK;
}

static enum stk_rc mean_check(struct act *act, struct stk_error *err)
{
    act->wish = "check";
    if (act->row.generation > 0) return STK_OK;
    return stk_fail(err, STK_CONFLICT, "session \"%s\" was never signed in: nothing to check",
                    act->spec->name);
}

static enum stk_rc mean_done(struct act *act, struct stk_error *err)
{
    bool is_open =
        act->row.state == STK_SESSION_CHALLENGE_OPEN || act->row.state == STK_SESSION_FINALIZING;
    act->wish = "done";
    act->under_way = stk_session_is_runnable(act->row.state); /* a poll was quicker */
    return is_open || act->under_way ? STK_OK : refuse(act, err);
}

static enum stk_rc mean_ready(struct act *act, struct stk_error *err)
{
    (void)err;
    act->event = STK_SESSION_ON_READY;
    return STK_OK;
}

static enum stk_rc mean_import(struct act *act, struct stk_error *err)
{
    (void)err;
    act->event = STK_SESSION_ON_CREDENTIAL;
    return STK_OK;
}

/* Whoever opens a lock-out too early may make it longer: the audit says why. */
static enum stk_rc mean_unlock(struct act *act, struct stk_error *err)
{
    act->event = STK_SESSION_ON_UNLOCKED;
    if (act->row.state != STK_SESSION_AUTH_LOCKED || act->reason != NULL) return STK_OK;
    return stk_fail(err, STK_INVALID,
                    "how do you know that the lock-out is over? stoker session unlock %s "
                    "--reason '...' keeps it in the audit",
                    act->spec->name);
}

#define MEAN_EVENT(name, what)                                             \
    static enum stk_rc mean_##name(struct act *act, struct stk_error *err) \
    {                                                                      \
        (void)err;                                                         \
        act->event = STK_SESSION_ON_##what;                                \
        return STK_OK;                                                     \
    }
MEAN_EVENT(cancel, CANCEL)
MEAN_EVENT(pause, PAUSE)
MEAN_EVENT(resume, RESUME)

/* --- writing -------------------------------------------------------------------- */

typedef enum stk_rc (*mean_fn)(struct act *act, struct stk_error *err);
struct write {
    struct act *act;
    mean_fn mean;
};

static enum stk_rc show_after(struct stk_store *store, struct act *act, stk_time_ns now,
                              struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *rows = json_array();
    const struct stk_settings *settings = act->call->api->settings;
    enum stk_rc rc = stk_sessions_read(store, settings, act->seen, 0, now, rows, err);
    for (size_t i = 0; rc == STK_OK && i < settings->session_count; i++) {
        if (&settings->sessions[i] != act->spec) continue;
        stk_json_freep(&act->shown); /* of a round that could not be made durable */
        act->shown = json_incref(json_array_get(rows, i));
    }
    return rc;
}

/* An imported credential ends when it says so itself. */
static struct stk_session_news news_of(const struct act *act)
{
    struct stk_session_news news = { .reason = act->reason };
    if (act->credential == NULL) return news;
    stk_time_ns expiry = stk_credential_jwt_expiry(act->credential);
    if (expiry != STK_NEVER) news.expires_at = expiry;
    return news;
}

/* What was given by hand may be anything: where the authority can be asked, the
 * keeper does so at once. */
static enum stk_rc have_checked(struct stk_store *store, struct act *act, stk_time_ns now,
                                struct stk_error *err)
{
    bool applied = false;
    const struct stk_session_change change = { .spec = act->spec, .wish = "check" };
    bool may_ask = act->credential != NULL && act->spec->check != NULL;
    if (!may_ask || !stk_session_is_runnable(act->row.state)) return STK_OK;
    return stk_session_record(store, &change, now, &act->row, &applied, err);
}

static enum stk_rc write_act(struct stk_store *store, void *arg, stk_time_ns now,
                             struct stk_error *err)
{
    const struct write *write = arg;
    struct act *act = write->act;
    bool applied = false;
    act->wish = NULL;
    act->under_way = false;
    enum stk_rc rc = stk_session_row(store, act->spec->name, &act->row, err);
    if (rc == STK_OK) rc = write->mean(act, err);
    if (rc == STK_OK && act->under_way) return show_after(store, act, now, err);
    if (rc != STK_OK) return rc;

    const struct stk_session_change change = {
        .spec = act->spec,
        .event = act->event,
        .news = news_of(act),
        .wish = act->wish,
        .actor = act->call->request->actor,
        .why = act->reason,
        .keys = act->keys,
        .credential = act->credential,
    };
    rc = stk_session_record(store, &change, now, &act->row, &applied, err);
    if (rc != STK_OK) return rc;
    if (!applied) return refuse(act, err);
    rc = have_checked(store, act, now, err);
    if (rc != STK_OK) return rc;
    return show_after(store, act, now, err);
}

enum right { RIGHT_ROLE, RIGHT_RENEW }; /* see model/session_verb.h */

/* One verb of the table. */
struct verb {
    const char *name;
    mean_fn mean;
    enum right right;
};

static enum stk_rc do_verb(const struct verb *verb, struct act *act, json_t **ret,
                           struct stk_error *err)
{
    const struct stk_call *call = act->call;
    struct write write = { .act = act, .mean = verb->mean };
    bool needs_right = verb->right == RIGHT_RENEW;
    act->verb = verb->name;
    enum stk_rc rc = needs_right ? stk_who_check_renew(call, act->spec, err) : STK_OK;
    if (rc == STK_OK) rc = stk_call_reason(call, &act->reason, err);
    if (rc == STK_OK) rc = stk_sessions_seen(call, &act->seen, err);
    if (rc == STK_OK) rc = stk_write(&call->api->access, write_act, &write, err);
    if (rc == STK_OK) *ret = json_incref(act->shown);
    stk_json_freep(&act->shown);
    free(act->seen);
    if (rc == STK_OK && call->api->pool != NULL) {
        stk_pool_session_changed(call->api->pool, act->spec->name);
    }
    return rc;
}

static enum stk_rc call_act(const struct verb *verb, const struct stk_call *call, json_t **ret,
                            struct stk_error *err)
{
    struct act act = { .call = call };
    enum stk_rc rc = find_spec(call, &act.spec, err);
    return rc == STK_OK ? do_verb(verb, &act, ret, err) : rc;
}

/* --- import --------------------------------------------------------------------- */

static enum stk_rc take_secret(struct act *act, struct stk_error *err)
{
    const char *text = NULL;
    enum stk_rc rc = stk_json_get_string(act->call->request->body, "secret", &text, err);
    if (rc != STK_OK) return rc;
    if (text == NULL || *text == '\0') {
        return stk_fail(err, STK_INVALID, "import needs `secret`: the credential itself");
    }
    if (strlen(text) > STK_SECRET_BYTES_MAX) {
        return stk_fail(err, STK_TOO_LARGE, "a credential has at most %d bytes",
                        STK_SECRET_BYTES_MAX);
    }
    act->credential = stk_secret_new(text, strlen(text));
    stk_redact_add_secret(act->credential);
    return STK_OK;
}

/* Who writes without a pool opens the key file for the moment. */
static enum stk_rc import(const struct verb *verb, struct act *act, json_t **ret,
                          struct stk_error *err)
{
    const struct stk_api *api = act->call->api;
    struct stk_vault *own = api->pool == NULL ? stk_vault_open(api->settings, &api->access) : NULL;
    struct stk_vault *vault = own != NULL ? own : stk_pool_vault(api->pool);
    enum stk_rc rc = stk_vault_keys(vault, &act->keys, err);
    if (rc == STK_OK) rc = do_verb(verb, act, ret, err);
    stk_vault_close(own);
    return rc;
}

static enum stk_rc call_import(const struct verb *verb, const struct stk_call *call, json_t **ret,
                               struct stk_error *err)
{
    struct act act = { .call = call };
    enum stk_rc rc = find_spec(call, &act.spec, err);
    if (rc == STK_OK && is_operator(act.spec)) {
        return stk_fail(err, STK_INVALID,
                        "session \"%s\" has no credential: a person signs in with: "
                        "stoker session renew %s",
                        act.spec->name, act.spec->name);
    }
    if (rc == STK_OK) rc = take_secret(&act, err);
    if (rc == STK_OK) rc = import(verb, &act, ret, err);
    stk_secret_free(act.credential);
    return rc;
}

/* --- all of them ---------------------------------------------------------------- */

#define HANDLER(name, how, whose, summary, description)                                         \
    STK_API_HANDLER(session_##name)                                                             \
    {                                                                                           \
        return call_##how(&(const struct verb){ #name, mean_##name, RIGHT_##whose }, call, ret, \
                          err);                                                                 \
    }
STK_SESSION_VERB_MAP(HANDLER)
