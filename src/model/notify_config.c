/* SPDX-License-Identifier: MIT */
#include "model/notify_config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/text.h"
#include "model/keys.h"
#include "model/notice.h"
#include "model/session_value.h"
#include "model/shown.h"

enum { DAY_S = 24 * 60 * 60, LIST_MAX = 64 };

static const char *const kinds[] = {
#define KIND_ROW(name, text) [STK_CHANNEL_##name] = (text),
    STK_CHANNEL_MAP(KIND_ROW)
#undef KIND_ROW
};
_Static_assert(STK_ARRAY_LEN(kinds) == STK_CHANNEL_COUNT_, "one row per kind");

/* --- values that only channels have --------------------------------------- */

static enum stk_rc read_body(const struct stk_node *node, const char *dir, void *place,
                             struct stk_error *err)
{
    static const char *const words[] = { "json", "slack", "discord", "telegram", "ntfy" };
    const char *text = NULL;
    enum stk_rc rc = stk_node_text(node, &text, err);
    if (rc != STK_OK) return rc;
    for (size_t i = 0; i < STK_ARRAY_LEN(words); i++) {
        if (strcmp(words[i], text) == 0) return stk_session_text(node, dir, place, err);
    }
    STK_CLEANUP(stk_freep) char *shown = stk_shown(text);
    return stk_node_fail(node, err, "must be json, slack, discord, telegram or ntfy, not \"%s\"",
                         shown);
}

/* "*", "session.*", "session.expiring": of something that there is. */
static bool matches(const char *pattern, const char *event)
{
    size_t len = strlen(pattern);
    bool is_open = len > 0 && pattern[len - 1] == '*';
    return is_open ? strncmp(pattern, event, len - 1) == 0 : strcmp(pattern, event) == 0;
}

static enum stk_rc check_event(const struct stk_node *node, const char *text, struct stk_error *err)
{
    const char *names[STK_NOTICE_COUNT_];
    for (size_t i = 0; i < STK_NOTICE_COUNT_; i++) {
        names[i] = stk_notice_name((enum stk_notice_kind)i);
        if (matches(text, names[i])) return STK_OK;
    }
    STK_CLEANUP(stk_freep) char *shown = stk_shown(text);
    const char *near = stk_nearest(text, names, STK_NOTICE_COUNT_);
    if (near == NULL) {
        return stk_node_fail(node, err, "\"%s\" is no event: write session.*, limit.long", shown);
    }
    return stk_node_fail(node, err, "\"%s\" is no event (did you mean \"%s\"?)", shown, near);
}

static enum stk_rc read_list(const struct stk_node *node, const char *example, char ***list,
                             struct stk_error *err)
{
    if (node->kind != STK_NODE_LIST || node->count == 0 || node->count > LIST_MAX) {
        return stk_node_fail(node, err, "must be a list of 1 to %d, such as %s", LIST_MAX, example);
    }
    *list = stk_alloc((node->count + 1) * sizeof(char *));
    for (size_t i = 0; i < node->count; i++) {
        enum stk_rc rc = stk_session_text(node->children[i], NULL, &(*list)[i], err);
        if (rc != STK_OK) return rc;
    }
    return STK_OK;
}

static enum stk_rc read_events(const struct stk_node *node, const char *dir, void *place,
                               struct stk_error *err)
{
    char ***events = place;
    (void)dir;
    enum stk_rc rc = read_list(node, "[session.*, limit.long]", events, err);
    for (size_t i = 0; rc == STK_OK && (*events)[i] != NULL; i++) {
        rc = check_event(node->children[i], (*events)[i], err);
    }
    return rc;
}

static enum stk_rc read_to(const struct stk_node *node, const char *dir, void *place,
                           struct stk_error *err)
{
    char ***to = place;
    (void)dir;
    enum stk_rc rc = read_list(node, "[ops@example.org]", to, err);
    for (size_t i = 0; rc == STK_OK && (*to)[i] != NULL; i++) {
        const char *at = strchr((*to)[i], '@');
        if (at != NULL && strpbrk((*to)[i], " <>,;") == NULL) continue;
        rc = stk_node_fail(node->children[i], err, "is not an address such as ops@example.org");
    }
    return rc;
}

static enum stk_rc read_from(const struct stk_node *node, const char *dir, void *place,
                             struct stk_error *err)
{
    enum stk_rc rc = stk_session_text(node, dir, place, err);
    if (rc != STK_OK) return rc;
    const char *from = *(char **)place;
    if (strchr(from, '@') != NULL && strpbrk(from, " <>,;") == NULL) return STK_OK;
    return stk_node_fail(node, err, "is not an address such as stoker@example.org");
}

static enum stk_rc read_server(const struct stk_node *node, const char *dir, void *place,
                               struct stk_error *err)
{
    enum stk_rc rc = stk_session_text(node, dir, place, err);
    if (rc != STK_OK) return rc;
    const char *text = *(char **)place;
    size_t scheme = strncmp(text, "smtps://", 8) == 0  ? 8
                    : strncmp(text, "smtp://", 7) == 0 ? 7
                                                       : 0;
    if (strchr(text, '@') != NULL) { /* not shown: it may be a password */
        return stk_node_fail(node, err, "may not hold a user: write user and password_file");
    }
    if (scheme > 0 && text[scheme] != '\0' && strchr(text + scheme, '/') == NULL) return STK_OK;
    return stk_node_fail(node, err, "must be as smtp://mail.example:25 or smtps://mail.example");
}

/* Headers that are secrets have a file of their own. */
static enum stk_rc check_header(const struct stk_node *node, struct stk_error *err)
{
    static const char *const secret[] = { "authorization", "cookie", "proxy-authorization",
                                          "x-api-key" };
    bool is_name = *node->name != '\0' && strpbrk(node->name, " :\r\n\t\"") == NULL;
    if (!is_name) return stk_node_fail(node, err, "is not the name of a header");
    for (size_t i = 0; i < STK_ARRAY_LEN(secret); i++) {
        if (strcasecmp(secret[i], node->name) != 0) continue;
        return stk_node_fail(node, err, "secrets only from files: token_file");
    }
    return STK_OK;
}

static enum stk_rc read_headers(const struct stk_node *node, const char *dir, void *place,
                                struct stk_error *err)
{
    char ***headers = place;
    enum stk_rc rc = stk_node_map_of(node, NULL, err);
    if (rc != STK_OK) return rc;
    if (node->count > LIST_MAX) return stk_node_fail(node, err, "has more than %d", LIST_MAX);
    *headers = stk_alloc((node->count + 1) * sizeof(char *));
    for (size_t i = 0; i < node->count; i++) {
        STK_CLEANUP(stk_freep) char *value = NULL;
        rc = check_header(node->children[i], err);
        if (rc == STK_OK) rc = stk_session_text(node->children[i], dir, &value, err);
        if (rc != STK_OK) return rc;
        (*headers)[i] = stk_format("%s: %s", node->children[i]->name, value);
    }
    return STK_OK;
}

/* "22:00" as seconds after midnight; -1: it is none. */
static int parse_clock(const char *text)
{
    static const char shape[] = "29:59";
    for (size_t i = 0; i < 5; i++) {
        bool fits = shape[i] == ':' ? text[i] == ':' : text[i] >= '0' && text[i] <= shape[i];
        if (!fits) return -1;
    }
    int hour = (text[0] - '0') * 10 + text[1] - '0';
    int minute = (text[3] - '0') * 10 + text[4] - '0';
    return hour < 24 ? hour * 3600 + minute * 60 : -1;
}

static enum stk_rc read_quiet(const struct stk_node *node, const char *dir, void *place,
                              struct stk_error *err)
{
    struct stk_channel *channel = place;
    const char *text = NULL;
    (void)dir;
    enum stk_rc rc = stk_node_text(node, &text, err);
    if (rc != STK_OK) return rc;
    int from = -1, to = -1;
    if (strlen(text) == 11 && text[5] == '-') {
        from = parse_clock(text);
        to = parse_clock(text + 6);
    }
    if (from < 0 || to < 0 || from == to) {
        STK_CLEANUP(stk_freep) char *shown = stk_shown(text);
        return stk_node_fail(node, err, "\"%s\" is not a time such as \"22:00-07:00\"", shown);
    }
    channel->quiet_from_s = from;
    channel->quiet_to_s = to;
    return STK_OK;
}

static enum stk_rc read_zone(const struct stk_node *node, const char *dir, void *place,
                             struct stk_error *err)
{
    struct stk_channel *channel = place;
    struct stk_error cause = { 0 };
    enum stk_rc rc = stk_session_text(node, dir, &channel->zone, err);
    if (rc != STK_OK) return rc;
    rc = stk_zone_open(channel->zone, &channel->rules, &cause);
    return rc == STK_OK ? STK_OK : stk_node_fail(node, err, "%s", cause.text);
}

static enum stk_rc read_link(const struct stk_node *node, const char *dir, void *place,
                             struct stk_error *err)
{
    struct stk_channel *channel = place;
    (void)dir;
    return stk_node_bool(node, &channel->link, err);
}

static enum stk_rc read_timeout(const struct stk_node *node, const char *dir, void *place,
                                struct stk_error *err)
{
    struct stk_channel *channel = place;
    (void)dir;
    return stk_key_duration(node, STK_SECOND, 5 * STK_MINUTE, &channel->timeout_ns, err);
}

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
    { "body",          read_body,        AT(body),          TEXT,  ". x ." },
    { "chat",          stk_session_text, AT(chat),          TEXT,  ". x ." },
    { "token_file",    stk_session_path, AT(token_file),    TEXT,  ". x ." },
    { "headers",       read_headers,     AT(headers),       LIST,  ". x ." },
    { "ca_file",       stk_session_path, AT(ca_file),       TEXT,  ". x ." },
    { "mail",          read_server,      AT(server),        TEXT,  ". . !" },
    { "from",          read_from,        AT(from),          TEXT,  ". . !" },
    { "to",            read_to,          AT(to),            LIST,  ". . !" },
    { "user",          stk_session_text, AT(user),          TEXT,  ". . x" },
    { "password_file", stk_session_path, AT(password_file), TEXT,  ". . x" },
    { "events",        read_events,      AT(events),        LIST,  "x x x" },
    { "quiet",         read_quiet,       0,                 OTHER, "x x x" },
    { "zone",          read_zone,        0,                 OTHER, "x x x" },
    { "link",          read_link,        0,                 OTHER, "x x x" },
    { "timeout",       read_timeout,     0,                 OTHER, "x x x" },
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
        if (matches(channel->events[i], event)) return true;
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
