/* SPDX-License-Identifier: MIT */
#include "cli/counts.h"

#include <string.h>

#include "base/timetext.h"

/* In the order of words and bars: what is done first. */
static const struct {
    enum stk_state state;
    enum stk_style style;
    const char *block, *ascii; /* one cell */
} looks[] = {
    { STK_STATE_COMPLETED, STK_STYLE_GOOD, "█", "#" },
    { STK_STATE_FAILED, STK_STYLE_BAD, "▓", "!" },
    { STK_STATE_CANCELLED, STK_STYLE_DIM, "▒", "x" },
    { STK_STATE_RUNNING, STK_STYLE_ACTIVE, "▒", ">" },
    { STK_STATE_PENDING, STK_STYLE_DIM, "░", "." },
};
_Static_assert(STK_ARRAY_LEN(looks) == STK_STATE_COUNT_, "every state has a look");

enum stk_style stk_state_style(const char *state)
{
    for (size_t i = 0; state != NULL && i < STK_ARRAY_LEN(looks); i++) {
        bool is_it = strcmp(stk_state_name(looks[i].state), state) == 0;
        bool is_calm = looks[i].state == STK_STATE_PENDING;
        if (is_it) return is_calm ? STK_STYLE_PLAIN : looks[i].style;
    }
    return STK_STYLE_PLAIN;
}

static const char *dot(const struct stk_term *term)
{
    return term->unicode ? " · " : ", ";
}

void stk_counts_words_add(const struct stk_term *term, const struct stk_counts *counts,
                          struct stk_buf *out)
{
    const char *between = "";
    for (size_t i = 0; i < STK_ARRAY_LEN(looks); i++) {
        int64_t count = counts->of[looks[i].state];
        if (count == 0) continue;

        STK_CLEANUP(stk_buf_release) struct stk_buf words = STK_BUF_INIT;
        stk_number_add(&words, count);
        stk_buf_addf(&words, " %s", stk_state_name(looks[i].state));
        stk_buf_adds(out, between);
        stk_term_add(term, out, stk_state_style(stk_state_name(looks[i].state)),
                     stk_buf_str(&words));
        between = dot(term);
    }
    if (*between == '\0') stk_buf_adds(out, "no jobs");
}

/* Rounded down, one at least; what is left over goes to the largest. */
static void share_cells(const struct stk_counts *counts, int width, int *ret_cells)
{
    int64_t total = stk_counts_total(counts);
    int left = width;
    size_t largest = 0;
    for (size_t i = 0; i < STK_ARRAY_LEN(looks); i++) {
        int64_t count = counts->of[looks[i].state];
        int cells = (int)((double)count / (double)total * width);
        if (count > 0 && cells == 0) cells = 1;
        ret_cells[i] = cells;
        left -= cells;
        if (count > counts->of[looks[largest].state]) largest = i;
    }
    ret_cells[largest] += left;
    if (ret_cells[largest] < 0) ret_cells[largest] = 0;
}

void stk_counts_bar_add(const struct stk_term *term, const struct stk_counts *counts, int width,
                        struct stk_buf *out)
{
    int cells[STK_ARRAY_LEN(looks)] = { 0 };
    if (stk_counts_total(counts) == 0) {
        stk_buf_addf(out, "%*s", width, "");
        return;
    }
    share_cells(counts, width, cells);

    for (size_t i = 0; i < STK_ARRAY_LEN(looks); i++) {
        STK_CLEANUP(stk_buf_release) struct stk_buf part = STK_BUF_INIT;
        for (int n = 0; n < cells[i]; n++) {
            stk_buf_adds(&part, term->unicode ? looks[i].block : looks[i].ascii);
        }
        if (part.len > 0) stk_term_add(term, out, looks[i].style, stk_buf_str(&part));
    }
}

void stk_age_add(struct stk_buf *out, stk_time_ns since, stk_time_ns now)
{
    if (since == STK_NEVER) {
        stk_buf_addc(out, '-');
        return;
    }
    char text[STK_DURATION_TEXT];
    stk_time_ns age = now > since ? now - since : 0;
    stk_duration_text(age / STK_SECOND * STK_SECOND, text);
    stk_buf_adds(out, text);
}

void stk_pace_add(const struct stk_term *term, struct stk_buf *out, double per_s, double eta_s)
{
    if (per_s <= 0) return;
    if (per_s >= 10) {
        stk_number_add(out, (int64_t)(per_s + 0.5));
        stk_buf_adds(out, "/s");
    } else if (per_s >= 0.1) {
        stk_buf_addf(out, "%.1f/s", per_s);
    } else {
        stk_buf_addf(out, "%.1f/h", per_s * 3600);
    }
    if (eta_s < 0) return;

    char text[STK_DURATION_TEXT];
    double bounded = eta_s < 1e9 ? eta_s : 1e9;
    stk_time_ns eta = (stk_time_ns)(bounded + 0.999) * STK_SECOND; /* whole seconds, up */
    stk_duration_text(eta, text);
    stk_buf_addf(out, "%sabout %s left", dot(term), text);
}
