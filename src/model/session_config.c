/* SPDX-License-Identifier: MIT */
#include "model/session_config.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/text.h"
#include "base/timetext.h"
#include "model/keys.h"
#include "model/kinds.h"
#include "model/named.h"
#include "model/session_value.h"
#include "model/shown.h"

static const struct {
    const char *name;
    bool renews, wants_person;
} providers[] = {
#define PROVIDER_ROW(name, text, renews, persons, what) \
    [STK_PROVIDER_##name] = { text, renews, persons },
    STK_PROVIDER_MAP(PROVIDER_ROW)
#undef PROVIDER_ROW
};
_Static_assert(STK_ARRAY_LEN(providers) == STK_PROVIDER_COUNT_, "one row per provider");

/* --- values of a few words ------------------------------------------------ */

static enum stk_rc read_word(const struct stk_node *node, const char *const *words, size_t count,
                             const char *list, char **place, struct stk_error *err)
{
    const char *text = NULL;
    enum stk_rc rc = stk_node_text(node, &text, err);
    if (rc != STK_OK) return rc;
    for (size_t i = 0; i < count; i++) {
        if (strcmp(words[i], text) != 0) continue;
        free(*place);
        *place = stk_strdup(text);
        return STK_OK;
    }
    STK_CLEANUP(stk_freep) char *shown = stk_shown(text);
    return stk_node_fail(node, err, "must be %s, not \"%s\"", list, shown);
}

static enum stk_rc read_competing(const struct stk_node *node, const char *dir, void *place,
                                  struct stk_error *err)
{
    static const char *const words[] = { "yield", "take" };
    (void)dir;
    return read_word(node, words, STK_ARRAY_LEN(words), "yield or take", place, err);
}

static enum stk_rc read_format(const struct stk_node *node, const char *dir, void *place,
                               struct stk_error *err)
{
    static const char *const words[] = { "raw", "json", "kerberos", "cookies" };
    (void)dir;
    return read_word(node, words, STK_ARRAY_LEN(words), "raw, json, kerberos or cookies", place,
                     err);
}

/* "06:00" as seconds after midnight. */
static bool parse_clock(const char *text, int *ret)
{
    if (strlen(text) != 5 || text[2] != ':' || strspn(text, "0123456789:") != 5) return false;
    int hour = (text[0] - '0') * 10 + text[1] - '0';
    int minute = (text[3] - '0') * 10 + text[4] - '0';
    if (strchr(text + 3, ':') != NULL || hour > 23 || minute > 59 || text[1] == ':') return false;
    *ret = hour * 3600 + minute * 60;
    return true;
}

static enum stk_rc read_deadline(const struct stk_node *node, const char *dir, void *place,
                                 struct stk_error *err)
{
    struct stk_session_spec *spec = place;
    const char *text = NULL;
    enum stk_rc rc = stk_node_text(node, &text, err);
    if (rc != STK_OK) return rc;
    if (parse_clock(text, &spec->deadline_clock_s)) return STK_OK;
    if (strchr(text, ':') == NULL) return stk_session_span(node, dir, &spec->deadline_ns, err);
    STK_CLEANUP(stk_freep) char *shown = stk_shown(text);
    return stk_node_fail(node, err, "\"%s\" is not a time of day such as \"06:00\"", shown);
}

static enum stk_rc read_poll(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_session_spec *spec = into;
    return stk_key_duration(node, STK_SECOND, STK_HOUR, &spec->challenge_poll_ns, err);
}

static enum stk_rc read_ttl(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_session_spec *spec = into;
    return stk_key_duration(node, STK_SECOND, STK_DAY, &spec->challenge_ttl_ns, err);
}

static enum stk_rc read_ask_ready(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_session_spec *spec = into;
    return stk_node_bool(node, &spec->ask_ready, err);
}

static enum stk_rc read_ready_ttl(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_session_spec *spec = into;
    return stk_key_duration(node, STK_SECOND, STK_DAY, &spec->ready_ttl_ns, err);
}

static const struct stk_key challenge_keys[] = {
    { "poll", read_poll },
    { "ask_ready", read_ask_ready },
    { "ttl", read_ttl },
    { "ready_ttl", read_ready_ttl },
};

static enum stk_rc read_challenge(const struct stk_node *node, const char *dir, void *place,
                                  struct stk_error *err)
{
    (void)dir;
    return stk_keys_read(node, challenge_keys, STK_ARRAY_LEN(challenge_keys), place, err);
}

/* --- which provider takes which key --------------------------------------- */

#define AT(member) offsetof(struct stk_session_spec, member)

#define TEXT  STK_FORM_TEXT
#define LIST  STK_FORM_LIST
#define OTHER STK_FORM_OTHER

/* Columns in the order of STK_PROVIDER_MAP: operator, static, file, command,
 * form-cookie, challenge-cookie, oauth-device, oauth-client, gateway-tickle,
 * manual. */
/* clang-format off */
static const struct stk_kind_row rows[] = {
    /*                                                                            O S F C f c d o g m */
    { "renewers",           stk_session_names,    AT(renewers),           LIST,  "x x x x x x x x x x" },
    { "limits",             stk_session_limits,   AT(limit_names),        LIST,  ". x x x x x x x x x" },
    { "warn",               stk_session_pause,    AT(warn_ns),            OTHER, "x x x x x x x x x x" },
    { "remind",             stk_session_span,     AT(remind_ns),          OTHER, "x x x x x x x x x x" },
    { "renew_before",       stk_session_span,     AT(soft_ns),            OTHER, "x x x x x x x x x x" },
    { "lifetime",           stk_session_span,     AT(lifetime_ns),        OTHER, "! x x x x x x x x x" },
    { "deadline",           read_deadline,        0,                      OTHER, "x . x x . x x . x x" },
    { "zone",               stk_session_zone,     AT(zone),               TEXT,  "x . x x . x x . x x" },
    { "check_every",        stk_session_pause,    AT(check_every_ns),     OTHER, ". x x x x x x x x x" },
    { "keep_alive",         stk_session_pause,    AT(keep_alive_ns),      OTHER, ". . . . . . . . x ." },
    { "timeout",            stk_session_span,     AT(timeout_ns),         OTHER, ". x x x x x x x x x" },
    { "url",                stk_session_url,      AT(url),                TEXT,  ". x x x ! ! x x ! x" },
    { "login",              stk_session_ref,      AT(login),              TEXT,  ". . . . ! ! . . x ." },
    { "check",              stk_session_ref,      AT(check),              TEXT,  ". x x . x x x x x x" },
    { "token",              stk_session_ref,      AT(token),              TEXT,  ". . . . . . ! ! . ." },
    { "device",             stk_session_ref,      AT(device),             TEXT,  ". . . . . . ! . . ." },
    { "logout",             stk_session_ref,      AT(logout),             TEXT,  ". . . . . . . . x ." },
    { "init",               stk_session_ref,      AT(init),               TEXT,  ". . . . . . . . x ." },
    { "validate",           stk_session_ref,      AT(validate),           TEXT,  ". . . . . . . . x ." },
    { "reauth",             stk_session_ref,      AT(reauth),             TEXT,  ". . . . . . . . x ." },
    { "ca_file",            stk_session_path,     AT(ca_file),            TEXT,  ". x x x x x x x x x" },
    { "user",               stk_session_text,     AT(user),               TEXT,  ". . . . ! ! . . . ." },
    { "password_file",      stk_session_path,     AT(password_file),      TEXT,  ". . . . ! ! . . . ." },
    { "client_id",          stk_session_text,     AT(client_id),          TEXT,  ". . . . . . ! ! . ." },
    { "client_secret_file", stk_session_path,     AT(client_secret_file), TEXT,  ". . . . . . x ! . ." },
    { "scope",              stk_session_text,     AT(scope),              TEXT,  ". . . . . . x x . ." },
    { "audience",           stk_session_text,     AT(audience),           TEXT,  ". . . . . . x x . ." },
    { "cookie",             stk_session_text,     AT(cookie),             TEXT,  ". . x x x x . . x x" },
    { "header",             stk_session_header,   AT(header),             TEXT,  ". x x x x x x x x x" },
    { "login_body",         stk_session_text,     AT(login_body),         TEXT,  ". . . . x x . . . ." },
    { "login_type",         stk_session_text,     AT(login_type),         TEXT,  ". . . . x x . . . ." },
    { "lost_marker",        stk_session_text,     AT(lost_marker),        TEXT,  ". x x . x x x x x x" },
    { "ok",                 stk_session_pointer,  AT(ok_pointer),         TEXT,  ". x x . x x x x x x" },
    { "expiry",             stk_session_pointer,  AT(expiry_pointer),     TEXT,  ". x x . x x x x x x" },
    { "rotation_grace",     stk_session_pause,    AT(rotation_grace_ns),  OTHER, ". . . . . . x . . ." },
    { "competing",          read_competing,       AT(competing),          TEXT,  ". . . . . . . . x ." },
    { "file",               stk_session_path,     AT(file),               TEXT,  ". ! ! . . . . . . ." },
    { "format",             read_format,          AT(format),             TEXT,  ". . x . . . . . . ." },
    { "probe",              stk_session_argv,     AT(probe),              LIST,  ". . x x . . . . . ." },
    { "renew",              stk_session_argv,     AT(renew),              LIST,  ". . x x . . . . . ." },
    { "login",              stk_session_argv,     AT(sign_in),            LIST,  ". . . x . . . . . ." },
    { "dir",                stk_session_path,     AT(dir),                TEXT,  ". . x x . . . . . ." },
    { "challenge",          read_challenge,       0,                      OTHER, ". . . x . x x . x ." },
};
/* What people write where a file belongs. */
static const struct stk_kind_secret secrets[] = {
    { "password",      "password_file" },
    { "passwd",        "password_file" },
    { "pass",          "password_file" },
    { "client_secret", "client_secret_file" },
    { "secret",        "file, password_file or client_secret_file" },
    { "token",         "file" },
    { "access_token",  "file" },
    { "refresh_token", "file" },
    { "api_key",       "file" },
    { "key",           "file" },
    { "pin",           "password_file" },
    { "otp",           "no file at all: a person types it" },
};
/* clang-format on */

static const struct stk_kinds keys = {
    .rows = rows,
    .row_count = STK_ARRAY_LEN(rows),
    .secrets = secrets,
    .secret_count = STK_ARRAY_LEN(secrets),
    .selector = "provider",
};

/* --- what goes together --------------------------------------------------- */

static bool is_path(const char *ref)
{
    return ref != NULL && *ref == '/';
}

static enum stk_rc check_whole(const struct stk_node *node, const struct stk_session_spec *spec,
                               struct stk_error *err)
{
    bool has_path = is_path(spec->check) || is_path(spec->token) || is_path(spec->device);
    bool helps = spec->probe != NULL || spec->renew != NULL || spec->sign_in != NULL;
    if (spec->zone != NULL && spec->deadline_clock_s < 0) {
        return stk_node_fail(stk_node_get(node, "zone"), err,
                             "belongs to a time of day: deadline: \"06:00\"");
    }
    if (has_path && spec->url == NULL) {
        return stk_node_fail(node, err, "paths need the key url, such as https://lab.example");
    }
    if (spec->provider == STK_PROVIDER_COMMAND && !helps) {
        return stk_node_fail(node, err, "the provider command needs probe, renew or login");
    }
    return STK_OK;
}

/* --- one session ---------------------------------------------------------- */

static const struct stk_session_spec defaults = {
    .warn_ns = 30 * STK_MINUTE,
    .deadline_clock_s = -1,
    .timeout_ns = 30 * STK_SECOND,
    .challenge_poll_ns = 15 * STK_SECOND,
    .challenge_ttl_ns = 30 * STK_MINUTE,
    .ask_ready = true,
    .ready_ttl_ns = 5 * STK_MINUTE,
    .remind_ns = 30 * STK_MINUTE,
};

static void add_provider_names(struct stk_buf *buf)
{
    for (size_t i = 0; i < STK_PROVIDER_COUNT_; i++) {
        stk_buf_addf(buf, "%s%s", i == 0 ? "" : ", ", providers[i].name);
    }
}

static enum stk_rc fail_provider(const struct stk_node *node, const char *text,
                                 struct stk_error *err)
{
    const char *names[STK_PROVIDER_COUNT_];
    for (size_t i = 0; i < STK_PROVIDER_COUNT_; i++) {
        names[i] = providers[i].name;
    }
    const char *near = stk_nearest(text, names, STK_PROVIDER_COUNT_);
    STK_CLEANUP(stk_freep) char *shown = stk_shown(text);
    if (near != NULL) {
        return stk_node_fail(node, err, "unknown provider \"%s\" (did you mean \"%s\"?)", shown,
                             near);
    }
    STK_CLEANUP(stk_buf_release) struct stk_buf all = STK_BUF_INIT;
    add_provider_names(&all);
    return stk_node_fail(node, err, "unknown provider \"%s\": write one of %s", shown,
                         stk_buf_str(&all));
}

static enum stk_rc read_provider(const struct stk_node *session, enum stk_provider *ret,
                                 struct stk_error *err)
{
    const struct stk_node *node = stk_node_get(session, "provider");
    if (node == NULL) {
        STK_CLEANUP(stk_buf_release) struct stk_buf all = STK_BUF_INIT;
        add_provider_names(&all);
        return stk_node_fail(session, err, "needs the key provider: one of %s", stk_buf_str(&all));
    }
    const char *text = NULL;
    enum stk_rc rc = stk_node_text(node, &text, err);
    if (rc != STK_OK) return rc;
    for (size_t i = 0; i < STK_PROVIDER_COUNT_; i++) {
        if (strcmp(providers[i].name, text) != 0) continue;
        *ret = (enum stk_provider)i;
        return STK_OK;
    }
    return fail_provider(node, text, err);
}

static enum stk_rc read_session(const struct stk_node *node, const char *dir, void *into,
                                struct stk_error *err)
{
    struct stk_session_spec *spec = into;
    char who[64];
    *spec = defaults;
    spec->name = stk_strdup(node->name);
    spec->dir = stk_strdup(dir);
    enum stk_rc rc = stk_node_map_of(node, NULL, err);
    if (rc == STK_OK) rc = read_provider(node, &spec->provider, err);
    if (rc != STK_OK) return rc;
    if (spec->provider == STK_PROVIDER_GATEWAY_TICKLE) spec->keep_alive_ns = STK_MINUTE;

    (void)snprintf(who, sizeof(who), "the provider %s", stk_provider_name(spec->provider));
    rc = stk_kinds_read(&keys, spec->provider, who, node, dir, spec, err);
    return rc == STK_OK ? check_whole(node, spec, err) : rc;
}

static void release_session(void *spec)
{
    stk_session_spec_release(spec);
}

static const struct stk_named sessions = {
    "session",    "sessions",      STK_SESSIONS_MAX, sizeof(struct stk_session_spec),
    read_session, release_session,
};
_Static_assert(offsetof(struct stk_session_spec, name) == 0, "as stk_named wants it");

enum stk_rc stk_session_config_read(const struct stk_node *node, const char *dir,
                                    struct stk_session_spec **ret, size_t *ret_count,
                                    struct stk_error *err)
{
    void *all = NULL;
    enum stk_rc rc = stk_named_read(&sessions, node, dir, &all, ret_count, err);
    if (rc == STK_OK) *ret = all;
    return rc;
}

void stk_session_spec_release(struct stk_session_spec *spec)
{
    stk_kinds_release(&keys, spec);
    free(spec->name);
    *spec = (struct stk_session_spec){ 0 };
}

/* --- what a provider can do ----------------------------------------------- */

const char *stk_provider_name(enum stk_provider provider)
{
    assert(provider < STK_PROVIDER_COUNT_);
    return providers[provider].name;
}

bool stk_provider_renews(enum stk_provider provider)
{
    assert(provider < STK_PROVIDER_COUNT_);
    return providers[provider].renews;
}

bool stk_provider_wants_person(enum stk_provider provider)
{
    assert(provider < STK_PROVIDER_COUNT_);
    return providers[provider].wants_person;
}

bool stk_session_spec_begins(const struct stk_session_spec *spec)
{
    switch (spec->provider) {
    case STK_PROVIDER_COMMAND: return spec->sign_in != NULL;
    case STK_PROVIDER_FORM_COOKIE:
    case STK_PROVIDER_CHALLENGE_COOKIE:
    case STK_PROVIDER_OAUTH_DEVICE:
    case STK_PROVIDER_OAUTH_CLIENT:
    case STK_PROVIDER_GATEWAY_TICKLE: return true;
    case STK_PROVIDER_OPERATOR:
    case STK_PROVIDER_STATIC:
    case STK_PROVIDER_FILE:
    case STK_PROVIDER_MANUAL:
    case STK_PROVIDER_COUNT_: break;
    }
    return false;
}

bool stk_session_spec_renews(const struct stk_session_spec *spec)
{
    bool by_helper = spec->provider == STK_PROVIDER_FILE || spec->provider == STK_PROVIDER_COMMAND;
    return by_helper ? spec->renew != NULL : stk_provider_renews(spec->provider);
}

bool stk_session_spec_is_alone(const struct stk_session_spec *spec)
{
    return stk_provider_renews(spec->provider) && !stk_provider_wants_person(spec->provider);
}

bool stk_session_spec_watches(const struct stk_session_spec *spec)
{
    return spec->provider == STK_PROVIDER_STATIC || spec->provider == STK_PROVIDER_FILE;
}
