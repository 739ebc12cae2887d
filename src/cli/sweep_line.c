/* SPDX-License-Identifier: MIT */
#include "cli/sweep_line.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cli/answer.h"
#include "cli/counts.h"

enum { LINE_BAR_CELLS = 20 };

static struct stk_counts counts_of(const json_t *sweep)
{
    return stk_answer_counts(json_object_get(sweep, "counts"));
}

bool stk_sweep_is_over(const json_t *sweep)
{
    struct stk_counts counts = counts_of(sweep);
    bool is_filled = stk_answer_bool(sweep, "filled") || stk_answer_text(sweep, "error") != NULL;
    return is_filled && stk_counts_ended(&counts) == stk_counts_total(&counts);
}

const char *stk_sweep_state(const json_t *sweep)
{
    struct stk_counts counts = counts_of(sweep);
    if (stk_answer_text(sweep, "error") != NULL) return "failed to fill";
    if (!stk_answer_bool(sweep, "filled")) return "filling";
    if (stk_sweep_is_over(sweep)) return "done";
    return counts.of[STK_STATE_RUNNING] > 0 ? "running" : "waiting";
}

void stk_bar_add(const struct stk_term *term, double share, int width, struct stk_buf *out)
{
    char *bar = stk_alloc((size_t)width * 3 + 1);
    stk_progress_bar(share, width, !term->unicode, bar);
    stk_buf_addf(out, "[%s]", bar);
    stk_freep(&bar);
}

/* The API's rate is that of its whole life: of one that waits for a pool it
 * would promise an end that nobody works for. */
void stk_sweep_pace_add(const struct stk_term *term, const json_t *sweep, struct stk_buf *out)
{
    struct stk_counts counts = counts_of(sweep);
    const json_t *eta = stk_answer_get(sweep, "eta_s");
    bool is_moving = counts.of[STK_STATE_RUNNING] > 0;
    if (!is_moving && !stk_sweep_is_over(sweep)) return;
    stk_pace_add(term, out, stk_answer_number(sweep, "per_s"),
                 is_moving && eta != NULL ? json_number_value(eta) : -1.0);
}

void stk_sweep_line_add(const struct stk_term *term, const json_t *sweep, struct stk_buf *out)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf pace = STK_BUF_INIT;
    struct stk_counts counts = counts_of(sweep);
    int64_t points = stk_answer_int(sweep, "points");
    int64_t ended = stk_counts_ended(&counts);
    const char *name = stk_answer_text(sweep, "name");
    const char *task = stk_answer_text(sweep, "task");

    stk_buf_addf(out, "sweep %" PRId64, stk_answer_int(sweep, "id"));
    if (name != NULL) {
        stk_buf_addc(out, ' ');
        stk_text_add_escaped(out, name, strlen(name));
    }
    stk_buf_addf(out, "  %s  ", task == NULL ? "?" : task);
    stk_bar_add(term, points > 0 ? (double)ended / (double)points : 0, LINE_BAR_CELLS, out);
    stk_buf_adds(out, "  ");
    stk_number_add(out, ended);
    stk_buf_adds(out, " of ");
    stk_number_add(out, points);

    stk_sweep_pace_add(term, sweep, &pace);
    const char *dot = term->unicode ? " · " : ", ";
    if (pace.len > 0) stk_buf_addf(out, "%s%s", dot, stk_buf_str(&pace));
    if (counts.of[STK_STATE_FAILED] > 0) {
        STK_CLEANUP(stk_buf_release) struct stk_buf failed = STK_BUF_INIT;
        stk_number_add(&failed, counts.of[STK_STATE_FAILED]);
        stk_buf_adds(&failed, " failed");
        stk_buf_adds(out, dot);
        stk_term_add(term, out, STK_STYLE_BAD, stk_buf_str(&failed));
    }
    stk_buf_addc(out, '\n');
}
