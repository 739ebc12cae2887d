/* SPDX-License-Identifier: MIT */
#include "base/json.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

/* Before jansson reads: afterwards the place of the depth would be lost, and it
 * goes 2048 deep on the stack. It also overlooks a NUL right after a number. */
static enum stk_rc check_shape(const char *text, size_t len, struct stk_error *err)
{
    size_t depth = 0, line = 1, column = 0;
    bool in_string = false, escaped = false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        column += ((unsigned char)c & 0xC0) != 0x80; /* characters, as jansson counts */
        if (c == '\n') {
            line++;
            column = 0;
        }
        if (c == '\0') {
            return stk_fail(err, STK_BAD_DATA, "line %zu, column %zu: a NUL byte", line, column);
        }
        if (in_string) {
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
            continue;
        }
        in_string = c == '"';
        if (c == '[' || c == '{') depth++;
        if ((c == ']' || c == '}') && depth > 0) depth--;
        if (depth > STK_JSON_DEPTH_MAX) {
            return stk_fail(err, STK_BAD_DATA, "line %zu, column %zu: nested deeper than %d levels",
                            line, column, (int)STK_JSON_DEPTH_MAX);
        }
    }
    return STK_OK;
}

enum stk_rc stk_json_parse(const char *text, size_t len, json_t **ret, struct stk_error *err)
{
    enum stk_rc rc = check_shape(text, len, err);
    if (rc != STK_OK) return rc;

    json_error_t why;
    json_t *value = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
    if (value == NULL) {
        /* jansson quotes what it stumbled over, cut anywhere */
        STK_CLEANUP(stk_buf_release) struct stk_buf cause = STK_BUF_INIT;
        stk_text_add_escaped(&cause, why.text, strlen(why.text));
        return stk_fail(err, STK_BAD_DATA, "line %d, column %d: %s", why.line, why.column,
                        stk_buf_str(&cause));
    }
    *ret = value;
    return STK_OK;
}

static const char *find_escape(char c)
{
    switch (c) {
    case '"': return "\\\"";
    case '\\': return "\\\\";
    case '\b': return "\\b";
    case '\f': return "\\f";
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    default: return NULL;
    }
}

/* The bytes at the start of text that need no escape: most strings are one run. */
static size_t measure_run(const char *text, size_t len)
{
    size_t at = 0;
    while (at < len) {
        unsigned char c = (unsigned char)text[at];
        if (c < 0x20 || c == '"' || c == '\\') break;
        size_t step = stk_utf8_step(text + at, len - at);
        if (step == 0) break;
        at += step;
    }
    return at;
}

static void add_escaped(struct stk_buf *buf, char c)
{
    const char *escape = find_escape(c);
    if (escape != NULL) {
        stk_buf_adds(buf, escape);
    } else if (c > 0 && c < 0x20) {
        stk_buf_addf(buf, "\\u%04x", (unsigned)c);
    } else {
        stk_buf_adds(buf, "\xEF\xBF\xBD"); /* U+FFFD for a byte that is no text */
    }
}

void stk_json_add_string(struct stk_buf *buf, const char *text, size_t len)
{
    stk_buf_addc(buf, '"');
    for (size_t at = 0; at < len;) {
        size_t run = measure_run(text + at, len - at);
        stk_buf_add(buf, text + at, run);
        at += run;
        if (at < len) add_escaped(buf, text[at++]);
    }
    stk_buf_addc(buf, '"');
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The keys of object, sorted by bytes; free() ends the list, not the keys. The
 * cast drops a const that jansson's iterator asks away but does not use. */
static const char **list_keys(const json_t *object)
{
    const char **keys = stk_realloc(NULL, json_object_size(object), sizeof(*keys));
    json_t *mutable = (json_t *)(uintptr_t)object; /* NOLINT(performance-no-int-to-ptr) */
    size_t count = 0;
    for (void *at = json_object_iter(mutable); at != NULL;
         at = json_object_iter_next(mutable, at)) {
        keys[count++] = json_object_iter_key(at);
    }
    qsort(keys, count, sizeof(*keys), compare_keys);
    return keys;
}

static void free_keys(const char ***keys)
{
    free(*keys);
}

/* As deep as the value is, and values from outside have a limit.
 * NOLINTBEGIN(misc-no-recursion) */
static void add_object(struct stk_buf *buf, const json_t *object)
{
    STK_CLEANUP(free_keys) const char **keys = list_keys(object);
    size_t count = json_object_size(object);

    stk_buf_addc(buf, '{');
    for (size_t i = 0; i < count; i++) {
        if (i > 0) stk_buf_addc(buf, ',');
        stk_json_add_string(buf, keys[i], strlen(keys[i]));
        stk_buf_addc(buf, ':');
        stk_json_add(buf, json_object_get(object, keys[i]));
    }
    stk_buf_addc(buf, '}');
}

static void add_array(struct stk_buf *buf, const json_t *array)
{
    size_t count = json_array_size(array);
    stk_buf_addc(buf, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0) stk_buf_addc(buf, ',');
        stk_json_add(buf, json_array_get(array, i));
    }
    stk_buf_addc(buf, ']');
}

static void add_real(struct stk_buf *buf, double value)
{
    char text[32];
    stk_double_text(value, text);
    stk_buf_adds(buf, text);
}

void stk_json_add(struct stk_buf *buf, const json_t *value)
{
    assert(value != NULL);
    switch (json_typeof(value)) {
    case JSON_OBJECT: add_object(buf, value); break;
    case JSON_ARRAY: add_array(buf, value); break;
    case JSON_STRING:
        stk_json_add_string(buf, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER: stk_buf_addf(buf, "%" PRId64, (int64_t)json_integer_value(value)); break;
    case JSON_REAL: add_real(buf, json_real_value(value)); break;
    case JSON_TRUE: stk_buf_adds(buf, "true"); break;
    case JSON_FALSE: stk_buf_adds(buf, "false"); break;
    case JSON_NULL: stk_buf_adds(buf, "null"); break;
    }
}

/* NOLINTEND(misc-no-recursion) */

char *stk_json_text(const json_t *value)
{
    struct stk_buf buf = STK_BUF_INIT;
    stk_json_add(&buf, value);
    return stk_buf_take(&buf);
}

static const char *describe(const json_t *value)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object",
        [JSON_ARRAY] = "a list",
        [JSON_STRING] = "a string",
        [JSON_INTEGER] = "a whole number",
        [JSON_REAL] = "a number with a fraction",
        [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",
        [JSON_NULL] = "null",
    };
    return names[json_typeof(value)];
}

/* The member, or NULL when it is absent or null. */
static const json_t *find_member(const json_t *object, const char *name)
{
    const json_t *member = json_object_get(object, name);
    return json_is_null(member) ? NULL : member;
}

static enum stk_rc fail_type(struct stk_error *err, const char *name, const char *wanted,
                             const json_t *member)
{
    return stk_fail(err, STK_INVALID, "\"%s\" must be %s, not %s", name, wanted, describe(member));
}

enum stk_rc stk_json_get_string(const json_t *object, const char *name, const char **ret,
                                struct stk_error *err)
{
    const json_t *member = find_member(object, name);
    if (member == NULL) return STK_OK;
    if (!json_is_string(member)) return fail_type(err, name, "a string", member);
    *ret = json_string_value(member);
    return STK_OK;
}

enum stk_rc stk_json_get_int(const json_t *object, const char *name, int64_t *ret,
                             struct stk_error *err)
{
    const json_t *member = find_member(object, name);
    if (member == NULL) return STK_OK;
    if (!json_is_integer(member)) return fail_type(err, name, "a whole number", member);
    *ret = json_integer_value(member);
    return STK_OK;
}

enum stk_rc stk_json_get_bool(const json_t *object, const char *name, bool *ret,
                              struct stk_error *err)
{
    const json_t *member = find_member(object, name);
    if (member == NULL) return STK_OK;
    if (!json_is_boolean(member)) return fail_type(err, name, "true or false", member);
    *ret = json_is_true(member);
    return STK_OK;
}

static enum stk_rc fail_unknown(struct stk_error *err, const char *key, const char *const *names,
                                size_t count)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf shown = STK_BUF_INIT;
    stk_text_add_escaped(&shown, key, strlen(key));
    const char *near = stk_nearest(key, names, count);
    if (near == NULL) return stk_fail(err, STK_INVALID, "unknown member \"%s\"", shown.data);
    return stk_fail(err, STK_INVALID, "unknown member \"%s\" (did you mean \"%s\"?)", shown.data,
                    near);
}

enum stk_rc stk_json_only(const json_t *object, const char *const *names, struct stk_error *err)
{
    if (object == NULL) return STK_OK;
    if (!json_is_object(object)) {
        return stk_fail(err, STK_INVALID, "must be an object, not %s", describe(object));
    }

    size_t count = 0;
    while (names[count] != NULL) {
        count++;
    }
    STK_CLEANUP(free_keys) const char **keys = list_keys(object);
    for (size_t i = 0; i < json_object_size(object); i++) {
        size_t known = 0;
        while (known < count && strcmp(names[known], keys[i]) != 0) {
            known++;
        }
        if (known == count) return fail_unknown(err, keys[i], names, count);
    }
    return STK_OK;
}

void stk_json_freep(json_t **value)
{
    json_decref(*value);
    *value = NULL;
}
