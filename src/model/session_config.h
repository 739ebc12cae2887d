/* SPDX-License-Identifier: MIT
 *
 * session_config - what stoker.yaml says of the sessions.
 *
 * One table of providers names the keys each takes and needs
 * (session_config.c); docs/sessions.md shows it. Secrets come from files only,
 * named here and read when they are used. Relative paths start from the folder
 * of stoker.yaml; URLs of an authority from `url`.
 *
 * Memory:  part of struct stk_settings; release frees what is inside.
 * Threads: read-only once made.
 * Errors:  STK_BAD_CONFIG naming FILE:LINE: KEY.
 */
#ifndef STK_MODEL_SESSION_CONFIG_H
#define STK_MODEL_SESSION_CONFIG_H

#include "model/limit_config.h"

/* clang-format off */
/* renews: it can be renewed without a person. persons: a person is part of every
 * sign-in.
 *
 *    name               text                 renews persons what it is                         */
#define STK_PROVIDER_MAP(X)                                                                       \
    X(OPERATOR,          "operator",          false, true,   "an authorised person's sign-in to stoker itself opens the gate for a set time") \
    X(STATIC,            "static",            false, false,  "a key in a file; a new one when the file changes") \
    X(FILE,              "file",              true,  true,   "a credential file that another program writes: Kerberos cache, SSO cache, cookie export") \
    X(COMMAND,           "command",           true,  true,   "helper programs check, renew and sign in") \
    X(FORM_COOKIE,       "form-cookie",       true,  false,  "user and password are posted; the answer sets a cookie") \
    X(CHALLENGE_COOKIE,  "challenge-cookie",  true,  true,   "sign-in that sends a link which a person has to open") \
    X(OAUTH_DEVICE,      "oauth-device",      true,  true,   "RFC 8628: a person types a code in a browser; then refresh tokens") \
    X(OAUTH_CLIENT,      "oauth-client",      true,  false,  "client credentials, no person") \
    X(GATEWAY_TICKLE,    "gateway-tickle",    true,  true,   "a local gateway kept alive, with a sign-in in its own page") \
    X(MANUAL,            "manual",            false, true,   "a person pastes the credential")
/* clang-format on */
enum stk_provider {
#define STK_PROVIDER_NAME(name, text, renews, persons, what) STK_PROVIDER_##name,
    STK_PROVIDER_MAP(STK_PROVIDER_NAME)
#undef STK_PROVIDER_NAME
        STK_PROVIDER_COUNT_
};

enum { STK_SESSIONS_MAX = 64, STK_RENEWERS_MAX = 64 };

/* Unset texts are NULL, unset times 0 (unless said otherwise). */
struct stk_session_spec {
    char *name;
    enum stk_provider provider;

    /* who and when */
    char **renewers;    /* names of users, NULL at the end; empty: who has the right */
    char **limit_names; /* of class auth, NULL at the end; or NULL */
    const struct stk_limit_spec *limits[STK_TASK_LIMITS_MAX]; /* the settings' own */
    size_t limit_count;
    stk_time_ns warn_ns;     /* remind so long before the end; default 30 min */
    stk_time_ns soft_ns;     /* EXPIRING and silent renewal so long before; 0: 10 % of life, at
                                least 5 min, at most a third of life */
    stk_time_ns lifetime_ns; /* operator: how long a sign-in holds (must); others: of a credential
                                that says nothing of its own end */
    stk_time_ns deadline_ns; /* from a person's sign-in on; 0: none */
    int deadline_clock_s;    /* or a time of day, seconds after midnight; -1: none */
    char *zone;              /* of it: "America/New_York"; default UTC */
    stk_time_ns check_every_ns; /* ask the authority now and then; 0: only when in doubt */
    stk_time_ns keep_alive_ns;  /* gateway-tickle: 60 s; 0: none */
    stk_time_ns timeout_ns;     /* of one call to the authority; 30 s */

    /* the authority */
    char *url; /* "https://lab.example" */
    char *login, *check, *token, *device, *logout, *init, *validate, *reauth; /* paths or URLs */
    char *ca_file;
    char *user, *password_file;
    char *client_id, *client_secret_file, *scope, *audience;
    char *cookie;         /* name of the session's cookie */
    char *header;         /* "Authorization: Bearer {secret}": how a request shows it; {secret},
                             {NAME}: a member of the credential. NULL: as the provider does */
    char *login_body;     /* form-cookie, challenge-cookie: template, {user} {password} */
    char *login_type;     /* its Content-Type; default application/x-www-form-urlencoded */
    char *lost_marker;    /* a text in a check's body that means: signed out */
    char *ok_pointer;     /* JSON pointer into a check's body that must be true or non-empty */
    char *expiry_pointer; /* JSON pointer: seconds left, epoch, or RFC 3339 */
    stk_time_ns rotation_grace_ns; /* oauth-device: a refresh without an answer may be sent once
                                      more so long; 0: never */
    char *competing;               /* gateway-tickle: "yield" (default) or "take" */

    /* files and helpers */
    char *file;                       /* static, file: what is watched; manual: none */
    char *format;                     /* file: raw (default), json, kerberos, cookies */
    char **probe, **renew, **sign_in; /* argv, no templates; `login` in command's YAML is sign_in */
    char *dir;

    /* the challenge */
    stk_time_ns challenge_poll_ns; /* 15 s */
    stk_time_ns challenge_ttl_ns;  /* 30 min */
    bool ask_ready;                /* ask "ready?" before a challenge is made; default true */
    stk_time_ns ready_ttl_ns;      /* a "ready" holds so long; 5 min */
    stk_time_ns remind_ns;         /* repeat a notice; 30 min */
};

/* The map `sessions:`. *ret has one entry each, sorted by name. */
STK_MUST_USE enum stk_rc stk_session_config_read(const struct stk_node *node, const char *dir,
                                                 struct stk_session_spec **ret, size_t *ret_count,
                                                 struct stk_error *err);
void stk_session_spec_release(struct stk_session_spec *spec);

const char *stk_provider_name(enum stk_provider provider);
bool stk_provider_renews(enum stk_provider provider);
bool stk_provider_wants_person(enum stk_provider provider);

/* What this session can do: start a sign-in (alone or with a person), renew
 * without a person, sign in with no person at all, watch a file for a new one. */
bool stk_session_spec_begins(const struct stk_session_spec *spec);
bool stk_session_spec_renews(const struct stk_session_spec *spec);
bool stk_session_spec_is_alone(const struct stk_session_spec *spec);
bool stk_session_spec_watches(const struct stk_session_spec *spec);

#endif
