/* SPDX-License-Identifier: MIT */
#include "store/move/move.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/access.h"
#include "store/move/dump.h"
#include "store/move/load.h"

enum { PROGRESS_EVERY = 500 };

struct move {
    const struct stk_move_options *options;
    struct stk_dump *dump;
    struct stk_load *load;
    struct stk_move_sum *sums; /* of what was sent, by table */
    struct stk_moved moved;
};

static void release(struct move *move)
{
    stk_load_closep(&move->load);
    stk_dump_closep(&move->dump);
    free(move->sums);
}

/* --- one table ------------------------------------------------------------------- */

struct sending {
    struct move *move;
    const struct stk_move_table *table;
    struct stk_move_sum *sum;
    int64_t of;
};

static void show(const struct sending *sending)
{
    const struct stk_move_options *options = sending->move->options;
    if (options->progress == NULL) return;
    options->progress(options->context, sending->table->name, sending->sum->rows, sending->of);
}

static enum stk_rc send_line(void *context, const struct stk_move_line *line, struct stk_error *err)
{
    struct sending *sending = context;
    enum stk_rc rc = stk_load_line(sending->move->load, line, err);
    stk_move_sum_add(sending->sum, line->summed.data, line->summed.len);
    if (sending->sum->rows % PROGRESS_EVERY == 0) show(sending);
    return rc;
}

static enum stk_rc send_table(struct move *move, const struct stk_move_table *table,
                              struct stk_move_sum *sum, struct stk_error *err)
{
    struct sending sending = { .move = move, .table = table, .sum = sum };
    int64_t mended = 0;
    stk_move_sum_begin(sum);
    enum stk_rc rc = stk_dump_count(move->dump, table, &sending.of, err);
    if (rc == STK_OK) rc = stk_load_table(move->load, table, err);
    if (rc == STK_OK) rc = stk_dump_table(move->dump, table, send_line, &sending, &mended, err);
    if (rc == STK_OK) rc = stk_load_table_end(move->load, err);
    stk_move_sum_end(sum);
    if (rc != STK_OK) return rc;

    show(&sending);
    move->moved.tables++;
    move->moved.rows += sum->rows;
    move->moved.mended += mended;
    if (strcmp(table->name, "job") == 0) move->moved.jobs = sum->rows;
    return STK_OK;
}

static enum stk_rc check_table(struct move *move, const struct stk_move_table *table,
                               const struct stk_move_sum *sent, struct stk_error *err)
{
    struct stk_move_sum found;
    enum stk_rc rc = stk_load_check(move->load, table, &found, err);
    if (rc != STK_OK || stk_move_sum_is_same(sent, &found)) return rc;
    return stk_fail(err, STK_BAD_DATA,
                    "nothing was moved: %s has %" PRId64 " rows in the target and %" PRId64
                    " were sent%s",
                    table->name, found.rows, sent->rows,
                    found.rows == sent->rows ? ", but their sums differ" : "");
}

static enum stk_rc copy(struct move *move, struct stk_error *err)
{
    const struct stk_move_table *tables = NULL;
    size_t count = stk_move_tables(&tables);
    move->sums = stk_alloc(count * sizeof(*move->sums));

    enum stk_rc rc = stk_dump_open(move->options->from, &move->dump, err);
    if (rc == STK_OK) rc = stk_load_open(move->options->to, &move->load, err);
    if (rc == STK_OK) rc = stk_load_begin(move->load, err);
    for (size_t i = 0; rc == STK_OK && i < count; i++) {
        rc = send_table(move, &tables[i], &move->sums[i], err);
    }
    for (size_t i = 0; rc == STK_OK && i < count; i++) {
        rc = check_table(move, &tables[i], &move->sums[i], err);
    }
    return rc == STK_OK ? stk_load_commit(move->load, err) : rc;
}

/* --- what stays behind --------------------------------------------------------------- */

static enum stk_rc mark_source(struct stk_store *store, void *arg, stk_time_ns now,
                               struct stk_error *err)
{
    const struct stk_move_options *options = arg;
    const struct stk_queue *queues = NULL;
    size_t count = 0;
    STK_CLEANUP(stk_freep) char *reason = stk_format("this store has moved to %s", options->to);
    const struct stk_event event = { .actor = options->actor, .text = reason };

    enum stk_rc rc = stk_store_queues(store, &queues, &count, err);
    for (size_t i = 0; rc == STK_OK && i < count; i++) {
        STK_CLEANUP(stk_freep) char *name = stk_strdup(queues[i].name);
        rc = stk_store_queue_pause(store, name, true, reason, options->actor, now, err);
        if (rc == STK_OK) rc = stk_store_queues(store, &queues, &count, err);
    }
    return rc == STK_OK ? stk_store_event(store, STK_EVENT_STORE_MOVED, &event, now, err) : rc;
}

static enum stk_rc mark(struct stk_store *source, const struct stk_move_options *options,
                        struct stk_error *err)
{
    struct stk_access direct = stk_access_direct(source);
    struct stk_move_options marked = *options;
    struct stk_error cause = { .rc = STK_OK };
    enum stk_rc rc = stk_write(&direct, mark_source, &marked, &cause);
    if (rc == STK_OK) return STK_OK;
    return stk_fail(err, rc,
                    "everything is in %s now, but the queues here could not be paused: %s; let no "
                    "pool work on %s any more",
                    options->to, cause.text, options->from);
}

/* --- the whole ------------------------------------------------------------------------ */

static enum stk_rc check_kinds(const struct stk_move_options *options, struct stk_error *err)
{
    if (stk_store_is_shared(options->from)) {
        return stk_fail(err, STK_INVALID,
                        "a store moves from SQLite to PostgreSQL; to copy one between servers use "
                        "pg_dump --schema=stoker");
    }
    if (!stk_store_is_shared(options->to)) {
        return stk_fail(err, STK_INVALID,
                        "the target is a PostgreSQL database: postgresql://USER@HOST/DATABASE");
    }
    return stk_dump_exists(options->from, err);
}

/* Makes its schema; what it says when it cannot is what anybody would hear. */
static enum stk_rc prepare_target(const struct stk_move_options *options, struct stk_error *err)
{
    const struct stk_store_options target_options = { .command = options->command };
    STK_CLEANUP(stk_store_closep) struct stk_store *target = NULL;
    return stk_store_open(options->to, &target_options, &target, err);
}

enum stk_rc stk_store_move(const struct stk_move_options *options, struct stk_moved *ret,
                           struct stk_error *err)
{
    const struct stk_store_options source_options = { .command = options->command };
    STK_CLEANUP(stk_store_closep) struct stk_store *source = NULL;
    STK_CLEANUP(release) struct move move = { .options = options };

    enum stk_rc rc = check_kinds(options, err);
    if (rc == STK_OK) rc = stk_store_open(options->from, &source_options, &source, err);
    if (rc == STK_OK) rc = prepare_target(options, err);
    if (rc == STK_OK) rc = copy(&move, err);
    if (rc != STK_OK) return rc;

    *ret = move.moved;
    return mark(source, options, err);
}
