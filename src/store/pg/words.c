/* SPDX-License-Identifier: MIT
 *
 * The tasks and queues. There are few, and they seldom change: transactions that
 * write keep them in memory for a moment, though others may write them. Within
 * one they stay as it has read them first; what must be true to the instant, whether a
 * queue is open, the claim asks the server itself.
 */
#include "store/pg/pg.h"

#include <string.h>

#include "base/clock.h"

#define WORDS_NS (500 * STK_MS)

static enum stk_rc take_tasks(struct stk_pg *self, void *context, const struct stk_pg_rows *rows,
                              struct stk_error *err)
{
    (void)context, (void)err;
    for (int i = 0; i < rows->count; i++) {
        stk_words_add_task(&self->words, stk_pg_int(rows, i, 0), stk_pg_int(rows, i, 2),
                           stk_pg_text(rows, i, 1));
    }
    return STK_OK;
}

static enum stk_rc read_queues(struct stk_pg *self, struct stk_error *err)
{
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    enum stk_rc rc = stk_pg_run(self, STMT_QUEUE_LIST, "read the queues", &rows, err);
    for (int i = 0; rc == STK_OK && i < rows.count; i++) {
        struct stk_queue queue = {
            .id = stk_pg_int(&rows, i, 0),
            .name = stk_pg_text(&rows, i, 1),
            .paused = stk_pg_bool(&rows, i, 2),
            .reason = stk_pg_text(&rows, i, 3),
            .actor = stk_pg_text(&rows, i, 4),
            .changed_at = stk_pg_int(&rows, i, 5),
        };
        stk_words_add_queue(&self->words, &queue);
    }
    return rc;
}

static enum stk_rc read_words(struct stk_pg *self, struct stk_error *err)
{
    stk_time_ns read_at = stk_clock_mono();
    stk_words_clear(&self->words);
    enum stk_rc rc = stk_pg_send(self, STMT_TASK_LIST, "read the tasks", take_tasks, NULL, err);
    if (rc == STK_OK) rc = read_queues(self, err);
    self->words.known = rc == STK_OK;
    self->words_in_use = self->in_txn;
    self->words_read_at = read_at;
    return rc;
}

enum stk_rc stk_pg_words(struct stk_pg *self, struct stk_error *err)
{
    bool is_new = self->words_in_use || stk_clock_mono() - self->words_read_at < WORDS_NS;
    if (!self->words.known || !self->in_txn || !is_new) return read_words(self, err);
    self->words_in_use = true;
    return STK_OK;
}

/* --- new words ------------------------------------------------------------- */

static enum stk_rc need_queue(struct stk_pg *self, const char *name, int64_t *ret_id,
                              struct stk_error *err)
{
    const struct stk_queue *queue = stk_words_queue_named(&self->words, name);
    if (queue != NULL) {
        *ret_id = queue->id;
        return STK_OK;
    }
    stk_pg_arg_text(self, name);
    return stk_pg_number(self, STMT_QUEUE_ADD, "add a queue", 0, ret_id, err);
}

static enum stk_rc write_task(struct stk_pg *self, const char *name, int64_t queue_id,
                              int64_t *ret_id, struct stk_error *err)
{
    const struct stk_task_word *task = stk_words_task_named(&self->words, name);
    if (task == NULL) {
        stk_pg_arg_text(self, name);
        stk_pg_arg_int(self, queue_id);
        return stk_pg_number(self, STMT_TASK_ADD, "add a task", 0, ret_id, err);
    }
    *ret_id = task->id;
    if (task->queue_id == queue_id) return STK_OK;
    stk_pg_arg_int(self, task->id);
    stk_pg_arg_int(self, queue_id);
    return stk_pg_send(self, STMT_TASK_MOVE, "move a task to another queue", NULL, NULL, err);
}

/* Read again once nobody else adds any: one that is there already is found. */
static enum stk_rc need_task(struct stk_pg *self, const char *name, const char *queue,
                             int64_t *ret_id, struct stk_error *err)
{
    int64_t queue_id = 0, id = 0;
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc == STK_OK) rc = stk_pg_run(self, STMT_TASK_LOCK, "add a task", NULL, err);
    if (rc == STK_OK) rc = read_words(self, err);
    if (rc == STK_OK) rc = need_queue(self, queue, &queue_id, err);
    if (rc == STK_OK) rc = write_task(self, name, queue_id, &id, err);
    if (rc == STK_OK) rc = read_words(self, err);
    if (rc == STK_OK) *ret_id = id;
    return rc;
}

enum stk_rc stk_pg_task(struct stk_store *store, const char *name, const char *queue,
                        int64_t *ret_id, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    enum stk_rc rc = stk_pg_words(self, err);
    if (rc != STK_OK) return rc;
    const struct stk_task_word *task = stk_words_task_named(&self->words, name);
    const struct stk_queue *has =
        task != NULL ? stk_words_queue(&self->words, task->queue_id) : NULL;
    if (has == NULL || strcmp(has->name, queue) != 0) {
        return need_task(self, name, queue, ret_id, err);
    }
    *ret_id = task->id;
    return STK_OK;
}

/* --- queues ---------------------------------------------------------------- */

enum stk_rc stk_pg_queues(struct stk_store *store, const struct stk_queue **ret, size_t *ret_count,
                          struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    enum stk_rc rc = stk_pg_words(self, err);
    if (rc != STK_OK) return rc;
    *ret = self->words.queues;
    *ret_count = self->words.queue_count;
    return STK_OK;
}

enum stk_rc stk_pg_queue_pause(struct stk_store *store, const char *name, bool paused,
                               const char *reason, const char *actor, stk_time_ns now,
                               struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    int64_t changed = 0;
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc != STK_OK) return rc;

    stk_pg_arg_text(self, name);
    stk_pg_arg_bool(self, paused);
    stk_pg_arg_text(self, paused ? reason : NULL);
    stk_pg_arg_text(self, paused ? actor : NULL);
    stk_pg_arg_int(self, now);
    rc = stk_pg_change(self, STMT_QUEUE_PAUSE, paused ? "pause a queue" : "resume a queue",
                       &changed, err);
    if (rc != STK_OK) return rc;
    if (changed == 0) return stk_words_fail_no_queue(name, err);

    rc = stk_words_tell_pause(store, name, paused, reason, actor, now, err);
    if (rc == STK_OK) rc = read_words(self, err);
    if (rc == STK_OK) stk_pg_hint(self, STK_HINT_JOBS);
    return rc;
}
