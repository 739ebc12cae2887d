/* SPDX-License-Identifier: MIT */
#include "base/err.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static const struct {
    const char *name;
    int http_status;
    int exit_status;
    bool again;
    const char *text;
} rc_info[] = {
#define STK_RC_ROW(name, http, exit, again, text) [STK_##name] = { #name, http, exit, again, text },
    STK_RC_MAP(STK_RC_ROW)
#undef STK_RC_ROW
};

/* Formats first and copies then: an argument may be err->text itself. */
static STK_PRINTF(2, 0) void write_text(struct stk_error *err, const char *fmt, va_list args,
                                        const char *rest)
{
    char text[sizeof(err->text)];
    int len = vsnprintf(text, sizeof(text), fmt, args);
    size_t used = len < 0 ? 0 : (size_t)len;
    if (used < sizeof(text)) {
        len = snprintf(text + used, sizeof(text) - used, "%s", rest);
        used += len < 0 ? 0 : (size_t)len;
    }

    if (used >= sizeof(text)) {
        used = stk_utf8_cut(text, sizeof(text) - 1);
    }
    memcpy(err->text, text, used);
    err->text[used] = '\0';
}

enum stk_rc stk_fail(struct stk_error *err, enum stk_rc rc, const char *fmt, ...)
{
    assert(rc != STK_OK);
    if (err == NULL) return rc;

    va_list args;
    va_start(args, fmt);
    write_text(err, fmt, args, "");
    va_end(args);
    err->rc = rc;
    return rc;
}

enum stk_rc stk_fail_at(struct stk_error *err, const char *fmt, ...)
{
    if (err == NULL) return STK_INTERNAL;

    assert(err->rc != STK_OK);
    va_list args;
    va_start(args, fmt);
    write_text(err, fmt, args, err->text);
    va_end(args);
    return err->rc;
}

const char *stk_rc_name(enum stk_rc rc)
{
    assert(rc < STK_ARRAY_LEN(rc_info));
    return rc_info[rc].name;
}

const char *stk_rc_text(enum stk_rc rc)
{
    assert(rc < STK_ARRAY_LEN(rc_info));
    return rc_info[rc].text;
}

int stk_rc_http_status(enum stk_rc rc)
{
    assert(rc < STK_ARRAY_LEN(rc_info));
    return rc_info[rc].http_status;
}

int stk_rc_exit_status(enum stk_rc rc)
{
    assert(rc < STK_ARRAY_LEN(rc_info));
    return rc_info[rc].exit_status;
}

bool stk_rc_may_try_again(enum stk_rc rc)
{
    assert(rc < STK_ARRAY_LEN(rc_info));
    return rc_info[rc].again;
}

bool stk_rc_from_name(const char *name, enum stk_rc *ret_rc)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(rc_info); i++) {
        if (strcmp(rc_info[i].name, name) != 0) continue;
        *ret_rc = (enum stk_rc)i;
        return true;
    }
    return false;
}
