/* SPDX-License-Identifier: MIT
 *
 * The tasks and queues. There are few and they change seldom, so they are kept
 * in memory, for half a second: others write, too. A claim asks the queue's own
 * row whether it is paused.
 */
#include "store/pg/pg.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"

#define FRESH_NS (500 * STK_MS)

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

static void take_tasks(struct words *words, const struct stk_pg_rows *rows)
{
    words->tasks = stk_alloc(((size_t)rows->count + 1) * sizeof(*words->tasks));
    for (int i = 0; i < rows->count; i++) {
        words->tasks[words->task_count++] = (struct task_word){
            .id = stk_pg_int(rows, i, 0),
            .name = stk_strdup(stk_pg_text(rows, i, 1)),
            .queue_id = stk_pg_int(rows, i, 2),
        };
    }
}

static void take_queues(struct words *words, const struct stk_pg_rows *rows)
{
    words->queues = stk_alloc(((size_t)rows->count + 1) * sizeof(*words->queues));
    words->queue_words = stk_alloc(((size_t)rows->count + 1) * sizeof(*words->queue_words));
    for (int i = 0; i < rows->count; i++) {
        struct queue_word *word = &words->queue_words[words->queue_count];
        *word = (struct queue_word){
            .name = stk_strdup(stk_pg_text(rows, i, 1)),
            .reason = stk_strdup(stk_pg_text(rows, i, 3)),
            .actor = stk_strdup(stk_pg_text(rows, i, 4)),
        };
        words->queues[words->queue_count++] = (struct stk_queue){
            .id = stk_pg_int(rows, i, 0),
            .name = word->name,
            .paused = stk_pg_bool(rows, i, 2),
            .reason = word->reason,
            .actor = word->actor,
            .changed_at = stk_pg_int(rows, i, 5),
        };
    }
}

enum stk_rc stk_pg_words(struct stk_pg *self, struct stk_error *err)
{
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows tasks = STK_PG_ROWS_INIT;
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows queues = STK_PG_ROWS_INIT;
    bool fresh = self->words.known && stk_clock_mono() - self->words.read_at < FRESH_NS;
    if (fresh && !self->read_only) return STK_OK;
    enum stk_rc rc = stk_pg_run(self, STMT_TASK_LIST, "read the tasks", &tasks, err);
    if (rc == STK_OK) rc = stk_pg_run(self, STMT_QUEUE_LIST, "read the queues", &queues, err);
    if (rc != STK_OK) return rc;
    stk_pg_words_release(&self->words);
    take_tasks(&self->words, &tasks);
    take_queues(&self->words, &queues);
    self->words.known = true;
    self->words.read_at = stk_clock_mono();
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

static enum stk_rc need_queue(struct stk_pg *self, const char *name, int64_t *ret_id,
                              struct stk_error *err)
{
    const struct stk_queue *queue = queue_by_name(self, name);
    if (queue != NULL) {
        *ret_id = queue->id;
        return STK_OK;
    }
    stk_pg_arg_text(self, name);
    enum stk_rc rc = stk_pg_run(self, STMT_QUEUE_ADD, "add a queue", NULL, err);
    stk_pg_arg_text(self, name);
    return rc == STK_OK ? stk_pg_number(self, STMT_QUEUE_ID, "find a queue", 0, ret_id, err) : rc;
}

/* Somebody else may have added it since it was looked for. */
static enum stk_rc add_task(struct stk_pg *self, const char *name, int64_t queue_id,
                            int64_t *ret_id, struct stk_error *err)
{
    stk_pg_arg_text(self, name);
    stk_pg_arg_int(self, queue_id);
    enum stk_rc rc = stk_pg_run(self, STMT_TASK_ADD, "add a task", NULL, err);
    stk_pg_arg_text(self, name);
    return rc == STK_OK ? stk_pg_number(self, STMT_TASK_ID, "find a task", 0, ret_id, err) : rc;
}

static enum stk_rc move_task(struct stk_pg *self, int64_t id, int64_t queue_id,
                             struct stk_error *err)
{
    stk_pg_arg_int(self, id);
    stk_pg_arg_int(self, queue_id);
    return stk_pg_run(self, STMT_TASK_MOVE, "move a task to another queue", NULL, err);
}

enum stk_rc stk_pg_task(struct stk_store *store, const char *name, const char *queue,
                        int64_t *ret_id, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    enum stk_rc rc = stk_pg_words(self, err);
    if (rc != STK_OK) return rc;

    const struct task_word *task = task_by_name(self, name);
    int64_t id = task != NULL ? task->id : 0;
    const struct stk_queue *has = task != NULL ? stk_pg_queue_by_id(self, task->queue_id) : NULL;
    if (has != NULL && strcmp(has->name, queue) == 0) {
        *ret_id = id;
        return STK_OK;
    }

    int64_t queue_id = 0;
    rc = stk_pg_writing(self, err);
    if (rc == STK_OK) rc = need_queue(self, queue, &queue_id, err);
    if (rc == STK_OK && id != 0) rc = move_task(self, id, queue_id, err);
    if (rc == STK_OK && id == 0) rc = add_task(self, name, queue_id, &id, err);
    self->words.known = false;
    if (rc == STK_OK) rc = stk_pg_words(self, err);
    if (rc == STK_OK) *ret_id = id;
    return rc;
}

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
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc == STK_OK) rc = stk_pg_words(self, err);
    if (rc != STK_OK) return rc;
    const struct stk_queue *queue = queue_by_name(self, name);
    if (queue == NULL) return stk_fail(err, STK_NOT_FOUND, "there is no queue \"%s\"", name);

    stk_pg_arg_int(self, queue->id);
    stk_pg_arg_bool(self, paused);
    stk_pg_arg_text(self, paused ? reason : NULL);
    stk_pg_arg_text(self, paused ? actor : NULL);
    stk_pg_arg_int(self, now);
    rc = stk_pg_run(self, STMT_QUEUE_PAUSE, paused ? "pause a queue" : "resume a queue", NULL, err);
    if (rc == STK_OK) rc = add_pause_event(self, name, paused, reason, actor, now, err);
    self->words.known = false;
    stk_pg_hint(self, STK_HINT_JOBS);
    return rc != STK_OK ? rc : stk_pg_words(self, err);
}
