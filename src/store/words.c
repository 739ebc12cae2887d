/* SPDX-License-Identifier: MIT */
#include "store/words.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void stk_words_clear(struct stk_words *words)
{
    for (size_t i = 0; i < words->task_count; i++) {
        free(words->tasks[i].name);
    }
    for (size_t i = 0; i < words->queue_count; i++) {
        free(words->queue_words_[i].name);
        free(words->queue_words_[i].reason);
        free(words->queue_words_[i].actor);
    }
    free(words->tasks);
    free(words->queues);
    free(words->queue_words_);
    *words = (struct stk_words){ 0 };
}

void stk_words_add_task(struct stk_words *words, int64_t id, int64_t queue_id, const char *name)
{
    size_t at = words->task_count++;
    words->tasks = stk_realloc(words->tasks, at + 1, sizeof(*words->tasks));
    words->tasks[at] =
        (struct stk_task_word){ .id = id, .queue_id = queue_id, .name = stk_strdup(name) };
}

void stk_words_add_queue(struct stk_words *words, const struct stk_queue *queue)
{
    size_t at = words->queue_count++;
    words->queues = stk_realloc(words->queues, at + 1, sizeof(*words->queues));
    words->queue_words_ = stk_realloc(words->queue_words_, at + 1, sizeof(*words->queue_words_));
    struct stk_queue_word *word = &words->queue_words_[at];
    *word = (struct stk_queue_word){
        .name = stk_strdup(queue->name),
        .reason = stk_strdup(queue->reason),
        .actor = stk_strdup(queue->actor),
    };
    words->queues[at] = *queue;
    words->queues[at].name = word->name;
    words->queues[at].reason = word->reason;
    words->queues[at].actor = word->actor;
}

/* --- finding ------------------------------------------------------------- */

const struct stk_task_word *stk_words_task(const struct stk_words *words, int64_t id)
{
    /* Ids are dense, so that a task mostly stands where its id says. */
    if (id >= 1 && (size_t)id <= words->task_count && words->tasks[id - 1].id == id) {
        return &words->tasks[id - 1];
    }
    for (size_t i = 0; i < words->task_count; i++) {
        if (words->tasks[i].id == id) return &words->tasks[i];
    }
    return NULL;
}

const struct stk_task_word *stk_words_task_named(const struct stk_words *words, const char *name)
{
    for (size_t i = 0; i < words->task_count; i++) {
        if (strcmp(words->tasks[i].name, name) == 0) return &words->tasks[i];
    }
    return NULL;
}

const struct stk_queue *stk_words_queue(const struct stk_words *words, int64_t id)
{
    for (size_t i = 0; i < words->queue_count; i++) {
        if (words->queues[i].id == id) return &words->queues[i];
    }
    return NULL;
}

const struct stk_queue *stk_words_queue_named(const struct stk_words *words, const char *name)
{
    for (size_t i = 0; i < words->queue_count; i++) {
        if (strcmp(words->queues[i].name, name) == 0) return &words->queues[i];
    }
    return NULL;
}

int64_t stk_words_task_id(const struct stk_words *words, const char *name)
{
    const struct stk_task_word *task = name != NULL ? stk_words_task_named(words, name) : NULL;
    return task != NULL ? task->id : 0;
}

const char *stk_words_task_name(const struct stk_words *words, int64_t id)
{
    const struct stk_task_word *task = stk_words_task(words, id);
    return task != NULL ? task->name : NULL;
}

const char *stk_words_queue_name(const struct stk_words *words, int64_t id)
{
    const struct stk_queue *queue = stk_words_queue(words, id);
    return queue != NULL ? queue->name : NULL;
}

/* --- a queue's gate ------------------------------------------------------ */

enum stk_rc stk_words_tell_pause(struct stk_store *store, const char *queue, bool paused,
                                 const char *reason, const char *actor, stk_time_ns now,
                                 struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    stk_buf_addf(&text, "queue %s %s", queue, paused ? "paused" : "resumed");
    if (reason != NULL) stk_buf_addf(&text, ": %s", reason);
    struct stk_event event = { .queue = queue, .actor = actor, .text = stk_buf_str(&text) };
    enum stk_event_kind kind = paused ? STK_EVENT_QUEUE_PAUSED : STK_EVENT_QUEUE_RESUMED;
    return stk_store_event(store, kind, &event, now, err);
}

enum stk_rc stk_words_fail_no_queue(const char *name, struct stk_error *err)
{
    return stk_fail(err, STK_NOT_FOUND, "there is no queue \"%s\"", name);
}
