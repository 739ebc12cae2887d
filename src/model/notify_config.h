/* SPDX-License-Identifier: MIT
 *
 * notify_config - what stoker.yaml says of the ways to reach people.
 *
 *   notify:
 *     desk: {hook: [./tell, --loud]}
 *     team: {webhook_file: slack.url, body: slack, events: [session.*]}
 *     ops:  {mail: "smtp://mail.example:25", from: stoker@example.org, to: [ops@example.org]}
 *
 * One table of keys (notify_config.c); docs/notices.md shows it. Secrets come
 * from files only, named here and read when they are used; the address of a
 * chat's webhook is one, hence webhook_file.
 *
 * Memory:  part of struct stk_settings; release frees what is inside.
 * Threads: read-only once made.
 * Errors:  STK_BAD_CONFIG naming FILE:LINE: KEY.
 */
#ifndef STK_MODEL_NOTIFY_CONFIG_H
#define STK_MODEL_NOTIFY_CONFIG_H

#include "base/config.h"
#include "model/zone.h"

/* clang-format off */
#define STK_CHANNEL_MAP(X)                                               \
    X(HOOK,    "hook")    /* a program; the notice is JSON on its stdin */ \
    X(WEBHOOK, "webhook") /* an HTTP POST */                             \
    X(MAIL,    "mail")    /* a mail by SMTP */
/* clang-format on */
enum stk_channel_kind {
#define STK_CHANNEL_NAME(name, text) STK_CHANNEL_##name,
    STK_CHANNEL_MAP(STK_CHANNEL_NAME)
#undef STK_CHANNEL_NAME
        STK_CHANNEL_COUNT_
};
const char *stk_channel_kind_name(enum stk_channel_kind kind);

enum { STK_CHANNELS_MAX = 32 };

/* Unset texts are NULL. */
struct stk_channel {
    char *name;
    enum stk_channel_kind kind;
    char **events;    /* "session.*", NULL at the end; NULL: all */
    int quiet_from_s; /* seconds after midnight; -1: no quiet hours */
    int quiet_to_s;   /* not after the next day's */
    char *zone;       /* of them; default UTC */
    struct stk_zone *rules;
    bool link;              /* false: links and codes are left out; default true */
    stk_time_ns timeout_ns; /* of one delivery; 15 s */

    char **hook; /* argv, NULL at the end */
    char *dir;   /* where it runs: the folder of stoker.yaml */

    char *url, *url_file; /* one of them */
    char *body;           /* "json" (default), "slack", "discord", "telegram", "ntfy" */
    char *chat;           /* telegram */
    char *token_file;     /* Authorization: Bearer; telegram: part of the address */
    char **headers;       /* "Name: value", NULL at the end */
    char *ca_file;

    char *server, *from, **to; /* "smtp://host:25"; to: NULL at the end */
    char *user, *password_file;
};

/* The map `notify:`. *ret has one entry each, sorted by name. */
STK_MUST_USE enum stk_rc stk_notify_config_read(const struct stk_node *node, const char *dir,
                                                struct stk_channel **ret, size_t *ret_count,
                                                struct stk_error *err);
void stk_channel_release(struct stk_channel *channel);

/* Whether it is told of that event ("session.expiring") at all. */
bool stk_channel_takes(const struct stk_channel *channel, const char *event);
/* Its quiet hours, in which nothing is repeated. */
bool stk_channel_is_quiet(const struct stk_channel *channel, stk_time_ns now);

#endif
