/* SPDX-License-Identifier: MIT */
#include "model/progress.h"

#include <assert.h>
#include <string.h>

/* Readings older than twice this hardly matter: "the last half minute or so". */
static const double tau_s = 15.0;

/* A longer forecast is no forecast. */
static const double eta_max_s = 10.0 * 365.0 * 86400.0;

int64_t stk_counts_total(const struct stk_counts *counts)
{
    int64_t total = 0;
    for (size_t i = 0; i < STK_STATE_COUNT_; i++) {
        total += counts->of[i];
    }
    return total;
}

int64_t stk_counts_ended(const struct stk_counts *counts)
{
    int64_t ended = 0;
    for (size_t i = 0; i < STK_STATE_COUNT_; i++) {
        if (stk_state_is_final((enum stk_state)i)) ended += counts->of[i];
    }
    return ended;
}

/* The mean is divided by the weight collected so far: without that, the first
 * readings would climb slowly from a zero that nobody measured. */
void stk_rate_add(struct stk_rate *rate, int64_t ended, stk_time_ns now)
{
    bool is_first = rate->last_ == 0;
    double gap_s = (double)(now - rate->last_) / (double)STK_SECOND;
    int64_t more = ended > rate->ended_ ? ended - rate->ended_ : 0; /* less: jobs were retried */

    if (!is_first && now == rate->last_) return; /* the next reading has it all */
    rate->last_ = now;
    rate->ended_ = ended;
    if (is_first || gap_s < 0) return;

    double share = gap_s / (gap_s + tau_s);
    double old_weight = rate->weight_ * (1.0 - share);
    double sum = rate->per_s * old_weight + (double)more / gap_s * share;
    rate->weight_ = old_weight + share;
    rate->per_s = sum / rate->weight_;
}

stk_time_ns stk_rate_eta(const struct stk_rate *rate, int64_t left)
{
    if (left <= 0) return 0;
    if (rate->per_s <= 0 || (double)left > eta_max_s * rate->per_s) return STK_NEVER;
    return (stk_time_ns)((double)left / rate->per_s * (double)STK_SECOND);
}

static const char *const eighths[] = { " ", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█" };
static const char *const hashes[] = { ".", "#" };

/* Rounded down, so that only what is whole looks whole. */
void stk_progress_bar(double share, int width, bool ascii, char *ret_text)
{
    const char *const *cells = ascii ? hashes : eighths;
    int steps = ascii ? 1 : 8;
    double bounded = share > 0 ? (share < 1 ? share : 1) : 0; /* not a number: 0 */
    int filled = (int)(bounded * width * steps);

    char *end = ret_text;
    for (int i = 0; i < width; i++) {
        int rest = filled - i * steps;
        const char *cell = cells[rest <= 0 ? 0 : rest < steps ? rest : steps];
        end = stpcpy(end, cell);
    }
    *end = '\0';
}
