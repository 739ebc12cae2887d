/* SPDX-License-Identifier: MIT */
#include "cli/term.h"

#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/text.h"

static const char *const sgr[] = {
#define STK_STYLE_ROW(name, sgr) [STK_STYLE_##name] = sgr,
    STK_STYLE_MAP(STK_STYLE_ROW)
#undef STK_STYLE_ROW
};

static bool is_set(const char *variable)
{
    const char *value = getenv(variable);
    return value != NULL && *value != '\0';
}

static bool wants_color(const char *color, bool is_terminal)
{
    if (color != NULL && strcmp(color, "always") == 0) return true;
    if (color != NULL && strcmp(color, "never") == 0) return false;

    const char *term = getenv("TERM");
    bool is_dumb = term == NULL || *term == '\0' || strcmp(term, "dumb") == 0;
    return is_terminal && !is_dumb && !is_set("NO_COLOR");
}

/* A bare container names no locale, though its terminal shows UTF-8 as they
 * all do today; only who names another character set gets ASCII. */
static bool wants_unicode(void)
{
    bool is_named = is_set("LC_ALL") || is_set("LC_CTYPE") || is_set("LANG");
    if (!is_named) return true;
    if (setlocale(LC_CTYPE, "") == NULL) return true; /* a locale this machine lacks */
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

static void find_size(struct stk_term *term)
{
    struct winsize size = { 0 };
    if (term->is_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0) {
        term->width = size.ws_col;
        term->height = size.ws_row;
    }

    uint32_t columns = 0;
    const char *text = getenv("COLUMNS");
    bool is_number = text != NULL && stk_parse_u32(text, &columns);
    if (is_number && columns >= 20 && columns <= 1000) term->width = (int)columns;
    if (term->is_terminal && term->width <= 0) term->width = STK_WIDTH_DEFAULT;
}

void stk_term_init(struct stk_term *term, const char *color)
{
    *term = (struct stk_term){ .is_terminal = isatty(STDOUT_FILENO) == 1 };
    term->color = wants_color(color, term->is_terminal);
    term->unicode = wants_unicode();
    find_size(term);

    /* Every terminal worth the name knows these; the Linux console maps them. */
    const char *name = getenv("TERM");
    term->color_256 = term->color && name != NULL && strncmp(name, "vt", 2) != 0;

    /* What is written is UTF-8 in any case: wcwidth() has to know. */
    if (setlocale(LC_CTYPE, "C.UTF-8") == NULL) (void)setlocale(LC_CTYPE, "");
}

int stk_term_width(const struct stk_term *term)
{
    return term->width > 0 ? term->width : STK_WIDTH_DEFAULT;
}

void stk_term_add(const struct stk_term *term, struct stk_buf *buf, enum stk_style style,
                  const char *text)
{
    if (!term->color || style == STK_STYLE_PLAIN) {
        stk_buf_adds(buf, text);
        return;
    }
    stk_buf_addf(buf, "\033[%sm%s\033[0m", sgr[style], text);
}

static int char_cells(const char *text, size_t len)
{
    if (len == 1) return 1;

    mbstate_t state = { 0 };
    wchar_t wide = 0;
    size_t got = mbrtowc(&wide, text, len, &state);
    if (got == (size_t)-1 || got == (size_t)-2) return 1;
    int cells = wcwidth(wide);
    return cells < 0 ? 1 : cells;
}

/* Walks over at most `cells` cells; *ret_cells: how many there were. */
static size_t walk(const char *text, int cells, int *ret_cells)
{
    size_t at = 0;
    size_t len = strlen(text);
    int used = 0;
    while (at < len) {
        size_t step = stk_utf8_step(text + at, len - at);
        if (step == 0) step = 1;
        int wide = char_cells(text + at, step);
        if (used + wide > cells) break;
        used += wide;
        at += step;
    }
    *ret_cells = used;
    return at;
}

int stk_text_cells(const char *text)
{
    int cells = 0;
    (void)walk(text, INT32_MAX / 2, &cells);
    return cells;
}

size_t stk_text_fit(const char *text, int cells)
{
    int used = 0;
    return walk(text, cells, &used);
}

void stk_number_add(struct stk_buf *buf, int64_t value)
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%" PRId64, value);
    for (int i = 0; i < len; i++) {
        bool starts_group = i > 0 && (len - i) % 3 == 0 && digits[i - 1] != '-';
        if (starts_group) stk_buf_addc(buf, ',');
        stk_buf_addc(buf, digits[i]);
    }
}

void stk_count_add(struct stk_buf *buf, int64_t count, const char *one, const char *many)
{
    stk_number_add(buf, count);
    stk_buf_addf(buf, " %s", count == 1 ? one : many);
}
