/* SPDX-License-Identifier: MIT */
#include "model/notify_config.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "model/kinds.h"
#include "model/named.h"
#include "model/notify_value.h"

enum { DAY_S = 24 * 60 * 60 };

static const char *const kinds[] = {
#define KIND_ROW(name, text) [STK_CHANNEL_##name] = (text),
    STK_CHANNEL_MAP(KIND_ROW)
#undef KIND_ROW
};
_Static_assert(STK_ARRAY_LEN(kinds) == STK_CHANNEL_COUNT_, "one row per kind");

/* --- which kind takes which key ------------------------------------------- */

#define AT(member) offsetof(struct stk_channel, member)

#define TEXT  STK_FORM_TEXT
#define LIST  STK_FORM_LIST
#define OTHER STK_FORM_OTHER

/* Columns: hook, webhook, mail. */
/* clang-format off */
static const struct stk_kind_row rows[] = {
    /*                                                                 h w m */
    { "hook",          stk_session_argv,    AT(hook),          LIST,  "! . ." },
    { "webhook",       stk_session_url,     AT(url),           TEXT,  ". x ." },
    { "webhook_file",  stk_session_path,    AT(url_file),      TEXT,  ". x ." },
    { "body",          stk_channel_body,    AT(body),          TEXT,  ". x ." },
    { "chat",          stk_session_text,    AT(chat),          TEXT,  ". x ." },
    { "token_file",    stk_session_path,    AT(token_file),    TEXT,  ". x ." },
    { "headers",       stk_channel_headers, AT(headers),       LIST,  ". x ." },
    { "ca_file",       stk_session_path,    AT(ca_file),       TEXT,  ". x ." },
    { "mail",          stk_channel_server,  AT(server),        TEXT,  ". . !" },
    { "from",          stk_channel_from,    AT(from),          TEXT,  ". . !" },
    { "to",            stk_channel_to,      AT(to),            LIST,  ". . !" },
    { "user",          stk_session_text,    AT(user),          TEXT,  ". . x" },
    { "password_file", stk_session_path,    AT(password_file), TEXT,  ". . x" },
    { "events",        stk_channel_events,  AT(events),        LIST,  "x x x" },
    { "quiet",         stk_channel_quiet,   0,                 OTHER, "x x x" },
    { "zone",          stk_channel_zone,    0,                 OTHER, "x x x" },
    { "link",          stk_channel_link,    0,                 OTHER, "x x x" },
    { "timeout",       stk_channel_timeout, 0,                 OTHER, "x x x" },
};

/* What makes a channel of which kind. */
static const struct {
    const char *key;
    enum stk_channel_kind kind;
} makers[] = {
    { "hook",         STK_CHANNEL_HOOK    },
    { "webhook",      STK_CHANNEL_WEBHOOK },
    { "webhook_file", STK_CHANNEL_WEBHOOK },
    { "mail",         STK_CHANNEL_MAIL    },
};

/* What people write where a file belongs. */
static const struct stk_kind_secret secrets[] = {
    { "token",    "token_file" },
    { "password", "password_file" },
    { "secret",   "token_file or password_file" },
    { "key",      "token_file" },
};
/* clang-format on */

static const struct stk_kinds keys = {
    .rows = rows,
    .row_count = STK_ARRAY_LEN(rows),
    .secrets = secrets,
    .secret_count = STK_ARRAY_LEN(secrets),
};

/* --- what goes together --------------------------------------------------- */

/* The address of a chat's webhook is all that it takes to write there. */
static enum stk_rc check_address(const struct stk_node *node, const struct stk_channel *channel,
                                 struct stk_error *err)
{
    bool is_secret = channel->body != NULL &&
                     (strcmp(channel->body, "slack") == 0 || strcmp(channel->body, "discord") == 0);
    if (!is_secret || channel->url == NULL) return STK_OK;
    return stk_node_fail(stk_node_get(node, "webhook"), err,
                         "its address is a secret, and secrets come only from files: webhook_file");
}

static enum stk_rc check_telegram(const struct stk_node *node, const struct stk_channel *channel,
                                  struct stk_error *err)
{
    bool is_telegram = channel->body != NULL && strcmp(channel->body, "telegram") == 0;
    if (!is_telegram && channel->chat != NULL) {
        return stk_node_fail(stk_node_get(node, "chat"), err, "belongs to body: telegram");
    }
    if (!is_telegram || (channel->chat != NULL && channel->token_file != NULL)) return STK_OK;
    return stk_node_fail(node, err, "body: telegram needs chat and token_file");
}

static enum stk_rc check_whole(const struct stk_node *node, const struct stk_channel *channel,
                               struct stk_error *err)
{
    if (channel->zone != NULL && channel->quiet_from_s < 0) {
        return stk_node_fail(stk_node_get(node, "zone"), err,
                             "belongs to quiet hours: quiet: \"22:00-07:00\"");
    }
    if (channel->kind == STK_CHANNEL_MAIL &&
        (channel->user == NULL) != (channel->password_file == NULL)) {
        return stk_node_fail(node, err, "user and password_file belong together");
    }
    enum stk_rc rc = check_address(node, channel, err);
    return rc == STK_OK ? check_telegram(node, channel, err) : rc;
}

static enum stk_rc read_kind(const struct stk_node *node, enum stk_channel_kind *ret,
                             struct stk_error *err)
{
    size_t found = 0;
    for (size_t i = 0; i < STK_ARRAY_LEN(makers); i++) {
        if (stk_node_get(node, makers[i].key) == NULL) continue;
        *ret = makers[i].kind;
        found++;
    }
    if (found == 1) return STK_OK;
    return stk_node_fail(node, err, "needs %s of hook, webhook, webhook_file and mail",
                         found == 0 ? "one" : "no more than one");
}

/* --- all of them ---------------------------------------------------------- */

static enum stk_rc read_channel(const struct stk_node *node, const char *dir, void *into,
                                struct stk_error *err)
{
    struct stk_channel *channel = into;
    char who[64];
    *channel = (struct stk_channel){
        .quiet_from_s = -1, .quiet_to_s = -1, .link = true, .timeout_ns = 15 * STK_SECOND
    };
    channel->name = stk_strdup(node->name);
    channel->dir = stk_strdup(dir);
    enum stk_rc rc = stk_node_map_of(node, NULL, err);
    if (rc == STK_OK) rc = read_kind(node, &channel->kind, err);
    if (rc != STK_OK) return rc;
    (void)snprintf(who, sizeof(who), "a channel of kind %s", kinds[channel->kind]);
    rc = stk_kinds_read(&keys, channel->kind, who, node, dir, channel, err);
    return rc == STK_OK ? check_whole(node, channel, err) : rc;
}

static void release_channel(void *channel)
{
    stk_channel_release(channel);
}

static const struct stk_named channels = {
    "channel",    "channels",      STK_CHANNELS_MAX, sizeof(struct stk_channel),
    read_channel, release_channel,
};
_Static_assert(offsetof(struct stk_channel, name) == 0, "as stk_named wants it");

enum stk_rc stk_notify_config_read(const struct stk_node *node, const char *dir,
                                   struct stk_channel **ret, size_t *ret_count,
                                   struct stk_error *err)
{
    void *all = NULL;
    enum stk_rc rc = stk_named_read(&channels, node, dir, &all, ret_count, err);
    if (rc == STK_OK) *ret = all;
    return rc;
}

void stk_channel_release(struct stk_channel *channel)
{
    stk_kinds_release(&keys, channel);
    free(channel->name);
    free(channel->dir);
    free(channel->zone);
    stk_zone_free(channel->rules);
    *channel = (struct stk_channel){ 0 };
}

/* --- using one ------------------------------------------------------------ */

const char *stk_channel_kind_name(enum stk_channel_kind kind)
{
    assert(kind < STK_CHANNEL_COUNT_);
    return kinds[kind];
}

bool stk_channel_takes(const struct stk_channel *channel, const char *event)
{
    if (channel->events == NULL) return true;
    for (size_t i = 0; channel->events[i] != NULL; i++) {
        if (stk_event_matches(channel->events[i], event)) return true;
    }
    return false;
}

bool stk_channel_is_quiet(const struct stk_channel *channel, stk_time_ns now)
{
    if (channel->quiet_from_s < 0) return false;
    int64_t local = now / STK_SECOND + stk_zone_offset_s(channel->rules, now);
    int64_t second = local % DAY_S;
    bool is_after = second >= channel->quiet_from_s;
    bool is_before = second < channel->quiet_to_s;
    bool over_midnight = channel->quiet_from_s > channel->quiet_to_s;
    return over_midnight ? is_after || is_before : is_after && is_before;
}
