/* SPDX-License-Identifier: MIT */
#include "session/jar.h"

#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/text.h"
#include "model/lifecycle.h"
#include "model/retry_after.h"

enum { COOKIE_BYTES_MAX = 16 * 1024, COOKIES_MAX = 64, AGE_S_MAX = 400 * 24 * 3600 };

struct cookie {
    char *name, *value;
    char *max_age, *expires; /* NULL: not said */
};

/* --- one header ----------------------------------------------------------- */

static char *trim(char *text)
{
    while (*text == ' ' || *text == '\t') {
        text++;
    }
    size_t len = strlen(text);
    while (len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\t')) {
        text[--len] = '\0';
    }
    return text;
}

/* Cuts off what stands after `mark`; NULL: it is not there. */
static char *cut(char *text, char mark)
{
    char *rest = strchr(text, mark);
    if (rest == NULL) return NULL;
    *rest = '\0';
    return rest + 1;
}

static bool is_text(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) return false;
    }
    return true;
}

/* The parts point into `text`, which is cut up. */
static bool parse_cookie(char *text, struct cookie *ret)
{
    *ret = (struct cookie){ 0 };
    char *rest = cut(text, ';');
    char *value = cut(text, '=');
    if (value == NULL || !is_text(text) || !is_text(value)) return false;
    ret->name = trim(text);
    ret->value = trim(value);

    while (rest != NULL) {
        char *part = rest;
        rest = cut(part, ';');
        char *said = cut(part, '=');
        const char *key = trim(part);
        if (said == NULL) continue;
        if (strcasecmp(key, "max-age") == 0) ret->max_age = trim(said);
        if (strcasecmp(key, "expires") == 0) ret->expires = trim(said);
    }
    return *ret->name != '\0';
}

/* "Wed, 09-Jun-2021 10:18:14 GMT" is as common as it is in no standard. */
static bool parse_date(char *text, stk_time_ns *ret)
{
    if (stk_http_date_parse(text, ret)) return true;
    for (char *c = text; *c != '\0'; c++) {
        if (*c == '-') *c = ' ';
    }
    return stk_http_date_parse(text, ret);
}

/* Max-Age wins over Expires (RFC 6265 5.3). */
static stk_time_ns end_of(const struct cookie *cookie, stk_time_ns now, stk_time_ns server_now)
{
    int64_t seconds = 0;
    stk_time_ns date = 0;
    if (cookie->max_age != NULL && stk_parse_i64(cookie->max_age, &seconds)) {
        if (seconds < 0) seconds = 0;
        if (seconds > AGE_S_MAX) seconds = AGE_S_MAX;
        return now + seconds * STK_SECOND;
    }
    if (cookie->expires == NULL || !parse_date(cookie->expires, &date)) return STK_NEVER;
    stk_time_ns left = date - server_now;
    return now + (left > 0 ? left : 0);
}

/* --- all of them ---------------------------------------------------------- */

/* Header number `nth` in `room`; false: there is no more. */
static bool read_header(const struct stk_http_reply *reply, size_t nth, char *room, size_t size)
{
    return nth < COOKIES_MAX && stk_http_reply_header(reply, "set-cookie", nth, room, size) != NULL;
}

void stk_jar_take(json_t *jar, const struct stk_http_reply *reply, stk_time_ns server_now)
{
    char *room = stk_alloc(COOKIE_BYTES_MAX);
    for (size_t i = 0; read_header(reply, i, room, COOKIE_BYTES_MAX); i++) {
        struct cookie cookie;
        if (strlen(room) + 1 == COOKIE_BYTES_MAX || !parse_cookie(room, &cookie)) continue;
        stk_time_ns end = end_of(&cookie, server_now, server_now);
        bool is_gone = *cookie.value == '\0' || (end != STK_NEVER && end <= server_now);
        (void)json_object_del(jar, cookie.name);
        if (!is_gone) (void)json_object_set_new(jar, cookie.name, json_string(cookie.value));
    }
    explicit_bzero(room, COOKIE_BYTES_MAX);
    stk_freep(&room);
}

stk_time_ns stk_jar_expiry(const struct stk_http_reply *reply, const char *name, stk_time_ns now,
                           stk_time_ns server_now)
{
    stk_time_ns end = STK_NEVER;
    char *room = stk_alloc(COOKIE_BYTES_MAX);
    for (size_t i = 0; read_header(reply, i, room, COOKIE_BYTES_MAX); i++) {
        struct cookie cookie;
        bool is_it = parse_cookie(room, &cookie) && strcmp(cookie.name, name) == 0;
        if (is_it) end = end_of(&cookie, now, server_now);
    }
    explicit_bzero(room, COOKIE_BYTES_MAX);
    stk_freep(&room);
    return end;
}
