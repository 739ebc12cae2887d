/* SPDX-License-Identifier: MIT
 *
 * http - one request to a server outside, with limits, and cancelled at once.
 *
 * The only header that stands for libcurl, which is loaded when the first
 * request is made: commands that make none start without it. TLS is verified
 * always. Redirects are not followed unless asked for, and never to another
 * scheme or with the headers or the body to another host (another port is one);
 * a redirect that is not followed is the reply. Nothing is tried again.
 * $http_proxy and its like hold. Cookies are the caller's: no jar.
 *
 * Memory:  stk_http_new makes, stk_http_free ends. Requests borrow; a reply's
 *          buffers are the caller's, init to zero, cleared by run, released by
 *          stk_http_reply_release.
 * Threads: one request at a time per struct; stk_http_cancel from any thread.
 * Errors:  a reply of any status is STK_OK. STK_UNAVAILABLE: no reply, and
 *          reply->sent says whether the request may have reached the server.
 *          STK_TIMEOUT the same. STK_TOO_LARGE: more than bytes_max. STK_BUSY:
 *          cancelled. STK_INVALID: the URL is none, or not http(s). The texts
 *          name host and path, never the query, a header or the body.
 */
#ifndef STK_BASE_HTTP_H
#define STK_BASE_HTTP_H

#include "base/secret.h"

enum { STK_HTTP_HEADERS_MAX = 64, STK_HTTP_HEADER_BYTES_MAX = 64 * 1024 };

struct stk_http;

struct stk_http_header {
    const char *name, *value;
};
struct stk_http_request {
    const char *method; /* "GET"; NULL is GET */
    const char *url;
    const struct stk_http_header *headers; /* values with CR, LF or NUL are refused */
    size_t header_count;
    const char *body; /* NULL: none */
    size_t body_len;
    const char *user; /* basic authentication, when not NULL */
    const struct stk_secret *password;
    stk_time_ns timeout_ns; /* of the whole; 0: 30 s */
    size_t bytes_max;       /* of the body of the reply; 0: 1 MiB */
    unsigned redirects_max; /* 0: none is followed */
    const char *ca_file;    /* NULL: the system's */
};
struct stk_http_reply {
    int status;
    struct stk_buf body;
    struct stk_buf headers; /* "name: value\n", names in lower case, of the last answer */
    struct stk_buf url;     /* of the last answer; what a relative Location starts from */
    bool sent;              /* the request, or part of it, has left this machine */
    stk_time_ns sent_at;    /* by base/clock's wall time */
};
void stk_http_reply_release(struct stk_http_reply *reply);
/* The header's value, of several the `nth` (0: the first); NULL: none. Written
 * into `room`, cut to its size. */
const char *stk_http_reply_header(const struct stk_http_reply *reply, const char *name, size_t nth,
                                  char *room, size_t size);

struct stk_http *stk_http_new(void);
void stk_http_free(struct stk_http *http);
STK_MUST_USE enum stk_rc stk_http_run(struct stk_http *http, const struct stk_http_request *request,
                                      struct stk_http_reply *reply, struct stk_error *err);
/* Ends the request under way, and each later one, until stk_http_arm. */
void stk_http_cancel(struct stk_http *http);
void stk_http_arm(struct stk_http *http);
/* Readable while cancelled, for who waits for something else between two
 * requests. The struct's own; called by the thread that makes the requests. */
int stk_http_cancel_fd(struct stk_http *http);

/* `base` is an absolute URL, `ref` what a Location header or a setting said:
 * absolute, "//host/x", "/x", "x" or "?x" (RFC 3986). free() ends *ret.
 * STK_INVALID: not http(s), or a user name or control character in it. */
STK_MUST_USE enum stk_rc stk_url_resolve(const char *base, const char *ref, char **ret,
                                         struct stk_error *err);
/* Same scheme, host and port, as written: both resolved. */
bool stk_url_is_same_origin(const char *a, const char *b);
/* Adds the text with all but unreserved characters as %XX. */
void stk_url_add_escaped(struct stk_buf *buf, const char *text, size_t len);

/* One message by SMTP. `server`: "smtp://host:25", "smtps://host"; STARTTLS is
 * used where offered and demanded with a password. `message`: RFC 5322 with its
 * headers. */
struct stk_mail {
    const char *server, *from;
    const char *const *to; /* ended by NULL */
    const char *user;      /* or NULL */
    const struct stk_secret *password;
    const char *message;
    size_t message_len;
    stk_time_ns timeout_ns;
};
STK_MUST_USE enum stk_rc stk_http_mail(struct stk_http *http, const struct stk_mail *mail,
                                       struct stk_error *err);

#endif
