/* SPDX-License-Identifier: MIT */
#include "store/tally.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void stk_tally_release(struct stk_tally *set)
{
    free(set->rows);
    *set = (struct stk_tally){ 0 };
}

static void reserve(struct stk_tally *set, size_t count)
{
    if (set->size >= count) return;
    set->size = count < 8 ? 8 : 2 * count;
    set->rows = stk_realloc(set->rows, set->size, sizeof(*set->rows));
}

void stk_tally_copy(struct stk_tally *to, const struct stk_tally *from)
{
    reserve(to, from->count);
    if (from->count > 0) memcpy(to->rows, from->rows, from->count * sizeof(*from->rows));
    to->count = from->count;
    to->last = 0;
}

static bool is_of(const struct stk_tally_row *row, int64_t sweep_id, int64_t queue_id,
                  int64_t task_id)
{
    return row->sweep_id == sweep_id && row->queue_id == queue_id && row->task_id == task_id;
}

/* A transaction touches few sweeps and tasks; a walk beats a hash. */
static struct stk_tally_row *row_of(struct stk_tally *set, int64_t sweep_id, int64_t queue_id,
                                    int64_t task_id)
{
    if (set->last < set->count && is_of(&set->rows[set->last], sweep_id, queue_id, task_id)) {
        return &set->rows[set->last];
    }
    for (set->last = 0; set->last < set->count; set->last++) {
        struct stk_tally_row *row = &set->rows[set->last];
        if (is_of(row, sweep_id, queue_id, task_id)) return row;
    }
    reserve(set, set->count + 1);
    struct stk_tally_row *row = &set->rows[set->count++];
    *row = (struct stk_tally_row){ .sweep_id = sweep_id, .queue_id = queue_id, .task_id = task_id };
    return row;
}

void stk_tally_move(struct stk_tally *tally, int64_t sweep_id, int64_t queue_id, int64_t task_id,
                    enum stk_state from, enum stk_state to, stk_time_ns now)
{
    struct stk_tally_row *row = row_of(tally, sweep_id, queue_id, task_id);
    if (from < STK_STATE_COUNT_) row->by[from]--;
    if (to < STK_STATE_COUNT_) row->by[to]++;
    if (to < STK_STATE_COUNT_ && stk_state_is_final(to)) row->ended_at = now;
}
