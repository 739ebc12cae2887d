/* SPDX-License-Identifier: MIT
 *
 * A mail by SMTP, in plain text.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/rand.h"
#include "session/courier.h"

enum { TEXT_MAX = 64 * 1024, LINE_MAX_QP = 72 };

/* RFC 5322 wants English names, whatever the locale. */
static void add_date(struct stk_buf *mail, stk_time_ns now)
{
    static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    time_t seconds = (time_t)(now / STK_SECOND);
    struct tm at;
    if (gmtime_r(&seconds, &at) == NULL) return;
    stk_buf_addf(mail, "Date: %s, %d %s %d %02d:%02d:%02d +0000\n", days[at.tm_wday], at.tm_mday,
                 months[at.tm_mon], at.tm_year + 1900, at.tm_hour, at.tm_min, at.tm_sec);
}

static void add_header(struct stk_buf *mail, const char *name, const char *value)
{
    stk_buf_addf(mail, "%s: ", name);
    for (const char *c = value; *c != '\0'; c++) {
        bool is_plain = *c >= ' ' && *c != 0x7f; /* nothing that could begin another header */
        stk_buf_addc(mail, is_plain ? *c : '?');
    }
    stk_buf_addc(mail, '\n');
}

static void add_to(struct stk_buf *mail, char *const *to)
{
    stk_buf_adds(mail, "To: ");
    for (size_t i = 0; to[i] != NULL; i++) {
        stk_buf_addf(mail, "%s%s", i == 0 ? "" : ",\n ", to[i]);
    }
    stk_buf_addc(mail, '\n');
}

/* Quoted-printable: a link may be longer than a line of a mail. */
static void add_body(struct stk_buf *mail, const char *text)
{
    size_t column = 0;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\n') {
            stk_buf_addc(mail, '\n');
            column = 0;
            continue;
        }
        if (column >= LINE_MAX_QP) {
            stk_buf_adds(mail, "=\n");
            column = 0;
        }
        bool ends_line = c[1] == '\n' || c[1] == '\0';
        bool is_plain = *c > ' ' && *c < 0x7f && *c != '=';
        if (is_plain || (*c == ' ' && !ends_line)) {
            stk_buf_addc(mail, *c);
            column++;
        } else {
            stk_buf_addf(mail, "=%02X", (unsigned)(unsigned char)*c);
            column += 3;
        }
    }
    stk_buf_addc(mail, '\n');
}

static void fill(const struct stk_delivery *delivery, struct stk_buf *mail)
{
    const struct stk_channel *channel = delivery->channel;
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    STK_CLEANUP(stk_freep)
    char *subject =
        stk_format("[stoker] %s: %s", delivery->message->event,
                   delivery->message->subject != NULL ? delivery->message->subject : "");
    add_date(mail, delivery->now);
    add_header(mail, "From", channel->from);
    add_to(mail, channel->to);
    add_header(mail, "Subject", subject);
    stk_buf_addf(mail, "Message-ID: <%016" PRIx64 ".%016" PRIx64 "@stoker>\n", stk_rand_u64(),
                 stk_rand_u64());
    stk_buf_adds(mail, "Auto-Submitted: auto-generated\n"
                       "MIME-Version: 1.0\n"
                       "Content-Type: text/plain; charset=utf-8\n"
                       "Content-Transfer-Encoding: quoted-printable\n\n");
    stk_delivery_text(delivery, TEXT_MAX, &text);
    add_body(mail, stk_buf_str(&text));
}

enum stk_rc stk_channel_mail(const struct stk_delivery *delivery, struct stk_error *err)
{
    const struct stk_channel *channel = delivery->channel;
    STK_CLEANUP(stk_buf_release) struct stk_buf mail = STK_BUF_INIT;
    struct stk_secret *password = NULL;
    if (channel->password_file != NULL) {
        enum stk_rc rc = stk_secret_read_file(channel->password_file, &password, err);
        if (rc != STK_OK) return rc;
    }
    fill(delivery, &mail);
    const struct stk_mail order = {
        .server = channel->server,
        .from = channel->from,
        .to = (const char *const *)channel->to,
        .user = channel->user,
        .password = password,
        .message = stk_buf_str(&mail),
        .message_len = mail.len,
        .timeout_ns = channel->timeout_ns,
    };
    enum stk_rc rc = stk_http_mail(delivery->http, &order, err);
    stk_secret_free(password);
    return rc;
}
