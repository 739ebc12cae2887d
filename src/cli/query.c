/* SPDX-License-Identifier: MIT */
#include "cli/query.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "model/shown.h"

void stk_query_segment(struct stk_buf *path, const char *text)
{
    static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    for (; *text != '\0'; text++) {
        if (strchr(safe, *text) != NULL) {
            stk_buf_addc(path, *text);
        } else {
            stk_buf_addf(path, "%%%02X", (unsigned)(unsigned char)*text);
        }
    }
}

void stk_query_add(struct stk_buf *path, const char *name, const char *value)
{
    if (value == NULL) return;
    bool has_query = strchr(stk_buf_str(path), '?') != NULL;
    stk_buf_addf(path, "%c%s=", has_query ? '&' : '?', name);
    stk_query_segment(path, value);
}

void stk_query_add_int(struct stk_buf *path, const char *name, int64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof(text), "%" PRId64, value);
    stk_query_add(path, name, text);
}

enum stk_rc stk_query_id(struct stk_buf *path, const char *what, const char *text,
                         struct stk_error *err)
{
    int64_t id = 0;
    bool is_id = stk_parse_i64(text, &id) && id > 0;
    if (!is_id && strcmp(text, "last") != 0) {
        STK_CLEANUP(stk_freep) char *shown = stk_shown(text);
        return stk_fail(err, STK_INVALID, "\"%s\" is not the id of a %s: a whole number, or last",
                        shown, what);
    }
    stk_buf_adds(path, text);
    return STK_OK;
}

void stk_query_add_page(struct stk_buf *path, const struct stk_args *args)
{
    stk_query_add_int(path, "limit", stk_args_int(args, "limit", 20));
    stk_query_add(path, "before", stk_args_text(args, "before"));
}
