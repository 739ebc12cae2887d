/* SPDX-License-Identifier: MIT */
#include "api/request.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "base/timetext.h"
#include "model/shown.h"

/* The value of a hexadecimal digit, or -1. */
static int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* RFC 3986. Not the "+ is a blank" of HTML forms: a plus is meant in "+1h". */
static bool add_decoded(struct stk_buf *buf, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] != '%') {
            stk_buf_addc(buf, text[i]);
            continue;
        }
        int high = i + 2 < len ? hex_value(text[i + 1]) : -1;
        int low = i + 2 < len ? hex_value(text[i + 2]) : -1;
        if (high < 0 || low < 0) return false;
        stk_buf_addc(buf, (char)(high * 16 + low));
        i += 2;
    }
    return stk_utf8_is_valid(stk_buf_str(buf), buf->len);
}

static enum stk_rc decode(const char *text, size_t len, char **ret, struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf buf = STK_BUF_INIT;

    if (!add_decoded(&buf, text, len)) {
        STK_CLEANUP(stk_freep) char *part = stk_strndup(text, len);
        STK_CLEANUP(stk_freep) char *shown = stk_shown(part);
        return stk_fail(err, STK_INVALID, "\"%s\" in the address is not percent-encoded UTF-8",
                        shown);
    }
    *ret = stk_buf_take(&buf);
    return STK_OK;
}

enum stk_rc stk_call_set_arg(struct stk_call *call, const char *text, size_t len,
                             struct stk_error *err)
{
    assert(call->arg == NULL);
    return decode(text, len, &call->arg, err);
}

static enum stk_rc fail_unknown(const struct stk_call *call, const char *name,
                                const char *const *names, struct stk_error *err)
{
    size_t count = 0;
    while (names[count] != NULL) {
        count++;
    }
    STK_CLEANUP(stk_buf_release) struct stk_buf hint = STK_BUF_INIT;
    STK_CLEANUP(stk_freep) char *shown = stk_shown(name);
    const char *near = stk_nearest(name, names, count);

    if (near != NULL) {
        stk_buf_addf(&hint, "; did you mean \"%s\"?", near);
    } else if (count == 0) {
        stk_buf_adds(&hint, "; it takes none");
    } else {
        for (size_t i = 0; i < count; i++) {
            stk_buf_addf(&hint, "%s%s", i == 0 ? "; it takes " : ", ", names[i]);
        }
    }
    return stk_fail(err, STK_INVALID, "unknown query parameter \"%s\" of %s %s%s", shown,
                    call->request->method, call->request->path, stk_buf_str(&hint));
}

static bool is_among(const char *name, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (strcmp(name, *names) == 0) return true;
    }
    return false;
}

static enum stk_rc add_item(struct stk_call *call, const char *text, size_t len,
                            const char *const *names, struct stk_error *err)
{
    const char *equals = memchr(text, '=', len);
    size_t name_len = equals == NULL ? len : (size_t)(equals - text);
    const char *value = equals == NULL ? text + len : equals + 1;
    STK_CLEANUP(stk_freep) char *name = NULL;
    STK_CLEANUP(stk_freep) char *decoded = NULL;

    enum stk_rc rc = decode(text, name_len, &name, err);
    if (rc != STK_OK) return rc;
    assert(name != NULL);
    if (!is_among(name, names)) return fail_unknown(call, name, names, err);
    if (stk_call_text(call, name) != NULL) {
        return stk_fail(err, STK_INVALID, "%s is given twice in the query", name);
    }
    rc = decode(value, (size_t)(text + len - value), &decoded, err);
    if (rc != STK_OK) return rc;

    /* Known names, each once: a route takes fewer than fit. */
    assert(call->query_count < STK_QUERY_MAX);
    call->query[call->query_count++] = (struct stk_query_item){ name, decoded };
    name = NULL;
    decoded = NULL;
    return STK_OK;
}

enum stk_rc stk_call_set_query(struct stk_call *call, const char *const *names,
                               struct stk_error *err)
{
    const char *rest = call->request->query != NULL ? call->request->query : "";

    while (*rest != '\0') {
        size_t len = strcspn(rest, "&");
        enum stk_rc rc = len > 0 ? add_item(call, rest, len, names, err) : STK_OK;
        if (rc != STK_OK) return rc;
        rest += len + (rest[len] == '&');
    }
    return STK_OK;
}

void stk_call_release(struct stk_call *call)
{
    stk_who_release(&call->who);
    for (size_t i = 0; i < call->query_count; i++) {
        stk_freep(&call->query[i].name);
        stk_freep(&call->query[i].value);
    }
    call->query_count = 0;
    stk_freep(&call->arg);
}

const char *stk_call_text(const struct stk_call *call, const char *name)
{
    for (size_t i = 0; i < call->query_count; i++) {
        if (strcmp(call->query[i].name, name) == 0) return call->query[i].value;
    }
    return NULL;
}

enum stk_rc stk_call_int(const struct stk_call *call, const char *name, int64_t min, int64_t max,
                         int64_t *ret, struct stk_error *err)
{
    const char *text = stk_call_text(call, name);
    if (text == NULL) return STK_OK;

    int64_t value = 0;
    if (!stk_parse_i64(text, &value) || value < min || value > max) {
        STK_CLEANUP(stk_freep) char *shown = stk_shown(text);
        STK_CLEANUP(stk_freep)
        char *top = max == INT64_MAX ? stk_strdup("") : stk_format(" to %" PRId64, max);
        return stk_fail(err, STK_INVALID,
                        "%s must be a whole number from %" PRId64 "%s, not \"%s\"", name, min, top,
                        shown);
    }
    *ret = value;
    return STK_OK;
}

enum stk_rc stk_call_bool(const struct stk_call *call, const char *name, bool *ret,
                          struct stk_error *err)
{
    const char *text = stk_call_text(call, name);
    if (text == NULL || stk_parse_bool(text, ret)) return STK_OK;

    STK_CLEANUP(stk_freep) char *shown = stk_shown(text);
    return stk_fail(err, STK_INVALID, "%s must be true or false, not \"%s\"", name, shown);
}

enum stk_rc stk_call_duration(const struct stk_call *call, const char *name, stk_time_ns max,
                              stk_time_ns *ret, struct stk_error *err)
{
    const char *text = stk_call_text(call, name);
    if (text == NULL) return STK_OK;

    stk_time_ns value = 0;
    if (!stk_duration_parse(text, &value) || value > max) {
        char most[STK_DURATION_TEXT];
        stk_duration_text(max, most);
        STK_CLEANUP(stk_freep) char *shown = stk_shown(text);
        return stk_fail(err, STK_INVALID,
                        "%s must be a duration such as 15s, at most %s, not \"%s\"", name, most,
                        shown);
    }
    *ret = value;
    return STK_OK;
}

enum stk_rc stk_call_limit(const struct stk_call *call, size_t *ret, struct stk_error *err)
{
    int64_t limit = (int64_t)*ret;
    enum stk_rc rc = stk_call_int(call, "limit", 1, STK_PAGE_MAX, &limit, err);
    if (rc == STK_OK) *ret = (size_t)limit;
    return rc;
}

enum stk_rc stk_id_or_last(const char *text, const char *what, int64_t *ret, struct stk_error *err)
{
    int64_t id = 0;
    bool is_last = strcmp(text, "last") == 0;

    if (!is_last && (!stk_parse_i64(text, &id) || id < 1)) {
        STK_CLEANUP(stk_freep) char *shown = stk_shown(text);
        return stk_fail(err, STK_INVALID, "a %s is named by its number or as last, not \"%s\"",
                        what, shown);
    }
    *ret = id;
    return STK_OK;
}

enum stk_rc stk_call_reason(const struct stk_call *call, const char **ret, struct stk_error *err)
{
    const char *reason = NULL;
    enum stk_rc rc = stk_json_get_string(call->request->body, "reason", &reason, err);
    if (rc != STK_OK) return rc;
    if (reason != NULL && strlen(reason) > STK_REASON_BYTES_MAX) {
        return stk_fail(err, STK_INVALID, "reason has %zu bytes; at most %d are kept",
                        strlen(reason), STK_REASON_BYTES_MAX);
    }

    *ret = reason != NULL && *reason != '\0' ? reason : NULL;
    return STK_OK;
}

enum stk_rc stk_call_priority(const struct stk_call *call, int32_t *ret, bool *ret_given,
                              struct stk_error *err)
{
    const json_t *member = json_object_get(call->request->body, "priority");
    int64_t value = 0;
    enum stk_rc rc = stk_json_get_int(call->request->body, "priority", &value, err);
    if (rc != STK_OK) return rc;
    if (value < INT32_MIN || value > INT32_MAX) {
        return stk_fail(err, STK_INVALID, "priority must be from %d to %d, not %" PRId64, INT32_MIN,
                        INT32_MAX, value);
    }

    *ret_given = member != NULL && !json_is_null(member);
    if (*ret_given) *ret = (int32_t)value;
    return STK_OK;
}
