/* SPDX-License-Identifier: MIT
 *
 * The common way out: completed jobs that were claimed here, written with one
 * statement, whose reply comes with the next one's. They count as accepted until
 * then; those that the reply does not name stay in `late`, for settle.c.
 */
#include "store/ending.h"
#include "store/pg/pg.h"

#include <stdlib.h>

#include "base/alloc.h"

bool stk_pg_is_bad_result(const struct stk_settle *settle)
{
    bool is_json = settle->result != NULL && !settle->result_is_text;
    return settle->to.state == STK_STATE_COMPLETED && is_json &&
           !stk_pg_is_json(settle->result, settle->result_len);
}

/* The common case: a job claimed by this store has completed. */
static bool is_common(struct stk_pg *self, const struct stk_settle *settle)
{
    const struct live *live = stk_pg_live_find(self, settle->id);
    return settle->to.state == STK_STATE_COMPLETED && live != NULL && !live->is_remote &&
           live->attempt_id == settle->attempt_id && !stk_pg_is_bad_result(settle);
}

/* `accepted` says which of them go the common way. */
struct together {
    struct stk_settle *settles;
    size_t count;
    stk_time_ns now;
};

static void arg_together(struct stk_pg *self, const struct together *together, size_t common)
{
    stk_pg_arg_int(self, together->now);
    stk_pg_array_ints(self, common);
    for (size_t i = 0; i < together->count; i++) {
        if (together->settles[i].accepted) stk_pg_item_int(self, together->settles[i].id);
    }
    stk_pg_array_end(self);
    stk_pg_array_ints(self, common);
    for (size_t i = 0; i < together->count; i++) {
        if (together->settles[i].accepted) stk_pg_item_int(self, together->settles[i].attempt_id);
    }
    stk_pg_array_end(self);
    stk_pg_array_texts(self, common);
    for (size_t i = 0; i < together->count; i++) {
        const struct stk_settle *settle = &together->settles[i];
        size_t len = 0;
        if (!settle->accepted) continue;
        const char *result = stk_ending_result(settle, &self->text, &len);
        stk_pg_item(self, result, len);
    }
    stk_pg_array_end(self);
}

static int compare_ids(const void *a, const void *b)
{
    int64_t one = *(const int64_t *)a, other = *(const int64_t *)b;
    return (one > other) - (one < other);
}

static void note_completed(struct stk_pg *self, const struct stk_settle *settle, stk_time_ns now)
{
    const struct live *live = stk_pg_live_find(self, settle->id);
    stk_pg_txn_settle(self, settle->id, settle->attempt_id);
    stk_pg_count(self, live->sweep_id, live->queue_id, live->task_id, STK_STATE_RUNNING,
                 STK_STATE_COMPLETED, now);
}

/* A job that did not come back is no longer held by its attempt. Replies come in
 * the order of their statements: this one speaks of the first `count` that are
 * not known. */
static enum stk_rc take_together(struct stk_pg *self, void *context, const struct stk_pg_rows *rows,
                                 struct stk_error *err)
{
    (void)err;
    size_t count = (size_t)(uintptr_t)context, size = (size_t)rows->count;
    STK_CLEANUP(stk_freep) char *memory = stk_alloc((size + 1) * sizeof(int64_t));
    int64_t *ids = (int64_t *)(void *)memory;
    for (int i = 0; i < rows->count; i++) {
        ids[i] = stk_pg_int(rows, i, 0);
    }
    qsort(ids, size, sizeof(*ids), compare_ids);

    size_t left = 0;
    for (size_t i = 0; i < self->late_count; i++) {
        struct late late = self->late[i];
        bool is_mine = !late.is_known && count > 0;
        if (is_mine) count--;
        bool done = is_mine && bsearch(&late.settle->id, ids, size, sizeof(*ids), compare_ids);
        if (done) {
            note_completed(self, late.settle, late.now);
            continue;
        }
        late.is_known = late.is_known || is_mine;
        self->late[left++] = late;
    }
    self->late_count = left;
    return STK_OK;
}

static void note_late(struct stk_pg *self, const struct together *together)
{
    for (size_t i = 0; i < together->count; i++) {
        if (!together->settles[i].accepted) continue;
        if (self->late_count == self->late_size) {
            self->late_size = self->late_size == 0 ? 64 : 2 * self->late_size;
            self->late = stk_realloc(self->late, self->late_size, sizeof(*self->late));
        }
        self->late[self->late_count++] =
            (struct late){ .settle = &together->settles[i], .now = together->now };
    }
}

/* Nobody waits for the reply: a claim mostly follows, and brings it along. */
enum stk_rc stk_pg_complete(struct stk_pg *self, struct stk_settle *settles, size_t count,
                            stk_time_ns now, struct stk_error *err)
{
    struct together together = { settles, count, now };
    size_t common = 0;
    for (size_t i = 0; i < count; i++) {
        settles[i].accepted = is_common(self, &settles[i]);
        common += settles[i].accepted ? 1 : 0;
    }
    if (common == 0) return STK_OK;
    arg_together(self, &together, common);
    note_late(self, &together);
    return stk_pg_send(self, STMT_JOBS_COMPLETE, "end attempts", take_together,
                       (void *)(uintptr_t)common, err);
}
