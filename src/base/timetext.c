/* SPDX-License-Identifier: MIT */
#include "base/timetext.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { YEAR_MIN = 1970, YEAR_MAX = 2261, FRACTION_DIGITS_MAX = 9 };

/* clang-format off */
static const struct unit { const char *name; stk_time_ns ns; } units[] = { /* largest first */
    { "d",  STK_DAY },
    { "h",  STK_HOUR },
    { "m",  STK_MINUTE },
    { "s",  STK_SECOND },
    { "ms", STK_MS },
    { "us", STK_US },
};
/* clang-format on */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

void stk_time_text(stk_time_ns time, char ret_text[STK_TIME_TEXT])
{
    stk_time_ns within = time % STK_SECOND;
    if (within < 0) within += STK_SECOND;
    time_t seconds = (time_t)((time / STK_SECOND) - (time % STK_SECOND < 0));

    struct tm parts = { 0 };
    struct tm *known = gmtime_r(&seconds, &parts);
    assert(known != NULL); /* 64 bits of nanoseconds are years of four digits */
    (void)known;
    size_t len = strftime(ret_text, STK_TIME_TEXT, "%Y-%m-%dT%H:%M:%S", &parts);
    (void)snprintf(ret_text + len, STK_TIME_TEXT - len, ".%03dZ", (int)(within / STK_MS));
}

/* Reads exactly `digits` digits and moves *at past them. */
static bool read_number(const char **at, int digits, int min, int max, int *ret)
{
    int value = 0;
    for (int i = 0; i < digits; i++) {
        if (!is_digit((*at)[i])) return false;
        value = value * 10 + ((*at)[i] - '0');
    }
    if (value < min || value > max) return false;
    *at += digits;
    *ret = value;
    return true;
}

static bool skip(const char **at, char wanted)
{
    if (**at != wanted) return false;
    (*at)++;
    return true;
}

static bool read_date(const char **at, struct tm *ret)
{
    if (!read_number(at, 4, YEAR_MIN, YEAR_MAX, &ret->tm_year) || !skip(at, '-')) return false;
    if (!read_number(at, 2, 1, 12, &ret->tm_mon) || !skip(at, '-')) return false;
    if (!read_number(at, 2, 1, 31, &ret->tm_mday)) return false;
    ret->tm_year -= 1900;
    ret->tm_mon -= 1;
    return true;
}

static bool read_clock(const char **at, struct tm *ret)
{
    if (!read_number(at, 2, 0, 23, &ret->tm_hour) || !skip(at, ':')) return false;
    if (!read_number(at, 2, 0, 59, &ret->tm_min) || !skip(at, ':')) return false;
    return read_number(at, 2, 0, 59, &ret->tm_sec);
}

/* ".5" of a unit, in whole nanoseconds: what is finer than one is refused. With
 * nine digits no unit is divided by ten where that leaves a rest, except below
 * one nanosecond. */
static bool read_fraction(const char **at, stk_time_ns unit_ns, stk_time_ns *ret)
{
    *ret = 0;
    if (!skip(at, '.')) return true;
    if (!is_digit(**at)) return false;

    stk_time_ns digit_ns = unit_ns;
    for (int i = 0; is_digit(**at); i++, (*at)++) {
        digit_ns /= 10;
        if (i == FRACTION_DIGITS_MAX || (digit_ns == 0 && **at != '0')) return false;
        *ret += (**at - '0') * digit_ns;
    }
    return true;
}

static bool read_zone(const char **at, int *ret_minutes)
{
    *ret_minutes = 0;
    if (skip(at, 'Z')) return true;

    int sign = **at == '-' ? -1 : 1;
    int hours = 0, minutes = 0;
    if (!skip(at, '+') && !skip(at, '-')) return false;
    if (!read_number(at, 2, 0, 23, &hours) || !skip(at, ':')) return false;
    if (!read_number(at, 2, 0, 59, &minutes)) return false;
    *ret_minutes = sign * (hours * 60 + minutes);
    return true;
}

bool stk_time_parse(const char *text, stk_time_ns *ret)
{
    struct tm parts = { 0 };
    stk_time_ns fraction = 0;
    int zone_minutes = 0;
    const char *at = text;
    if (!read_date(&at, &parts)) return false;
    if (!skip(&at, 'T') && !skip(&at, ' ')) return false;
    if (!read_clock(&at, &parts) || !read_fraction(&at, STK_SECOND, &fraction)) return false;
    if (!read_zone(&at, &zone_minutes) || *at != '\0') return false;

    int day = parts.tm_mday;
    time_t seconds = timegm(&parts);
    if (parts.tm_mday != day) return false; /* 30 February became 2 March */
    stk_time_ns time = seconds * STK_SECOND + fraction - zone_minutes * STK_MINUTE;
    if (time < 0) return false;
    *ret = time;
    return true;
}

static bool read_count(const char **at, int64_t *ret)
{
    if (!is_digit(**at)) return false;

    int64_t count = 0;
    for (; is_digit(**at); (*at)++) {
        if (count > (INT64_MAX - 9) / 10) return false;
        count = count * 10 + (**at - '0');
    }
    *ret = count;
    return true;
}

/* The unit that text names up to the next digit or its end; NULL for none. */
static const struct unit *find_unit(const char *text, size_t len)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(units); i++) {
        const char *name = units[i].name;
        if (strlen(name) == len && strncmp(name, text, len) == 0) return &units[i];
    }
    return NULL;
}

/* "1.5h": the number stands before its unit, so the unit is looked up first. */
static bool read_part(const char **at, const struct unit **unit, stk_time_ns *ret)
{
    const char *letters = *at + strspn(*at, "0123456789.");
    size_t len = strcspn(letters, "0123456789.");
    const struct unit *found = find_unit(letters, len);
    if (found == NULL || (*unit != NULL && found <= *unit)) return false;

    int64_t count = 0;
    stk_time_ns fraction = 0;
    if (!read_count(at, &count) || !read_fraction(at, found->ns, &fraction)) return false;
    if (*at != letters || count > (INT64_MAX - fraction) / found->ns) return false;
    *ret = count * found->ns + fraction;
    *at = letters + len;
    *unit = found;
    return true;
}

bool stk_duration_parse(const char *text, stk_time_ns *ret)
{
    if (text[0] == '\0') return false;

    stk_time_ns total = 0;
    const struct unit *unit = NULL;
    const char *at = strcmp(text, "0") == 0 ? text + 1 : text;
    while (*at != '\0') {
        stk_time_ns part = 0;
        if (!read_part(&at, &unit, &part) || part > INT64_MAX - total) return false;
        total += part;
    }
    *ret = total;
    return true;
}

/* Three digits that count, cut and not rounded, so that 59.99 s never reads as
 * 60: "0.5us", "1.25s", "45.3s", "850ms". */
static void add_decimal(char *text, size_t size, uint64_t ns, const struct unit *unit)
{
    uint64_t unit_ns = (uint64_t)unit->ns;
    uint64_t whole = ns / unit_ns;
    unsigned thousandths = (unsigned)(ns % unit_ns * 1000 / unit_ns);
    int digits = whole >= 100 ? 0 : whole >= 10 ? 1 : whole >= 1 ? 2 : 3;

    char decimals[] = { (char)('0' + thousandths / 100), (char)('0' + thousandths / 10 % 10),
                        (char)('0' + thousandths % 10), '\0' };
    while (digits > 0 && decimals[digits - 1] == '0') {
        digits--;
    }
    (void)snprintf(text, size, "%" PRIu64 "%s%.*s%s", whole, digits > 0 ? "." : "", digits,
                   decimals, unit->name);
}

void stk_duration_text(stk_time_ns duration, char ret_text[STK_DURATION_TEXT])
{
    uint64_t ns = duration < 0 ? 0 - (uint64_t)duration : (uint64_t)duration;
    char *text = ret_text;
    if (duration < 0) *text++ = '-';
    size_t size = STK_DURATION_TEXT - (size_t)(text - ret_text);

    size_t i = 0;
    while (i + 1 < STK_ARRAY_LEN(units) && ns < (uint64_t)units[i].ns) {
        i++;
    }
    if (ns == 0) {
        memcpy(text, "0s", sizeof("0s"));
    } else if (units[i].ns <= STK_SECOND) {
        add_decimal(text, size, ns, &units[i]);
    } else {
        uint64_t whole = ns / (uint64_t)units[i].ns;
        uint64_t rest = ns % (uint64_t)units[i].ns / (uint64_t)units[i + 1].ns;
        int len = snprintf(text, size, "%" PRIu64 "%s", whole, units[i].name);
        if (rest == 0 || len < 0) return;
        (void)snprintf(text + len, size - (size_t)len, " %" PRIu64 "%s", rest, units[i + 1].name);
    }
}
