/* SPDX-License-Identifier: MIT
 *
 * line - one row as PostgreSQL's COPY writes and reads it in text, and the sum
 * over a table's rows. Private to src/store/move.
 *
 * Both sides are summed over the same text: what was sent, and what the target
 * gives back of it. A real is summed by its bits, since each side writes it
 * another way.
 */
#ifndef STK_STORE_MOVE_LINE_H
#define STK_STORE_MOVE_LINE_H

#include <sodium.h>

#include "base/buf.h"

struct stk_move_line {
    struct stk_buf sent, summed; /* with the line feed at the end */
    size_t cells;
    int64_t mended; /* bytes that are no UTF-8 and became U+FFFD, so far */
};
void stk_move_line_begin(struct stk_move_line *line);
void stk_move_line_null(struct stk_move_line *line);
void stk_move_line_number(struct stk_move_line *line, int64_t value);
void stk_move_line_real(struct stk_move_line *line, double value);
void stk_move_line_text(struct stk_move_line *line, const char *text, size_t len);
void stk_move_line_bytes(struct stk_move_line *line, const unsigned char *bytes, size_t len);
void stk_move_line_end(struct stk_move_line *line);
void stk_move_line_release(struct stk_move_line *line);

struct stk_move_sum {
    crypto_generichash_state state;
    int64_t rows;
    unsigned char hash[32]; /* once ended */
};
void stk_move_sum_begin(struct stk_move_sum *sum);
void stk_move_sum_add(struct stk_move_sum *sum, const char *line, size_t len);
void stk_move_sum_end(struct stk_move_sum *sum);
bool stk_move_sum_is_same(const struct stk_move_sum *a, const struct stk_move_sum *b);

#endif
