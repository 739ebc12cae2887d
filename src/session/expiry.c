/* SPDX-License-Identifier: MIT */
#include "session/expiry.h"

#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "base/timetext.h"
#include "model/lifecycle.h"
#include "model/retry_after.h"

/* A number is a span when it is below ten years, a moment in milliseconds when
 * as seconds it lay beyond the year 5000. */
#define SPAN_S_MAX   (10.0 * 365 * 24 * 3600)
#define EPOCH_MS_MIN 1e11
#define EPOCH_S_MAX  9.2e9

#define SKEW_MIN (5 * STK_SECOND)

enum { STEP_BYTES_MAX = 256, INDEX_MAX = 1000000 };

/* --- JSON pointers -------------------------------------------------------- */

/* The step up to the next '/', with "~1" and "~0" read; false: too long. */
static bool read_step(const char **at, char *room, size_t size)
{
    size_t len = 0;
    const char *c = *at;
    for (; *c != '\0' && *c != '/'; c++) {
        bool is_escape = *c == '~' && (c[1] == '0' || c[1] == '1');
        if (len + 1 >= size) return false;
        room[len++] = (char)(!is_escape ? *c : c[1] == '1' ? '/' : '~');
        if (is_escape) c++;
    }
    room[len] = '\0';
    *at = c;
    return true;
}

const json_t *stk_expiry_at(const json_t *body, const char *pointer)
{
    char step[STEP_BYTES_MAX];
    while (body != NULL && *pointer == '/') {
        uint32_t index = 0;
        pointer++;
        if (!read_step(&pointer, step, sizeof(step))) return NULL;
        if (json_is_array(body)) {
            if (!stk_parse_u32(step, &index) || index > INDEX_MAX) return NULL;
            body = json_array_get(body, index);
        } else {
            body = json_object_get(body, step);
        }
    }
    return *pointer == '\0' ? body : NULL;
}

/* --- moments -------------------------------------------------------------- */

stk_time_ns stk_expiry_here(stk_time_ns there, stk_time_ns now, stk_time_ns server_now)
{
    if (there == STK_NEVER) return STK_NEVER;
    stk_time_ns left = there - server_now;
    return now + (left > 0 ? left : 0);
}

static stk_time_ns by_number(double number, stk_time_ns now, stk_time_ns server_now)
{
    if (number < 0) return now;
    if (number < SPAN_S_MAX) return now + (stk_time_ns)(number * 1e9);
    double seconds = number >= EPOCH_MS_MIN ? number / 1000 : number;
    if (seconds > EPOCH_S_MAX) return STK_NEVER;
    return stk_expiry_here((stk_time_ns)(seconds * 1e3) * STK_MS, now, server_now);
}

stk_time_ns stk_expiry_value(const json_t *value, stk_time_ns now, stk_time_ns server_now)
{
    double number = 0;
    stk_time_ns moment = 0;
    if (json_is_number(value)) return by_number(json_number_value(value), now, server_now);
    const char *text = json_string_value(value);
    if (text == NULL) return STK_NEVER;
    if (stk_parse_double(text, &number)) return by_number(number, now, server_now);
    bool is_moment = stk_time_parse(text, &moment) || stk_http_date_parse(text, &moment);
    return is_moment ? stk_expiry_here(moment, now, server_now) : STK_NEVER;
}

stk_time_ns stk_expiry_server_now(const struct stk_http_reply *reply, stk_time_ns now)
{
    char room[64];
    stk_time_ns date = 0;
    const char *text = stk_http_reply_header(reply, "date", 0, room, sizeof(room));
    if (text == NULL || !stk_http_date_parse(text, &date)) return now;
    stk_time_ns off = date > now ? date - now : now - date;
    return off > SKEW_MIN ? date : now;
}
