/* SPDX-License-Identifier: MIT */
#include "model/retry_after.h"

#include <string.h>
#include <time.h>

#include "base/text.h"

#define BLANKS "\t\r "
#define DIGITS "0123456789"

#define RETRY_AFTER_MAX ((stk_time_ns)STK_RETRY_AFTER_MAX_S * STK_SECOND)

/* A reset is a moment, not a wait, when it lies beyond ten years; in
 * milliseconds when it lies beyond the year 5000. */
#define EPOCH_MIN    (10.0 * 365 * 24 * 3600)
#define EPOCH_MS_MIN 1e11

enum { VALUE_BYTES_MAX = 1024 };

/* --- texts ---------------------------------------------------------------- */

/* Without the blanks around it, in `room`; false: too long to mean anything. */
static bool trim(const char *text, size_t len, char *room, size_t size)
{
    while (len > 0 && strchr(BLANKS, text[0]) != NULL && text[0] != '\0') {
        text++;
        len--;
    }
    while (len > 0 && strchr(BLANKS, text[len - 1]) != NULL && text[len - 1] != '\0') {
        len--;
    }
    if (len >= size) return false;
    memcpy(room, text, len);
    room[len] = '\0';
    return true;
}

/* "5", "5.0", "-1". Not "5s", "1e3", ".5", "+5". */
static bool parse_number(const char *text, double *ret)
{
    const char *digits = *text == '-' ? text + 1 : text;
    size_t whole = strspn(digits, DIGITS);
    const char *rest = digits + whole;
    if (whole == 0) return false;
    if (*rest == '.') {
        size_t fraction = strspn(rest + 1, DIGITS);
        if (fraction == 0) return false;
        rest += 1 + fraction;
    }
    return *rest == '\0' && stk_parse_double(text, ret);
}

static bool parse_count(const char *text, int64_t *ret)
{
    double number = 0;
    if (!parse_number(text, &number) || number < 0) return false;
    *ret = number < 1e15 ? (int64_t)number : (int64_t)1e15;
    return true;
}

/* From 0 to STK_RETRY_AFTER_MAX_S. */
static stk_time_ns wait_of(double seconds)
{
    if (seconds <= 0) return 0;
    if (seconds >= STK_RETRY_AFTER_MAX_S) return RETRY_AFTER_MAX;
    return (stk_time_ns)(seconds * 1e9);
}

static stk_time_ns clamp_wait(stk_time_ns wait)
{
    return wait < 0 ? 0 : wait > RETRY_AFTER_MAX ? RETRY_AFTER_MAX : wait;
}

/* --- Retry-After ---------------------------------------------------------- */

bool stk_http_date_parse(const char *text, stk_time_ns *ret)
{
    static const char *const forms[] = {
        "%a, %d %b %Y %H:%M:%S GMT", /* the one in use */
        "%A, %d-%b-%y %H:%M:%S GMT", /* RFC 850 */
        "%a %b %e %H:%M:%S %Y",      /* asctime */
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(forms); i++) {
        struct tm parts = { 0 };
        const char *end = strptime(text, forms[i], &parts);
        if (end == NULL || *end != '\0') continue;

        int day = parts.tm_mday;
        time_t seconds = timegm(&parts);
        if (parts.tm_mday != day && parts.tm_sec < 60) return false; /* 30 February */
        if (seconds < 0) seconds = 0;
        if (seconds > INT64_MAX / STK_SECOND) seconds = INT64_MAX / STK_SECOND;
        *ret = (stk_time_ns)seconds * STK_SECOND;
        return true;
    }
    return false;
}

bool stk_retry_after_parse(const char *text, stk_time_ns date, stk_time_ns *ret)
{
    char value[VALUE_BYTES_MAX];
    double seconds = 0;
    stk_time_ns moment = 0;
    if (!trim(text, strlen(text), value, sizeof(value))) return false;
    if (parse_number(value, &seconds)) {
        *ret = wait_of(seconds);
        return true;
    }
    if (!stk_http_date_parse(value, &moment)) return false;
    *ret = moment <= date ? 0 : clamp_wait(moment - (date > 0 ? date : 0));
    return true;
}

/* --- RateLimit and RateLimit-Policy --------------------------------------- */

/* One item of a list: `"default";r=50;t=30`, `limit=100`, `100;w=60`. */
struct item {
    char name[64];                                       /* without quotes; "" when there is none */
    int64_t number, limit, remaining, reset_s, window_s; /* -1: not said */
};

static const struct item nothing = { "", -1, -1, -1, -1, -1 };

/* The length of what comes before one of `ends`; those in quotes do not count. */
static size_t span_until(const char *text, const char *ends)
{
    bool is_quoted = false;
    size_t len = 0;
    for (; text[len] != '\0'; len++) {
        if (text[len] == '"') is_quoted = !is_quoted;
        if (!is_quoted && strchr(ends, text[len]) != NULL) break;
    }
    return len;
}

/* Revisions of the draft have given the same thing several names. */
static int64_t *find_field(struct item *item, const char *name)
{
    const struct {
        const char *name;
        int64_t *field;
    } fields[] = {
        { "r", &item->remaining }, { "remaining", &item->remaining },
        { "t", &item->reset_s },   { "reset", &item->reset_s },
        { "q", &item->limit },     { "limit", &item->limit },
        { "w", &item->window_s },  { "window", &item->window_s },
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(fields); i++) {
        if (strcmp(fields[i].name, name) == 0) return fields[i].field;
    }
    return NULL;
}

static void read_part(const char *text, size_t len, struct item *item)
{
    char part[64];
    if (!trim(text, len, part, sizeof(part))) return;

    char *equals = strchr(part, '=');
    int64_t number = 0;
    if (equals != NULL) {
        *equals = '\0';
        int64_t *field = find_field(item, part);
        if (field != NULL && parse_count(equals + 1, &number)) *field = number;
    } else if (parse_count(part, &number)) {
        item->number = number;
    } else {
        size_t name_len = strlen(part);
        bool is_quoted = name_len >= 2 && part[0] == '"' && part[name_len - 1] == '"';
        if (is_quoted) part[name_len - 1] = '\0';
        memcpy(item->name, part + is_quoted, strlen(part + is_quoted) + 1);
    }
}

/* Moves *at past the item and the comma behind it; false: none is left. */
static bool next_item(const char **at, struct item *ret)
{
    if (**at == '\0') return false;

    *ret = nothing;
    for (;;) {
        size_t len = span_until(*at, ";,");
        read_part(*at, len, ret);
        *at += len;
        if (**at == '\0') return true;
        bool is_last = **at == ',';
        (*at)++;
        if (is_last) return true;
    }
}

/* Of several policies the one with the least left decides, and of two of those
 * the one that lasts longer. The oldest form spreads one policy over three
 * items, "limit=100, remaining=5, reset=10", which are put together. */
static struct item read_rate_limit(const char *text)
{
    struct item best = nothing;
    struct item item = nothing;
    while (next_item(&text, &item)) {
        bool is_spread = *item.name == '\0';
        if (is_spread && item.limit >= 0) best.limit = item.limit;
        if (is_spread && item.reset_s >= 0) best.reset_s = item.reset_s;
        if (item.remaining < 0) continue;
        if (is_spread) {
            best.remaining = item.remaining;
        } else if (best.remaining < 0 || item.remaining < best.remaining ||
                   (item.remaining == best.remaining && item.reset_s > best.reset_s)) {
            best = item;
        }
    }
    return best;
}

/* The policy of that name, else the first. */
static struct item read_policy(const char *text, const char *name)
{
    struct item first = nothing;
    struct item item = nothing;
    for (bool is_first = true; next_item(&text, &item); is_first = false) {
        if (item.limit < 0) item.limit = item.number;
        if (is_first) first = item;
        if (*name != '\0' && strcmp(item.name, name) == 0) return item;
    }
    return first;
}

static void add_rate_limit(const char *rate_limit, const char *policies, struct stk_hint *hint)
{
    struct item item = read_rate_limit(rate_limit);
    struct item policy = read_policy(policies, item.name);
    if (item.limit < 0) item.limit = policy.limit;
    if (item.reset_s < 0 && item.remaining == 0) item.reset_s = policy.window_s;

    hint->limit = item.limit;
    hint->remaining = item.remaining;
    if (item.reset_s >= 0) hint->reset_ns = wait_of((double)item.reset_s);
}

/* --- headers -------------------------------------------------------------- */

/* The value of the first header of that name; false: there is none, or it is
 * too long to mean anything. */
static bool find_header(const char *headers, const char *name, char *room, size_t size)
{
    size_t name_len = strlen(name);
    for (const char *line = headers; *line != '\0';) {
        size_t len = strcspn(line, "\n");
        if (len > name_len && line[name_len] == ':' && memcmp(line, name, name_len) == 0) {
            return trim(line + name_len + 1, len - name_len - 1, room, size);
        }
        line += len + (line[len] == '\n');
    }
    return false;
}

/* The number in the first of these headers that holds one; of "10, 10;w=1" it
 * is the 10. */
static bool find_number(const char *headers, const char *const *names, size_t count, double *ret)
{
    for (size_t i = 0; i < count; i++) {
        char value[VALUE_BYTES_MAX];
        char first[VALUE_BYTES_MAX];
        if (!find_header(headers, names[i], value, sizeof(value))) continue;
        if (!trim(value, strcspn(value, ",;"), first, sizeof(first))) continue;
        if (parse_number(first, ret) && *ret >= 0) return true;
    }
    return false;
}

static stk_time_ns reset_of(double reset, stk_time_ns date)
{
    if (reset < EPOCH_MIN) return wait_of(reset);
    double epoch_s = reset >= EPOCH_MS_MIN ? reset / 1000 : reset;
    return wait_of(epoch_s - (double)date / 1e9);
}

static void add_older(const char *headers, stk_time_ns date, struct stk_hint *hint)
{
    static const char *const limits[] = { "ratelimit-limit", "x-ratelimit-limit",
                                          "x-rate-limit-limit" };
    static const char *const lefts[] = { "ratelimit-remaining", "x-ratelimit-remaining",
                                         "x-rate-limit-remaining" };
    static const char *const resets[] = { "ratelimit-reset", "x-ratelimit-reset-after",
                                          "x-ratelimit-reset", "x-rate-limit-reset" };
    double number = 0;
    if (hint->limit < 0 && find_number(headers, limits, STK_ARRAY_LEN(limits), &number)) {
        hint->limit = number < 1e15 ? (int64_t)number : (int64_t)1e15;
    }
    if (hint->remaining < 0 && find_number(headers, lefts, STK_ARRAY_LEN(lefts), &number)) {
        hint->remaining = number < 1e15 ? (int64_t)number : (int64_t)1e15;
    }
    if (hint->reset_ns < 0 && find_number(headers, resets, STK_ARRAY_LEN(resets), &number)) {
        hint->reset_ns = reset_of(number, date);
    }
}

void stk_hint_read(const char *headers, stk_time_ns now, struct stk_hint *ret)
{
    struct stk_hint hint = { .limit = -1, .remaining = -1, .reset_ns = -1 };
    char value[VALUE_BYTES_MAX];
    stk_time_ns date = now;
    if (find_header(headers, "date", value, sizeof(value))) {
        (void)stk_http_date_parse(value, &date); /* unreadable: our own clock has to do */
    }
    if (find_header(headers, "retry-after", value, sizeof(value))) {
        hint.has_retry_after = stk_retry_after_parse(value, date, &hint.retry_after_ns);
    }
    if (find_header(headers, "ratelimit", value, sizeof(value))) {
        char policies[VALUE_BYTES_MAX] = "";
        (void)find_header(headers, "ratelimit-policy", policies, sizeof(policies));
        add_rate_limit(value, policies, &hint);
    }
    add_older(headers, date, &hint);
    *ret = hint;
}
