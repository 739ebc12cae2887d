/* SPDX-License-Identifier: MIT
 *
 * words - the names of tasks and queues, kept in memory: there are few, and they
 * seldom change. When they have to be read again is the engine's to know.
 *
 * Memory:  zeros are no words; clear ends them. What is added is copied.
 * Private to src/store.
 */
#ifndef STK_STORE_WORDS_H
#define STK_STORE_WORDS_H

#include "store/store.h"

struct stk_task_word {
    int64_t id, queue_id;
    char *name;
};
struct stk_queue_word {
    char *name, *reason, *actor;
};
struct stk_words {
    struct stk_task_word *tasks; /* by id */
    size_t task_count;
    struct stk_queue *queues; /* by name; their strings are those of queue_words_ */
    struct stk_queue_word *queue_words_;
    size_t queue_count;
    bool known; /* false: read again before use */
};

void stk_words_clear(struct stk_words *words);
void stk_words_add_task(struct stk_words *words, int64_t id, int64_t queue_id, const char *name);
void stk_words_add_queue(struct stk_words *words, const struct stk_queue *queue);

/* NULL: there is none. Good until the words change. */
const struct stk_task_word *stk_words_task(const struct stk_words *words, int64_t id);
const struct stk_task_word *stk_words_task_named(const struct stk_words *words, const char *name);
const struct stk_queue *stk_words_queue(const struct stk_words *words, int64_t id);
const struct stk_queue *stk_words_queue_named(const struct stk_words *words, const char *name);
int64_t stk_words_task_id(const struct stk_words *words, const char *name); /* NULL, unknown: 0 */
const char *stk_words_task_name(const struct stk_words *words, int64_t id);
const char *stk_words_queue_name(const struct stk_words *words, int64_t id);

/* The event that a queue was paused or resumed. reason, actor may be NULL. */
STK_MUST_USE enum stk_rc stk_words_tell_pause(struct stk_store *store, const char *queue,
                                              bool paused, const char *reason, const char *actor,
                                              stk_time_ns now, struct stk_error *err);
enum stk_rc stk_words_fail_no_queue(const char *name, struct stk_error *err); /* STK_NOT_FOUND */

#endif
