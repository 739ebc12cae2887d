/* SPDX-License-Identifier: MIT */
#include "model/limit_inner.h"

#include <stdio.h>

#include "model/lifecycle.h"

#define JITTER_MAX (30 * STK_SECOND)
#define TURN_MIN   (20 * STK_MS)
#define TURN_MAX   STK_SECOND

enum { JITTER_PART = 5, TURNS_PER_COOLDOWN = 50 };

static const char *const kind_names[] = {
    [STK_LIMIT_OPEN] = "open",   [STK_LIMIT_COOLDOWN] = "cooldown", [STK_LIMIT_RATE] = "rate",
    [STK_LIMIT_SLOTS] = "slots", [STK_LIMIT_QUOTA] = "quota",       [STK_LIMIT_BREAKER] = "breaker",
};

const char *stk_limit_kind_name(enum stk_limit_kind kind)
{
    return kind_names[kind];
}

void stk_limit_init(struct stk_limit *limit, const char *name)
{
    *limit = (struct stk_limit){ .set_per_window = -1, .set_concurrency = -1 };
    (void)snprintf(limit->name, sizeof(limit->name), "%s", name);
}

void stk_limit_clear(struct stk_limit *limit)
{
    struct stk_limit fresh;
    stk_limit_init(&fresh, limit->name);
    fresh.tat = limit->tat;
    fresh.window_from = limit->window_from;
    fresh.episode = limit->episode;
    *limit = fresh;
}

/* From 0 to a fifth of the wait, and to JITTER_MAX. */
stk_time_ns stk_limit_jitter(stk_time_ns wait, uint64_t dice)
{
    stk_time_ns most = stk_limit_min(stk_limit_max(wait, 0) / JITTER_PART, JITTER_MAX);
    return (stk_time_ns)(dice % ((uint64_t)most + 1));
}

/* --- the numbers in force ------------------------------------------------- */

static bool has_only_quota(const struct stk_limit_spec *spec)
{
    return spec->rate == 0 && spec->quota > 0;
}

/* Rounded up: never faster than configured. */
static stk_time_ns divide(stk_time_ns per, int64_t rate)
{
    return per / rate + (per % rate != 0);
}

stk_time_ns stk_limit_interval_configured(const struct stk_limit_spec *spec)
{
    return spec->rate == 0 ? 0 : divide(spec->per_ns, spec->rate);
}

stk_time_ns stk_limit_interval(const struct stk_limit *limit, const struct stk_limit_spec *spec)
{
    if (limit->set_per_window == 0 && !has_only_quota(spec)) return 0;
    if (limit->set_per_window > 0 && !has_only_quota(spec)) {
        return divide(spec->per_ns > 0 ? spec->per_ns : STK_MINUTE, limit->set_per_window);
    }
    stk_time_ns configured = stk_limit_interval_configured(spec);
    if (!spec->adaptive || configured == 0) return configured;
    return stk_limit_min(stk_limit_max(limit->interval_ns, configured),
                         stk_limit_multiply(configured, STK_LIMIT_GROWTH_MAX));
}

int64_t stk_limit_quota(const struct stk_limit *limit, const struct stk_limit_spec *spec)
{
    bool is_set = limit->set_per_window >= 0 && has_only_quota(spec);
    return is_set ? limit->set_per_window : spec->quota;
}

uint32_t stk_limit_learned_cap(const struct stk_limit *limit, stk_time_ns now)
{
    if (limit->cap_learned == 0 || now >= limit->cap_until) return 0;
    if (now < limit->cap_probe_at) return limit->cap_learned;
    int64_t cap = limit->cap_learned + 1 + (now - limit->cap_probe_at) / STK_LIMIT_PROBE_EVERY;
    return cap < UINT32_MAX ? (uint32_t)cap : UINT32_MAX;
}

uint32_t stk_limit_concurrency(const struct stk_limit *limit, const struct stk_limit_spec *spec,
                               stk_time_ns now)
{
    if (limit->set_concurrency >= 0) {
        return limit->set_concurrency < UINT32_MAX ? (uint32_t)limit->set_concurrency : UINT32_MAX;
    }
    uint32_t learned = stk_limit_learned_cap(limit, now);
    if (spec->concurrency == 0) return learned;
    return learned == 0 || learned > spec->concurrency ? spec->concurrency : learned;
}

/* When a learned cap rises next; STK_NEVER: it is not what holds us. */
static stk_time_ns cap_rises_at(const struct stk_limit *limit, const struct stk_limit_spec *spec,
                                stk_time_ns now)
{
    uint32_t learned = stk_limit_learned_cap(limit, now);
    bool is_lower = spec->concurrency == 0 || learned < spec->concurrency;
    if (limit->set_concurrency >= 0 || learned == 0 || !is_lower) return STK_NEVER;
    if (now < limit->cap_probe_at) return stk_limit_min(limit->cap_probe_at, limit->cap_until);
    stk_time_ns since = (now - limit->cap_probe_at) % STK_LIMIT_PROBE_EVERY;
    return stk_limit_min(now - since + STK_LIMIT_PROBE_EVERY, limit->cap_until);
}

/* --- the quota's window --------------------------------------------------- */

stk_time_ns stk_limit_reset_at(const struct stk_limit_spec *spec, stk_time_ns now)
{
    if (spec->quota_ns == STK_HOUR) return (now / STK_HOUR + 1) * STK_HOUR;
    return stk_zone_next_day(spec->rules, now);
}

static bool window_is_over(const struct stk_limit *limit, const struct stk_limit_spec *spec,
                           stk_time_ns now)
{
    return stk_limit_reset_at(spec, limit->window_from) <= now;
}

int64_t stk_limit_used(const struct stk_limit *limit, const struct stk_limit_spec *spec,
                       stk_time_ns now)
{
    return window_is_over(limit, spec, now) ? 0 : limit->used;
}

void stk_limit_roll_window(struct stk_limit *limit, const struct stk_limit_spec *spec,
                           stk_time_ns now)
{
    if (!window_is_over(limit, spec, now)) return;
    limit->window_from = now;
    limit->used = 0;
}

bool stk_limit_is_used_up(const struct stk_limit *limit, const struct stk_limit_spec *spec,
                          stk_time_ns now)
{
    int64_t quota = stk_limit_quota(limit, spec);
    return quota > 0 && stk_limit_used(limit, spec, now) >= quota;
}

/* --- admission ------------------------------------------------------------ */

/* The part that lets least through decides; of two that let nothing through the
 * one that does so longer, and a slot that may become free comes last. */
static void narrow(struct stk_admission *admission, int64_t admits, enum stk_limit_kind kind,
                   stk_time_ns again_at)
{
    uint32_t count = admits <= 0 ? 0 : admits < UINT32_MAX ? (uint32_t)admits : UINT32_MAX;
    bool is_tighter = count < admission->admits;
    bool is_longer = count == 0 && admission->admits == 0 && again_at > admission->again_at;
    if (is_tighter || is_longer) *admission = (struct stk_admission){ count, kind, again_at };
}

static void narrow_by_cooldown(const struct stk_limit *limit, const struct stk_limit_spec *spec,
                               stk_time_ns now, struct stk_admission *admission)
{
    enum stk_limit_kind kind = limit->half_open ? STK_LIMIT_BREAKER : STK_LIMIT_COOLDOWN;
    if (now < limit->blocked_until) {
        narrow(admission, 0, kind, limit->blocked_until);
    } else if (limit->half_open) {
        stk_time_ns lost_at = limit->errors_since + spec->breaker_open_ns;
        bool is_out = limit->errors > 0 && now < lost_at;
        narrow(admission, is_out ? 0 : 1, kind, is_out ? lost_at : now + spec->breaker_open_ns);
    }
}

static stk_time_ns burst_ns(const struct stk_limit_spec *spec, stk_time_ns interval)
{
    return stk_limit_multiply(interval, spec->burst > 0 ? (int64_t)spec->burst - 1 : 0);
}

/* The arrival time, and after a closed time an empty bucket: the burst that fills
 * up meanwhile would be the next wave that is throttled. */
static stk_time_ns arrival(const struct stk_limit *limit, const struct stk_limit_spec *spec,
                           stk_time_ns interval)
{
    return stk_limit_max(limit->tat, limit->blocked_until + burst_ns(spec, interval));
}

static void narrow_by_rate(const struct stk_limit *limit, const struct stk_limit_spec *spec,
                           stk_time_ns now, struct stk_admission *admission)
{
    stk_time_ns interval = stk_limit_interval(limit, spec);
    if (interval == 0) return;

    stk_time_ns tau = burst_ns(spec, interval);
    stk_time_ns ahead = stk_limit_max(arrival(limit, spec, interval), now) - now;
    int64_t tokens = ahead > tau ? 0 : (tau - ahead) / interval + 1;
    stk_time_ns again_at = now + ahead + stk_limit_multiply(interval, tokens) - tau;
    narrow(admission, tokens, STK_LIMIT_RATE, again_at);
}

struct stk_admission stk_limit_admit(const struct stk_limit *limit,
                                     const struct stk_limit_spec *spec, int64_t in_use,
                                     stk_time_ns now)
{
    struct stk_admission admission = { UINT32_MAX, STK_LIMIT_OPEN, now };
    narrow_by_cooldown(limit, spec, now, &admission);

    int64_t quota = stk_limit_quota(limit, spec);
    if (quota > 0) {
        narrow(&admission, quota - stk_limit_used(limit, spec, now), STK_LIMIT_QUOTA,
               stk_limit_reset_at(spec, now));
    }
    narrow_by_rate(limit, spec, now, &admission);

    uint32_t cap = stk_limit_concurrency(limit, spec, now);
    if (cap > 0) {
        narrow(&admission, cap - in_use, STK_LIMIT_SLOTS, cap_rises_at(limit, spec, now));
    }
    return admission;
}

void stk_limit_take(struct stk_limit *limit, const struct stk_limit_spec *spec, uint32_t n,
                    stk_time_ns now)
{
    if (n == 0) return;
    stk_time_ns interval = stk_limit_interval(limit, spec);
    if (interval > 0) {
        stk_time_ns from =
            stk_limit_min(stk_limit_max(arrival(limit, spec, interval), now), now + STK_LIMIT_FAR);
        limit->tat = from + stk_limit_multiply(interval, n);
    }
    stk_limit_roll_window(limit, spec, now);
    limit->used += n;
    if (limit->half_open) {
        limit->errors = 1;
        limit->errors_since = now;
    }
    limit->changed_at = now;
}

stk_time_ns stk_limit_turn(struct stk_limit *limit, const struct stk_limit_spec *spec,
                           stk_time_ns now, uint64_t dice)
{
    stk_time_ns interval = stk_limit_interval(limit, spec);
    if (interval == 0) {
        interval = stk_limit_min(stk_limit_max(spec->cooldown_ns / TURNS_PER_COOLDOWN, TURN_MIN),
                                 TURN_MAX);
    }
    stk_time_ns opens_at = stk_limit_max(limit->blocked_until, now);
    if (stk_limit_is_used_up(limit, spec, now)) {
        opens_at = stk_limit_max(opens_at, stk_limit_reset_at(spec, now));
    }

    /* Only the first of a series is jittered: the others follow it at their
     * distance, which jitter of their own would shorten or add up to minutes. */
    bool is_first = limit->turn_at <= opens_at;
    stk_time_ns turn =
        is_first ? opens_at + stk_limit_jitter(opens_at - now, dice) : limit->turn_at;
    limit->turn_at = stk_limit_min(turn, now + STK_LIMIT_FAR) + interval;
    limit->changed_at = now;
    return turn;
}
