/* SPDX-License-Identifier: MIT
 *
 * A multi handle for a single transfer: curl_multi_wakeup is the one call that
 * another thread may make, and curl_easy_perform has nothing like it.
 */
#include "base/transfer.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/timetext.h"

#define POLL_MAX      STK_MINUTE
#define TIMEOUT_USUAL (30 * STK_SECOND)

enum { KEPT_CONNECTIONS = 4 };

/* QUICK_EXIT: a name server that does not answer holds up no cancel. PATH_AS_IS:
 * what we have checked is what is asked for. */
static const struct {
    CURLoption option;
    long value;
} common_options[] = {
    { CURLOPT_NOSIGNAL, 1 },
    { CURLOPT_QUICK_EXIT, 1 },
    { CURLOPT_SSL_VERIFYPEER, 1 },
    { CURLOPT_SSL_VERIFYHOST, 2 },
    { CURLOPT_FOLLOWLOCATION, 0 },
    { CURLOPT_PATH_AS_IS, 1 },
    { CURLOPT_NETRC, CURL_NETRC_IGNORED },
    { CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2 },
};

/* --- life ---------------------------------------------------------------- */

struct stk_http *stk_http_new(void)
{
    struct stk_http *http = stk_alloc(sizeof(*http));
    atomic_init(&http->bell, -1);
    return http;
}

void stk_http_free(struct stk_http *http)
{
    if (http == NULL) return;
    if (http->easy != NULL) http->curl->easy_cleanup(http->easy);
    if (http->multi != NULL) (void)http->curl->multi_cleanup(http->multi);
    if (http->bell >= 0) (void)close(http->bell);
    free(http);
}

static void ring(struct stk_http *http)
{
    int bell = atomic_load(&http->bell);
    if (bell >= 0) (void)eventfd_write(bell, 1);
}

/* First the flag, then the pointer; the transfer sets the pointer, then looks
 * at the flag: one of the two sees the other. A wake-up is not lost when nobody
 * polls yet. The bell is set up in the same way. */
void stk_http_cancel(struct stk_http *http)
{
    atomic_store(&http->is_cancelled, true);
    CURLM *multi = atomic_load(&http->multi);
    if (multi != NULL) (void)http->curl->multi_wakeup(multi);
    ring(http);
}

void stk_http_arm(struct stk_http *http)
{
    eventfd_t rings = 0;
    atomic_store(&http->is_cancelled, false);
    if (http->bell >= 0) (void)eventfd_read(http->bell, &rings);
}

int stk_http_cancel_fd(struct stk_http *http)
{
    if (http->bell < 0) atomic_store(&http->bell, eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (atomic_load(&http->is_cancelled)) ring(http);
    return http->bell;
}

/* --- setting up ---------------------------------------------------------- */

static enum stk_rc make_handles(struct stk_http *http, struct stk_error *err)
{
    if (http->easy != NULL) return STK_OK;
    enum stk_rc rc = stk_curl_load(&http->curl, err);
    if (rc != STK_OK) return rc;

    CURLM *multi = http->multi != NULL ? http->multi : http->curl->multi_init();
    if (multi != NULL) {
        (void)http->curl->multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)KEPT_CONNECTIONS);
        atomic_store(&http->multi, multi);
        http->easy = http->curl->easy_init();
    }
    if (http->easy == NULL) return stk_fail(err, STK_UNAVAILABLE, "could not start libcurl");
    return STK_OK;
}

void stk_transfer_note(struct stk_http *http, CURLcode code)
{
    if (http->set_up == CURLE_OK) http->set_up = code;
}

void stk_transfer_list(struct stk_http *http, const char *line)
{
    struct curl_slist *list = http->curl->slist_append(http->list, line);
    if (list == NULL) stk_transfer_note(http, CURLE_OUT_OF_MEMORY);
    if (list != NULL) http->list = list;
}

/* As libcurl would, but not inherited by the programs that others start. */
static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)context;
    (void)purpose;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

void stk_transfer_again(struct stk_http *http)
{
    stk_transfer_end(http);
    for (size_t i = 0; i < STK_ARRAY_LEN(common_options); i++) {
        STK_TRANSFER_SET(http, common_options[i].option, common_options[i].value);
    }
    STK_TRANSFER_SET(http, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    STK_TRANSFER_SET(http, CURLOPT_ERRORBUFFER, http->why);
}

enum stk_rc stk_transfer_begin(struct stk_http *http, stk_time_ns timeout, struct stk_error *err)
{
    enum stk_rc rc = make_handles(http, err);
    if (rc != STK_OK) return rc;
    http->timeout = timeout > 0 ? timeout : TIMEOUT_USUAL;
    http->deadline = stk_clock_mono() + http->timeout;
    stk_transfer_again(http);
    return STK_OK;
}

/* What libcurl itself copies of headers and passwords it frees without wiping:
 * there is no option for that. */
void stk_transfer_end(struct stk_http *http)
{
    if (http->easy == NULL) return;
    http->curl->easy_reset(http->easy);
    for (struct curl_slist *item = http->list; item != NULL; item = item->next) {
        explicit_bzero(item->data, strlen(item->data));
    }
    http->curl->slist_free_all(http->list);
    http->list = NULL;
    http->set_up = CURLE_OK;
    *http->why = '\0';
}

/* --- running ------------------------------------------------------------- */

/* The sentences that libcurl makes up for a place hold more than its code says,
 * but some hold what the server or the caller sent: these do not. */
static bool is_told_in_full(CURLcode code)
{
    static const CURLcode codes[] = {
        CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY,
        CURLE_SSL_CONNECT_ERROR,    CURLE_SSL_CERTPROBLEM,
        CURLE_SSL_CIPHER,           CURLE_PEER_FAILED_VERIFICATION,
        CURLE_SSL_CACERT_BADFILE,   CURLE_SSL_ISSUER_ERROR,
        CURLE_USE_SSL_FAILED,       CURLE_LOGIN_DENIED,
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(codes); i++) {
        if (codes[i] == code) return true;
    }
    return false;
}

static enum stk_rc fail_transfer(struct stk_http *http, CURLcode code, const char *what,
                                 struct stk_error *err)
{
    long cause = 0;
    const char *text = http->curl->easy_strerror(code);
    (void)http->curl->easy_getinfo(http->easy, CURLINFO_OS_ERRNO, &cause);
    if (code == CURLE_COULDNT_CONNECT && cause != 0) text = strerror((int)cause);
    if (is_told_in_full(code) && *http->why != '\0') text = http->why;

    STK_CLEANUP(stk_buf_release) struct stk_buf shown = STK_BUF_INIT;
    stk_text_add_escaped(&shown, text, strlen(text));
    enum stk_rc rc = code == CURLE_LOGIN_DENIED ? STK_DENIED : STK_UNAVAILABLE;
    return stk_fail(err, rc, "%s: %s", what, stk_buf_str(&shown));
}

static enum stk_rc fail_late(const struct stk_http *http, const char *what, struct stk_error *err)
{
    char text[STK_DURATION_TEXT];
    stk_duration_text(http->timeout, text);
    return stk_fail(err, STK_TIMEOUT, "%s: not done within %s", what, text);
}

static enum stk_rc fail_multi(const struct stk_http *http, CURLMcode code, const char *what,
                              struct stk_error *err)
{
    return stk_fail(err, STK_UNAVAILABLE, "%s: %s", what, http->curl->multi_strerror(code));
}

/* Until libcurl has news, the deadline is there, or somebody wakes us. */
static CURLMcode wait_for_news(struct stk_http *http)
{
    stk_time_ns left = http->deadline - stk_clock_mono();
    if (left > POLL_MAX) left = POLL_MAX;
    int left_ms = left > 0 ? (int)(left / STK_MS) + 1 : 0;
    return http->curl->multi_poll(http->multi, NULL, 0, left_ms, NULL);
}

static enum stk_rc drive(struct stk_http *http, const char *what, struct stk_error *err)
{
    while (true) {
        if (atomic_load(&http->is_cancelled)) return stk_fail(err, STK_BUSY, "%s: cancelled", what);

        int running = 0;
        CURLMcode code = http->curl->multi_perform(http->multi, &running);
        if (code != CURLM_OK) return fail_multi(http, code, what, err);

        int more = 0;
        const CURLMsg *message = http->curl->multi_info_read(http->multi, &more);
        if (message != NULL && message->data.result == CURLE_OK) return STK_OK;
        if (message != NULL) return fail_transfer(http, message->data.result, what, err);

        if (stk_clock_mono() >= http->deadline) return fail_late(http, what, err);
        code = wait_for_news(http);
        if (code != CURLM_OK) return fail_multi(http, code, what, err);
    }
}

enum stk_rc stk_transfer_run(struct stk_http *http, const char *what, struct stk_error *err)
{
    if (http->set_up != CURLE_OK) {
        return stk_fail(err, STK_UNAVAILABLE, "%s: libcurl refuses an option: %s", what,
                        http->curl->easy_strerror(http->set_up));
    }
    CURLMcode code = http->curl->multi_add_handle(http->multi, http->easy);
    if (code != CURLM_OK) return fail_multi(http, code, what, err);

    enum stk_rc rc = drive(http, what, err);
    (void)http->curl->multi_remove_handle(http->multi, http->easy); /* it is in there */
    return rc;
}
