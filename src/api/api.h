/* SPDX-License-Identifier: MIT
 *
 * api - what can be asked, as functions from request to response.
 *
 * One table of routes (api/routes.c); the HTTP server and the in-process client
 * both go through stk_api_call, so their answers are the same. Handlers check
 * the request, reach the store through `access`, and build JSON.
 *
 * Memory:  *ret is a new reference. A struct stk_api is the caller's; what it
 *          points to must live longer.
 * Threads: any number of calls at a time in a pool.
 * Errors:  as everywhere; the server makes {"error":{"code","message"}} of them.
 */
#ifndef STK_API_API_H
#define STK_API_API_H

#include <stdatomic.h>

#include "base/json.h"
#include "base/secret.h"
#include "model/settings.h"
#include "model/user.h"
#include "pool/pool.h"
#include "store/access.h"

struct stk_api {
    const struct stk_settings *settings;
    struct stk_access access;
    struct stk_pool *pool; /* NULL: asked in-process, no pool runs */
    /* In-process only: how far a sweep's filling is; may be NULL. */
    bool (*progress)(void *context, int64_t done, int64_t points);
    void *progress_context;
    struct stk_spawner *spawner; /* in-process only: who runs a program; or NULL */
    /* Server only: true tells calls that wait (logs, sweeps) to answer now with
     * what there is; may be NULL. */
    const atomic_bool *ending;
};

/* That a sign-in was checked, for the next calls of the same command: a code is
 * good once, and a password takes a tenth of a second. Kept by whoever holds the
 * connection; zero is ready. */
struct stk_signed_in {
    unsigned char hash[32]; /* of what was shown */
    stk_time_ns until;      /* 0: nothing was */
};

struct stk_request {
    const char *method; /* "GET", "POST" */
    const char *path;   /* "/jobs/17", below /api/v1 */
    const char *query;  /* "state=failed&limit=20", still encoded; or NULL */
    json_t *body;       /* or NULL */
    const char *actor;  /* who asks: the user's name on this machine; or NULL */
    /* Who they are to stoker, as the header of that name has it: "Basic ..." of
     * NAME:PASSWORD or "Bearer TOKEN". NULL: the owner of this machine's store. */
    const struct stk_secret *authorization;
    struct stk_signed_in *signed_in; /* or NULL */
    const char *code;                /* the six digits of a name that needs them too; or NULL */
    stk_time_ns now;                 /* when it was asked, by base/clock */
};

STK_MUST_USE enum stk_rc stk_api_call(const struct stk_api *api, const struct stk_request *request,
                                      json_t **ret, struct stk_error *err);

/* The routes, for docs and tests. */
struct stk_route_info {
    const char *method, *pattern, *summary;
    enum stk_role role; /* the least that may */
};
size_t stk_api_routes(const struct stk_route_info **ret);

#define STK_CODE_HEADER "X-Stoker-Code"
enum { STK_BODY_BYTES_MAX = 64 * 1024 * 1024 };

#endif
