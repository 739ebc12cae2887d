/* SPDX-License-Identifier: MIT */
#include "client/remote.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/peer.h"
#include "base/alloc.h"

#define URL_BASE "http://localhost/api/v1"

/* Bulk changes of millions of jobs are one call. */
enum { CONNECT_MS_MAX = 5000, CALL_MS_MAX = 30 * 60 * 1000 };

/* A page is at most some 16 MiB of texts (api/page.h). */
static const size_t answer_bytes_max = (size_t)256 * 1024 * 1024;

struct stk_remote {
    CURL *curl;
    struct curl_slist *headers;
    struct stk_peer_path place;
    char *socket_path;
};

/* --- opening ------------------------------------------------------------- */

static void close_fd(int *fd)
{
    if (*fd >= 0) (void)close(*fd);
}

/* A socket file may be there with nobody behind it. */
static enum stk_rc probe(const struct stk_remote *remote, struct stk_error *err)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    memcpy(address.sun_path, remote->place.text, sizeof address.sun_path);
    STK_CLEANUP(close_fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0) {
        return STK_OK;
    }
    int cause = errno;
    return stk_fail(err, cause == EACCES || cause == EPERM ? STK_DENIED : STK_UNAVAILABLE,
                    "could not reach the pool on %s: %s", remote->socket_path, strerror(cause));
}

static size_t take(char *bytes, size_t one, size_t len, void *context)
{
    struct stk_buf *buf = context;
    (void)one;
    if (buf->len + len > answer_bytes_max) return 0; /* curl ends the call then */
    stk_buf_add(buf, bytes, len);
    return len;
}

static void add_header(struct stk_remote *remote, const char *header)
{
    struct curl_slist *list = curl_slist_append(remote->headers, header);
    if (list != NULL) remote->headers = list;
}

static void set_up(struct stk_remote *remote)
{
    CURL *curl = remote->curl;
    add_header(remote, "Content-Type: application/json");
    add_header(remote, "Expect:"); /* a large body goes at once, not after a "100 Continue" */

    (void)curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, remote->place.text);
    (void)curl_easy_setopt(curl, CURLOPT_PROXY, "");
    (void)curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    (void)curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    (void)curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS_MAX);
    (void)curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)CALL_MS_MAX);
    (void)curl_easy_setopt(curl, CURLOPT_HTTPHEADER, remote->headers);
    (void)curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
}

enum stk_rc stk_remote_open(const char *socket_path, struct stk_remote **ret, struct stk_error *err)
{
    struct stk_remote *remote = stk_alloc(sizeof *remote);
    remote->place = (struct stk_peer_path)STK_PEER_PATH_INIT;
    remote->socket_path = stk_strdup(socket_path);

    enum stk_rc rc = stk_peer_path_open(socket_path, &remote->place, err);
    if (rc == STK_OK) rc = probe(remote, err);
    if (rc == STK_OK) {
        remote->curl = curl_easy_init();
        if (remote->curl == NULL) rc = stk_fail(err, STK_INTERNAL, "could not start libcurl");
    }
    if (rc != STK_OK) {
        stk_remote_close(remote);
        return rc;
    }

    set_up(remote);
    *ret = remote;
    return STK_OK;
}

void stk_remote_close(struct stk_remote *remote)
{
    if (remote == NULL) return;
    curl_easy_cleanup(remote->curl);
    curl_slist_free_all(remote->headers);
    stk_peer_path_release(&remote->place);
    stk_freep(&remote->socket_path);
    free(remote);
}

/* --- calling ------------------------------------------------------------- */

static enum stk_rc fail_transfer(const struct stk_remote *remote, CURLcode code,
                                 struct stk_error *err)
{
    if (code == CURLE_OPERATION_TIMEDOUT) {
        return stk_fail(err, STK_TIMEOUT, "the pool on %s did not answer in %d minutes",
                        remote->socket_path, CALL_MS_MAX / 60 / 1000);
    }
    if (code == CURLE_WRITE_ERROR) {
        return stk_fail(err, STK_TOO_LARGE, "the answer of the pool is over %zu MiB: ask for less",
                        answer_bytes_max / 1024 / 1024);
    }
    return stk_fail(err, STK_UNAVAILABLE,
                    "the pool on %s went away while it was asked (%s): whether it did it is not "
                    "known",
                    remote->socket_path, curl_easy_strerror(code));
}

/* {"error": {"code", "message"}} as the same error on this side. */
static enum stk_rc fail_answer(long status, const json_t *answer, struct stk_error *err)
{
    const json_t *error = json_object_get(answer, "error");
    const char *code = json_string_value(json_object_get(error, "code"));
    const char *message = json_string_value(json_object_get(error, "message"));
    enum stk_rc rc = STK_INTERNAL;

    if (code == NULL || message == NULL || !stk_rc_from_name(code, &rc) || rc == STK_OK) {
        return stk_fail(err, STK_INTERNAL, "the pool answered with HTTP status %ld and no reason",
                        status);
    }
    return stk_fail(err, rc, "%s", message);
}

static void set_request(struct stk_remote *remote, const char *method, const char *url,
                        const char *text, size_t len)
{
    CURL *curl = remote->curl;
    (void)curl_easy_setopt(curl, CURLOPT_URL, url);
    if (strcmp(method, "POST") == 0) {
        (void)curl_easy_setopt(curl, CURLOPT_POST, 1L);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
        (void)curl_easy_setopt(curl, CURLOPT_POSTFIELDS, text);
    } else {
        (void)curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    }
    /* Whatever else is asked for is the server's to refuse, in its words. */
    (void)curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
}

enum stk_rc stk_remote_call(struct stk_remote *remote, const char *method, const char *path_query,
                            const json_t *body, json_t **ret, bool *ret_unsent,
                            struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    STK_CLEANUP(stk_buf_release) struct stk_buf taken = STK_BUF_INIT;
    STK_CLEANUP(stk_freep) char *url = stk_format(URL_BASE "%s", path_query);
    STK_CLEANUP(stk_json_freep) json_t *answer = NULL;

    if (body != NULL) stk_json_add(&text, body);
    set_request(remote, method, url, stk_buf_str(&text), text.len);
    (void)curl_easy_setopt(remote->curl, CURLOPT_WRITEDATA, &taken);

    CURLcode code = curl_easy_perform(remote->curl);
    *ret_unsent = code == CURLE_COULDNT_CONNECT;
    if (code != CURLE_OK) return fail_transfer(remote, code, err);

    long status = 0;
    (void)curl_easy_getinfo(remote->curl, CURLINFO_RESPONSE_CODE, &status);
    struct stk_error cause = { .rc = STK_OK };
    enum stk_rc rc = stk_json_parse(stk_buf_str(&taken), taken.len, &answer, &cause);
    if (status != 200) return fail_answer(status, rc == STK_OK ? answer : NULL, err);
    if (rc != STK_OK) {
        return stk_fail(err, STK_INTERNAL, "could not read the answer of the pool: %s", cause.text);
    }

    *ret = json_incref(answer);
    return STK_OK;
}
