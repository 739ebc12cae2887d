/* SPDX-License-Identifier: MIT */
#include "api/routes.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "model/shown.h"

/* Names of query parameters or of members of the body. */
#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define NO_NAMES   ((const char *const[]){ NULL })

#define RECIPE "axes", "zip", "where", "sample", "seed", "from", "priority", "points_max", "dry_run"

/* A path without an argument wins over one with: "/jobs/retry" is never a job.
 * `body` NULL: the route takes none.
 *
 *    method, pattern, handler, least role, query
 *    body
 *    summary */
/* clang-format off */
#define ROUTE_MAP(X) \
    X("GET", "/status", status, VIEWER, NO_NAMES, \
      NULL, \
      "counts, pools, workers, queues, problems") \
    X("POST", "/jobs", submit, RESEARCHER, NO_NAMES, \
      NAMES("task", "params", "text_params", "file", "priority", "at", "key"), \
      "submit one job or many") \
    X("GET", "/jobs", jobs, VIEWER, NAMES("state", "task", "sweep", "limit", "before"), \
      NULL, \
      "jobs, newest first: `state`, `task`, `sweep`, `limit`, `before`") \
    X("GET", "/jobs/:id", job, VIEWER, NO_NAMES, \
      NULL, \
      "one job with its attempts and why; ID may be `last`") \
    X("GET", "/jobs/:id/why", job_why, VIEWER, NO_NAMES, \
      NULL, \
      "why it is not running") \
    X("POST", "/jobs/retry", jobs_retry, RESEARCHER, NO_NAMES, \
      NAMES("selector", "reason"), \
      "put jobs back: `selector`, `reason`") \
    X("POST", "/jobs/cancel", jobs_cancel, RESEARCHER, NO_NAMES, \
      NAMES("selector", "reason"), \
      "cancel jobs: `selector`, `reason`") \
    X("POST", "/sweeps", sweep_new, RESEARCHER, NO_NAMES, \
      NAMES("task", "name", RECIPE), \
      "make a sweep, or preview it") \
    X("GET", "/sweeps", sweeps, VIEWER, NAMES("limit", "before"), \
      NULL, \
      "sweeps, newest first: `limit`, `before`") \
    X("GET", "/sweeps/:id", sweep, VIEWER, NAMES("wait"), \
      NULL, \
      "one sweep; ID may be `last`; `wait=5s` waits until it is filled") \
    X("POST", "/sweeps/:id/extend", sweep_extend, RESEARCHER, NO_NAMES, \
      NAMES(RECIPE), \
      "add points") \
    X("POST", "/sweeps/:id/retry", sweep_retry, RESEARCHER, NO_NAMES, \
      NAMES("reason"), \
      "put its failed and cancelled jobs back: `reason`") \
    X("POST", "/sweeps/:id/cancel", sweep_cancel, RESEARCHER, NO_NAMES, \
      NAMES("reason"), \
      "cancel its pending and running jobs: `reason`") \
    X("GET", "/results", results, VIEWER, NAMES("sweep", "task", "limit", "after"), \
      NULL, \
      "completed jobs, oldest first: `sweep` or `task`, `limit`, `after`") \
    X("GET", "/queues", queues, VIEWER, NO_NAMES, \
      NULL, \
      "queues with their counts") \
    X("POST", "/queues/:name/pause", queue_pause, OPERATOR, NO_NAMES, \
      NAMES("reason"), \
      "close a queue: `reason`") \
    X("POST", "/queues/:name/resume", queue_resume, OPERATOR, NO_NAMES, \
      NO_NAMES, \
      "open it") \
    X("GET", "/limits", limits, VIEWER, NO_NAMES, \
      NULL, \
      "limits: open or closed, until when, in use") \
    X("POST", "/limits/:name/set", limit_set, OPERATOR, NO_NAMES, \
      NAMES("per_window", "concurrency", "reason"), \
      "change a limit: `per_window`, `concurrency`, `reason`") \
    X("POST", "/limits/:name/clear", limit_clear, OPERATOR, NO_NAMES, \
      NAMES("reason"), \
      "open it and forget what was learned or set: `reason`") \
    X("GET", "/sessions", sessions, VIEWER, NO_NAMES, \
      NULL, \
      "sessions: state, time to their end, who waits") \
    X("POST", "/sessions/:name/renew", session_renew, VIEWER, NO_NAMES, \
      NAMES("reason"), \
      "renew it: without a person where that can be, else a sign-in begins: `reason`") \
    X("POST", "/sessions/:name/login", session_login, VIEWER, NO_NAMES, \
      NAMES("reason"), \
      "begin a sign-in: `reason`") \
    X("POST", "/sessions/:name/ready", session_ready, VIEWER, NO_NAMES, \
      NAMES("reason"), \
      "say that a person is there who can sign in now: `reason`") \
    X("POST", "/sessions/:name/done", session_done, VIEWER, NO_NAMES, \
      NAMES("reason"), \
      "say that the link was opened and passed: `reason`") \
    X("POST", "/sessions/:name/import", session_import, VIEWER, NO_NAMES, \
      NAMES("secret", "reason"), \
      "give it a credential: `secret`, `reason`") \
    X("POST", "/sessions/:name/cancel", session_cancel, VIEWER, NO_NAMES, \
      NAMES("reason"), \
      "drop the sign-in that waits for a person: `reason`") \
    X("POST", "/sessions/:name/check", session_check, VIEWER, NO_NAMES, \
      NAMES("reason"), \
      "have the keeper ask the authority now: `reason`") \
    X("POST", "/sessions/:name/unlock", session_unlock, ADMIN, NO_NAMES, \
      NAMES("reason"), \
      "end a lock-out of unknown length: `reason`") \
    X("POST", "/sessions/:name/pause", session_pause, OPERATOR, NO_NAMES, \
      NAMES("reason"), \
      "close it, until it is resumed: `reason`") \
    X("POST", "/sessions/:name/resume", session_resume, OPERATOR, NO_NAMES, \
      NAMES("reason"), \
      "open it again: `reason`") \
    X("GET", "/notify", notify, VIEWER, NO_NAMES, \
      NULL, \
      "channels that bring notices to people") \
    X("POST", "/notify/test", notify_test, OPERATOR, NO_NAMES, \
      NAMES("channel"), \
      "send a test to one channel or all, and say what came of it: `channel`") \
    X("GET", "/events", events, VIEWER, NAMES("after", "limit", "job"), \
      NULL, \
      "the history: `after`, `limit`, `job`") \
    X("GET", "/logs", logs, VIEWER, NAMES("after", "worker", "job", "limit", "wait"), \
      NULL, \
      "lines of the worker consoles: `after`, `worker`, `job`, `limit`, `wait=15s`") \
    X("GET", "/doctor", doctor, VIEWER, NAMES("deep"), \
      NULL, \
      "findings about store and host: `deep=true`") \
    X("GET", "/users", users, ADMIN, NO_NAMES, \
      NULL, \
      "people: their roles and rights") \
    X("POST", "/users", user_new, ADMIN, NO_NAMES, \
      NAMES("name", "role", "renews", "password"), \
      "make a user: `name`, `role`, `renews`, `password`") \
    X("POST", "/users/:name/grant", user_grant, ADMIN, NO_NAMES, \
      NAMES("renew", "role"), \
      "give a right or role: `renew`, `role`") \
    X("POST", "/users/:name/revoke", user_revoke, ADMIN, NO_NAMES, \
      NAMES("renew"), \
      "take a right: `renew`") \
    X("POST", "/users/:name/password", user_password, VIEWER, NO_NAMES, \
      NAMES("password"), \
      "set a password; everybody may their own: `password`") \
    X("POST", "/users/:name/totp", user_totp, VIEWER, NO_NAMES, \
      NAMES("off"), \
      "sign in with a code too, whose key is shown this once; everybody may their own: `off`") \
    X("POST", "/users/:name/remove", user_remove, ADMIN, NO_NAMES, \
      NO_NAMES, \
      "remove a user, with its tokens") \
    X("GET", "/tokens", tokens, ADMIN, NAMES("user"), \
      NULL, \
      "tokens, without what they are: `user`") \
    X("POST", "/tokens", token_new, ADMIN, NO_NAMES, \
      NAMES("user", "label", "expires_in"), \
      "make a token, shown this once: `user`, `label`, `expires_in`") \
    X("POST", "/tokens/:id/remove", token_remove, ADMIN, NO_NAMES, \
      NO_NAMES, \
      "remove a token") \
    X("POST", "/keys/rotate", key_rotate, ADMIN, NO_NAMES, \
      NO_NAMES, \
      "make a new key and seal all secrets anew") \
    X("GET", "/audit", audit, ADMIN, NAMES("before", "limit", "verify"), \
      NULL, \
      "who did what to people and sessions: `before`, `limit`, `verify=true`")
/* clang-format on */

struct route {
    stk_handler handle;
    const char *const *query;
    const char *const *body;
    enum stk_role role; /* who may: this one, and those above it */
};

/* Two arrays out of one list, so that the outside sees no handlers. */
static const struct stk_route_info infos[] = {
#define INFO_ROW(method, pattern, handler, role, query, body, summary) \
    { method, pattern, summary, STK_ROLE_##role },
    ROUTE_MAP(INFO_ROW)
#undef INFO_ROW
};
static const struct route routes[] = {
#define ROUTE_ROW(method, pattern, handler, role, query, body, summary) \
    { stk_api_##handler, query, body, STK_ROLE_##role },
    ROUTE_MAP(ROUTE_ROW)
#undef ROUTE_ROW
};

size_t stk_api_routes(const struct stk_route_info **ret)
{
    *ret = infos;
    return STK_ARRAY_LEN(infos);
}

/* What stands for ":id" in the path is handed out, still encoded. */
static bool match(const char *pattern, const char *path, const char **ret_arg, size_t *ret_len)
{
    while (*pattern != '\0') {
        if (*pattern != ':') {
            if (*pattern++ != *path++) return false;
            continue;
        }
        size_t len = strcspn(path, "/");
        if (len == 0) return false;
        *ret_arg = path;
        *ret_len = len;
        path += len;
        pattern += strcspn(pattern, "/");
    }
    return *path == '\0';
}

struct found {
    const struct route *route; /* NULL: the path is known, the method is not */
    struct stk_buf methods;    /* that the path takes; empty: it is unknown */
    const char *arg;
    size_t arg_len;
};

static void find(const struct stk_request *request, bool with_arg, struct found *found)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(infos); i++) {
        bool has_arg = strchr(infos[i].pattern, ':') != NULL;
        if (has_arg != with_arg) continue;
        if (!match(infos[i].pattern, request->path, &found->arg, &found->arg_len)) continue;

        stk_buf_addf(&found->methods, "%s%s", found->methods.len > 0 ? " or " : "",
                     infos[i].method);
        if (strcmp(infos[i].method, request->method) == 0) found->route = &routes[i];
    }
}

static enum stk_rc route(struct stk_call *call, const struct route **ret, struct stk_error *err)
{
    const struct stk_request *request = call->request;
    struct found found = { .arg = NULL };

    find(request, false, &found);
    if (found.methods.len == 0) find(request, true, &found);
    STK_CLEANUP(stk_buf_release) struct stk_buf methods = found.methods;
    if (methods.len == 0 || found.route == NULL) {
        STK_CLEANUP(stk_freep) char *shown = stk_shown(request->path);
        if (methods.len == 0) return stk_fail(err, STK_NOT_FOUND, "there is no route %s", shown);
        return stk_fail(err, STK_INVALID, "%s takes %s, not %s", shown, stk_buf_str(&methods),
                        request->method);
    }

    *ret = found.route;
    if (found.arg == NULL) return STK_OK;
    return stk_call_set_arg(call, found.arg, found.arg_len, err);
}

static enum stk_rc check_body(const struct stk_request *request, const char *const *names,
                              struct stk_error *err)
{
    if (request->body == NULL) return STK_OK;
    if (names == NULL) {
        return stk_fail(err, STK_INVALID, "%s %s takes no body", request->method, request->path);
    }
    if (!json_is_object(request->body)) {
        return stk_fail(err, STK_INVALID, "the body must be a JSON object");
    }
    return stk_json_only(request->body, names, err);
}

enum stk_rc stk_api_call(const struct stk_api *api, const struct stk_request *request, json_t **ret,
                         struct stk_error *err)
{
    assert(api != NULL && request != NULL && ret != NULL);
    STK_CLEANUP(stk_call_release) struct stk_call call = { .api = api, .request = request };
    const struct route *found = NULL;

    enum stk_rc rc = route(&call, &found, err);
    if (rc != STK_OK) return rc;
    assert(found != NULL);
    rc = stk_who_find(&call, &call.who, err);
    if (rc == STK_OK) rc = stk_who_check_role(&call.who, found->role, err);
    if (rc != STK_OK) return rc;
    struct stk_request known = *request;
    known.actor = call.who.name;
    call.request = &known;
    rc = stk_call_set_query(&call, found->query, err);
    if (rc == STK_OK) rc = check_body(request, found->body, err);
    if (rc != STK_OK) return rc;

    return found->handle(&call, ret, err);
}
