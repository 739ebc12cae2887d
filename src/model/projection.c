/* SPDX-License-Identifier: MIT */
#include "model/projection.h"

#include <assert.h>

#include "base/timetext.h"
#include "model/lifecycle.h"

/* Beyond that an estimate is of no use to anybody, and sums could overflow. */
#define MOST (400 * STK_DAY)

static double max_of(double a, double b)
{
    return a > b ? a : b;
}

/* What runs is, on average, half done. */
static double sum_of(const struct stk_work *work)
{
    return ((double)work->pending + (double)work->running / 2) * (double)work->mean_ns;
}

/* One task for itself: its slots, or the pace of its starts. */
static double alone(const struct stk_work *work, uint32_t workers)
{
    bool is_slotted = work->concurrency > 0 && work->concurrency < workers;
    uint32_t lanes = is_slotted ? work->concurrency : workers;
    double pace = (double)work->pending * (double)work->interval_ns;
    return max_of(sum_of(work) / lanes, pace);
}

stk_time_ns stk_projection(const struct stk_work *work, size_t count, uint32_t workers)
{
    assert(workers > 0);
    double all = 0, longest = 0;
    for (size_t i = 0; i < count; i++) {
        bool is_known = work[i].mean_ns > 0 || work[i].pending + work[i].running == 0;
        if (!is_known) return STK_NEVER;
        all += sum_of(&work[i]) / workers;
        longest = max_of(longest, alone(&work[i], workers));
    }
    double needs = max_of(all, longest);
    return needs < (double)MOST ? (stk_time_ns)needs : MOST;
}

void stk_moment_add(struct stk_buf *buf, stk_time_ns at, stk_time_ns now)
{
    char text[STK_TIME_TEXT];
    stk_time_text(at, text);
    bool is_far = at - now >= STK_DAY || now - at >= STK_DAY;
    if (is_far) stk_buf_addf(buf, "%.10s ", text);
    stk_buf_addf(buf, "%.5s UTC", text + 11);
}

/* People plan in minutes; seconds only where there is no minute left. */
static void add_span(struct stk_buf *buf, stk_time_ns span)
{
    char text[STK_DURATION_TEXT];
    stk_time_ns unit = span >= STK_MINUTE ? STK_MINUTE : STK_SECOND;
    stk_duration_text(span < unit ? span : span - span % unit, text);
    stk_buf_adds(buf, text);
}

void stk_projection_add(struct stk_buf *buf, stk_time_ns work_ns, stk_time_ns end, stk_time_ns now)
{
    bool can_say = work_ns > 0 && end > now; /* STK_NEVER is below both */
    if (!can_say) return;
    stk_buf_adds(buf, "pending work needs about ");
    add_span(buf, work_ns);
    stk_buf_adds(buf, ", the session ends in ");
    add_span(buf, end - now);
    if (work_ns < end - now) {
        stk_buf_adds(buf, ": that is enough");
        return;
    }
    stk_buf_adds(buf, ": renew before ");
    stk_moment_add(buf, end, now);
}
