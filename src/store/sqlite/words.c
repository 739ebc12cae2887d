/* SPDX-License-Identifier: MIT
 *
 * The tasks and queues. There are few and the one writer changes them, so it
 * keeps them in memory; a rollback or an undone savepoint makes it read again.
 */
#include "store/sqlite/sqlite.h"

#include <string.h>

static enum stk_rc read_tasks(struct stk_sqlite *self, struct stk_words *words,
                              struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_TASK_LIST];
    bool row = false;
    enum stk_rc rc = STK_OK;
    while ((rc = stk_sqlite_next(self, stmt, "read the tasks", &row, err)) == STK_OK && row) {
        stk_words_add_task(words, sqlite3_column_int64(stmt, 0), sqlite3_column_int64(stmt, 2),
                           stk_sqlite_text(stmt, 1));
    }
    return rc;
}

static enum stk_rc read_queues(struct stk_sqlite *self, struct stk_words *words,
                               struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_QUEUE_LIST];
    bool row = false;
    enum stk_rc rc = STK_OK;
    while ((rc = stk_sqlite_next(self, stmt, "read the queues", &row, err)) == STK_OK && row) {
        struct stk_queue queue = {
            .id = sqlite3_column_int64(stmt, 0),
            .name = stk_sqlite_text(stmt, 1),
            .paused = sqlite3_column_int(stmt, 2) == 1,
            .reason = stk_sqlite_text(stmt, 3),
            .actor = stk_sqlite_text(stmt, 4),
            .changed_at = sqlite3_column_int64(stmt, 5),
        };
        stk_words_add_queue(words, &queue);
    }
    return rc;
}

enum stk_rc stk_sqlite_words(struct stk_sqlite *self, struct stk_error *err)
{
    if (self->words.known && !self->read_only) return STK_OK;
    stk_words_clear(&self->words);
    enum stk_rc rc = read_tasks(self, &self->words, err);
    if (rc == STK_OK) rc = read_queues(self, &self->words, err);
    self->words.known = rc == STK_OK;
    return rc;
}

static enum stk_rc need_queue(struct stk_sqlite *self, const char *name, int64_t *ret_id,
                              struct stk_error *err)
{
    const struct stk_queue *queue = stk_words_queue_named(&self->words, name);
    if (queue != NULL) {
        *ret_id = queue->id;
        return STK_OK;
    }
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_QUEUE_ADD];
    stk_sqlite_bind_text(stmt, 1, name);
    enum stk_rc rc = stk_sqlite_run(self, stmt, "add a queue", err);
    if (rc == STK_OK) *ret_id = sqlite3_last_insert_rowid(self->db);
    return rc;
}

static enum stk_rc add_task(struct stk_sqlite *self, const char *name, int64_t queue_id,
                            int64_t *ret_id, struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_TASK_ADD];
    stk_sqlite_bind_text(stmt, 1, name);
    (void)sqlite3_bind_int64(stmt, 2, queue_id);
    enum stk_rc rc = stk_sqlite_run(self, stmt, "add a task", err);
    if (rc == STK_OK) *ret_id = sqlite3_last_insert_rowid(self->db);
    return rc;
}

static enum stk_rc move_task(struct stk_sqlite *self, int64_t id, int64_t queue_id,
                             struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_TASK_MOVE];
    (void)sqlite3_bind_int64(stmt, 1, id);
    (void)sqlite3_bind_int64(stmt, 2, queue_id);
    return stk_sqlite_run(self, stmt, "move a task to another queue", err);
}

enum stk_rc stk_sqlite_task(struct stk_store *store, const char *name, const char *queue,
                            int64_t *ret_id, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    enum stk_rc rc = stk_sqlite_words(self, err);
    if (rc != STK_OK) return rc;

    const struct stk_task_word *task = stk_words_task_named(&self->words, name);
    int64_t id = task != NULL ? task->id : 0;
    const struct stk_queue *has =
        task != NULL ? stk_words_queue(&self->words, task->queue_id) : NULL;
    if (has != NULL && strcmp(has->name, queue) == 0) {
        *ret_id = id;
        return STK_OK;
    }

    int64_t queue_id = 0;
    rc = stk_sqlite_writing(self, err);
    if (rc == STK_OK) rc = need_queue(self, queue, &queue_id, err);
    if (rc == STK_OK && id != 0) rc = move_task(self, id, queue_id, err);
    if (rc == STK_OK && id == 0) rc = add_task(self, name, queue_id, &id, err);
    self->words.known = false;
    if (rc == STK_OK) rc = stk_sqlite_words(self, err);
    if (rc == STK_OK) *ret_id = id;
    return rc;
}

enum stk_rc stk_sqlite_queues(struct stk_store *store, const struct stk_queue **ret,
                              size_t *ret_count, struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    enum stk_rc rc = stk_sqlite_words(self, err);
    if (rc != STK_OK) return rc;
    *ret = self->words.queues;
    *ret_count = self->words.queue_count;
    return STK_OK;
}

enum stk_rc stk_sqlite_queue_pause(struct stk_store *store, const char *name, bool paused,
                                   const char *reason, const char *actor, stk_time_ns now,
                                   struct stk_error *err)
{
    struct stk_sqlite *self = downcast(store);
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_QUEUE_PAUSE];
    enum stk_rc rc = stk_sqlite_writing(self, err);
    if (rc == STK_OK) rc = stk_sqlite_words(self, err);
    if (rc != STK_OK) return rc;
    const struct stk_queue *queue = stk_words_queue_named(&self->words, name);
    if (queue == NULL) return stk_words_fail_no_queue(name, err);

    (void)sqlite3_bind_int64(stmt, 1, queue->id);
    (void)sqlite3_bind_int(stmt, 2, paused ? 1 : 0);
    stk_sqlite_bind_text(stmt, 3, paused ? reason : NULL);
    stk_sqlite_bind_text(stmt, 4, paused ? actor : NULL);
    (void)sqlite3_bind_int64(stmt, 5, now);
    rc = stk_sqlite_run(self, stmt, paused ? "pause a queue" : "resume a queue", err);
    if (rc == STK_OK) rc = stk_words_tell_pause(store, name, paused, reason, actor, now, err);
    self->words.known = false;
    return rc != STK_OK ? rc : stk_sqlite_words(self, err);
}
