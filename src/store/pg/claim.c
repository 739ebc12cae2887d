/* SPDX-License-Identifier: MIT
 *
 * Due times and claiming. A claim walks the due jobs of its queue in order and
 * begins at a floor: behind where it last found some. In front of it lie the index
 * entries of jobs that have been claimed, which nobody can remove while an old
 * snapshot is held. A floor is a hint and can hide jobs (put back by another
 * pool, or of a higher priority), so a claim that comes back short walks the
 * whole index, and every claim does now and then; each such walk may take
 * one part in twenty of the time.
 */
#include "store/pg/pg.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/rand.h"

#define WHOLE_EVERY_NS (2 * STK_SECOND)
#define WHOLE_CHEAP_NS (50 * STK_MS)
enum { WHOLE_SHARE = 20, RANK_FIRST = INT32_MIN };

/* --- due times ------------------------------------------------------------------ */

/* What is remembered may be of a transaction that never was. */
void stk_pg_due_sure(struct stk_pg *self)
{
    if (self->due_read_at != 0 || self->conn == NULL || self->failed) return;
    enum stk_rc rc = stk_pg_due_send(self, NULL);
    if (rc == STK_OK) rc = stk_pg_collect(self, NULL, NULL);
    if (rc != STK_OK) self->next_due = self->next_poll = 0; /* so that somebody looks */
}

/* A whole walk that is put off is a due time too: jobs may be waiting for it. */
stk_time_ns stk_pg_next_due(struct stk_store *store)
{
    struct stk_pg *self = downcast(store);
    stk_pg_due_sure(self);
    stk_time_ns due = self->next_due;
    for (size_t i = 0; i < self->floor_count; i++) {
        const struct floor *floor = &self->floors[i];
        if (!floor->put_off) continue;
        stk_time_ns at = stk_pg_now(store) + (floor->whole_at - stk_clock_mono());
        if (due == STK_NEVER || at < due) due = at;
    }
    return due;
}

enum stk_rc stk_pg_promote(struct stk_store *store, stk_time_ns now, size_t limit,
                           size_t *ret_moved, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc != STK_OK) return rc;
    *ret_moved = 0;
    if (self->next_due == STK_NEVER || self->next_due > now) return STK_OK;

    stk_pg_arg_int(self, now);
    stk_pg_arg_int(self, (int64_t)limit);
    rc = stk_pg_run(self, STMT_JOB_PROMOTE, "make due jobs claimable", &rows, err);
    if (rc != STK_OK) return rc;
    for (int i = 0; i < rows.count; i++) {
        stk_pg_floor_lower(self, stk_pg_int(&rows, i, 0), stk_pg_int(&rows, i, 1),
                           stk_pg_int(&rows, i, 2));
    }
    *ret_moved = (size_t)rows.count;
    if (rows.count > 0) stk_pg_hint(self, STK_HINT_JOBS);
    rc = stk_pg_due_send(self, err);
    return rc == STK_OK ? stk_pg_collect(self, NULL, err) : rc;
}

/* --- floors --------------------------------------------------------------------- */

static struct floor *floor_of(struct stk_pg *self, int64_t queue_id)
{
    for (size_t i = 0; i < self->floor_count; i++) {
        if (self->floors[i].queue_id == queue_id) return &self->floors[i];
    }
    self->floors = stk_realloc(self->floors, self->floor_count + 1, sizeof(*self->floors));
    self->floors[self->floor_count] = (struct floor){ .queue_id = queue_id, .rank = RANK_FIRST };
    return &self->floors[self->floor_count++];
}

static bool is_before(const struct floor *floor, int64_t rank, int64_t id)
{
    return rank < floor->rank || (rank == floor->rank && id < floor->id);
}

void stk_pg_floor_lower(struct stk_pg *self, int64_t queue_id, int64_t rank, int64_t id)
{
    struct floor *floor = floor_of(self, queue_id);
    if (!is_before(floor, rank, id)) return;
    floor->rank = rank;
    floor->id = id;
}

void stk_pg_floors_keep(struct stk_pg *self)
{
    for (size_t i = 0; i < self->floor_count; i++) {
        self->floors[i].is_raised = false;
    }
}

void stk_pg_floors_undo(struct stk_pg *self)
{
    for (size_t i = 0; i < self->floor_count; i++) {
        struct floor *floor = &self->floors[i];
        if (floor->is_raised && is_before(floor, floor->old_rank, floor->old_id)) {
            floor->rank = floor->old_rank;
            floor->id = floor->old_id;
        }
        floor->is_raised = false;
    }
}

static bool is_whole(const struct floor *floor)
{
    return floor->rank == RANK_FIRST;
}

/* The next claim begins behind the last job of this one; a walk of the whole index
 * leaves none before it. */
static void move_floor(struct floor *floor, bool whole, const struct stk_pg_rows *rows)
{
    if (rows->count == 0) return;
    if (!floor->is_raised) {
        floor->old_rank = floor->rank;
        floor->old_id = floor->id;
        floor->is_raised = true;
    }
    if (whole) floor->rank = RANK_FIRST;
    for (int i = 0; i < rows->count; i++) {
        int64_t rank = stk_pg_int(rows, i, 8), id = stk_pg_int(rows, i, 0);
        if (is_before(floor, rank, id)) continue;
        floor->rank = rank;
        floor->id = id + 1;
    }
}

/* --- claiming ------------------------------------------------------------------- */

struct wanted {
    int64_t queue_id, pool_id;
    const uint32_t *slots;
    size_t count;
    stk_time_ns now;
};

static enum stk_rc pick(struct stk_pg *self, const struct wanted *wanted, const struct floor *from,
                        struct stk_pg_rows *ret, struct stk_error *err)
{
    stk_pg_arg_int(self, wanted->queue_id);
    stk_pg_arg_int(self, wanted->pool_id);
    stk_pg_arg_int(self, from->rank);
    stk_pg_arg_int(self, from->id);
    stk_pg_arg_int(self, (int64_t)wanted->count);
    stk_pg_array_ints(self, wanted->count);
    for (size_t i = 0; i < wanted->count; i++) {
        stk_pg_item_int(self, stk_rand_id());
    }
    stk_pg_array_end(self);
    stk_pg_array_ints(self, wanted->count);
    for (size_t i = 0; i < wanted->count; i++) {
        stk_pg_item_int(self, wanted->slots[i]);
    }
    stk_pg_array_end(self);
    stk_pg_arg_int(self, wanted->now);
    return stk_pg_run(self, STMT_JOB_CLAIM, "claim jobs", ret, err);
}

static void hand_out_one(struct stk_pg *self, const struct wanted *wanted,
                         const struct stk_pg_rows *rows, int row, stk_claim_fn each, void *context)
{
    const struct stk_claim claim = {
        .id = stk_pg_int(rows, row, 0),
        .task_id = stk_pg_int(rows, row, 1),
        .sweep_id = stk_pg_int(rows, row, 2),
        .attempt = (uint32_t)stk_pg_int(rows, row, 3),
        .interruptions = (uint32_t)stk_pg_int(rows, row, 4),
        .params = stk_pg_text(rows, row, 5),
        .params_len = stk_pg_len(rows, row, 5),
        .attempt_id = stk_pg_int(rows, row, 6),
        .slot = (uint32_t)stk_pg_int(rows, row, 7),
        .started_at = wanted->now,
        .remote = { .phase = STK_REMOTE_NONE, .progress = -1 },
    };
    const struct live live = {
        .id = claim.id,
        .attempt_id = claim.attempt_id,
        .task_id = claim.task_id,
        .queue_id = wanted->queue_id,
        .sweep_id = claim.sweep_id,
    };
    stk_pg_txn_claim(self, &live);
    stk_pg_count(self, claim.sweep_id, wanted->queue_id, claim.task_id, STK_STATE_PENDING,
                 STK_STATE_RUNNING, wanted->now);
    each(context, &claim);
}

/* In the order of the queue, which the rows are not in. */
static void hand_out(struct stk_pg *self, const struct wanted *wanted,
                     const struct stk_pg_rows *rows, stk_claim_fn each, void *context)
{
    STK_CLEANUP(stk_freep) char *memory = stk_alloc(((size_t)rows->count + 1) * sizeof(int));
    int *order = (int *)(void *)memory;
    for (int i = 0; i < rows->count; i++) {
        order[stk_pg_int(rows, i, 9) - 1] = i;
    }
    for (int i = 0; i < rows->count; i++) {
        hand_out_one(self, wanted, rows, order[i], each, context);
    }
}

static enum stk_rc pick_whole(struct stk_pg *self, const struct wanted *wanted, struct floor *floor,
                              struct stk_pg_rows *ret, struct stk_error *err)
{
    const struct floor start = { .rank = RANK_FIRST };
    stk_time_ns before = stk_clock_mono();
    enum stk_rc rc = pick(self, wanted, &start, ret, err);
    stk_time_ns mono = stk_clock_mono();
    stk_time_ns cost = mono - before;
    floor->whole_every = cost > WHOLE_CHEAP_NS ? WHOLE_SHARE * cost : 0;
    floor->whole_at = mono + floor->whole_every;
    floor->put_off = false;
    return rc;
}

/* `left` are still wanted after the walk from the floor. */
static enum stk_rc pick_rest(struct stk_pg *self, const struct wanted *wanted, struct floor *floor,
                             struct stk_pg_rows *ret, struct stk_error *err)
{
    floor->put_off = stk_clock_mono() < floor->whole_at;
    if (floor->put_off) return STK_OK;
    return pick_whole(self, wanted, floor, ret, err);
}

static bool is_time_for_whole(const struct floor *floor)
{
    stk_time_ns every = floor->whole_every > WHOLE_EVERY_NS ? floor->whole_every : WHOLE_EVERY_NS;
    return is_whole(floor) || stk_clock_mono() > floor->whole_at - floor->whole_every + every;
}

/* An idle queue's due times are read with each look at it; a busy one's, by begin. */
enum stk_rc stk_pg_claim(struct stk_store *store, int64_t queue_id, int64_t pool_id,
                         const uint32_t *slots, size_t count, stk_time_ns now, stk_claim_fn each,
                         void *context, size_t *ret_count, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rest = STK_PG_ROWS_INIT;
    struct wanted wanted = { queue_id, pool_id, slots, count, now };
    *ret_count = 0;
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc != STK_OK || count == 0) return rc;
    self->claim_pool = pool_id;

    struct floor *floor = floor_of(self, queue_id);
    bool whole = is_time_for_whole(floor);
    rc = whole ? pick_whole(self, &wanted, floor, &rows, err)
               : pick(self, &wanted, floor, &rows, err);
    if (rc != STK_OK) return rc;
    move_floor(floor, whole, &rows);
    hand_out(self, &wanted, &rows, each, context);

    size_t got = (size_t)rows.count;
    if (got < count && !whole) {
        wanted.slots += got;
        wanted.count -= got;
        rc = pick_rest(self, &wanted, floor, &rest, err);
        if (rc == STK_OK && rest.result != NULL) {
            move_floor(floor, true, &rest);
            hand_out(self, &wanted, &rest, each, context);
        }
    }
    *ret_count = got + (size_t)rest.count;
    bool is_idle = *ret_count < count;
    if (rc == STK_OK && is_idle) rc = stk_pg_due_send(self, err);
    return rc;
}
