/* SPDX-License-Identifier: MIT */
#include "client/client.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/api.h" /* and the store, through its struct stk_access */
#include "api/peer.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "client/remote.h"

/* How long to wait for another short command, or for a pool that starts. */
#define PATIENCE  (10 * STK_SECOND)
#define PAUSE_MIN (5 * STK_MS)
#define PAUSE_MAX (200 * STK_MS)

#define SQLITE_PREFIX "sqlite:"

struct stk_client {
    struct stk_client_options options;
    char *command;
    char *socket_path;
    char actor[STK_PEER_NAME];
    struct stk_signed_in signed_in;
    struct stk_remote *remote; /* this, or */
    struct stk_store *store;   /* this, or neither (stk_client_rest) */
};

/* --- finding out whom to ask --------------------------------------------- */

static enum stk_rc must_exist(const struct stk_client *client, struct stk_error *err)
{
    const char *url = client->options.settings->store;
    size_t prefix = strlen(SQLITE_PREFIX);
    if (!client->options.must_exist || strncmp(url, SQLITE_PREFIX, prefix) != 0) return STK_OK;
    if (access(url + prefix, F_OK) == 0) return STK_OK;
    return stk_fail(err, STK_NOT_FOUND, "there is no store at %s yet: the first job makes it",
                    url + prefix);
}

static enum stk_rc open_here(struct stk_client *client, struct stk_error *err)
{
    struct stk_store_options options = { .command = client->command };
    enum stk_rc rc = must_exist(client, err);
    if (rc != STK_OK) return rc;
    return stk_store_open(client->options.settings->store, &options, &client->store, err);
}

static enum stk_rc fail_owned(const struct stk_client *client, const struct stk_owner *owner,
                              struct stk_error *err)
{
    return stk_fail(err, STK_BUSY,
                    "%s is in use by \"%s\" (pid %" PRId64 "): wait until it has ended",
                    client->options.settings->store, owner->command, owner->pid);
}

/* One look. *ret_again: it may go better in a moment, because a short command
 * has the store, or a pool that starts or dies and does not listen. */
static enum stk_rc connect_once(struct stk_client *client, bool *ret_again, struct stk_error *err)
{
    struct stk_owner owner;
    struct stk_error cause = { .rc = STK_OK };

    enum stk_rc rc = stk_store_owner(client->options.settings->store, &owner, err);
    *ret_again = false;
    if (rc == STK_NOT_FOUND) {
        rc = open_here(client, err);
        *ret_again = rc == STK_BUSY; /* somebody was quicker */
        return rc;
    }
    if (rc != STK_OK) return rc;
    *ret_again = true;
    if (!owner.serves) return fail_owned(client, &owner, err);

    rc = stk_remote_open(client->socket_path, &client->options, &client->remote, &cause);
    if (rc == STK_OK) return STK_OK;
    *ret_again = rc == STK_UNAVAILABLE;
    return stk_fail(err, rc, "\"%s\" (pid %" PRId64 ") owns the store, but %s", owner.command,
                    owner.pid, cause.text);
}

static enum stk_rc connect_to(struct stk_client *client, struct stk_error *err)
{
    stk_time_ns deadline = stk_clock_mono() + PATIENCE;
    stk_time_ns pause = PAUSE_MIN;
    if (client->remote != NULL || client->store != NULL) return STK_OK;
    if (stk_store_is_shared(client->options.settings->store)) return open_here(client, err);

    while (true) {
        bool again = false;
        enum stk_rc rc = connect_once(client, &again, err);
        if (rc == STK_OK || !again || stk_clock_mono() + pause > deadline) return rc;
        stk_clock_pause(pause);
        pause = pause * 2 < PAUSE_MAX ? pause * 2 : PAUSE_MAX;
    }
}

/* --- life ---------------------------------------------------------------- */

enum stk_rc stk_client_open(const struct stk_client_options *options, struct stk_client **ret,
                            struct stk_error *err)
{
    struct stk_client *client = stk_alloc(sizeof *client);
    client->options = *options;
    client->command = stk_strdup(options->command);
    client->socket_path = stk_store_socket_path(options->settings->store);
    stk_peer_name(getuid(), client->actor);

    enum stk_rc rc = connect_to(client, err);
    if (rc != STK_OK) {
        stk_client_close(client);
        return rc;
    }
    *ret = client;
    return STK_OK;
}

static void disconnect(struct stk_client *client)
{
    stk_remote_close(client->remote);
    client->remote = NULL;
    stk_store_closep(&client->store);
    client->store = NULL;
}

void stk_client_close(struct stk_client *client)
{
    if (client == NULL) return;
    disconnect(client);
    stk_freep(&client->command);
    stk_freep(&client->socket_path);
    free(client);
}

void stk_client_closep(struct stk_client **client)
{
    stk_client_close(*client);
    *client = NULL;
}

void stk_client_rest(struct stk_client *client)
{
    bool is_in_the_way = !stk_store_is_shared(client->options.settings->store);
    if (client->remote == NULL && is_in_the_way) disconnect(client);
}

bool stk_client_is_remote(const struct stk_client *client)
{
    return client->remote != NULL;
}

/* --- asking -------------------------------------------------------------- */

static enum stk_rc call_here(struct stk_client *client, const char *method, const char *path_query,
                             json_t *body, json_t **ret, struct stk_error *err)
{
    size_t path_len = strcspn(path_query, "?");
    STK_CLEANUP(stk_freep) char *path = stk_strndup(path_query, path_len);
    struct stk_api api = {
        .settings = client->options.settings,
        .access = stk_access_direct(client->store),
        .progress = client->options.progress,
        .progress_context = client->options.context,
        .spawner = client->options.spawner,
    };
    struct stk_request request = {
        .method = method,
        .path = path,
        .query = path_query[path_len] == '?' ? path_query + path_len + 1 : NULL,
        .body = body,
        .actor = client->actor,
        .authorization = client->options.authorization,
        .code = client->options.code,
        .signed_in = &client->signed_in,
        .now = stk_store_now(client->store),
    };
    return stk_api_call(&api, &request, ret, err);
}

/* A pool that has gone since the last call is looked for once more; if nobody
 * owns the store any more, it is opened here. */
enum stk_rc stk_client_call(struct stk_client *client, const char *method, const char *path_query,
                            json_t *body, json_t **ret, struct stk_error *err)
{
    bool unsent = false;
    enum stk_rc rc = connect_to(client, err);
    if (rc == STK_OK && client->remote != NULL) {
        rc = stk_remote_call(client->remote, method, path_query, body, ret, &unsent, err);
        if (!unsent) return rc;
        disconnect(client);
        rc = connect_to(client, err);
    }
    if (rc != STK_OK) return rc;

    if (client->store != NULL) return call_here(client, method, path_query, body, ret, err);
    return stk_remote_call(client->remote, method, path_query, body, ret, &unsent, err);
}
