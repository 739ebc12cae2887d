/* SPDX-License-Identifier: MIT
 *
 * The tasks and queues. There are few and the one writer changes them, so it
 * keeps them in memory; a rollback or an undone savepoint makes it read again.
 */
#include "store/sqlite/sqlite.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void stk_sqlite_words_release(struct words *words)
{
    for (size_t i = 0; i < words->task_count; i++) {
        free(words->tasks[i].name);
    }
    for (size_t i = 0; i < words->queue_count; i++) {
        free(words->queue_words[i].name);
        free(words->queue_words[i].reason);
        free(words->queue_words[i].actor);
    }
    free(words->tasks);
    free(words->queues);
    free(words->queue_words);
    *words = (struct words){ 0 };
}

static enum stk_rc read_tasks(struct stk_sqlite *self, struct words *words, struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_TASK_LIST];
    bool row = false;
    enum stk_rc rc = STK_OK;
    while ((rc = stk_sqlite_next(self, stmt, "read the tasks", &row, err)) == STK_OK && row) {
        size_t at = words->task_count++;
        words->tasks = stk_realloc(words->tasks, at + 1, sizeof(*words->tasks));
        words->tasks[at] = (struct task_word){
            .id = sqlite3_column_int64(stmt, 0),
            .queue_id = sqlite3_column_int64(stmt, 2),
            .name = stk_strdup(stk_sqlite_text(stmt, 1)),
        };
    }
    return rc;
}

static enum stk_rc read_queues(struct stk_sqlite *self, struct words *words, struct stk_error *err)
{
    STK_CLEANUP(stk_sqlite_resetp) sqlite3_stmt *stmt = self->stmts[STMT_QUEUE_LIST];
    bool row = false;
    enum stk_rc rc = STK_OK;
    while ((rc = stk_sqlite_next(self, stmt, "read the queues", &row, err)) == STK_OK && row) {
        size_t at = words->queue_count++;
        words->queues = stk_realloc(words->queues, at + 1, sizeof(*words->queues));
        words->queue_words = stk_realloc(words->queue_words, at + 1, sizeof(*words->queue_words));
        struct queue_word *word = &words->queue_words[at];
        *word = (struct queue_word){
            .name = stk_strdup(stk_sqlite_text(stmt, 1)),
            .reason = stk_strdup(stk_sqlite_text(stmt, 3)),
            .actor = stk_strdup(stk_sqlite_text(stmt, 4)),
        };
        words->queues[at] = (struct stk_queue){
            .id = sqlite3_column_int64(stmt, 0),
            .name = word->name,
            .paused = sqlite3_column_int(stmt, 2) == 1,
            .reason = word->reason,
            .actor = word->actor,
            .changed_at = sqlite3_column_int64(stmt, 5),
        };
    }
    return rc;
}

enum stk_rc stk_sqlite_words(struct stk_sqlite *self, struct stk_error *err)
{
    if (self->words.known && !self->read_only) return STK_OK;
    stk_sqlite_words_release(&self->words);
    enum stk_rc rc = read_tasks(self, &self->words, err);
    if (rc == STK_OK) rc = read_queues(self, &self->words, err);
    self->words.known = rc == STK_OK;
    return rc;
}

const struct task_word *stk_sqlite_task_by_id(const struct stk_sqlite *self, int64_t id)
{
    const struct words *words = &self->words;
    /* Ids are dense, so that a task mostly stands where its id says. */
    if (id >= 1 && (size_t)id <= words->task_count && words->tasks[id - 1].id == id) {
        return &words->tasks[id - 1];
    }
    for (size_t i = 0; i < words->task_count; i++) {
        if (words->tasks[i].id == id) return &words->tasks[i];
    }
    return NULL;
}

static const struct task_word *task_by_name(const struct stk_sqlite *self, const char *name)
{
    for (size_t i = 0; i < self->words.task_count; i++) {
        if (strcmp(self->words.tasks[i].name, name) == 0) return &self->words.tasks[i];
    }
    return NULL;
}

const struct stk_queue *stk_sqlite_queue_by_id(const struct stk_sqlite *self, int64_t id)
{
    for (size_t i = 0; i < self->words.queue_count; i++) {
        if (self->words.queues[i].id == id) return &self->words.queues[i];
    }
    return NULL;
}

static const struct stk_queue *queue_by_name(const struct stk_sqlite *self, const char *name)
{
    for (size_t i = 0; i < self->words.queue_count; i++) {
        if (strcmp(self->words.queues[i].name, name) == 0) return &self->words.queues[i];
    }
    return NULL;
}

static enum stk_rc need_queue(struct stk_sqlite *self, const char *name, int64_t *ret_id,
                              struct stk_error *err)
{
    const struct stk_queue *queue = queue_by_name(self, name);
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

    const struct task_word *task = task_by_name(self, name);
    int64_t id = task != NULL ? task->id : 0;
    const struct stk_queue *has =
        task != NULL ? stk_sqlite_queue_by_id(self, task->queue_id) : NULL;
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

static enum stk_rc add_pause_event(struct stk_sqlite *self, const char *name, bool paused,
                                   const char *reason, const char *actor, stk_time_ns now,
                                   struct stk_error *err)
{
    stk_buf_clear(&self->text);
    stk_buf_addf(&self->text, "queue %s %s", name, paused ? "paused" : "resumed");
    if (reason != NULL) stk_buf_addf(&self->text, ": %s", reason);
    struct stk_event event = { .queue = name, .actor = actor, .text = stk_buf_str(&self->text) };
    enum stk_event_kind kind = paused ? STK_EVENT_QUEUE_PAUSED : STK_EVENT_QUEUE_RESUMED;
    return stk_sqlite_event_add(self, kind, &event, now, err);
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
    const struct stk_queue *queue = queue_by_name(self, name);
    if (queue == NULL) return stk_fail(err, STK_NOT_FOUND, "there is no queue \"%s\"", name);

    (void)sqlite3_bind_int64(stmt, 1, queue->id);
    (void)sqlite3_bind_int(stmt, 2, paused ? 1 : 0);
    stk_sqlite_bind_text(stmt, 3, paused ? reason : NULL);
    stk_sqlite_bind_text(stmt, 4, paused ? actor : NULL);
    (void)sqlite3_bind_int64(stmt, 5, now);
    rc = stk_sqlite_run(self, stmt, paused ? "pause a queue" : "resume a queue", err);
    if (rc == STK_OK) rc = add_pause_event(self, name, paused, reason, actor, now, err);
    self->words.known = false;
    return rc != STK_OK ? rc : stk_sqlite_words(self, err);
}
