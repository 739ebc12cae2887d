/* SPDX-License-Identifier: MIT */
#include "model/notify_config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
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

enum form { TEXT, LIST, OTHER }; /* what release frees */

/* Columns: hook, webhook, mail. '.' does not take the key, 'x' may have it, '!'
 * must. `at` 0: the reader is given the whole channel. */
/* clang-format off */
static const struct row {
    const char *name;
    stk_session_reader *read;
    size_t at;
    enum form form;
    const char *takes;
} rows[] = {
    /*                                                                 h w m */
    { "hook",          stk_session_argv, AT(hook),          LIST,  "! . ." },
    { "webhook",       stk_session_url,  AT(url),           TEXT,  ". x ." },
    { "webhook_file",  stk_session_path, AT(url_file),      TEXT,  ". x ." },
    { "body",          stk_channel_body,        AT(body),          TEXT,  ". x ." },
    { "chat",          stk_session_text, AT(chat),          TEXT,  ". x ." },
    { "token_file",    stk_session_path, AT(token_file),    TEXT,  ". x ." },
    { "headers",       stk_channel_headers,     AT(headers),       LIST,  ". x ." },
    { "ca_file",       stk_session_path, AT(ca_file),       TEXT,  ". x ." },
    { "mail",          stk_channel_server,      AT(server),        TEXT,  ". . !" },
    { "from",          stk_channel_from,        AT(from),          TEXT,  ". . !" },
    { "to",            stk_channel_to,          AT(to),            LIST,  ". . !" },
    { "user",          stk_session_text, AT(user),          TEXT,  ". . x" },
    { "password_file", stk_session_path, AT(password_file), TEXT,  ". . x" },
    { "events",        stk_channel_events,      AT(events),        LIST,  "x x x" },
    { "quiet",         stk_channel_quiet,       0,                 OTHER, "x x x" },
    { "zone",          stk_channel_zone,        0,                 OTHER, "x x x" },
    { "link",          stk_channel_link,        0,                 OTHER, "x x x" },
    { "timeout",       stk_channel_timeout,     0,                 OTHER, "x x x" },
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
static const struct {
    const char *name, *instead;
} secrets[] = {
    { "token",    "token_file" },
    { "password", "password_file" },
    { "secret",   "token_file or password_file" },
    { "key",      "token_file" },
};
/* clang-format on */

static char mark_of(const struct row *row, enum stk_channel_kind kind)
{
    return row->takes[2 * (size_t)kind];
}

static enum stk_rc fail_unknown(const struct stk_node *node, enum stk_channel_kind kind,
                                struct stk_error *err)
{
    const char *names[STK_ARRAY_LEN(rows)];
    size_t count = 0;
    for (size_t i = 0; i < STK_ARRAY_LEN(secrets); i++) {
        if (strcmp(secrets[i].name, node->name) != 0) continue;
        return stk_node_fail(node, err, "secrets only from files: %s", secrets[i].instead);
    }
    for (size_t i = 0; i < STK_ARRAY_LEN(rows); i++) {
        if (mark_of(&rows[i], kind) != '.') names[count++] = rows[i].name;
    }
    const char *near = stk_nearest(node->name, names, count);
    if (near == NULL) return stk_node_fail(node, err, "unknown key");
    return stk_node_fail(node, err, "unknown key (did you mean \"%s\"?)", near);
}

static enum stk_rc read_key(const struct stk_node *node, const char *dir,
                            struct stk_channel *channel, struct stk_error *err)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].name, node->name) != 0) continue;
        if (mark_of(&rows[i], channel->kind) == '.') {
            return stk_node_fail(node, err, "a channel of kind %s takes no such key",
                                 kinds[channel->kind]);
        }
        return rows[i].read(node, dir, (char *)channel + rows[i].at, err);
    }
    return fail_unknown(node, channel->kind, err);
}

/* --- what goes together --------------------------------------------------- */

static enum stk_rc check_needed(const struct stk_node *node, enum stk_channel_kind kind,
                                struct stk_error *err)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(rows); i++) {
        if (mark_of(&rows[i], kind) != '!' || stk_node_get(node, rows[i].name) != NULL) continue;
        return stk_node_fail(node, err, "a channel of kind %s needs the key %s", kinds[kind],
                             rows[i].name);
    }
    return STK_OK;
}

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

static enum stk_rc read_channel(const struct stk_node *node, const char *dir,
                                struct stk_channel *channel, struct stk_error *err)
{
    *channel = (struct stk_channel){
        .quiet_from_s = -1, .quiet_to_s = -1, .link = true, .timeout_ns = 15 * STK_SECOND
    };
    channel->name = stk_strdup(node->name);
    channel->dir = stk_strdup(dir);
    if (!stk_name_is_valid(node->name)) {
        return stk_node_fail(node, err, "not a name for a channel: letters, digits and _-.:/");
    }
    enum stk_rc rc = stk_node_map_of(node, NULL, err);
    if (rc == STK_OK) rc = read_kind(node, &channel->kind, err);
    for (size_t i = 0; rc == STK_OK && i < node->count; i++) {
        rc = read_key(node->children[i], dir, channel, err);
    }
    if (rc == STK_OK) rc = check_needed(node, channel->kind, err);
    return rc == STK_OK ? check_whole(node, channel, err) : rc;
}

/* --- all of them ---------------------------------------------------------- */

static int compare_names(const void *a, const void *b)
{
    const struct stk_channel *left = a;
    const struct stk_channel *right = b;
    return strcmp(left->name, right->name);
}

struct list {
    struct stk_channel *channels;
    size_t count;
};

static void release_list(struct list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        stk_channel_release(&list->channels[i]);
    }
    free(list->channels);
}

enum stk_rc stk_notify_config_read(const struct stk_node *node, const char *dir,
                                   struct stk_channel **ret, size_t *ret_count,
                                   struct stk_error *err)
{
    assert(node != NULL && dir != NULL && ret != NULL && ret_count != NULL);
    enum stk_rc rc = stk_node_map_of(node, NULL, err);
    if (rc != STK_OK) return rc;
    if (node->count > STK_CHANNELS_MAX) {
        return stk_node_fail(node, err, "has %zu channels; the limit is %d", node->count,
                             STK_CHANNELS_MAX);
    }

    STK_CLEANUP(release_list) struct list list = { 0 };
    list.channels = stk_alloc((node->count + 1) * sizeof(*list.channels));
    for (size_t i = 0; rc == STK_OK && i < node->count; i++) {
        rc = read_channel(node->children[i], dir, &list.channels[list.count++], err);
    }
    if (rc != STK_OK) return rc;
    qsort(list.channels, list.count, sizeof(*list.channels), compare_names);

    *ret = list.channels;
    *ret_count = list.count;
    list.channels = NULL;
    list.count = 0;
    return STK_OK;
}

static void free_texts(char **texts)
{
    for (size_t i = 0; texts != NULL && texts[i] != NULL; i++) {
        free(texts[i]);
    }
    free(texts);
}

/* The members come from the table, so that none is forgotten. */
void stk_channel_release(struct stk_channel *channel)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(rows); i++) {
        void *place = (char *)channel + rows[i].at;
        if (rows[i].form == TEXT) free(*(char **)place);
        if (rows[i].form == LIST) free_texts(*(char ***)place);
    }
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
