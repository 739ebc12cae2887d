/* SPDX-License-Identifier: MIT
 *
 * What an answer does to a limit: cooldown and strikes, the adapting interval,
 * the learned cap, the quota, the breaker.
 */
#include "model/limit_inner.h"

#include <string.h>

#define QUIET         (300 * STK_SECOND) /* takes one strike back */
#define RECOVER_EVERY (30 * STK_SECOND)  /* AIMD: takes half a configured interval back */

/* The authority's midnight may come this much later than ours: who is refused so
 * early was refused by the day before. */
#define RESET_SLACK STK_MINUTE

static stk_time_ns sent_at(const struct stk_signal *signal, stk_time_ns now)
{
    return signal->sent_at != 0 ? signal->sent_at : now;
}

/* What was sent before the episode began, or is answered while all is closed,
 * says nothing new. */
static bool is_echo(const struct stk_limit *limit, const struct stk_signal *signal, stk_time_ns now)
{
    return now < limit->blocked_until || sent_at(signal, now) <= limit->episode_at;
}

/* The only place that closes; it never opens. */
static void block(struct stk_limit *limit, stk_time_ns until, const struct stk_signal *signal)
{
    if (until <= limit->blocked_until) return;
    limit->blocked_until = until;
    size_t len = strnlen(signal->reason, sizeof(signal->reason) - 1);
    memcpy(limit->reason, signal->reason, len);
    limit->reason[len] = '\0';
}

static void begin_episode(struct stk_limit *limit, stk_time_ns now)
{
    limit->episode++;
    limit->episode_at = now;
}

/* A closed time proves nothing: quiet is counted from its end. */
static void add_strike(struct stk_limit *limit, stk_time_ns now)
{
    stk_time_ns quiet = now - stk_limit_max(limit->episode_at, limit->blocked_until);
    int64_t forgiven = stk_limit_max(quiet, 0) / QUIET;
    limit->strikes = forgiven < limit->strikes ? limit->strikes - (uint32_t)forgiven : 0;
    if (limit->strikes < UINT32_MAX) limit->strikes++;
}

static void slow_down(struct stk_limit *limit, const struct stk_limit_spec *spec, stk_time_ns now)
{
    stk_time_ns configured = stk_limit_interval_configured(spec);
    if (!spec->adaptive || configured == 0) return;
    stk_time_ns interval = stk_limit_max(limit->interval_ns, configured);
    limit->interval_ns = stk_limit_min(stk_limit_multiply(interval, 2),
                                       stk_limit_multiply(configured, STK_LIMIT_GROWTH_MAX));
    limit->interval_at = now;
}

/* Additive: half a configured interval for each quiet window that ends with an
 * answer; idle time alone shows nothing. */
static void speed_up(struct stk_limit *limit, const struct stk_limit_spec *spec, stk_time_ns now)
{
    stk_time_ns configured = stk_limit_interval_configured(spec);
    if (limit->interval_ns <= configured) return;
    if (now - limit->interval_at < stk_limit_max(RECOVER_EVERY, limit->interval_ns)) return;
    stk_time_ns step = configured / 2 > 0 ? configured / 2 : 1;
    limit->interval_ns = stk_limit_max(limit->interval_ns - step, configured);
    limit->interval_at = now;
}

/* What the answer says; -1: nothing. */
static stk_time_ns wait_said(const struct stk_signal *signal)
{
    if (signal->has_retry_after) return stk_limit_max(signal->retry_after_ns, 0);
    return signal->remaining == 0 && signal->reset_ns > 0 ? signal->reset_ns : -1;
}

static stk_time_ns cooldown_by_strikes(const struct stk_limit *limit,
                                       const struct stk_limit_spec *spec)
{
    stk_time_ns wait = stk_limit_min(spec->cooldown_ns, spec->cooldown_max_ns);
    for (uint32_t i = 1; i < limit->strikes && wait > 0 && wait < spec->cooldown_max_ns; i++) {
        wait = stk_limit_min(stk_limit_multiply(wait, 2), spec->cooldown_max_ns);
    }
    return wait;
}

static void block_as_said(struct stk_limit *limit, const struct stk_limit_spec *spec,
                          const struct stk_signal *signal, stk_time_ns now)
{
    stk_time_ns wait = wait_said(signal);
    if (wait >= 0) block(limit, now + stk_limit_min(wait, spec->cooldown_max_ns), signal);
}

/* A strike, and closed for as long as the answer says or as strikes demand. */
static void cool_down(struct stk_limit *limit, const struct stk_limit_spec *spec,
                      const struct stk_signal *signal, stk_time_ns now)
{
    add_strike(limit, now);
    begin_episode(limit, now);
    if (wait_said(signal) < 0) {
        block(limit, now + cooldown_by_strikes(limit, spec), signal);
    } else {
        block_as_said(limit, spec, signal, now);
    }
}

static bool on_throttled(struct stk_limit *limit, const struct stk_limit_spec *spec,
                         const struct stk_signal *signal, stk_time_ns now)
{
    if (is_echo(limit, signal, now)) {
        block_as_said(limit, spec, signal, now);
        return false;
    }
    slow_down(limit, spec, now);
    cool_down(limit, spec, signal, now);
    return true;
}

/* The authority's count is the right one. Its echoes may still lower the cap,
 * for while twenty are refused at once the first of them sees too many in use;
 * but not when the day is spent, whose refusals come in this disguise, too. */
static bool on_slots_full(struct stk_limit *limit, const struct stk_limit_spec *spec,
                          const struct stk_signal *signal, int64_t in_use, stk_time_ns now)
{
    bool echo = is_echo(limit, signal, now);
    block_as_said(limit, spec, signal, now);
    if (stk_limit_is_used_up(limit, spec, now)) return false;

    uint32_t accepted = in_use < 1 ? 1 : in_use < UINT32_MAX ? (uint32_t)in_use : UINT32_MAX;
    uint32_t learned = stk_limit_learned_cap(limit, now);
    if (!echo || learned == 0 || accepted < learned) {
        limit->cap_learned = accepted;
        limit->cap_until = now + spec->learned_ttl_ns;
        limit->cap_probe_at = now + STK_LIMIT_PROBE_EVERY;
    }
    if (echo) return false;

    /* Nobody of ours holds what is full, or a person set more: the cap alone
     * would let the next one run into the same wall at once. */
    uint32_t cap = stk_limit_concurrency(limit, spec, now);
    if (cap == 0 || in_use < cap) {
        cool_down(limit, spec, signal, now);
    } else {
        begin_episode(limit, now);
    }
    return true;
}

/* Closed until the window ends. A refusal from around its beginning speaks of
 * the window before, and is no more than a throttle. */
static bool on_quota(struct stk_limit *limit, const struct stk_limit_spec *spec,
                     const struct stk_signal *signal, stk_time_ns now)
{
    bool is_late = stk_limit_reset_at(spec, sent_at(signal, now) - RESET_SLACK) <= now;
    if (is_late) return on_throttled(limit, spec, signal, now);

    bool knows_window = spec->quota_ns > 0;
    stk_time_ns wait = wait_said(signal);
    stk_time_ns until = stk_limit_reset_at(spec, now);
    if (!knows_window && wait >= 0) until = now + stk_limit_min(wait, STK_DAY);
    if (knows_window) block_as_said(limit, spec, signal, now);

    bool is_new = until > limit->blocked_until;
    stk_limit_roll_window(limit, spec, now);
    limit->used = stk_limit_max(limit->used, stk_limit_quota(limit, spec));
    block(limit, until, signal);
    if (is_new) begin_episode(limit, now);
    return is_new;
}

static void open_breaker(struct stk_limit *limit, const struct stk_limit_spec *spec,
                         const struct stk_signal *signal, stk_time_ns now, uint64_t dice)
{
    begin_episode(limit, now);
    block(limit, now + spec->breaker_open_ns + stk_limit_jitter(spec->breaker_open_ns, dice),
          signal);
    limit->half_open = true;
    limit->errors = 0;
    limit->errors_since = 0;
}

static bool on_error(struct stk_limit *limit, const struct stk_limit_spec *spec,
                     const struct stk_signal *signal, stk_time_ns now, uint64_t dice)
{
    bool echo = is_echo(limit, signal, now);
    if (signal->has_retry_after) block_as_said(limit, spec, signal, now);
    if (echo || spec->breaker_errors == 0) return false;

    stk_time_ns age = now - limit->errors_since;
    bool is_window_over = age < 0 || age > spec->breaker_within_ns;
    if (!limit->half_open && (limit->errors == 0 || is_window_over)) {
        limit->errors = 0;
        limit->errors_since = now;
    }
    limit->errors++;
    if (!limit->half_open && limit->errors < spec->breaker_errors) return false;
    open_breaker(limit, spec, signal, now, dice);
    return true;
}

static bool on_ok(struct stk_limit *limit, const struct stk_limit_spec *spec,
                  const struct stk_signal *signal, stk_time_ns now)
{
    bool echo = is_echo(limit, signal, now);
    bool closes = limit->half_open && !echo && sent_at(signal, now) >= limit->blocked_until;
    if (closes) {
        limit->half_open = false;
        limit->errors = 0;
        limit->errors_since = 0;
    }
    if (!echo) speed_up(limit, spec, now);

    /* The last one of its window. Its Retry-After is not for us: 202 has one, too. */
    if (signal->remaining == 0 && signal->reset_ns > 0) {
        stk_time_ns until = now + stk_limit_min(signal->reset_ns, spec->cooldown_max_ns);
        bool is_closed = now < limit->blocked_until; /* by a refusal, whose reason says more */
        if (!is_closed) block(limit, until, signal);
        limit->blocked_until = stk_limit_max(limit->blocked_until, until);
    }
    return closes;
}

bool stk_limit_signal(struct stk_limit *limit, const struct stk_limit_spec *spec,
                      const struct stk_signal *signal, int64_t in_use, stk_time_ns now,
                      uint64_t dice)
{
    limit->changed_at = now;
    switch (signal->kind) {
    case STK_SIGNAL_NONE: break;
    case STK_SIGNAL_OK: return on_ok(limit, spec, signal, now);
    case STK_SIGNAL_THROTTLED: return on_throttled(limit, spec, signal, now);
    case STK_SIGNAL_SLOTS_FULL: return on_slots_full(limit, spec, signal, in_use, now);
    case STK_SIGNAL_QUOTA: return on_quota(limit, spec, signal, now);
    case STK_SIGNAL_ERROR: return on_error(limit, spec, signal, now, dice);
    }
    return false;
}
