/* SPDX-License-Identifier: MIT */
#include "base/url.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/http.h"

enum { URL_BYTES_MAX = 16 * 1024, HOST_BYTES_MAX = 255, PORT_MAX = 65535 };

static bool is_one_of(char c, const char *set)
{
    return c != '\0' && strchr(set, c) != NULL;
}

static bool is_alnum(char c)
{
    return isalnum((unsigned char)c) && (unsigned char)c < 0x80;
}

bool stk_span_is(struct stk_span span, const char *word)
{
    return span.text != NULL && span.len == strlen(word) &&
           strncasecmp(span.text, word, span.len) == 0;
}

/* --- taking apart (RFC 3986, appendix B) --------------------------------- */

/* The length of a scheme in front of a colon; 0: there is none. */
static size_t scheme_len(const char *text)
{
    size_t len = 0;
    if (!isalpha((unsigned char)text[0])) return 0;
    while (is_alnum(text[len]) || is_one_of(text[len], "+-.")) {
        len++;
    }
    return text[len] == ':' ? len : 0;
}

static struct stk_span take(const char **at, const char *until)
{
    struct stk_span span = { *at, strcspn(*at, until) };
    *at += span.len;
    return span;
}

void stk_url_split(const char *text, struct stk_url *ret)
{
    const char *at = text;
    *ret = (struct stk_url){ .scheme = { NULL, 0 } };
    size_t len = scheme_len(at);
    if (len > 0) {
        ret->scheme = (struct stk_span){ at, len };
        at += len + 1;
    }
    if (strncmp(at, "//", 2) == 0) {
        at += 2;
        ret->authority = take(&at, "/?#");
    }
    ret->path = take(&at, "?#");
    if (*at == '?') {
        at++;
        ret->query = take(&at, "#");
    }
}

static bool is_port(const char *text, size_t len)
{
    unsigned port = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9') return false;
        port = port * 10 + (unsigned)(text[i] - '0');
        if (port > PORT_MAX) return false;
    }
    return port > 0;
}

/* The length of the host at the start of an authority; 0: none can be seen. */
static size_t host_len(const char *text, size_t len)
{
    size_t i = 0;
    if (len > 0 && text[0] == '[') {
        for (i = 1; i < len && (isxdigit((unsigned char)text[i]) || is_one_of(text[i], ":."));
             i++) {
        }
        return i > 2 && i < len && text[i] == ']' ? i + 1 : 0;
    }
    while (i < len && (is_alnum(text[i]) || is_one_of(text[i], "-_."))) {
        i++;
    }
    return i;
}

bool stk_url_is_authority(struct stk_span authority)
{
    size_t len = host_len(authority.text, authority.len);
    if (len == 0 || len > HOST_BYTES_MAX) return false;
    if (len == authority.len) return true;
    return authority.text[len] == ':' && is_port(authority.text + len + 1, authority.len - len - 1);
}

/* --- putting together (section 5.2) -------------------------------------- */

static void add_lower(struct stk_buf *out, struct stk_span span)
{
    for (size_t i = 0; i < span.len; i++) {
        stk_buf_addc(out, (char)tolower((unsigned char)span.text[i]));
    }
}

/* What a Location header often holds although it may not stand in a URL. */
static void add_legal(struct stk_buf *out, struct stk_span span)
{
    for (size_t i = 0; i < span.len; i++) {
        unsigned char c = (unsigned char)span.text[i];
        bool is_legal = c > ' ' && c < 0x7F && !is_one_of((char)c, "\"<>\\^`{|}");
        if (is_legal) stk_buf_addc(out, (char)c);
        if (!is_legal) stk_buf_addf(out, "%%%02X", c);
    }
}

/* "..": what has been added behind `start` loses its last segment. */
static void drop_segment(struct stk_buf *out, size_t start)
{
    while (out->len > start && out->data[out->len - 1] != '/') {
        out->len--;
    }
    if (out->len > start) out->len--;
}

/* Section 5.2.4, segment by segment. A path always begins with a slash here. */
static void add_path(struct stk_buf *out, const char *path)
{
    const size_t start = out->len;
    while (*path == '/') {
        const char *segment = path + 1;
        size_t len = strcspn(segment, "/");
        bool is_last = segment[len] == '\0';
        bool is_up = len == 2 && memcmp(segment, "..", 2) == 0;
        bool is_here = len == 1 && *segment == '.';
        path = segment + len;

        if (is_up) drop_segment(out, start);
        if (!is_up && !is_here) {
            stk_buf_addc(out, '/');
            add_legal(out, (struct stk_span){ segment, len });
        } else if (is_last) {
            stk_buf_addc(out, '/');
        }
    }
}

/* Section 5.2.3: a relative path replaces what follows the last slash. */
static char *merge_paths(struct stk_span base, struct stk_span ref)
{
    size_t kept = base.len;
    while (kept > 0 && base.text[kept - 1] != '/') {
        kept--;
    }
    if (kept == 0) return stk_format("/%.*s", (int)ref.len, ref.text);
    return stk_format("%.*s%.*s", (int)kept, base.text, (int)ref.len, ref.text);
}

static char *rooted(struct stk_span path)
{
    const char *slash = path.len > 0 && *path.text == '/' ? "" : "/";
    return stk_format("%s%.*s", slash, (int)path.len, path.text);
}

/* *target becomes the URL that ref means; its path is made. */
static char *transform(const struct stk_url *base, const struct stk_url *ref,
                       struct stk_url *target)
{
    *target = *ref;
    if (ref->scheme.text != NULL) return rooted(ref->path);
    target->scheme = base->scheme;
    if (ref->authority.text != NULL) return rooted(ref->path);
    target->authority = base->authority;
    if (ref->path.len == 0) {
        if (ref->query.text == NULL) target->query = base->query;
        return rooted(base->path);
    }
    return *ref->path.text == '/' ? rooted(ref->path) : merge_paths(base->path, ref->path);
}

static bool is_clean(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7F) return false;
    }
    return true;
}

static enum stk_rc check(const struct stk_url *url, struct stk_error *err)
{
    if (!stk_span_is(url->scheme, "http") && !stk_span_is(url->scheme, "https")) {
        return stk_fail(err, STK_INVALID, "the address does not begin with http:// or https://");
    }
    if (url->authority.text == NULL || url->authority.len == 0) {
        return stk_fail(err, STK_INVALID, "the address names no host");
    }
    if (memchr(url->authority.text, '@', url->authority.len) != NULL) {
        return stk_fail(err, STK_INVALID, "the address holds a user name: give it apart");
    }
    if (!stk_url_is_authority(url->authority)) {
        return stk_fail(err, STK_INVALID,
                        "the host of the address is no name or IP address, or its port no number");
    }
    return STK_OK;
}

enum stk_rc stk_url_resolve(const char *base, const char *ref, char **ret, struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf out = STK_BUF_INIT;
    struct stk_url from, to, url;
    if (!is_clean(base) || !is_clean(ref)) {
        return stk_fail(err, STK_INVALID, "the address holds a control character");
    }
    if (strlen(base) > URL_BYTES_MAX || strlen(ref) > URL_BYTES_MAX) {
        return stk_fail(err, STK_INVALID, "the address is over %d KiB", URL_BYTES_MAX / 1024);
    }

    stk_url_split(base, &from);
    stk_url_split(ref, &to);
    STK_CLEANUP(stk_freep) char *path = transform(&from, &to, &url);
    enum stk_rc rc = check(&url, err);
    if (rc != STK_OK) return rc;

    add_lower(&out, url.scheme);
    stk_buf_adds(&out, "://");
    add_lower(&out, url.authority);
    add_path(&out, path);
    if (url.query.text != NULL) {
        stk_buf_addc(&out, '?');
        add_legal(&out, url.query);
    }
    *ret = stk_buf_take(&out);
    return STK_OK;
}

void stk_url_add_escaped(struct stk_buf *buf, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool is_plain = is_alnum(text[i]) || is_one_of(text[i], "-._~");
        if (is_plain) stk_buf_addc(buf, text[i]);
        if (!is_plain) stk_buf_addf(buf, "%%%02X", (unsigned char)text[i]);
    }
}

static bool is_same_span(struct stk_span a, struct stk_span b)
{
    return a.text != NULL && b.text != NULL && a.len == b.len &&
           strncasecmp(a.text, b.text, a.len) == 0;
}

bool stk_url_is_same_origin(const char *a, const char *b)
{
    struct stk_url left, right;
    stk_url_split(a, &left);
    stk_url_split(b, &right);
    return is_same_span(left.scheme, right.scheme) && is_same_span(left.authority, right.authority);
}
