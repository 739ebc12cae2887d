/* SPDX-License-Identifier: MIT */
#include "model/limit.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "base/timetext.h"
#include "model/lifecycle.h"
#include "model/shown.h"

/* Nothing is counted further than this: sums with a wall time stay far from the
 * end of stk_time_ns. */
#define FAR (3650 * STK_DAY)

#define JITTER_MAX    (30 * STK_SECOND)
#define TURN_MIN      (20 * STK_MS)
#define TURN_MAX      STK_SECOND
#define QUIET         (300 * STK_SECOND) /* takes one strike back */
#define RECOVER_EVERY (30 * STK_SECOND)  /* AIMD: takes half a configured interval back */
#define PROBE_EVERY   (5 * STK_MINUTE)   /* a learned cap rises by one */

/* The authority's midnight may come this much later than ours: who is refused so
 * early was refused by the day before. */
#define RESET_SLACK STK_MINUTE

enum { GROWTH_MAX = 64, JITTER_PART = 5, TURNS_PER_COOLDOWN = 50 };

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

static stk_time_ns min_time(stk_time_ns a, stk_time_ns b)
{
    return a < b ? a : b;
}

static stk_time_ns max_time(stk_time_ns a, stk_time_ns b)
{
    return a > b ? a : b;
}

/* At most FAR; ns >= 0, times >= 0. */
static stk_time_ns multiply(stk_time_ns ns, int64_t times)
{
    return times > 0 && ns > FAR / times ? FAR : ns * times;
}

/* From 0 to a fifth of the wait, and to JITTER_MAX. */
static stk_time_ns jitter(stk_time_ns wait, uint64_t dice)
{
    stk_time_ns most = min_time(max_time(wait, 0) / JITTER_PART, JITTER_MAX);
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

static stk_time_ns interval_configured(const struct stk_limit_spec *spec)
{
    return spec->rate == 0 ? 0 : divide(spec->per_ns, spec->rate);
}

stk_time_ns stk_limit_interval(const struct stk_limit *limit, const struct stk_limit_spec *spec)
{
    if (limit->set_per_window == 0 && !has_only_quota(spec)) return 0;
    if (limit->set_per_window > 0 && !has_only_quota(spec)) {
        return divide(spec->per_ns > 0 ? spec->per_ns : STK_MINUTE, limit->set_per_window);
    }
    stk_time_ns configured = interval_configured(spec);
    if (!spec->adaptive || configured == 0) return configured;
    return min_time(max_time(limit->interval_ns, configured), multiply(configured, GROWTH_MAX));
}

int64_t stk_limit_quota(const struct stk_limit *limit, const struct stk_limit_spec *spec)
{
    bool is_set = limit->set_per_window >= 0 && has_only_quota(spec);
    return is_set ? limit->set_per_window : spec->quota;
}

/* What the authority let us have, plus one for each probe that is due; 0: nothing
 * is learned, or it is too old. */
static uint32_t learned_cap(const struct stk_limit *limit, stk_time_ns now)
{
    if (limit->cap_learned == 0 || now >= limit->cap_until) return 0;
    if (now < limit->cap_probe_at) return limit->cap_learned;
    int64_t cap = limit->cap_learned + 1 + (now - limit->cap_probe_at) / PROBE_EVERY;
    return cap < UINT32_MAX ? (uint32_t)cap : UINT32_MAX;
}

uint32_t stk_limit_concurrency(const struct stk_limit *limit, const struct stk_limit_spec *spec,
                               stk_time_ns now)
{
    if (limit->set_concurrency >= 0) {
        return limit->set_concurrency < UINT32_MAX ? (uint32_t)limit->set_concurrency : UINT32_MAX;
    }
    uint32_t learned = learned_cap(limit, now);
    if (spec->concurrency == 0) return learned;
    return learned == 0 || learned > spec->concurrency ? spec->concurrency : learned;
}

/* When a learned cap rises next; STK_NEVER: it is not what holds us. */
static stk_time_ns cap_rises_at(const struct stk_limit *limit, const struct stk_limit_spec *spec,
                                stk_time_ns now)
{
    uint32_t learned = learned_cap(limit, now);
    bool is_lower = spec->concurrency == 0 || learned < spec->concurrency;
    if (limit->set_concurrency >= 0 || learned == 0 || !is_lower) return STK_NEVER;
    if (now < limit->cap_probe_at) return min_time(limit->cap_probe_at, limit->cap_until);
    stk_time_ns since = (now - limit->cap_probe_at) % PROBE_EVERY;
    return min_time(now - since + PROBE_EVERY, limit->cap_until);
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

static int64_t used_now(const struct stk_limit *limit, const struct stk_limit_spec *spec,
                        stk_time_ns now)
{
    return window_is_over(limit, spec, now) ? 0 : limit->used;
}

static void roll_window(struct stk_limit *limit, const struct stk_limit_spec *spec, stk_time_ns now)
{
    if (!window_is_over(limit, spec, now)) return;
    limit->window_from = now;
    limit->used = 0;
}

static bool quota_is_used_up(const struct stk_limit *limit, const struct stk_limit_spec *spec,
                             stk_time_ns now)
{
    int64_t quota = stk_limit_quota(limit, spec);
    return quota > 0 && used_now(limit, spec, now) >= quota;
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
    return multiply(interval, spec->burst > 0 ? (int64_t)spec->burst - 1 : 0);
}

/* The arrival time, and after a closed time an empty bucket: the burst that fills
 * up meanwhile would be the next wave that is throttled. */
static stk_time_ns arrival(const struct stk_limit *limit, const struct stk_limit_spec *spec,
                           stk_time_ns interval)
{
    return max_time(limit->tat, limit->blocked_until + burst_ns(spec, interval));
}

static void narrow_by_rate(const struct stk_limit *limit, const struct stk_limit_spec *spec,
                           stk_time_ns now, struct stk_admission *admission)
{
    stk_time_ns interval = stk_limit_interval(limit, spec);
    if (interval == 0) return;

    stk_time_ns tau = burst_ns(spec, interval);
    stk_time_ns ahead = max_time(arrival(limit, spec, interval), now) - now;
    int64_t tokens = ahead > tau ? 0 : (tau - ahead) / interval + 1;
    stk_time_ns again_at = now + ahead + multiply(interval, tokens) - tau;
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
        narrow(&admission, quota - used_now(limit, spec, now), STK_LIMIT_QUOTA,
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
        stk_time_ns from = min_time(max_time(arrival(limit, spec, interval), now), now + FAR);
        limit->tat = from + multiply(interval, n);
    }
    roll_window(limit, spec, now);
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
        interval = min_time(max_time(spec->cooldown_ns / TURNS_PER_COOLDOWN, TURN_MIN), TURN_MAX);
    }
    stk_time_ns opens_at = max_time(limit->blocked_until, now);
    if (quota_is_used_up(limit, spec, now)) {
        opens_at = max_time(opens_at, stk_limit_reset_at(spec, now));
    }

    /* Only the first of a series is jittered: the others follow it at their
     * distance, which jitter of their own would shorten or add up to minutes. */
    bool is_first = limit->turn_at <= opens_at;
    stk_time_ns turn = is_first ? opens_at + jitter(opens_at - now, dice) : limit->turn_at;
    limit->turn_at = min_time(turn, now + FAR) + interval;
    limit->changed_at = now;
    return turn;
}

/* --- signals -------------------------------------------------------------- */

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
    stk_time_ns quiet = now - max_time(limit->episode_at, limit->blocked_until);
    int64_t forgiven = max_time(quiet, 0) / QUIET;
    limit->strikes = forgiven < limit->strikes ? limit->strikes - (uint32_t)forgiven : 0;
    if (limit->strikes < UINT32_MAX) limit->strikes++;
}

static void slow_down(struct stk_limit *limit, const struct stk_limit_spec *spec, stk_time_ns now)
{
    stk_time_ns configured = interval_configured(spec);
    if (!spec->adaptive || configured == 0) return;
    stk_time_ns interval = max_time(limit->interval_ns, configured);
    limit->interval_ns = min_time(multiply(interval, 2), multiply(configured, GROWTH_MAX));
    limit->interval_at = now;
}

/* Additive: half a configured interval for each quiet window that ends with an
 * answer; idle time alone shows nothing. */
static void speed_up(struct stk_limit *limit, const struct stk_limit_spec *spec, stk_time_ns now)
{
    stk_time_ns configured = interval_configured(spec);
    if (limit->interval_ns <= configured) return;
    if (now - limit->interval_at < max_time(RECOVER_EVERY, limit->interval_ns)) return;
    stk_time_ns step = configured / 2 > 0 ? configured / 2 : 1;
    limit->interval_ns = max_time(limit->interval_ns - step, configured);
    limit->interval_at = now;
}

/* What the answer says; -1: nothing. */
static stk_time_ns wait_said(const struct stk_signal *signal)
{
    if (signal->has_retry_after) return max_time(signal->retry_after_ns, 0);
    return signal->remaining == 0 && signal->reset_ns > 0 ? signal->reset_ns : -1;
}

static stk_time_ns cooldown_by_strikes(const struct stk_limit *limit,
                                       const struct stk_limit_spec *spec)
{
    stk_time_ns wait = min_time(spec->cooldown_ns, spec->cooldown_max_ns);
    for (uint32_t i = 1; i < limit->strikes && wait > 0 && wait < spec->cooldown_max_ns; i++) {
        wait = min_time(multiply(wait, 2), spec->cooldown_max_ns);
    }
    return wait;
}

static void block_as_said(struct stk_limit *limit, const struct stk_limit_spec *spec,
                          const struct stk_signal *signal, stk_time_ns now)
{
    stk_time_ns wait = wait_said(signal);
    if (wait >= 0) block(limit, now + min_time(wait, spec->cooldown_max_ns), signal);
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
    if (quota_is_used_up(limit, spec, now)) return false;

    uint32_t accepted = in_use < 1 ? 1 : in_use < UINT32_MAX ? (uint32_t)in_use : UINT32_MAX;
    uint32_t learned = learned_cap(limit, now);
    if (!echo || learned == 0 || accepted < learned) {
        limit->cap_learned = accepted;
        limit->cap_until = now + spec->learned_ttl_ns;
        limit->cap_probe_at = now + PROBE_EVERY;
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
    if (!knows_window && wait >= 0) until = now + min_time(wait, STK_DAY);
    if (knows_window) block_as_said(limit, spec, signal, now);

    bool is_new = until > limit->blocked_until;
    roll_window(limit, spec, now);
    limit->used = max_time(limit->used, stk_limit_quota(limit, spec));
    block(limit, until, signal);
    if (is_new) begin_episode(limit, now);
    return is_new;
}

static void open_breaker(struct stk_limit *limit, const struct stk_limit_spec *spec,
                         const struct stk_signal *signal, stk_time_ns now, uint64_t dice)
{
    begin_episode(limit, now);
    block(limit, now + spec->breaker_open_ns + jitter(spec->breaker_open_ns, dice), signal);
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
        block(limit, now + min_time(signal->reset_ns, spec->cooldown_max_ns), signal);
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

/* --- for people ----------------------------------------------------------- */

static void add_wait(struct stk_buf *buf, const char *before, stk_time_ns wait)
{
    char text[STK_DURATION_TEXT];
    stk_duration_text(wait, text);
    stk_buf_addf(buf, "%s%s", before, text);
}

static void add_cooldown(struct stk_buf *buf, const struct stk_limit *limit, const char *what,
                         stk_time_ns now)
{
    stk_buf_adds(buf, what);
    add_wait(buf, " for ", limit->blocked_until - now);
    if (limit->reason[0] == '\0') return;
    stk_buf_adds(buf, " (");
    stk_shown_add(buf, limit->reason, strlen(limit->reason), sizeof(limit->reason));
    stk_buf_addc(buf, ')');
}

static void add_numbers(struct stk_buf *buf, const struct stk_limit *limit,
                        const struct stk_limit_spec *spec, int64_t in_use, stk_time_ns now)
{
    uint32_t cap = stk_limit_concurrency(limit, spec, now);
    stk_time_ns interval = stk_limit_interval(limit, spec);
    int64_t quota = stk_limit_quota(limit, spec);
    stk_buf_adds(buf, "open");
    if (interval > 0) add_wait(buf, ", one each ", interval);
    if (cap > 0) stk_buf_addf(buf, ", %" PRId64 " of %" PRIu32 " slots in use", in_use, cap);
    if (quota == 0) return;
    stk_buf_addf(buf, ", %" PRId64 " of %" PRId64 " used", used_now(limit, spec, now), quota);
}

static void add_quota(struct stk_buf *buf, const struct stk_limit *limit,
                      const struct stk_limit_spec *spec, stk_time_ns now)
{
    stk_buf_addf(buf, "the quota of %" PRId64 " is used up", stk_limit_quota(limit, spec));
    add_wait(buf, " for ", stk_limit_reset_at(spec, now) - now);
}

static void add_refusal(struct stk_buf *buf, const struct stk_limit *limit,
                        const struct stk_limit_spec *spec, const struct stk_admission *admission,
                        int64_t in_use, stk_time_ns now)
{
    uint32_t cap = stk_limit_concurrency(limit, spec, now);
    switch (admission->kind) {
    case STK_LIMIT_OPEN: break;
    case STK_LIMIT_COOLDOWN: add_cooldown(buf, limit, "cooldown", now); break;
    case STK_LIMIT_RATE:
        add_wait(buf, "next turn in ", admission->again_at - now);
        add_wait(buf, ", one each ", stk_limit_interval(limit, spec));
        break;
    case STK_LIMIT_SLOTS:
        stk_buf_addf(buf, "%" PRId64 " of %" PRIu32 " slots in use", in_use, cap);
        break;
    case STK_LIMIT_QUOTA: add_quota(buf, limit, spec, now); break;
    case STK_LIMIT_BREAKER:
        if (now < limit->blocked_until) {
            add_cooldown(buf, limit, "closed after errors", now);
        } else {
            stk_buf_adds(buf, "closed after errors, waits for the answer of one probe");
        }
        break;
    }
}

void stk_limit_sentence(const struct stk_limit *limit, const struct stk_limit_spec *spec,
                        int64_t in_use, stk_time_ns now, char *ret_text, size_t size)
{
    struct stk_admission admission = stk_limit_admit(limit, spec, in_use, now);
    struct stk_buf buf = STK_BUF_INIT;
    stk_buf_addf(&buf, "limit \"%s\": ", limit->name);
    if (admission.admits == 0) {
        add_refusal(&buf, limit, spec, &admission, in_use, now);
    } else if (limit->half_open) {
        stk_buf_adds(&buf, "after errors, lets one probe through");
    } else {
        add_numbers(&buf, limit, spec, in_use, now);
    }
    size_t len = buf.len < size ? buf.len : stk_utf8_cut(stk_buf_str(&buf), size - 1);
    memcpy(ret_text, stk_buf_str(&buf), len);
    ret_text[len] = '\0';
    stk_buf_release(&buf);
}
