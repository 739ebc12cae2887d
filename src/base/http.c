/* SPDX-License-Identifier: MIT
 *
 * Redirects are followed here and not by libcurl, which would take all headers
 * but two along to another host.
 */
#include "base/http.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/transfer.h"
#include "base/url.h"

enum { BODY_BYTES_USUAL = 1024 * 1024, METHOD_LEN_MAX = 16, WHERE_LEN_MAX = 200 };

/* What goes to the next address of a chain of redirects. */
struct hop {
    const struct stk_http_request *request;
    const char *method;
    bool with_headers; /* and user and password */
    bool with_body;
};

/* What comes back. */
struct sink {
    struct stk_http_reply *reply;
    size_t bytes_max;
    size_t header_bytes;
    unsigned asked;
    bool is_too_large;
};

/* --- replies ------------------------------------------------------------- */

static void clear_reply(struct stk_http_reply *reply)
{
    reply->status = 0;
    reply->sent = false;
    reply->sent_at = 0;
    stk_buf_clear(&reply->body);
    stk_buf_clear(&reply->headers);
    stk_buf_clear(&reply->url);
}

/* Wiped: answers of a login hold sessions. */
void stk_http_reply_release(struct stk_http_reply *reply)
{
    if (reply == NULL) return;
    clear_reply(reply);
    stk_buf_wipe(&reply->body);
    stk_buf_wipe(&reply->headers);
    stk_buf_wipe(&reply->url);
}

/* The value in the line "name: value", or NULL. */
static const char *value_in(const char *line, const char *name)
{
    size_t len = strlen(name);
    if (strncasecmp(line, name, len) != 0 || strncmp(line + len, ": ", 2) != 0) return NULL;
    return line + len + 2;
}

const char *stk_http_reply_header(const struct stk_http_reply *reply, const char *name, size_t nth,
                                  char *room, size_t size)
{
    assert(size > 0);
    const char *line = stk_buf_str(&reply->headers);
    while (*line != '\0') {
        const char *value = value_in(line, name);
        if (value != NULL && nth-- == 0) {
            size_t len = strcspn(value, "\n");
            if (len >= size) len = size - 1;
            memcpy(room, value, len);
            room[len] = '\0';
            return room;
        }
        line += strcspn(line, "\n") + 1;
    }
    return NULL;
}

/* --- what may be asked --------------------------------------------------- */

static bool is_token(const char *text)
{
    for (size_t i = 0; text[i] != '\0'; i++) {
        if ((unsigned char)text[i] >= 0x80) return false;
        if (!isalnum((unsigned char)text[i]) && strchr("!#$%&'*+-.^_`|~", text[i]) == NULL) {
            return false;
        }
    }
    return *text != '\0';
}

static bool is_header_value(const char *text)
{
    for (; *text != '\0'; text++) {
        if (((unsigned char)*text < ' ' && *text != '\t') || *text == 0x7F) return false;
    }
    return true;
}

/* The value is in no text: it may be a secret. */
static enum stk_rc check_header(const struct stk_http_header *header, struct stk_error *err)
{
    if (!is_token(header->name)) {
        return stk_fail(err, STK_INVALID, "the name of a header is no HTTP word");
    }
    if (!is_header_value(header->value)) {
        return stk_fail(err, STK_INVALID, "the header %s holds a line end or control character",
                        header->name);
    }
    bool is_ours = strcasecmp(header->name, "Content-Length") == 0 ||
                   strcasecmp(header->name, "Transfer-Encoding") == 0;
    if (is_ours) {
        return stk_fail(err, STK_INVALID, "the header %s is made from the body: leave it out",
                        header->name);
    }
    return STK_OK;
}

static enum stk_rc check_request(const struct stk_http_request *request, struct stk_error *err)
{
    const char *method = request->method;
    if (method != NULL && (!is_token(method) || strlen(method) > METHOD_LEN_MAX)) {
        return stk_fail(err, STK_INVALID, "the method is no HTTP word");
    }
    if (request->user != NULL && strchr(request->user, ':') != NULL) {
        return stk_fail(err, STK_INVALID, "the user name holds a colon");
    }
    if (request->header_count > STK_HTTP_HEADERS_MAX) {
        return stk_fail(err, STK_INVALID, "more than %d headers", STK_HTTP_HEADERS_MAX);
    }
    for (size_t i = 0; i < request->header_count; i++) {
        enum stk_rc rc = check_header(&request->headers[i], err);
        if (rc != STK_OK) return rc;
    }
    return STK_OK;
}

/* --- what libcurl calls -------------------------------------------------- */

static size_t on_body(char *bytes, size_t one, size_t len, void *context)
{
    struct sink *sink = context;
    (void)one;
    sink->is_too_large = len > sink->bytes_max - sink->reply->body.len;
    if (sink->is_too_large) return 0; /* ends the transfer */
    stk_buf_add(&sink->reply->body, bytes, len);
    return len;
}

/* Only counted: libcurl keeps them, and knows a trailer from a header. */
static size_t on_header(char *bytes, size_t one, size_t len, void *context)
{
    struct sink *sink = context;
    (void)bytes;
    (void)one;
    sink->header_bytes += len;
    sink->is_too_large = sink->header_bytes > STK_HTTP_HEADER_BYTES_MAX;
    return sink->is_too_large ? 0 : len;
}

/* Just before a request goes out. The second time is libcurl's own retry, when
 * a kept connection turned out to be closed: whether the server has done what
 * was asked is not known then, so it is not asked again. */
static int on_ask(void *context, char *peer, char *us, int peer_port, int our_port)
{
    struct sink *sink = context;
    (void)peer;
    (void)us;
    (void)peer_port;
    (void)our_port;
    if (sink->asked++ > 0) return CURL_PREREQFUNC_ABORT;
    if (sink->reply->sent_at == 0) sink->reply->sent_at = stk_clock_now();
    return CURL_PREREQFUNC_OK;
}

/* --- setting up ---------------------------------------------------------- */

static void add_header(struct stk_http *http, const char *name, const char *value)
{
    STK_CLEANUP(stk_buf_wipep) struct stk_buf line = STK_BUF_INIT;
    stk_buf_reserve(&line, strlen(name) + strlen(value) + 2);
    stk_buf_adds(&line, name);
    stk_buf_adds(&line, *value == '\0' ? ";" : ": "); /* libcurl's way to say: empty */
    stk_buf_adds(&line, value);
    stk_transfer_list(http, stk_buf_str(&line));
}

static bool has_header(const struct hop *hop, const char *name)
{
    for (size_t i = 0; hop->with_headers && i < hop->request->header_count; i++) {
        if (strcasecmp(hop->request->headers[i].name, name) == 0) return true;
    }
    return false;
}

static void set_headers(struct stk_http *http, const struct hop *hop)
{
    for (size_t i = 0; hop->with_headers && i < hop->request->header_count; i++) {
        add_header(http, hop->request->headers[i].name, hop->request->headers[i].value);
    }
    /* "Name:" keeps libcurl from adding one: no form is sent, and a body goes at
     * once instead of waiting a second for "100 Continue". */
    if (!has_header(hop, "Content-Type")) stk_transfer_list(http, "Content-Type:");
    if (!has_header(hop, "Expect")) stk_transfer_list(http, "Expect:");
    STK_TRANSFER_SET(http, CURLOPT_HTTPHEADER, http->list);
    STK_TRANSFER_SET(http, CURLOPT_USERAGENT, "stoker/" STK_VERSION);
}

static void set_method(struct stk_http *http, const struct hop *hop)
{
    const struct stk_http_request *request = hop->request;
    bool is_head = strcmp(hop->method, "HEAD") == 0;
    bool says_length = strcmp(hop->method, "POST") == 0 || strcmp(hop->method, "PUT") == 0 ||
                       strcmp(hop->method, "PATCH") == 0;
    if (is_head) STK_TRANSFER_SET(http, CURLOPT_NOBODY, 1L);
    if (!is_head && (hop->with_body || says_length)) {
        curl_off_t len = hop->with_body ? (curl_off_t)request->body_len : 0;
        STK_TRANSFER_SET(http, CURLOPT_POST, 1L);
        STK_TRANSFER_SET(http, CURLOPT_POSTFIELDSIZE_LARGE, len);
        STK_TRANSFER_SET(http, CURLOPT_POSTFIELDS, hop->with_body ? request->body : "");
    }
    STK_TRANSFER_SET(http, CURLOPT_CUSTOMREQUEST, hop->method);
}

static void set_up(struct stk_http *http, const struct hop *hop, struct sink *sink)
{
    const struct stk_http_request *request = hop->request;
    STK_TRANSFER_SET(http, CURLOPT_URL, stk_buf_str(&sink->reply->url));
    STK_TRANSFER_SET(http, CURLOPT_PROTOCOLS_STR, "http,https");
    STK_TRANSFER_SET(http, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    STK_TRANSFER_SET(http, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (request->ca_file != NULL) STK_TRANSFER_SET(http, CURLOPT_CAINFO, request->ca_file);

    set_method(http, hop);
    set_headers(http, hop);
    if (hop->with_headers && request->user != NULL) {
        const char *password = request->password != NULL ? stk_secret_bytes(request->password) : "";
        STK_TRANSFER_SET(http, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
        STK_TRANSFER_SET(http, CURLOPT_USERNAME, request->user);
        STK_TRANSFER_SET(http, CURLOPT_PASSWORD, password);
    }

    STK_TRANSFER_SET(http, CURLOPT_WRITEFUNCTION, on_body);
    STK_TRANSFER_SET(http, CURLOPT_WRITEDATA, sink);
    STK_TRANSFER_SET(http, CURLOPT_HEADERFUNCTION, on_header);
    STK_TRANSFER_SET(http, CURLOPT_HEADERDATA, sink);
    STK_TRANSFER_SET(http, CURLOPT_PREREQFUNCTION, on_ask);
    STK_TRANSFER_SET(http, CURLOPT_PREREQDATA, sink);
}

/* --- one exchange -------------------------------------------------------- */

static void take_headers(struct stk_http *http, struct stk_http_reply *reply)
{
    struct curl_header *header = NULL;
    while ((header = http->curl->easy_nextheader(http->easy, CURLH_HEADER, -1, header)) != NULL) {
        for (const char *c = header->name; *c != '\0'; c++) {
            stk_buf_addc(&reply->headers, (char)tolower((unsigned char)*c));
        }
        stk_buf_addf(&reply->headers, ": %s\n", header->value);
    }
}

static void take_facts(struct stk_http *http, const struct sink *sink)
{
    long status = 0;
    long request_bytes = 0;
    (void)http->curl->easy_getinfo(http->easy, CURLINFO_REQUEST_SIZE, &request_bytes);
    (void)http->curl->easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &status);
    sink->reply->status = (int)status;
    if (request_bytes > 0 || sink->asked > 1) sink->reply->sent = true;
}

static enum stk_rc fail_exchange(const struct sink *sink, const char *what, enum stk_rc rc,
                                 struct stk_error *err)
{
    sink->reply->status = 0;
    stk_buf_clear(&sink->reply->body);
    if (sink->is_too_large) {
        return stk_fail(err, STK_TOO_LARGE, "%s: the answer is over %zu bytes", what,
                        sink->header_bytes > STK_HTTP_HEADER_BYTES_MAX
                            ? (size_t)STK_HTTP_HEADER_BYTES_MAX
                            : sink->bytes_max);
    }
    if (sink->asked > 1) {
        return stk_fail(err, STK_UNAVAILABLE, "%s: the server closed the connection", what);
    }
    return rc; /* the text stands */
}

/* "GET https://host/path" for errors: without the query, and not too long. */
static char *make_what(const struct hop *hop, const char *url)
{
    size_t len = strcspn(url, "?");
    bool is_cut = len > WHERE_LEN_MAX;
    return stk_format("%s %.*s%s", hop->method, (int)(is_cut ? WHERE_LEN_MAX : len), url,
                      is_cut ? "..." : "");
}

static enum stk_rc exchange(struct stk_http *http, const struct hop *hop,
                            struct stk_http_reply *reply, struct stk_error *err)
{
    size_t bytes_max = hop->request->bytes_max;
    struct sink sink = { .reply = reply,
                         .bytes_max = bytes_max > 0 ? bytes_max : BODY_BYTES_USUAL };
    STK_CLEANUP(stk_freep) char *what = make_what(hop, stk_buf_str(&reply->url));
    stk_buf_clear(&reply->body);
    stk_buf_clear(&reply->headers);

    set_up(http, hop, &sink);
    enum stk_rc rc = stk_transfer_run(http, what, err);
    take_facts(http, &sink);
    if (rc != STK_OK) return fail_exchange(&sink, what, rc, err);
    take_headers(http, reply);
    return STK_OK;
}

/* --- redirects ----------------------------------------------------------- */

static bool is_same_host(const char *a, const char *b)
{
    struct stk_url left, right;
    stk_url_split(a, &left);
    stk_url_split(b, &right);
    return left.authority.len == right.authority.len &&
           memcmp(left.authority.text, right.authority.text, left.authority.len) == 0;
}

static bool is_same_scheme(const char *a, const char *b)
{
    size_t len = strcspn(a, ":");
    return strcspn(b, ":") == len && memcmp(a, b, len) == 0;
}

/* Where the reply sends us; NULL when nowhere, or where we do not go. */
static char *target_of(const struct stk_http_reply *reply)
{
    char location[4096];
    bool redirects = reply->status == 301 || reply->status == 302 || reply->status == 303 ||
                     reply->status == 307 || reply->status == 308;
    if (!redirects) return NULL;
    if (stk_http_reply_header(reply, "location", 0, location, sizeof location) == NULL) return NULL;
    if (strlen(location) == sizeof location - 1) return NULL; /* cut */

    char *target = NULL;
    const char *from = stk_buf_str(&reply->url);
    if (stk_url_resolve(from, location, &target, NULL) != STK_OK) return NULL;
    if (!is_same_scheme(from, target)) stk_freep(&target);
    return target;
}

/* The next step, after RFC 9110: 303 always becomes a GET, 301 and 302 do for a
 * POST, as all clients have it. A body goes to no other host, as headers do. */
static bool follow(struct hop *hop, struct stk_http_reply *reply)
{
    STK_CLEANUP(stk_freep) char *target = target_of(reply);
    if (target == NULL) return false;

    bool is_head = strcmp(hop->method, "HEAD") == 0;
    bool becomes_get =
        reply->status == 303 || (reply->status <= 302 && strcmp(hop->method, "POST") == 0);
    bool is_elsewhere = !is_same_host(stk_buf_str(&reply->url), target);
    if (is_elsewhere && hop->with_body && !becomes_get) return false;

    if (becomes_get && !is_head) hop->method = "GET";
    if (becomes_get) hop->with_body = false;
    if (is_elsewhere) hop->with_headers = false;
    stk_buf_clear(&reply->url);
    stk_buf_adds(&reply->url, target);
    return true;
}

static enum stk_rc exchange_all(struct stk_http *http, const struct stk_http_request *request,
                                struct stk_http_reply *reply, struct stk_error *err)
{
    struct hop hop = {
        .request = request,
        .method = request->method != NULL ? request->method : "GET",
        .with_headers = true,
        .with_body = request->body != NULL,
    };
    for (unsigned left = request->redirects_max;; left--) {
        enum stk_rc rc = exchange(http, &hop, reply, err);
        if (rc != STK_OK || left == 0 || !follow(&hop, reply)) return rc;
        stk_transfer_again(http);
    }
}

enum stk_rc stk_http_run(struct stk_http *http, const struct stk_http_request *request,
                         struct stk_http_reply *reply, struct stk_error *err)
{
    STK_CLEANUP(stk_freep) char *url = NULL;
    clear_reply(reply);
    enum stk_rc rc = check_request(request, err);
    if (rc == STK_OK) rc = stk_url_resolve(request->url, request->url, &url, err);
    if (rc == STK_OK) rc = stk_transfer_begin(http, request->timeout_ns, err);
    if (rc != STK_OK) return rc;

    stk_buf_adds(&reply->url, url);
    rc = exchange_all(http, request, reply, err);
    stk_transfer_end(http);
    return rc;
}
