/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES_MAX = 128, NEAREST_BYTES_MAX = 63, NEAREST_EDITS_MAX = 2 };

static const char DIGITS[] = "0123456789";

bool stk_parse_i64(const char *text, int64_t *ret)
{
    const char *digits = text[0] == '-' ? text + 1 : text;
    size_t len = strspn(digits, DIGITS);
    if (len == 0 || digits[len] != '\0') return false;

    errno = 0;
    long long value = strtoll(text, NULL, 10);
    if (errno != 0) return false;
    *ret = value;
    return true;
}

bool stk_parse_u32(const char *text, uint32_t *ret)
{
    int64_t value = 0;
    if (text[0] == '-' || !stk_parse_i64(text, &value)) return false;
    if (value > UINT32_MAX) return false;
    *ret = (uint32_t)value;
    return true;
}

/* The look at the letters keeps strtod from reading blanks, hex, inf and nan. */
bool stk_parse_double(const char *text, double *ret)
{
    if (text[strspn(text, "0123456789+-.eE")] != '\0' || text[0] == '+') return false;

    char *end = NULL;
    double value = strtod(text, &end);
    if (end == text || *end != '\0' || !isfinite(value)) return false;
    *ret = value;
    return true;
}

bool stk_parse_bool(const char *text, bool *ret)
{
    bool is_true = strcmp(text, "true") == 0;
    if (!is_true && strcmp(text, "false") != 0) return false;
    *ret = is_true;
    return true;
}

void stk_double_text(double value, char ret_text[32])
{
    assert(isfinite(value));
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(ret_text, 32, "%.*g", digits, value);
        if (strtod(ret_text, NULL) == value) break;
    }
    size_t len = strlen(ret_text);
    if (strpbrk(ret_text, ".e") == NULL) memcpy(ret_text + len, ".0", sizeof(".0"));
}

/* Table 3-7 of the Unicode standard: the lead byte decides how many follow and
 * what the first of them may be. That alone keeps out overlong forms,
 * surrogates and what is past U+10FFFF. */
size_t stk_utf8_step(const char *text, size_t len)
{
    /* clang-format off */
    static const struct { unsigned char lead_min, lead_max, next_min, next_max, len; } rows[] = {
        { 0x01, 0x7F, 0x00, 0x00, 1 },
        { 0xC2, 0xDF, 0x80, 0xBF, 2 },
        { 0xE0, 0xE0, 0xA0, 0xBF, 3 },
        { 0xE1, 0xEC, 0x80, 0xBF, 3 },
        { 0xED, 0xED, 0x80, 0x9F, 3 },
        { 0xEE, 0xEF, 0x80, 0xBF, 3 },
        { 0xF0, 0xF0, 0x90, 0xBF, 4 },
        { 0xF1, 0xF3, 0x80, 0xBF, 4 },
        { 0xF4, 0xF4, 0x80, 0x8F, 4 },
    };
    /* clang-format on */
    if (len == 0) return 0;

    const unsigned char *bytes = (const unsigned char *)text;
    size_t row = 0;
    while (row < STK_ARRAY_LEN(rows) && bytes[0] > rows[row].lead_max) {
        row++;
    }
    if (row == STK_ARRAY_LEN(rows) || bytes[0] < rows[row].lead_min) return 0;
    if (rows[row].len > len) return 0;
    if (rows[row].len == 1) return 1;

    if (bytes[1] < rows[row].next_min || bytes[1] > rows[row].next_max) return 0;
    for (size_t i = 2; i < rows[row].len; i++) {
        if (bytes[i] < 0x80 || bytes[i] > 0xBF) return 0;
    }
    return rows[row].len;
}

bool stk_utf8_is_valid(const char *text, size_t len)
{
    size_t at = 0;
    while (at < len) {
        size_t step = stk_utf8_step(text + at, len - at);
        if (step == 0) return false;
        at += step;
    }
    return true;
}

/* Looks only at what is kept, since a caller may have no more than that: a
 * lead byte that asks for more bytes than are left begins the cut one. */
size_t stk_utf8_cut(const char *text, size_t len)
{
    for (size_t back = 1; back <= 3 && back <= len; back++) {
        unsigned char byte = (unsigned char)text[len - back];
        if (byte >= 0x80 && byte <= 0xBF) continue;

        size_t wanted = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
        return wanted > back ? len - back : len;
    }
    return len;
}

const char *stk_utf8_tail(const char *text, size_t len, size_t len_max)
{
    if (len <= len_max) return text;

    size_t start = len - len_max;
    for (size_t back = 1; back <= 3 && back <= start; back++) {
        size_t step = stk_utf8_step(text + start - back, len - start + back);
        if (step > back) return text + start - back + step;
    }
    return text + start;
}

static bool is_safe_to_show(const char *text, size_t step)
{
    unsigned char first = (unsigned char)text[0];
    if (step == 0) return false;
    if (step == 1) return first == '\t' || (first >= 0x20 && first != 0x7F);
    return first != 0xC2 || (unsigned char)text[1] >= 0xA0; /* C1 is U+0080 to U+009F */
}

void stk_text_add_escaped(struct stk_buf *buf, const char *text, size_t len)
{
    size_t at = 0;
    while (at < len) {
        size_t step = stk_utf8_step(text + at, len - at);
        if (is_safe_to_show(text + at, step)) {
            stk_buf_add(buf, text + at, step);
            at += step;
            continue;
        }
        for (size_t end = at + (step > 0 ? step : 1); at < end; at++) {
            stk_buf_addf(buf, "\\x%02x", (unsigned)(unsigned char)text[at]);
        }
    }
}

bool stk_name_is_valid(const char *text)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.:/";

    size_t len = strspn(text, letters);
    if (len == 0 || len > NAME_BYTES_MAX || text[len] != '\0') return false;
    return strchr("-.:/", text[0]) == NULL;
}

static size_t min2(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Damerau's distance, where swapped neighbours are one edit: of the mistakes
 * that people make in a word they know, the most common. */
static size_t count_edits(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][NEAREST_BYTES_MAX + 1] = { { 0 } };
    for (size_t j = 0; j <= b_len; j++) {
        rows[0][j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t changed = above[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = min2(changed, min2(above[j], row[j - 1]) + 1);
            bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
            if (swapped) row[j] = min2(row[j], above2[j - 2] + 1);
        }
    }
    return rows[a_len % 3][b_len];
}

const char *stk_nearest(const char *wrong, const char *const *names, size_t count)
{
    size_t wrong_len = strlen(wrong);
    if (wrong_len > NEAREST_BYTES_MAX) return NULL;

    const char *nearest = NULL;
    size_t edits_best = NEAREST_EDITS_MAX + 1;
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(names[i]);
        if (len > NEAREST_BYTES_MAX) continue;
        size_t edits = count_edits(wrong, wrong_len, names[i], len);
        if (edits >= edits_best || 2 * edits >= wrong_len) continue;
        edits_best = edits;
        nearest = names[i];
    }
    return nearest;
}
