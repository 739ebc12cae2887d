/* SPDX-License-Identifier: MIT */
#include "model/settings_environment.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/text.h"
#include "model/shown.h"
#include "model/store_url.h"

static enum stk_rc apply_store(struct stk_settings *settings, const char *value,
                               struct stk_error *err)
{
    struct stk_error cause = { .rc = STK_OK };
    enum stk_rc rc = stk_store_url_check(value, &cause);
    if (rc != STK_OK) return stk_fail(err, rc, "STOKER_STORE: %s", cause.text);
    stk_settings_set_store(settings, value);
    return STK_OK;
}

static enum stk_rc apply_workers(struct stk_settings *settings, const char *value,
                                 struct stk_error *err)
{
    uint32_t workers = 0;
    if (!stk_parse_u32(value, &workers) || workers < 1 || workers > STK_WORKERS_MAX) {
        STK_CLEANUP(stk_freep) char *shown = stk_shown(value);
        return stk_fail(err, STK_BAD_CONFIG, "STOKER_WORKERS: must be from 1 to %d, not \"%s\"",
                        STK_WORKERS_MAX, shown);
    }
    settings->workers = workers;
    return STK_OK;
}

static enum stk_rc apply_listen(struct stk_settings *settings, const char *value,
                                struct stk_error *err)
{
    if (stk_settings_set_listen(settings, value)) return STK_OK;
    STK_CLEANUP(stk_freep) char *shown = stk_shown(value);
    return stk_fail(err, STK_BAD_CONFIG, "STOKER_LISTEN: \"%s\" is not HOST:PORT or none", shown);
}

static const struct {
    const char *name;
    enum stk_rc (*apply)(struct stk_settings *, const char *value, struct stk_error *);
} variables[] = {
    { "STOKER_STORE", apply_store },
    { "STOKER_WORKERS", apply_workers },
    { "STOKER_LISTEN", apply_listen },
};

enum stk_rc stk_settings_environment(struct stk_settings *settings, struct stk_error *err)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(variables); i++) {
        const char *value = getenv(variables[i].name);
        if (value == NULL || *value == '\0') continue;
        enum stk_rc rc = variables[i].apply(settings, value, err);
        if (rc != STK_OK) return rc;
    }
    return STK_OK;
}
