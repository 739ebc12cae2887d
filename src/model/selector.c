/* SPDX-License-Identifier: MIT */
#include "model/selector.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "model/shown.h"

#define SWEEP_PREFIX "sweep:"

static bool parse_id(const char *text, int64_t *ret)
{
    int64_t id = 0;
    bool is_digit = *text >= '0' && *text <= '9'; /* "+5" and "-5" are no ids */
    if (!is_digit || !stk_parse_i64(text, &id) || id < 1) return false;
    *ret = id;
    return true;
}

static bool parse_ids(const char *text, struct stk_selector *ret)
{
    const char *dash = strchr(text, '-');
    size_t len = dash == NULL ? strlen(text) : (size_t)(dash - text);
    STK_CLEANUP(stk_freep) char *low = stk_strndup(text, len);
    const char *high = dash == NULL ? low : dash + 1;

    int64_t first = 0;
    int64_t last = 0;
    if (!parse_id(low, &first) || !parse_id(high, &last)) return false;
    *ret = (struct stk_selector){ .kind = STK_SELECT_IDS, .first = first, .last = last };
    return true;
}

static bool parse_sweep(const char *text, struct stk_selector *ret)
{
    size_t prefix = strlen(SWEEP_PREFIX);
    if (strncmp(text, SWEEP_PREFIX, prefix) != 0) return false;

    int64_t id = 0;
    if (strcmp(text + prefix, "last") != 0 && !parse_id(text + prefix, &id)) return false;
    *ret = (struct stk_selector){ .kind = STK_SELECT_SWEEP, .first = id };
    return true;
}

enum stk_rc stk_selector_parse(const char *text, struct stk_selector *ret, struct stk_error *err)
{
    assert(text != NULL && ret != NULL);
    struct stk_selector found = { .kind = STK_SELECT_LAST };

    bool is_last = strcmp(text, "last") == 0;
    STK_CLEANUP(stk_freep) char *shown = stk_shown(text);
    if (!is_last && !parse_sweep(text, &found) && !parse_ids(text, &found)) {
        return stk_fail(err, STK_INVALID,
                        "\"%s\" does not select jobs: write a job's number (5), a range (1-10), "
                        "last, sweep:3 or sweep:last",
                        shown);
    }
    if (found.first > found.last && found.kind == STK_SELECT_IDS) {
        return stk_fail(err, STK_INVALID,
                        "the range \"%s\" is empty: write the smaller number first", shown);
    }

    *ret = found;
    return STK_OK;
}
