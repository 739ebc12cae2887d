/* SPDX-License-Identifier: MIT */
#include "base/http.h"

#include <string.h>

#include "base/alloc.h"
#include "base/transfer.h"
#include "base/url.h"

struct source {
    const char *bytes;
    size_t len;
};

static size_t on_read(char *room, size_t one, size_t size, void *context)
{
    struct source *source = context;
    (void)one;
    size_t len = source->len < size ? source->len : size;
    memcpy(room, source->bytes, len);
    source->bytes += len;
    source->len -= len;
    return len;
}

/* "a@b", as it stands between "<" and ">": nothing in it may end the command. */
static bool is_address(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c <= ' ' || *c == 0x7F || *c == '<' || *c == '>') return false;
    }
    return *text != '\0';
}

static enum stk_rc check_mail(const struct stk_mail *mail, struct stk_error *err)
{
    struct stk_url url;
    stk_url_split(mail->server, &url);
    bool is_server = (stk_span_is(url.scheme, "smtp") || stk_span_is(url.scheme, "smtps")) &&
                     url.authority.text != NULL && stk_url_is_authority(url.authority) &&
                     (url.path.len == 0 || stk_span_is(url.path, "/")) && url.query.text == NULL;
    if (!is_server) {
        return stk_fail(err, STK_INVALID,
                        "the mail server is not of the form smtp://host:25 or smtps://host");
    }
    if (!is_address(mail->from)) {
        return stk_fail(err, STK_INVALID, "the sender of the mail is no address");
    }
    if (mail->to[0] == NULL) return stk_fail(err, STK_INVALID, "the mail has no recipient");
    for (size_t i = 0; mail->to[i] != NULL; i++) {
        if (!is_address(mail->to[i])) {
            return stk_fail(err, STK_INVALID, "a recipient of the mail is no address");
        }
    }
    return STK_OK;
}

/* SMTP knows CR LF only. */
static void add_lines(struct stk_buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) stk_buf_addc(out, '\r');
        stk_buf_addc(out, text[i]);
    }
    if (len == 0 || text[len - 1] != '\n') stk_buf_adds(out, "\r\n");
}

static void set_up(struct stk_http *http, const struct stk_mail *mail, struct source *source)
{
    long tls = mail->password != NULL ? (long)CURLUSESSL_ALL : (long)CURLUSESSL_TRY;
    STK_TRANSFER_SET(http, CURLOPT_URL, mail->server);
    STK_TRANSFER_SET(http, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    STK_TRANSFER_SET(http, CURLOPT_USE_SSL, tls);
    STK_TRANSFER_SET(http, CURLOPT_MAIL_FROM, mail->from);
    for (size_t i = 0; mail->to[i] != NULL; i++) {
        stk_transfer_list(http, mail->to[i]);
    }
    STK_TRANSFER_SET(http, CURLOPT_MAIL_RCPT, http->list);
    if (mail->user != NULL) STK_TRANSFER_SET(http, CURLOPT_USERNAME, mail->user);
    if (mail->user != NULL && mail->password != NULL) {
        STK_TRANSFER_SET(http, CURLOPT_PASSWORD, stk_secret_bytes(mail->password));
    }
    STK_TRANSFER_SET(http, CURLOPT_UPLOAD, 1L);
    STK_TRANSFER_SET(http, CURLOPT_READFUNCTION, on_read);
    STK_TRANSFER_SET(http, CURLOPT_READDATA, source);
}

/* The number that the server refused with says more than libcurl's code. */
static enum stk_rc add_refusal(struct stk_http *http, const char *what, enum stk_rc rc,
                               struct stk_error *err)
{
    long status = 0;
    (void)http->curl->easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &status);
    if (rc != STK_UNAVAILABLE || status < 400) return rc;
    return stk_fail(err, rc, "%s: the server refused with %ld", what, status);
}

enum stk_rc stk_http_mail(struct stk_http *http, const struct stk_mail *mail, struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    enum stk_rc rc = check_mail(mail, err);
    if (rc == STK_OK) rc = stk_transfer_begin(http, mail->timeout_ns, err);
    if (rc != STK_OK) return rc;

    STK_CLEANUP(stk_freep) char *what = stk_format("mail by %s", mail->server);
    add_lines(&text, mail->message, mail->message_len);
    struct source source = { text.data, text.len };
    set_up(http, mail, &source);
    rc = stk_transfer_run(http, what, err);
    if (rc != STK_OK) rc = add_refusal(http, what, rc, err);
    stk_transfer_end(http);
    return rc;
}
