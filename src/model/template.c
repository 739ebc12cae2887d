/* SPDX-License-Identifier: MIT */
#include "model/template.h"

#include <string.h>

enum stk_piece stk_template_next(const char **at, const char **ret_text, size_t *ret_len)
{
    const char *from = *at;
    size_t plain = strcspn(from, "{}");
    if (*from == '\0') return STK_PIECE_END;

    bool is_brace = plain == 0 && from[0] == from[1];
    if (plain > 0 || is_brace) {
        *ret_text = from;
        *ret_len = is_brace ? 1 : plain;
        *at = from + (is_brace ? 2 : plain);
        return STK_PIECE_TEXT;
    }

    size_t len = strcspn(from + 1, "{}");
    if (*from == '}' || from[1 + len] != '}') return STK_PIECE_BROKEN;
    *ret_text = from + 1;
    *ret_len = len;
    *at = from + len + 2;
    return STK_PIECE_HOLE;
}
