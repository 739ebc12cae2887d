/* SPDX-License-Identifier: MIT
 *
 * template - a text with holes: a row of pieces, text, "{{" or "}}" for a brace,
 * "{name}" for what is filled in.
 *
 * Memory:  pieces point into the template.
 * Threads: pure.
 */
#ifndef STK_MODEL_TEMPLATE_H
#define STK_MODEL_TEMPLATE_H

#include "base/defs.h"

enum stk_piece { STK_PIECE_END, STK_PIECE_TEXT, STK_PIECE_HOLE, STK_PIECE_BROKEN };

/* The next piece, *at moved behind it. */
enum stk_piece stk_template_next(const char **at, const char **ret_text, size_t *ret_len);

#endif
