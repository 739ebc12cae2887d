/* SPDX-License-Identifier: MIT */
#include "store/move/line.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"

#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

/* --- cells ------------------------------------------------------------------- */

static void add_both(struct stk_move_line *line, const char *text, size_t len)
{
    stk_buf_add(&line->sent, text, len);
    stk_buf_add(&line->summed, text, len);
}

static void next_cell(struct stk_move_line *line)
{
    if (line->cells++ > 0) add_both(line, "\t", 1);
}

void stk_move_line_begin(struct stk_move_line *line)
{
    stk_buf_clear(&line->sent);
    stk_buf_clear(&line->summed);
    line->cells = 0;
}

void stk_move_line_null(struct stk_move_line *line)
{
    next_cell(line);
    add_both(line, "\\N", 2);
}

void stk_move_line_number(struct stk_move_line *line, int64_t value)
{
    next_cell(line);
    stk_buf_addf(&line->sent, "%" PRId64, value);
    stk_buf_addf(&line->summed, "%" PRId64, value);
}

void stk_move_line_real(struct stk_move_line *line, double value)
{
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof(bits));
    next_cell(line);
    stk_buf_addf(&line->sent, "%.17g", value);
    stk_buf_addf(&line->summed, "%016" PRIx64, bits);
}

/* As COPY itself writes them, so that what comes back is the same text. */
static const char *escape_of(char byte)
{
    switch (byte) {
    case '\\': return "\\\\";
    case '\b': return "\\b";
    case '\f': return "\\f";
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    case '\v': return "\\v";
    default: return NULL;
    }
}

/* Output of programs may hold anything; PostgreSQL takes only UTF-8 without NUL. */
void stk_move_line_text(struct stk_move_line *line, const char *text, size_t len)
{
    next_cell(line);
    for (size_t at = 0; at < len;) {
        size_t step = stk_utf8_step(text + at, len - at);
        const char *escape = step == 1 ? escape_of(text[at]) : NULL;
        if (step == 0) {
            add_both(line, REPLACEMENT, strlen(REPLACEMENT));
            line->mended++;
            step = 1;
        } else if (escape != NULL) {
            add_both(line, escape, strlen(escape));
        } else {
            add_both(line, text + at, step);
        }
        at += step;
    }
}

void stk_move_line_bytes(struct stk_move_line *line, const unsigned char *bytes, size_t len)
{
    next_cell(line);
    add_both(line, "\\\\x", 3);
    for (size_t i = 0; i < len; i++) {
        stk_buf_addf(&line->sent, "%02x", bytes[i]);
        stk_buf_addf(&line->summed, "%02x", bytes[i]);
    }
}

void stk_move_line_end(struct stk_move_line *line)
{
    add_both(line, "\n", 1);
}

void stk_move_line_release(struct stk_move_line *line)
{
    stk_buf_release(&line->sent);
    stk_buf_release(&line->summed);
}

/* --- sums -------------------------------------------------------------------- */

void stk_move_sum_begin(struct stk_move_sum *sum)
{
    *sum = (struct stk_move_sum){ .rows = 0 };
    (void)crypto_generichash_init(&sum->state, NULL, 0, sizeof(sum->hash));
}

void stk_move_sum_add(struct stk_move_sum *sum, const char *line, size_t len)
{
    (void)crypto_generichash_update(&sum->state, (const unsigned char *)line, len);
    sum->rows++;
}

void stk_move_sum_end(struct stk_move_sum *sum)
{
    (void)crypto_generichash_final(&sum->state, sum->hash, sizeof(sum->hash));
}

bool stk_move_sum_is_same(const struct stk_move_sum *a, const struct stk_move_sum *b)
{
    return a->rows == b->rows && memcmp(a->hash, b->hash, sizeof(a->hash)) == 0;
}
