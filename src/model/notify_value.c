/* SPDX-License-Identifier: MIT */
#include "model/notify_value.h"

#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/text.h"
#include "model/keys.h"
#include "model/notice.h"
#include "model/shown.h"

enum { LIST_MAX = 64 };

/* "*", "session.*", "session.expiring". */
bool stk_event_matches(const char *pattern, const char *event)
{
    size_t len = strlen(pattern);
    bool is_open = len > 0 && pattern[len - 1] == '*';
    return is_open ? strncmp(pattern, event, len - 1) == 0 : strcmp(pattern, event) == 0;
}

enum stk_rc stk_channel_body(const struct stk_node *node, const char *dir, void *place,
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

static enum stk_rc check_event(const struct stk_node *node, const char *text, struct stk_error *err)
{
    const char *names[STK_NOTICE_COUNT_];
    for (size_t i = 0; i < STK_NOTICE_COUNT_; i++) {
        names[i] = stk_notice_name((enum stk_notice_kind)i);
        if (stk_event_matches(text, names[i])) return STK_OK;
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

enum stk_rc stk_channel_events(const struct stk_node *node, const char *dir, void *place,
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

enum stk_rc stk_channel_to(const struct stk_node *node, const char *dir, void *place,
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

enum stk_rc stk_channel_from(const struct stk_node *node, const char *dir, void *place,
                             struct stk_error *err)
{
    enum stk_rc rc = stk_session_text(node, dir, place, err);
    if (rc != STK_OK) return rc;
    const char *from = *(char **)place;
    if (strchr(from, '@') != NULL && strpbrk(from, " <>,;") == NULL) return STK_OK;
    return stk_node_fail(node, err, "is not an address such as stoker@example.org");
}

enum stk_rc stk_channel_server(const struct stk_node *node, const char *dir, void *place,
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

enum stk_rc stk_channel_headers(const struct stk_node *node, const char *dir, void *place,
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

enum stk_rc stk_channel_quiet(const struct stk_node *node, const char *dir, void *place,
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

enum stk_rc stk_channel_zone(const struct stk_node *node, const char *dir, void *place,
                             struct stk_error *err)
{
    struct stk_channel *channel = place;
    struct stk_error cause = { 0 };
    enum stk_rc rc = stk_session_text(node, dir, &channel->zone, err);
    if (rc != STK_OK) return rc;
    rc = stk_zone_open(channel->zone, &channel->rules, &cause);
    return rc == STK_OK ? STK_OK : stk_node_fail(node, err, "%s", cause.text);
}

enum stk_rc stk_channel_link(const struct stk_node *node, const char *dir, void *place,
                             struct stk_error *err)
{
    struct stk_channel *channel = place;
    (void)dir;
    return stk_node_bool(node, &channel->link, err);
}

enum stk_rc stk_channel_timeout(const struct stk_node *node, const char *dir, void *place,
                                struct stk_error *err)
{
    struct stk_channel *channel = place;
    (void)dir;
    return stk_key_duration(node, STK_SECOND, 5 * STK_MINUTE, &channel->timeout_ns, err);
}
