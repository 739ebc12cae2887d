/* SPDX-License-Identifier: MIT */
#include "client/remote.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/peer.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "client/wire.h"

#define PREFIX "/api/v1"

/* Bulk changes of millions of jobs are one call. */
enum { CONNECT_S_MAX = 5, CALL_MINUTES_MAX = 30 };

/* A page is at most some 16 MiB of texts (api/page.h). */
static const size_t answer_bytes_max = (size_t)256 * 1024 * 1024;

struct stk_remote {
    struct stk_wire wire;
    struct stk_peer_path place;
    char *socket_path;
};

/* --- opening ------------------------------------------------------------- */

/* Blocking, so that a server whose queue is full is waited for. */
static bool try_connect(int fd, const struct stk_remote *remote)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct timeval patience = { .tv_sec = CONNECT_S_MAX };
    memcpy(address.sun_path, remote->place.text, sizeof address.sun_path);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0) return false;
    return connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;
}

/* A socket file may be there with nobody behind it. */
static enum stk_rc connect_anew(struct stk_remote *remote, struct stk_error *err)
{
    stk_wire_release(&remote->wire);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && try_connect(fd, remote)) {
        remote->wire.fd = fd;
        return STK_OK;
    }

    int cause = errno;
    if (fd >= 0) (void)close(fd);
    return stk_fail(err, cause == EACCES || cause == EPERM ? STK_DENIED : STK_UNAVAILABLE,
                    "could not reach the pool on %s: %s", remote->socket_path, strerror(cause));
}

enum stk_rc stk_remote_open(const char *socket_path, const struct stk_client_options *options,
                            struct stk_remote **ret, struct stk_error *err)
{
    struct stk_remote *remote = stk_alloc(sizeof *remote);
    remote->wire = (struct stk_wire)STK_WIRE_INIT;
    remote->wire.answer_bytes_max = answer_bytes_max;
    remote->wire.authorization = options->authorization;
    remote->wire.code = options->code;
    remote->place = (struct stk_peer_path)STK_PEER_PATH_INIT;
    remote->socket_path = stk_strdup(socket_path);

    enum stk_rc rc = stk_peer_path_open(socket_path, &remote->place, err);
    if (rc == STK_OK) rc = connect_anew(remote, err);
    if (rc != STK_OK) {
        stk_remote_close(remote);
        return rc;
    }
    *ret = remote;
    return STK_OK;
}

void stk_remote_close(struct stk_remote *remote)
{
    if (remote == NULL) return;
    stk_wire_release(&remote->wire);
    stk_peer_path_release(&remote->place);
    stk_freep(&remote->socket_path);
    free(remote);
}

/* --- calling ------------------------------------------------------------- */

static enum stk_rc fail_wire(const struct stk_remote *remote, const struct stk_error *cause,
                             struct stk_error *err)
{
    if (cause->rc == STK_TIMEOUT) {
        return stk_fail(err, STK_TIMEOUT, "the pool on %s did not answer in %d minutes",
                        remote->socket_path, CALL_MINUTES_MAX);
    }
    if (cause->rc == STK_TOO_LARGE) {
        return stk_fail(err, STK_TOO_LARGE, "the answer of the pool is over %zu MiB: ask for less",
                        answer_bytes_max / 1024 / 1024);
    }
    if (cause->rc == STK_INTERNAL) {
        return stk_fail(err, STK_INTERNAL, "could not read the answer of the pool: %s",
                        cause->text);
    }
    return stk_fail(err, STK_UNAVAILABLE,
                    "the pool on %s went away while it was asked (%s): whether it did it is not "
                    "known",
                    remote->socket_path, cause->text);
}

/* {"error": {"code", "message"}} as the same error on this side. */
static enum stk_rc fail_answer(int status, const json_t *answer, struct stk_error *err)
{
    const json_t *error = json_object_get(answer, "error");
    const char *code = json_string_value(json_object_get(error, "code"));
    const char *message = json_string_value(json_object_get(error, "message"));
    enum stk_rc rc = STK_INTERNAL;

    if (code == NULL || message == NULL || !stk_rc_from_name(code, &rc) || rc == STK_OK) {
        return stk_fail(err, STK_INTERNAL, "the pool answered with HTTP status %d and no reason",
                        status);
    }
    return stk_fail(err, rc, "%s", message);
}

static bool is_word(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c <= ' ' || *c == 0x7F) return false;
    }
    return *text != '\0';
}

/* A kept connection that the pool closes in this very moment looks like a pool
 * that is gone. To ask once more is right for what changes nothing. */
static enum stk_rc ask_once(struct stk_remote *remote, const char *method, const char *path,
                            const struct stk_buf *body, struct stk_answer *answer, bool *ret_unsent,
                            struct stk_error *err)
{
    struct stk_error cause = { .rc = STK_OK };
    bool is_kept = stk_wire_is_idle(&remote->wire);
    remote->wire.deadline = stk_clock_mono() + CALL_MINUTES_MAX * STK_MINUTE;
    for (int tries = 0; tries < 2; tries++) {
        enum stk_rc rc = is_kept ? STK_OK : connect_anew(remote, err);
        *ret_unsent = rc != STK_OK;
        if (rc == STK_OK) rc = stk_wire_ask(&remote->wire, method, path, body, answer, &cause);
        if (*ret_unsent) return rc;
        if (rc == STK_OK && !answer->is_last) return rc;

        stk_wire_release(&remote->wire);
        if (rc == STK_OK) return rc;
        bool is_again =
            is_kept && rc == STK_UNAVAILABLE && !answer->is_begun && strcmp(method, "GET") == 0;
        if (!is_again) break;
        is_kept = false;
    }
    return fail_wire(remote, &cause, err);
}

static enum stk_rc read_answer(const struct stk_answer *answer, json_t **ret, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *value = NULL;
    struct stk_error cause = { .rc = STK_OK };
    enum stk_rc rc = stk_json_parse(stk_buf_str(&answer->body), answer->body.len, &value, &cause);
    if (answer->status != 200) return fail_answer(answer->status, rc == STK_OK ? value : NULL, err);
    if (rc != STK_OK) {
        return stk_fail(err, STK_INTERNAL, "could not read the answer of the pool: %s", cause.text);
    }
    *ret = json_incref(value);
    return STK_OK;
}

enum stk_rc stk_remote_call(struct stk_remote *remote, const char *method, const char *path_query,
                            const json_t *body, json_t **ret, bool *ret_unsent,
                            struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    STK_CLEANUP(stk_freep) char *path = stk_format(PREFIX "%s", path_query);
    struct stk_answer answer = { .body = STK_BUF_INIT };
    *ret_unsent = false;
    if (!is_word(method) || !is_word(path)) {
        return stk_fail(err, STK_INVALID, "the path holds a blank or a control character");
    }

    if (body != NULL) stk_json_add(&text, body);
    enum stk_rc rc =
        ask_once(remote, method, path, body != NULL ? &text : NULL, &answer, ret_unsent, err);
    if (rc == STK_OK) rc = read_answer(&answer, ret, err);
    stk_buf_release(&answer.body);
    return rc;
}
