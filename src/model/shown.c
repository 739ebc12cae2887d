/* SPDX-License-Identifier: MIT */
#include "model/shown.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

void stk_shown_add(struct stk_buf *buf, const char *text, size_t len, size_t len_max)
{
    const char *newline = len > 0 ? memchr(text, '\n', len) : NULL;
    size_t line = newline == NULL ? len : (size_t)(newline - text);
    size_t end = line <= len_max ? line : stk_utf8_cut(text, len_max);

    stk_text_add_escaped(buf, text, end);
    if (end < line) stk_buf_adds(buf, "...");
}

char *stk_shown(const char *text)
{
    struct stk_buf buf = STK_BUF_INIT;
    stk_shown_add(&buf, text, strlen(text), STK_SHOWN_BYTES_MAX);
    return stk_buf_take(&buf);
}

char *stk_shown_json(const json_t *value)
{
    struct stk_buf buf = STK_BUF_INIT;
    if (json_is_string(value)) {
        stk_buf_addc(&buf, '"');
        stk_shown_add(&buf, json_string_value(value), json_string_length(value),
                      STK_SHOWN_BYTES_MAX);
        stk_buf_addc(&buf, '"');
        return stk_buf_take(&buf);
    }

    STK_CLEANUP(stk_freep) char *text = stk_json_text(value);
    stk_shown_add(&buf, text, strlen(text), STK_SHOWN_BYTES_MAX);
    return stk_buf_take(&buf);
}
