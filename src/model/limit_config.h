/* SPDX-License-Identifier: MIT
 *
 * limit_config - what stoker.yaml says of the limits.
 *
 *   limits:
 *     lab-submit: {rate: 60/min, burst: 1, concurrency: 3}
 *     lab-day:    {quota: 5000/day, zone: America/New_York}
 *     lab-poll:   {class: poll, rate: 2/s, burst: 10}
 *     lab-all:    {profile: x-ratelimit}
 *
 * A profile fills in what is not given: see the table in limit_config.c.
 *
 * Memory:  part of struct stk_settings; release frees what is inside.
 * Threads: read-only once made.
 * Errors:  STK_BAD_CONFIG naming FILE:LINE: KEY.
 */
#ifndef STK_MODEL_LIMIT_CONFIG_H
#define STK_MODEL_LIMIT_CONFIG_H

#include "base/config.h"
#include "model/zone.h"

/* clang-format off */
/*    name     text       which requests                                         */
#define STK_LIMIT_CLASS_MAP(X)                                                    \
    X(SUBMIT,  "submit",  "starts of jobs: every claim of a new attempt")         \
    X(POLL,    "poll",    "questions how a remote job is getting on")             \
    X(READ,    "read",    "fetches of results")                                   \
    X(AUTH,    "auth",    "calls of a session's keeper")                          \
    X(ALL,     "all",     "all of these together")
/* clang-format on */
enum stk_limit_class {
#define STK_LIMIT_CLASS_NAME(name, text, what) STK_LIMIT_CLASS_##name,
    STK_LIMIT_CLASS_MAP(STK_LIMIT_CLASS_NAME)
#undef STK_LIMIT_CLASS_NAME
        STK_LIMIT_CLASS_COUNT_
};
const char *stk_limit_class_name(enum stk_limit_class class_);
bool stk_limit_class_from_name(const char *name, enum stk_limit_class *ret);

enum { STK_LIMITS_MAX = 128, STK_TASK_LIMITS_MAX = 8 };

struct stk_limit_spec {
    char *name;
    enum stk_limit_class class_;   /* default submit */
    int64_t rate;                  /* so many ... */
    stk_time_ns per_ns;            /* ... in so long; rate 0: no rate. "60/min", "2/s", "1/10s";
                                      default a minute, for the rate that a person may set */
    uint32_t burst;                /* default 1 */
    bool adaptive;                 /* the interval grows when throttled (AIMD); default true */
    uint32_t concurrency;          /* 0: no slots of its own; one may still be learned */
    int64_t quota;                 /* 0: none */
    stk_time_ns quota_ns;          /* window: an hour or a day */
    char *zone;                    /* of the day's reset; default UTC; a wrong name is refused */
    struct stk_zone *rules;        /* what that zone's clocks do; NULL: UTC */
    stk_time_ns cooldown_ns;       /* a throttle that does not say how long; default 30 s, doubled
                                      per strike up to cooldown_max_ns */
    stk_time_ns cooldown_max_ns;   /* also bounds what a server may ask for; default 1 h */
    uint32_t breaker_errors;       /* default 5 ... */
    stk_time_ns breaker_within_ns; /* ... in 120 s ... */
    stk_time_ns breaker_open_ns;   /* ... close for 300 s; errors 0: no breaker */
    stk_time_ns learned_ttl_ns;    /* default 30 min */
};

/* The map `limits:`. Sorted by name. */
STK_MUST_USE enum stk_rc stk_limit_config_read(const struct stk_node *node,
                                               struct stk_limit_spec **ret, size_t *ret_count,
                                               struct stk_error *err);
void stk_limit_spec_release(struct stk_limit_spec *spec);

/* "60/min" as 60 and a minute, "1/10s"; false: it is none. */
bool stk_rate_parse(const char *text, int64_t *ret_rate, stk_time_ns *ret_per_ns);

#endif
