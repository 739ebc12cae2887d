/* SPDX-License-Identifier: MIT */
#include "model/keys.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "base/timetext.h"
#include "model/shown.h"

static enum stk_rc refuse_later(const struct stk_node *map, const struct stk_key *keys,
                                size_t count, struct stk_error *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct stk_node *node = keys[i].read == NULL ? stk_node_get(map, keys[i].name) : NULL;
        if (node != NULL) return stk_node_fail(node, err, "not supported by this version");
    }
    return STK_OK;
}

enum stk_rc stk_keys_read(const struct stk_node *map, const struct stk_key *keys, size_t count,
                          void *into, struct stk_error *err)
{
    assert(count <= STK_KEYS_MAX);
    enum stk_rc rc = refuse_later(map, keys, count, err);
    if (rc != STK_OK) return rc;

    const char *names[STK_KEYS_MAX + 1] = { 0 };
    size_t known = 0;
    for (size_t i = 0; i < count; i++) {
        if (keys[i].read != NULL) names[known++] = keys[i].name;
    }
    rc = stk_node_map_of(map, names, err);
    if (rc != STK_OK) return rc;

    for (size_t i = 0; i < count; i++) {
        const struct stk_node *node = stk_node_get(map, keys[i].name);
        if (node == NULL) continue;
        rc = keys[i].read(node, into, err);
        if (rc != STK_OK) return rc;
    }
    return STK_OK;
}

/* clang-format off */
static const struct {
    const char *name;
    uint64_t bytes;
} units[] = {
    { "",    1 },
    { "B",   1 },
    { "KiB", (uint64_t)1 << 10 },
    { "MiB", (uint64_t)1 << 20 },
    { "GiB", (uint64_t)1 << 30 },
    { "TiB", (uint64_t)1 << 40 },
    { "kB",  1000 },
    { "MB",  1000 * 1000 },
    { "GB",  1000 * 1000 * 1000 },
};
/* clang-format on */

static bool parse_size(const char *text, uint64_t *ret)
{
    size_t digits = strspn(text, "0123456789");
    STK_CLEANUP(stk_freep) char *number = stk_strndup(text, digits);
    int64_t count = 0;
    if (!stk_parse_i64(number, &count)) return false;

    for (size_t i = 0; i < STK_ARRAY_LEN(units); i++) {
        if (strcmp(units[i].name, text + digits) != 0) continue;
        if ((uint64_t)count > INT64_MAX / units[i].bytes) return false;
        *ret = (uint64_t)count * units[i].bytes;
        return true;
    }
    return false;
}

enum stk_rc stk_key_size(const struct stk_node *node, uint64_t min, uint64_t max, uint64_t *ret,
                         struct stk_error *err)
{
    const char *text = NULL;
    enum stk_rc rc = stk_node_text(node, &text, err);
    if (rc != STK_OK) return rc;

    uint64_t bytes = 0;
    if (!parse_size(text, &bytes)) {
        STK_CLEANUP(stk_freep) char *shown = stk_shown(text);
        return stk_node_fail(node, err, "\"%s\" is not a size: write 64KiB, 512MiB or 2GiB", shown);
    }
    if (bytes < min || bytes > max) {
        return stk_node_fail(node, err, "must be from %llu to %llu bytes, not %llu",
                             (unsigned long long)min, (unsigned long long)max,
                             (unsigned long long)bytes);
    }
    *ret = bytes;
    return STK_OK;
}

enum stk_rc stk_key_duration(const struct stk_node *node, stk_time_ns min, stk_time_ns max,
                             stk_time_ns *ret, struct stk_error *err)
{
    stk_time_ns duration = 0;
    enum stk_rc rc = stk_node_duration(node, &duration, err);
    if (rc != STK_OK) return rc;

    if (duration < min || duration > max) {
        char low[STK_DURATION_TEXT];
        char high[STK_DURATION_TEXT];
        stk_duration_text(min, low);
        stk_duration_text(max, high);
        return stk_node_fail(node, err, "must be from %s to %s, not %s", low, high, node->text);
    }
    *ret = duration;
    return STK_OK;
}

enum stk_rc stk_key_u32(const struct stk_node *node, uint32_t min, uint32_t max, uint32_t *ret,
                        struct stk_error *err)
{
    int64_t number = 0;
    enum stk_rc rc = stk_node_int(node, min, max, &number, err);
    if (rc != STK_OK) return rc;
    *ret = (uint32_t)number;
    return STK_OK;
}
