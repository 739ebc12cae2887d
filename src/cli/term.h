/* SPDX-License-Identifier: MIT
 *
 * term - what the terminal at stdout can show: colours, blocks, how wide.
 *
 * No escape sequence goes to what is not a terminal, unless --color always.
 * Colours are off with NO_COLOR or TERM=dumb. Blocks and lines need UTF-8,
 * which is believed unless the locale names another character set.
 *
 * Memory:  plain data.
 * Threads: stk_term_init from the only thread (it sets LC_CTYPE); the rest any.
 */
#ifndef STK_CLI_TERM_H
#define STK_CLI_TERM_H

#include "base/buf.h"

enum { STK_WIDTH_DEFAULT = 80 };

struct stk_term {
    bool is_terminal;
    bool color;     /* 16 colours */
    bool color_256; /* and the 256 */
    bool unicode;
    int width;  /* COLUMNS, or the window's; 0: no limit (not a terminal) */
    int height; /* 0: unknown */
};

/* color: "auto", "always", "never", or NULL for auto. */
void stk_term_init(struct stk_term *term, const char *color);

/* width, or 80 where something must be drawn to a size. */
int stk_term_width(const struct stk_term *term);

/* clang-format off */
/*    name     SGR     */
#define STK_STYLE_MAP(X) \
    X(PLAIN,   "")      \
    X(STRONG,  "1")     \
    X(DIM,     "2")     \
    X(GOOD,    "32")    \
    X(BAD,     "31")    \
    X(WARN,    "33")    \
    X(ACTIVE,  "36")
/* clang-format on */
enum stk_style {
#define STK_STYLE_NAME(name, sgr) STK_STYLE_##name,
    STK_STYLE_MAP(STK_STYLE_NAME)
#undef STK_STYLE_NAME
};

/* The text as it is, in that style when colours are on. */
void stk_term_add(const struct stk_term *term, struct stk_buf *buf, enum stk_style style,
                  const char *text);

/* How many cells of a terminal the text takes, and how many of its bytes fit
 * into `cells`. */
int stk_text_cells(const char *text);
size_t stk_text_fit(const char *text, int cells);

/* For people: 1,234,567. Never in JSON or CSV. */
void stk_number_add(struct stk_buf *buf, int64_t value);

/* "1 job", "2,400 jobs" */
void stk_count_add(struct stk_buf *buf, int64_t count, const char *one, const char *many);

#endif
