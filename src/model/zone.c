/* SPDX-License-Identifier: MIT */
#include "model/zone.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"

#define ZONEINFO "/usr/share/zoneinfo"

enum {
    FILE_BYTES_MAX = 64 * 1024,
    NAME_BYTES_MAX = 64,
    HEADER_BYTES = 44,
    TYPE_BYTES = 6,
    RULE_BYTES_MAX = 100,
    HOURS_MAX = 167, /* of a rule's time of day, which may lie in another day */
    HOUR_S = 3600,
    DAY_S = 24 * 3600
};

/* The day in a year on which the clocks are changed. */
struct change {
    char form; /* 'M': month, week (5: the last), weekday; 'J': day 1..365 without 29 February;
                  'n': day 0..365 */
    int month, week, day;
    int64_t time_s; /* of the day, by the clock as it was before */
};

struct rule {
    bool is_known;
    bool has_summer;
    int64_t standard_s, summer_s; /* to add to UTC */
    struct change begin, end;     /* of summer time */
};

struct stk_zone {
    size_t count;
    int64_t *from_s;   /* sorted: from then on ... */
    int64_t *offset_s; /* ... this is to be added to UTC */
    int64_t first_s;   /* before all of them */
    struct rule rule;  /* after the last of them */
};

/* --- days and years ------------------------------------------------------- */

static int64_t floor_div(int64_t number, int64_t by)
{
    return number / by - (number % by < 0);
}

static bool is_leap(int64_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days since 1970-01-01 of the first of January. */
static int64_t days_of_year(int64_t year)
{
    int64_t before = year - 1;
    return before * 365 + floor_div(before, 4) - floor_div(before, 100) + floor_div(before, 400) -
           719162;
}

static int64_t year_of(int64_t days)
{
    int64_t year = 1970 + floor_div(days * 400, 146097);
    while (days_of_year(year) > days) {
        year--;
    }
    while (days_of_year(year + 1) <= days) {
        year++;
    }
    return year;
}

static int64_t days_of_month(int64_t year, int month)
{
    static const int before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365 };
    return days_of_year(year) + before[month - 1] + (month > 2 && is_leap(year));
}

/* --- the rule that goes on for ever --------------------------------------- */

static int64_t days_of_change(const struct change *change, int64_t year)
{
    if (change->form == 'n') return days_of_year(year) + change->day;
    if (change->form == 'J') {
        bool is_after = is_leap(year) && change->day >= 60;
        return days_of_year(year) + change->day - 1 + is_after;
    }
    int64_t first = days_of_month(year, change->month);
    int64_t next =
        change->month < 12 ? days_of_month(year, change->month + 1) : days_of_year(year + 1);
    int64_t weekday = (first + 4) % 7; /* 1970-01-01 was a Thursday */
    if (weekday < 0) weekday += 7;
    int64_t day = first + (change->day - weekday + 7) % 7 + 7 * (int64_t)(change->week - 1);
    return day < next ? day : day - 7;
}

static int64_t rule_offset(const struct rule *rule, int64_t at_s)
{
    if (!rule->has_summer) return rule->standard_s;

    int64_t year = year_of(floor_div(at_s + rule->standard_s, DAY_S));
    int64_t begin = days_of_change(&rule->begin, year) * DAY_S + rule->begin.time_s;
    int64_t end = days_of_change(&rule->end, year) * DAY_S + rule->end.time_s;
    begin -= rule->standard_s;
    end -= rule->summer_s;
    bool is_summer = begin < end ? at_s >= begin && at_s < end : at_s >= begin || at_s < end;
    return is_summer ? rule->summer_s : rule->standard_s;
}

static bool read_number(const char **at, int min, int max, int *ret)
{
    if (**at < '0' || **at > '9') return false;

    int number = 0;
    for (; **at >= '0' && **at <= '9'; (*at)++) {
        number = number * 10 + (**at - '0');
        if (number > max) return false;
    }
    *ret = number;
    return number >= min;
}

static bool skip(const char **at, char wanted)
{
    if (**at != wanted) return false;
    (*at)++;
    return true;
}

/* "5", "-3", "5:30", "2:00:00", as seconds. */
static bool read_clock(const char **at, int64_t *ret)
{
    int64_t sign = **at == '-' ? -1 : 1;
    if (**at == '-' || **at == '+') (*at)++;

    int hours = 0, minutes = 0, seconds = 0;
    if (!read_number(at, 0, HOURS_MAX, &hours)) return false;
    if (skip(at, ':') && !read_number(at, 0, 59, &minutes)) return false;
    if (skip(at, ':') && !read_number(at, 0, 59, &seconds)) return false;
    *ret = sign * ((int64_t)hours * HOUR_S + (int64_t)minutes * 60 + seconds);
    return true;
}

/* "EST" or "<+0330>"; what it says is of no interest. */
static bool skip_name(const char **at)
{
    const char *start = *at;
    if (skip(at, '<')) {
        *at += strcspn(*at, ">");
        return skip(at, '>');
    }
    while ((**at >= 'A' && **at <= 'Z') || (**at >= 'a' && **at <= 'z')) {
        (*at)++;
    }
    return *at > start;
}

static bool read_change(const char **at, struct change *ret)
{
    ret->time_s = 2 * (int64_t)HOUR_S;
    if (skip(at, 'M')) {
        ret->form = 'M';
        if (!read_number(at, 1, 12, &ret->month) || !skip(at, '.')) return false;
        if (!read_number(at, 1, 5, &ret->week) || !skip(at, '.')) return false;
        if (!read_number(at, 0, 6, &ret->day)) return false;
    } else {
        ret->form = skip(at, 'J') ? 'J' : 'n';
        if (!read_number(at, ret->form == 'J', 365, &ret->day)) return false;
    }
    return !skip(at, '/') || read_clock(at, &ret->time_s);
}

/* POSIX counts to the west: "EST5" is five hours behind. */
static bool read_offset(const char **at, int64_t *ret)
{
    int64_t west = 0;
    if (!skip_name(at) || !read_clock(at, &west)) return false;
    *ret = -west;
    return true;
}

static bool read_summer(const char **at, struct rule *rule)
{
    const char *name = *at;
    if (!skip_name(&name)) return false;
    rule->has_summer = true;
    rule->summer_s = rule->standard_s + HOUR_S;
    if (*name == ',') {
        *at = name;
    } else if (!read_offset(at, &rule->summer_s)) {
        return false;
    }
    if (!skip(at, ',') || !read_change(at, &rule->begin)) return false;
    return skip(at, ',') && read_change(at, &rule->end);
}

static bool parse_rule(const char *text, struct rule *ret)
{
    struct rule rule = { .is_known = true };
    const char *at = text;
    if (!read_offset(&at, &rule.standard_s)) return false;
    if (*at != '\0' && !read_summer(&at, &rule)) return false;
    if (*at != '\0') return false;
    *ret = rule;
    return true;
}

/* --- the file ------------------------------------------------------------- */

struct header {
    unsigned char version;
    size_t utc_count, standard_count, leap_count, time_count, type_count, char_count;
};

static int64_t big_endian(const unsigned char *bytes, size_t count)
{
    uint64_t number = bytes[0] >= 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < count; i++) {
        number = number << 8 | bytes[i];
    }
    return (int64_t)number;
}

/* A file of at most FILE_BYTES_MAX has no larger count: sums cannot overflow. */
static bool read_count(const unsigned char *bytes, size_t *ret)
{
    int64_t count = big_endian(bytes, 4);
    if (count < 0 || count > FILE_BYTES_MAX) return false;
    *ret = (size_t)count;
    return true;
}

static bool read_header(const unsigned char *bytes, size_t len, struct header *ret)
{
    if (len < HEADER_BYTES || memcmp(bytes, "TZif", 4) != 0) return false;
    ret->version = bytes[4];
    size_t *counts[] = { &ret->utc_count,  &ret->standard_count, &ret->leap_count,
                         &ret->time_count, &ret->type_count,     &ret->char_count };
    for (size_t i = 0; i < STK_ARRAY_LEN(counts); i++) {
        if (!read_count(bytes + 20 + 4 * i, counts[i])) return false;
    }
    return ret->type_count > 0;
}

static size_t body_bytes(const struct header *header, size_t time_bytes)
{
    return header->time_count * (time_bytes + 1) + header->type_count * TYPE_BYTES +
           header->char_count + header->leap_count * (time_bytes + 4) + header->standard_count +
           header->utc_count;
}

static bool read_transitions(const unsigned char *body, const struct header *header,
                             size_t time_bytes, struct stk_zone *zone)
{
    const unsigned char *types = body + header->time_count * time_bytes;
    const unsigned char *type_table = types + header->time_count;
    zone->count = header->time_count;
    zone->from_s = stk_alloc((zone->count + 1) * sizeof(*zone->from_s));
    zone->offset_s = stk_alloc((zone->count + 1) * sizeof(*zone->offset_s));
    zone->first_s = big_endian(type_table, 4);
    for (size_t i = 0; i < zone->count; i++) {
        if (types[i] >= header->type_count) return false;
        zone->from_s[i] = big_endian(body + i * time_bytes, time_bytes);
        zone->offset_s[i] = big_endian(type_table + (size_t)types[i] * TYPE_BYTES, 4);
        if (i > 0 && zone->from_s[i] <= zone->from_s[i - 1]) return false;
    }
    return true;
}

/* "\nEST5EDT,M3.2.0,M11.1.0\n"; nothing between the line ends: there is no rule.
 * One that cannot be read makes the file useless, for days to come are what is
 * asked for. */
static bool read_footer(const unsigned char *bytes, size_t len, struct rule *ret)
{
    if (len < 2 || bytes[0] != '\n') return false;
    const unsigned char *end = memchr(bytes + 1, '\n', len - 1);
    if (end == NULL || end - bytes > RULE_BYTES_MAX) return false;
    size_t rule_len = (size_t)(end - bytes) - 1;
    if (rule_len == 0) return true;

    char text[RULE_BYTES_MAX + 1] = { 0 };
    memcpy(text, bytes + 1, rule_len);
    return parse_rule(text, ret);
}

static bool fill_zone(const unsigned char *bytes, size_t len, struct stk_zone *zone)
{
    struct header header = { 0 };
    if (!read_header(bytes, len, &header)) return false;
    size_t body = body_bytes(&header, 4);
    if (body > len - HEADER_BYTES) return false;
    if (header.version < '2') return read_transitions(bytes + HEADER_BYTES, &header, 4, zone);

    /* The second part says the same with 64 bits. */
    bytes += HEADER_BYTES + body;
    len -= HEADER_BYTES + body;
    if (!read_header(bytes, len, &header)) return false;
    body = body_bytes(&header, 8);
    if (body > len - HEADER_BYTES) return false;
    if (!read_transitions(bytes + HEADER_BYTES, &header, 8, zone)) return false;
    return read_footer(bytes + HEADER_BYTES + body, len - HEADER_BYTES - body, &zone->rule);
}

bool stk_zone_parse(const void *bytes, size_t len, struct stk_zone **ret)
{
    struct stk_zone *zone = stk_alloc(sizeof(*zone));
    if (len > FILE_BYTES_MAX || !fill_zone(bytes, len, zone)) {
        stk_zone_free(zone);
        return false;
    }
    *ret = zone;
    return true;
}

void stk_zone_free(struct stk_zone *zone)
{
    if (zone == NULL) return;
    free(zone->from_s);
    free(zone->offset_s);
    free(zone);
}

/* "America/New_York": stays inside the folder. */
static bool is_name(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len > NAME_BYTES_MAX || *name == '/') return false;
    if (strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/") != len) {
        return false;
    }
    return name[len - 1] != '/';
}

static void close_file(const int *fd)
{
    if (*fd >= 0) (void)close(*fd);
}

static bool read_file(const char *path, unsigned char *bytes, size_t size, size_t *ret_len)
{
    STK_CLEANUP(close_file) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    for (size_t len = 0; len < size;) {
        ssize_t more = read(fd, bytes + len, size - len);
        if (more < 0 && errno == EINTR) continue;
        if (more < 0) return false;
        if (more == 0) {
            *ret_len = len;
            return true;
        }
        len += (size_t)more;
    }
    return false;
}

enum stk_rc stk_zone_open(const char *name, struct stk_zone **ret, struct stk_error *err)
{
    if (strcmp(name, "UTC") == 0) {
        *ret = NULL;
        return STK_OK;
    }
    if (!is_name(name)) {
        return stk_fail(err, STK_NOT_FOUND, "not a time zone: write America/New_York or UTC");
    }
    STK_CLEANUP(stk_freep) char *path = stk_format(ZONEINFO "/%s", name);
    STK_CLEANUP(stk_freep) char *bytes = stk_alloc(FILE_BYTES_MAX);
    size_t len = 0;
    if (!read_file(path, (unsigned char *)bytes, FILE_BYTES_MAX, &len)) {
        const char *hint = access(ZONEINFO, F_OK) == 0 ? "" : " (is tzdata installed?)";
        return stk_fail(err, STK_NOT_FOUND, "no time zone %s in " ZONEINFO "%s", name, hint);
    }
    if (!stk_zone_parse(bytes, len, ret)) {
        return stk_fail(err, STK_NOT_FOUND, "%s holds no time zone", path);
    }
    return STK_OK;
}

/* --- asking --------------------------------------------------------------- */

static int64_t offset_at(const struct stk_zone *zone, int64_t at_s)
{
    size_t low = 0;
    size_t high = zone->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (zone->from_s[middle] <= at_s) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == zone->count && zone->rule.is_known) return rule_offset(&zone->rule, at_s);
    return low > 0 ? zone->offset_s[low - 1] : zone->first_s;
}

int64_t stk_zone_offset_s(const struct stk_zone *zone, stk_time_ns at)
{
    return zone == NULL ? 0 : offset_at(zone, floor_div(at, STK_SECOND));
}

/* Searched by halving, not computed: midnight may be a time that the clocks
 * leave out, or be off by the change that comes before it. The clocks are never
 * put back from midnight by more than what two days and two hours hold. */
stk_time_ns stk_zone_next_day(const struct stk_zone *zone, stk_time_ns at)
{
    int64_t at_s = floor_div(at, STK_SECOND);
    int64_t offset_s = stk_zone_offset_s(zone, at);
    int64_t midnight_s = (floor_div(at_s + offset_s, DAY_S) + 1) * DAY_S; /* by the local clock */
    if (zone == NULL) return midnight_s * STK_SECOND;

    int64_t before_s = at_s;
    int64_t after_s = at_s + 2 * (int64_t)DAY_S + 2 * (int64_t)HOUR_S;
    while (before_s + 1 < after_s) {
        int64_t middle_s = before_s + (after_s - before_s) / 2;
        if (middle_s + offset_at(zone, middle_s) >= midnight_s) {
            after_s = middle_s;
        } else {
            before_s = middle_s;
        }
    }
    return after_s * STK_SECOND;
}
