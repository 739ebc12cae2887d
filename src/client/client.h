/* SPDX-License-Identifier: MIT
 *
 * client - one API, two transports: the socket of the pool that owns the store,
 * or, when none runs, api/ in this process on a store opened for the moment.
 *
 * A shared store is always opened in this process, next to the pools that use it.
 * Two short commands on one SQLite file at once: the second waits for the first, at most 10 s.
 *
 * Memory:  open makes, close ends. *ret is a new reference.
 * Threads: one at a time.
 * Errors:  those of the API, the same over both transports; STK_UNAVAILABLE
 *          when the pool went away.
 */
#ifndef STK_CLIENT_CLIENT_H
#define STK_CLIENT_CLIENT_H

#include "base/json.h"
#include "base/secret.h"
#include "model/settings.h"

struct stk_client;

struct stk_client_options {
    const struct stk_settings *settings; /* borrowed */
    const char *command;                 /* for the lock file */
    bool must_exist; /* an SQLite file that does not exist is STK_NOT_FOUND, not made */
    bool (*progress)(void *context, int64_t done, int64_t points); /* see api.h; or NULL */
    void *context;
    struct stk_spawner *spawner;            /* see api/api.h; or NULL; borrowed */
    const char *code;                       /* see api/api.h; or NULL; borrowed */
    const struct stk_secret *authorization; /* see api/api.h; or NULL; borrowed */
};

STK_MUST_USE enum stk_rc stk_client_open(const struct stk_client_options *options,
                                         struct stk_client **ret, struct stk_error *err);
void stk_client_close(struct stk_client *client);
void stk_client_closep(struct stk_client **client);

/* path_query: "/jobs?state=failed". body may be NULL and is borrowed. */
STK_MUST_USE enum stk_rc stk_client_call(struct stk_client *client, const char *method,
                                         const char *path_query, json_t *body, json_t **ret,
                                         struct stk_error *err);

/* Between two calls of one that follows: lets go of the store, if it is opened
 * here, so that others (a pool, say) can have it. The next call opens again. */
void stk_client_rest(struct stk_client *client);

bool stk_client_is_remote(const struct stk_client *client);

#endif
