/* SPDX-License-Identifier: MIT
 *
 * limit - how much may go out to an authority, and when the next turn is.
 *
 * One limit has up to three parts: a rate (GCRA, with an interval that adapts:
 * AIMD), a concurrency (slots, with a cap that is learned when the authority
 * says full) and a quota (per day or hour, reset at a clock time of a zone).
 * Above all of them stands the cooldown: closed until a moment, for everybody.
 * A circuit breaker closes after several 5xx in a row. What is in use is never
 * counted here: the caller passes in how many attempts are alive.
 *
 * Pure: no store, no clock, no memory; `now` and the dice are passed in.
 */
#ifndef STK_MODEL_LIMIT_H
#define STK_MODEL_LIMIT_H

#include "model/limit_config.h"

/* The row in the store. Times are wall times; 0 is the past. */
struct stk_limit {
    char name[129];
    stk_time_ns tat;           /* GCRA: theoretical arrival time */
    stk_time_ns interval_ns;   /* T now; 0: as configured */
    stk_time_ns interval_at;   /* when it last changed */
    stk_time_ns turn_at;       /* the next turn to give to a job that was throttled */
    stk_time_ns blocked_until; /* cooldown */
    char reason[200];          /* of it */
    int64_t episode;           /* + 1 at each new wave of throttling */
    stk_time_ns episode_at;
    uint32_t strikes;         /* waves without quiet in between */
    bool half_open;           /* after the breaker: one probe, then open or closed */
    uint32_t errors;          /* 5xx within errors_since + breaker window; half open: 1 while */
    stk_time_ns errors_since; /* ... the probe is out, and since when */
    uint32_t cap_learned;     /* 0: none */
    stk_time_ns cap_until, cap_probe_at;
    stk_time_ns window_from; /* quota: start of the window in which `used` counts */
    int64_t used;
    int64_t set_per_window, set_concurrency; /* by a person; -1: as configured, 0: lifted */
    char set_by[129];
    stk_time_ns changed_at;
};

enum stk_limit_kind {
    STK_LIMIT_OPEN,
    STK_LIMIT_COOLDOWN,
    STK_LIMIT_RATE,
    STK_LIMIT_SLOTS,
    STK_LIMIT_QUOTA,
    STK_LIMIT_BREAKER
};
const char *stk_limit_kind_name(enum stk_limit_kind kind);

struct stk_admission {
    uint32_t admits;          /* may start now; UINT32_MAX: any number */
    enum stk_limit_kind kind; /* what keeps more from starting */
    stk_time_ns again_at;     /* when to ask again; STK_NEVER: when a slot becomes free. Of kind
                                 SLOTS with a time: then, and when a slot becomes free */
};
/* `in_use`: attempts alive that hold a slot, parked ones included. */
struct stk_admission stk_limit_admit(const struct stk_limit *limit,
                                     const struct stk_limit_spec *spec, int64_t in_use,
                                     stk_time_ns now);
/* n have been started: rate and quota move on. */
void stk_limit_take(struct stk_limit *limit, const struct stk_limit_spec *spec, uint32_t n,
                    stk_time_ns now);

/* What an answer says of the limit. */
enum stk_signal_kind {
    STK_SIGNAL_NONE,
    STK_SIGNAL_OK,         /* it went through */
    STK_SIGNAL_THROTTLED,  /* 429 or alike: come back later */
    STK_SIGNAL_SLOTS_FULL, /* too many at a time */
    STK_SIGNAL_QUOTA,      /* the allowance of the window is used up */
    STK_SIGNAL_ERROR       /* 5xx or no answer */
};
struct stk_signal {
    enum stk_signal_kind kind;
    enum stk_limit_class class_;
    bool has_retry_after;
    stk_time_ns retry_after_ns;
    stk_time_ns sent_at;  /* an answer to what was sent before the episode began is its echo;
                             0: not known, taken as now */
    int64_t remaining;    /* from RateLimit headers; -1: not said */
    stk_time_ns reset_ns; /* with remaining: until it is full again */
    char reason[200];     /* for people: "429 from lab.example: CONCURRENT_LIMIT_EXCEEDED" */
};
/* True: something changed that is worth an event (a new episode, open again).
 * `in_use`: those the authority has accepted, so without the attempt that got
 * the answer SLOTS_FULL. */
bool stk_limit_signal(struct stk_limit *limit, const struct stk_limit_spec *spec,
                      const struct stk_signal *signal, int64_t in_use, stk_time_ns now,
                      uint64_t dice);
/* The reserved turn of a job that was throttled: not before the cooldown ends,
 * at least one interval after the turn given before, with jitter that only ever
 * adds. */
stk_time_ns stk_limit_turn(struct stk_limit *limit, const struct stk_limit_spec *spec,
                           stk_time_ns now, uint64_t dice);

/* The numbers in force: what a person set, else what is configured, else what
 * was learned. 0: no such part. */
uint32_t stk_limit_concurrency(const struct stk_limit *limit, const struct stk_limit_spec *spec,
                               stk_time_ns now);
stk_time_ns stk_limit_interval(const struct stk_limit *limit, const struct stk_limit_spec *spec);
int64_t stk_limit_quota(const struct stk_limit *limit, const struct stk_limit_spec *spec);
/* Start of the quota's next window. */
stk_time_ns stk_limit_reset_at(const struct stk_limit_spec *spec, stk_time_ns now);

/* A person opens it: closed no more, nothing learned, nothing set, the allowance
 * full again. What has gone out has gone out: the rate goes on from there. */
void stk_limit_clear(struct stk_limit *limit);

void stk_limit_init(struct stk_limit *limit, const char *name);
/* One sentence: "limit "lab-submit": cooldown for 12s (429 ...)". */
void stk_limit_sentence(const struct stk_limit *limit, const struct stk_limit_spec *spec,
                        int64_t in_use, stk_time_ns now, char *ret_text, size_t size);

#endif
