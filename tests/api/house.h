/* SPDX-License-Identifier: MIT
 *
 * house - a store in a temporary folder, three tasks, and short ways to ask.
 *
 * Memory:  set_up makes, tear_down ends; what ask returns is the caller's.
 */
#ifndef STK_TESTS_API_HOUSE_H
#define STK_TESTS_API_HOUSE_H

#include "support/test.h"

#include "api/api.h"

/* Task "backtest" has fast: int from 1, slow: int, cost: float with a default;
 * "noop" has none; "fail" stands in the queue "other". */
struct house {
    char dir[64];
    char store_path[128];
    struct stk_settings *settings;
    struct stk_store *store; /* NULL: a pool or a client has it */
    struct stk_api api;
    stk_time_ns now; /* of requests */
    int64_t pool_id; /* that runs jobs by hand */
};

int house_set_up(void **state); /* with the store open and api over it */
int house_set_up_without_store(void **state);
int house_tear_down(void **state);

/* Asks; fails the test unless it is answered. `body` is JSON
 * text with ' for ", or NULL. */
json_t *house_ask(struct house *house, const char *method, const char *path_query,
                  const char *body);
/* Fails the test unless it is refused so: the code, and the whole sentence. */
void house_refuses(struct house *house, const char *method, const char *path_query,
                   const char *body, enum stk_rc rc, const char *sentence);

/* Claims the next job of a queue, and, unless outcome is -1, settles it. Gives
 * its id. */
int64_t house_work(struct house *house, const char *queue, int outcome, const char *text);

/* Members by a path: "jobs.0.id". */
const json_t *house_at(const json_t *value, const char *path);
int64_t house_int(const json_t *value, const char *path);
const char *house_text(const json_t *value, const char *path);

#endif
