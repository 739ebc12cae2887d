/* SPDX-License-Identifier: MIT
 *
 * The tasks and queues. There are few, and they seldom change: transactions that
 * write keep them in memory for a moment, though others may write them. Within
 * one they stay as it has read them first; what must be true to the instant, whether a
 * queue is open, the claim asks the server itself.
 */
#include "store/pg/pg.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"

#define WORDS_NS (500 * STK_MS)

void stk_pg_words_release(struct words *words)
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

static enum stk_rc take_tasks(struct stk_pg *self, void *context, const struct stk_pg_rows *rows,
                              struct stk_error *err)
{
    (void)context, (void)err;
    struct words *words = &self->words;
    words->tasks = stk_realloc(words->tasks, (size_t)rows->count + 1, sizeof(*words->tasks));
    for (int i = 0; i < rows->count; i++) {
        words->tasks[words->task_count++] = (struct task_word){
            .id = stk_pg_int(rows, i, 0),
            .name = stk_strdup(stk_pg_text(rows, i, 1)),
            .queue_id = stk_pg_int(rows, i, 2),
        };
    }
    return STK_OK;
}

static void add_queue_word(struct words *words, const struct stk_pg_rows *rows, int row)
{
    struct queue_word *word = &words->queue_words[words->queue_count];
    *word = (struct queue_word){
        .name = stk_strdup(stk_pg_text(rows, row, 1)),
        .reason = stk_strdup(stk_pg_text(rows, row, 3)),
        .actor = stk_strdup(stk_pg_text(rows, row, 4)),
    };
    words->queues[words->queue_count++] = (struct stk_queue){
        .id = stk_pg_int(rows, row, 0),
        .name = word->name,
        .paused = stk_pg_bool(rows, row, 2),
        .reason = word->reason,
        .actor = word->actor,
        .changed_at = stk_pg_int(rows, row, 5),
    };
}

static enum stk_rc read_queues(struct stk_pg *self, struct stk_error *err)
{
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    struct words *words = &self->words;
    enum stk_rc rc = stk_pg_run(self, STMT_QUEUE_LIST, "read the queues", &rows, err);
    if (rc != STK_OK) return rc;
    size_t room = (size_t)rows.count + 1;
    words->queues = stk_realloc(words->queues, room, sizeof(*words->queues));
    words->queue_words = stk_realloc(words->queue_words, room, sizeof(*words->queue_words));
    for (int i = 0; i < rows.count; i++) {
        add_queue_word(words, &rows, i);
    }
    return STK_OK;
}

static enum stk_rc read_words(struct stk_pg *self, struct stk_error *err)
{
    stk_time_ns read_at = stk_clock_mono();
    stk_pg_words_release(&self->words);
    enum stk_rc rc = stk_pg_send(self, STMT_TASK_LIST, "read the tasks", take_tasks, NULL, err);
    if (rc == STK_OK) rc = read_queues(self, err);
    self->words.known = rc == STK_OK;
    self->words.in_use = self->in_txn;
    self->words.read_at = read_at;
    return rc;
}

enum stk_rc stk_pg_words(struct stk_pg *self, struct stk_error *err)
{
    struct words *words = &self->words;
    bool is_new = words->in_use || stk_clock_mono() - words->read_at < WORDS_NS;
    if (!words->known || !self->in_txn || !is_new) return read_words(self, err);
    words->in_use = true;
    return STK_OK;
}

const struct task_word *stk_pg_task_by_id(const struct stk_pg *self, int64_t id)
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

static const struct task_word *task_by_name(const struct stk_pg *self, const char *name)
{
    for (size_t i = 0; i < self->words.task_count; i++) {
        if (strcmp(self->words.tasks[i].name, name) == 0) return &self->words.tasks[i];
    }
    return NULL;
}

const struct stk_queue *stk_pg_queue_by_id(const struct stk_pg *self, int64_t id)
{
    for (size_t i = 0; i < self->words.queue_count; i++) {
        if (self->words.queues[i].id == id) return &self->words.queues[i];
    }
    return NULL;
}

static const struct stk_queue *queue_by_name(const struct stk_pg *self, const char *name)
{
    for (size_t i = 0; i < self->words.queue_count; i++) {
        if (strcmp(self->words.queues[i].name, name) == 0) return &self->words.queues[i];
    }
    return NULL;
}

/* --- new words ------------------------------------------------------------- */

static enum stk_rc need_queue(struct stk_pg *self, const char *name, int64_t *ret_id,
                              struct stk_error *err)
{
    const struct stk_queue *queue = queue_by_name(self, name);
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
    const struct task_word *task = task_by_name(self, name);
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
    const struct task_word *task = task_by_name(self, name);
    const struct stk_queue *has = task != NULL ? stk_pg_queue_by_id(self, task->queue_id) : NULL;
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

static enum stk_rc add_pause_event(struct stk_pg *self, const char *name, bool paused,
                                   const char *reason, const char *actor, stk_time_ns now,
                                   struct stk_error *err)
{
    stk_buf_clear(&self->text);
    stk_buf_addf(&self->text, "queue %s %s", name, paused ? "paused" : "resumed");
    if (reason != NULL) stk_buf_addf(&self->text, ": %s", reason);
    struct stk_event event = { .queue = name, .actor = actor, .text = stk_buf_str(&self->text) };
    enum stk_event_kind kind = paused ? STK_EVENT_QUEUE_PAUSED : STK_EVENT_QUEUE_RESUMED;
    return stk_pg_event_add(self, kind, &event, now, err);
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
    if (changed == 0) return stk_fail(err, STK_NOT_FOUND, "there is no queue \"%s\"", name);

    rc = add_pause_event(self, name, paused, reason, actor, now, err);
    if (rc == STK_OK) rc = read_words(self, err);
    if (rc == STK_OK) stk_pg_hint(self, STK_HINT_JOBS);
    return rc;
}
