/* SPDX-License-Identifier: MIT */
#include "model/limit_config.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "base/timetext.h"
#include "model/keys.h"
#include "model/named.h"
#include "model/shown.h"

/* Bounds that keep a burst of the slowest rate, grown by AIMD, far from the end
 * of stk_time_ns (limit.c counts no further than ten years). */
enum {
    RATE_MAX = 1000 * 1000,
    BURST_MAX = 1000 * 1000,
    CONCURRENCY_MAX = 1000 * 1000,
    ERRORS_MAX = 1000 * 1000
};
#define QUOTA_MAX    ((int64_t)1000 * 1000 * 1000 * 1000)
#define COOLDOWN_MAX (7 * STK_DAY)

/* What `profile:` stands for; keys that are given win. The first row is what
 * holds without a profile.
 *
 * retry-after        the authority says each time how long to wait
 * x-ratelimit        windows up to an hour, counted down in X-RateLimit-*; silence means long
 * ietf-ratelimit     RateLimit and RateLimit-Policy: short windows mostly, perhaps one of a day
 * gcra-fixed         a rate that is known, and kept whatever the authority says
 * concurrency-slots  so many at a time, fewer once the authority says full
 * daily-quota        an allowance a day; without `quota:` nothing is counted, but the authority's
 *                    word closes until the midnight of `zone:`
 * aimd               a rate that nobody knows: begins fast and finds what is borne
 */
/* clang-format off */
static const struct profile {
    const char *name;
    int64_t rate;
    stk_time_ns per_ns;
    bool adaptive;
    uint32_t concurrency;
    stk_time_ns quota_ns, cooldown_ns, cooldown_max_ns;
} profiles[] = {
    { "",                  0, STK_MINUTE, true,  0, 0,       30 * STK_SECOND, STK_HOUR        },
    { "retry-after",       0, STK_MINUTE, false, 0, 0,       30 * STK_SECOND, STK_HOUR        },
    { "x-ratelimit",       0, STK_MINUTE, false, 0, 0,       STK_MINUTE,      STK_HOUR        },
    { "ietf-ratelimit",    0, STK_MINUTE, false, 0, 0,       10 * STK_SECOND, STK_DAY         },
    { "gcra-fixed",        1, STK_SECOND, false, 0, 0,       30 * STK_SECOND, STK_HOUR        },
    { "concurrency-slots", 0, STK_MINUTE, false, 3, 0,       10 * STK_SECOND, 5 * STK_MINUTE  },
    { "daily-quota",       0, STK_MINUTE, false, 0, STK_DAY, STK_MINUTE,      STK_HOUR        },
    { "aimd",              5, STK_SECOND, true,  0, 0,       5 * STK_SECOND,  10 * STK_MINUTE },
};
/* clang-format on */

static void apply_profile(const struct profile *profile, struct stk_limit_spec *spec)
{
    *spec = (struct stk_limit_spec){
        .name = spec->name,
        .rate = profile->rate,
        .per_ns = profile->per_ns,
        .burst = 1,
        .adaptive = profile->adaptive,
        .concurrency = profile->concurrency,
        .quota_ns = profile->quota_ns,
        .cooldown_ns = profile->cooldown_ns,
        .cooldown_max_ns = profile->cooldown_max_ns,
        .breaker_errors = 5,
        .breaker_within_ns = 120 * STK_SECOND,
        .breaker_open_ns = 300 * STK_SECOND,
        .learned_ttl_ns = 30 * STK_MINUTE,
    };
}

static const char *const class_names[] = {
#define CLASS_TEXT(name, text, what) [STK_LIMIT_CLASS_##name] = (text),
    STK_LIMIT_CLASS_MAP(CLASS_TEXT)
#undef CLASS_TEXT
};
_Static_assert(STK_ARRAY_LEN(class_names) == STK_LIMIT_CLASS_COUNT_, "one name per class");

const char *stk_limit_class_name(enum stk_limit_class class_)
{
    return class_names[class_];
}

bool stk_limit_class_from_name(const char *name, enum stk_limit_class *ret)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(class_names); i++) {
        if (strcmp(class_names[i], name) != 0) continue;
        *ret = (enum stk_limit_class)i;
        return true;
    }
    return false;
}

/* --- "60/min" ------------------------------------------------------------- */

static bool parse_per(const char *text, stk_time_ns *ret)
{
    static const struct {
        const char *name;
        stk_time_ns ns;
    } units[] = {
        { "ms", STK_MS },         { "s", STK_SECOND },      { "sec", STK_SECOND },
        { "m", STK_MINUTE },      { "min", STK_MINUTE },    { "h", STK_HOUR },
        { "hour", STK_HOUR },     { "d", STK_DAY },         { "day", STK_DAY },
        { "second", STK_SECOND }, { "minute", STK_MINUTE },
    };
    size_t digits = strspn(text, "0123456789");
    int64_t count = 1;
    STK_CLEANUP(stk_freep) char *number = stk_strndup(text, digits);
    if (digits > 0 && !stk_parse_i64(number, &count)) return false;
    for (size_t i = 0; i < STK_ARRAY_LEN(units); i++) {
        if (strcmp(text + digits, units[i].name) != 0) continue;
        if (count < 1 || count > STK_DAY / units[i].ns) return false;
        *ret = count * units[i].ns;
        return true;
    }
    return false;
}

/* At most a day, so that no limit waits for longer than anyone looks. */
bool stk_rate_parse(const char *text, int64_t *ret_rate, stk_time_ns *ret_per_ns)
{
    const char *slash = strchr(text, '/');
    if (slash == NULL) return false;

    STK_CLEANUP(stk_freep) char *number = stk_strndup(text, (size_t)(slash - text));
    int64_t rate = 0;
    stk_time_ns per = 0;
    if (!stk_parse_i64(number, &rate) || rate < 1) return false;
    if (!parse_per(slash + 1, &per)) return false;
    *ret_rate = rate;
    *ret_per_ns = per;
    return true;
}

/* --- the keys ------------------------------------------------------------- */

static enum stk_rc fail_choice(const struct stk_node *node, const char *given,
                               const char *const *names, size_t count, struct stk_error *err)
{
    STK_CLEANUP(stk_freep) char *shown = stk_shown(given);
    const char *near = stk_nearest(given, names, count);
    if (near != NULL) {
        return stk_node_fail(node, err, "there is no \"%s\" (did you mean \"%s\"?)", shown, near);
    }
    struct stk_buf all = STK_BUF_INIT;
    for (size_t i = 0; i < count; i++) {
        stk_buf_addf(&all, "%s%s", i > 0 ? ", " : "", names[i]);
    }
    enum stk_rc rc =
        stk_node_fail(node, err, "there is no \"%s\"; there are %s", shown, stk_buf_str(&all));
    stk_buf_release(&all);
    return rc;
}

static enum stk_rc read_profile(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_limit_spec *spec = into;
    const char *text = NULL;
    enum stk_rc rc = stk_node_text(node, &text, err);
    if (rc != STK_OK) return rc;

    const char *names[STK_ARRAY_LEN(profiles)] = { 0 };
    for (size_t i = 1; i < STK_ARRAY_LEN(profiles); i++) {
        names[i - 1] = profiles[i].name;
        if (strcmp(text, profiles[i].name) != 0) continue;
        apply_profile(&profiles[i], spec);
        return STK_OK;
    }
    return fail_choice(node, text, names, STK_ARRAY_LEN(profiles) - 1, err);
}

static enum stk_rc read_class(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_limit_spec *spec = into;
    const char *text = NULL;
    enum stk_rc rc = stk_node_text(node, &text, err);
    if (rc != STK_OK || stk_limit_class_from_name(text, &spec->class_)) return rc;
    return fail_choice(node, text, class_names, STK_ARRAY_LEN(class_names), err);
}

/* A rate or a quota. */
static enum stk_rc read_rate_text(const struct stk_node *node, const char *example, int64_t max,
                                  int64_t *ret, stk_time_ns *ret_per_ns, struct stk_error *err)
{
    const char *text = NULL;
    enum stk_rc rc = stk_node_text(node, &text, err);
    if (rc != STK_OK) return rc;

    int64_t count = 0;
    stk_time_ns per = 0;
    STK_CLEANUP(stk_freep) char *shown = stk_shown(text);
    if (!stk_rate_parse(text, &count, &per)) {
        return stk_node_fail(node, err, "\"%s\" is not so many in so long: write %s", shown,
                             example);
    }
    if (count > max) {
        return stk_node_fail(node, err, "\"%s\": at most %lld", shown, (long long)max);
    }
    *ret = count;
    *ret_per_ns = per;
    return STK_OK;
}

static enum stk_rc read_rate(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_limit_spec *spec = into;
    return read_rate_text(node, "60/min, 2/s or 1/10s", RATE_MAX, &spec->rate, &spec->per_ns, err);
}

static enum stk_rc read_quota(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_limit_spec *spec = into;
    stk_time_ns per = 0;
    enum stk_rc rc = read_rate_text(node, "5000/day or 100/h", QUOTA_MAX, &spec->quota, &per, err);
    if (rc != STK_OK) return rc;
    if (per != STK_HOUR && per != STK_DAY) {
        return stk_node_fail(node, err, "a quota is of a day or an hour: write 5000/day or 100/h");
    }
    spec->quota_ns = per;
    return STK_OK;
}

static enum stk_rc read_burst(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_limit_spec *spec = into;
    return stk_key_u32(node, 1, BURST_MAX, &spec->burst, err);
}

static enum stk_rc read_adaptive(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_limit_spec *spec = into;
    return stk_node_bool(node, &spec->adaptive, err);
}

static enum stk_rc read_concurrency(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_limit_spec *spec = into;
    return stk_key_u32(node, 1, CONCURRENCY_MAX, &spec->concurrency, err);
}

static enum stk_rc read_zone(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_limit_spec *spec = into;
    const char *text = NULL;
    enum stk_rc rc = stk_node_text(node, &text, err);
    if (rc != STK_OK) return rc;

    struct stk_error cause = { 0 };
    rc = stk_zone_open(text, &spec->rules, &cause);
    if (rc != STK_OK) return stk_node_fail(node, err, "%s", cause.text);
    spec->zone = stk_strdup(text);
    return STK_OK;
}

static enum stk_rc read_cooldown(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_limit_spec *spec = into;
    return stk_key_duration(node, STK_MS, COOLDOWN_MAX, &spec->cooldown_ns, err);
}

static enum stk_rc read_cooldown_max(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_limit_spec *spec = into;
    return stk_key_duration(node, STK_MS, COOLDOWN_MAX, &spec->cooldown_max_ns, err);
}

static enum stk_rc read_learned_ttl(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_limit_spec *spec = into;
    return stk_key_duration(node, STK_SECOND, COOLDOWN_MAX, &spec->learned_ttl_ns, err);
}

static enum stk_rc read_errors(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_limit_spec *spec = into;
    return stk_key_u32(node, 1, ERRORS_MAX, &spec->breaker_errors, err);
}

static enum stk_rc read_within(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_limit_spec *spec = into;
    return stk_key_duration(node, STK_MS, STK_DAY, &spec->breaker_within_ns, err);
}

static enum stk_rc read_open(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_limit_spec *spec = into;
    return stk_key_duration(node, STK_MS, STK_DAY, &spec->breaker_open_ns, err);
}

static const struct stk_key breaker_keys[] = {
    { "errors", read_errors },
    { "within", read_within },
    { "open", read_open },
};

static enum stk_rc read_breaker(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_limit_spec *spec = into;
    if (node->kind == STK_NODE_SCALAR && strcmp(node->text, "none") == 0) {
        spec->breaker_errors = 0;
        return STK_OK;
    }
    if (node->kind != STK_NODE_MAP) {
        return stk_node_fail(node, err, "write {errors: 5, within: 2m, open: 5m} or none");
    }
    return stk_keys_read(node, breaker_keys, STK_ARRAY_LEN(breaker_keys), spec, err);
}

/* Read in this order: the profile first, so that what is given wins. */
/* clang-format off */
static const struct stk_key limit_keys[] = {
    { "profile",      read_profile      },
    { "class",        read_class        },
    { "rate",         read_rate         },
    { "burst",        read_burst        },
    { "adaptive",     read_adaptive     },
    { "concurrency",  read_concurrency  },
    { "quota",        read_quota        },
    { "zone",         read_zone         },
    { "cooldown",     read_cooldown     },
    { "cooldown_max", read_cooldown_max },
    { "breaker",      read_breaker      },
    { "learned_ttl",  read_learned_ttl  },
};
/* clang-format on */
_Static_assert(STK_ARRAY_LEN(limit_keys) <= STK_KEYS_MAX, "stk_keys_read holds them all");

/* --- the map -------------------------------------------------------------- */

/* What is right by itself and senseless together. */
static enum stk_rc check(const struct stk_node *node, struct stk_limit_spec *spec,
                         struct stk_error *err)
{
    const struct stk_node *burst = stk_node_get(node, "burst");
    const struct stk_node *zone = stk_node_get(node, "zone");
    const struct stk_node *cooldown = stk_node_get(node, "cooldown");
    if (burst != NULL && spec->rate == 0) {
        return stk_node_fail(burst, err, "is of a rate, and there is none: add rate: 60/min");
    }
    if (zone != NULL && spec->quota_ns != STK_DAY) {
        return stk_node_fail(zone, err, "is of a quota of a day: add quota: 5000/day");
    }
    if (spec->cooldown_ns <= spec->cooldown_max_ns) return STK_OK;
    if (cooldown != NULL) return stk_node_fail(cooldown, err, "is longer than cooldown_max");
    spec->cooldown_ns = spec->cooldown_max_ns; /* only the usual one was longer */
    return STK_OK;
}

static enum stk_rc read_limit(const struct stk_node *node, const char *dir, void *into,
                              struct stk_error *err)
{
    (void)dir;
    struct stk_limit_spec *spec = into;
    spec->name = stk_strdup(node->name);
    apply_profile(&profiles[0], spec);
    enum stk_rc rc = stk_keys_read(node, limit_keys, STK_ARRAY_LEN(limit_keys), spec, err);
    return rc == STK_OK ? check(node, spec, err) : rc;
}

void stk_limit_spec_release(struct stk_limit_spec *spec)
{
    free(spec->name);
    free(spec->zone);
    stk_zone_free(spec->rules);
    *spec = (struct stk_limit_spec){ 0 };
}

static void release_limit(void *spec)
{
    stk_limit_spec_release(spec);
}

static const struct stk_named limits = {
    "limit", "limits", STK_LIMITS_MAX, sizeof(struct stk_limit_spec), read_limit, release_limit,
};
_Static_assert(offsetof(struct stk_limit_spec, name) == 0, "as stk_named wants it");

enum stk_rc stk_limit_config_read(const struct stk_node *node, struct stk_limit_spec **ret,
                                  size_t *ret_count, struct stk_error *err)
{
    void *all = NULL;
    enum stk_rc rc = stk_named_read(&limits, node, NULL, &all, ret_count, err);
    if (rc == STK_OK) *ret = all;
    return rc;
}
