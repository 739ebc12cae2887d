/* SPDX-License-Identifier: MIT
 *
 * An HTTP POST, with a body that the receiver understands.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "session/courier.h"

enum { HEADERS_MAX = STK_HTTP_HEADERS_MAX, REPLY_BYTES_MAX = 64 * 1024 };

/* --- bodies ----------------------------------------------------------------- */

static void fill_json(const struct stk_delivery *delivery, const char *text, struct stk_buf *body)
{
    (void)text;
    stk_buf_adds(body, delivery->json);
}

static void fill_text(const struct stk_delivery *delivery, const char *text, struct stk_buf *body)
{
    (void)delivery;
    stk_buf_adds(body, text);
}

/* Slack reads <, > and & as links and mentions. */
static void fill_slack(const struct stk_delivery *delivery, const char *text, struct stk_buf *body)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf plain = STK_BUF_INIT;
    (void)delivery;
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '&')
            stk_buf_adds(&plain, "&amp;");
        else if (*c == '<')
            stk_buf_adds(&plain, "&lt;");
        else if (*c == '>')
            stk_buf_adds(&plain, "&gt;");
        else
            stk_buf_addc(&plain, *c);
    }
    stk_buf_adds(body, "{\"text\":");
    stk_json_add_string(body, stk_buf_str(&plain), plain.len);
    stk_buf_adds(body, ",\"unfurl_links\":false,\"unfurl_media\":false}");
}

static void fill_discord(const struct stk_delivery *delivery, const char *text,
                         struct stk_buf *body)
{
    (void)delivery;
    stk_buf_adds(body, "{\"allowed_mentions\":{\"parse\":[]},\"content\":");
    stk_json_add_string(body, text, strlen(text));
    stk_buf_adds(body, ",\"flags\":4}"); /* no preview: it would open the link */
}

static void fill_telegram(const struct stk_delivery *delivery, const char *text,
                          struct stk_buf *body)
{
    const char *chat = delivery->channel->chat;
    stk_buf_adds(body, "{\"chat_id\":");
    stk_json_add_string(body, chat, strlen(chat));
    stk_buf_adds(body, ",\"disable_web_page_preview\":true,\"text\":");
    stk_json_add_string(body, text, strlen(text));
    stk_buf_adds(body, "}");
}

/* clang-format off */
static const struct form {
    const char *name, *type;
    void (*fill)(const struct stk_delivery *delivery, const char *text, struct stk_buf *body);
    size_t text_max;  /* bytes that the receiver takes */
    bool has_title;   /* ntfy: the event is a header */
    bool in_address;  /* the token is part of the path, as telegram has it */
} forms[] = {
    { "json",     "application/json",          fill_json,     64 * 1024, false, false },
    { "slack",    "application/json",          fill_slack,    30 * 1000, false, false },
    { "discord",  "application/json",          fill_discord,  1900,      false, false },
    { "telegram", "application/json",          fill_telegram, 4000,      false, true  },
    { "ntfy",     "text/plain; charset=utf-8", fill_text,     4000,      true,  false },
};
/* clang-format on */

static const struct form *find_form(const char *name)
{
    for (size_t i = 0; name != NULL && i < STK_ARRAY_LEN(forms); i++) {
        if (strcmp(forms[i].name, name) == 0) return &forms[i];
    }
    return &forms[0];
}

/* --- where to --------------------------------------------------------------- */

/* What is known of a POST; wiped at the end, since address and token are secrets. */
struct post {
    const struct form *form;
    struct stk_secret *token; /* or NULL */
    struct stk_buf url, bearer, body;
    struct stk_buf names; /* of the extra headers, each ended by NUL */
    struct stk_http_header headers[HEADERS_MAX];
    size_t header_count;
    bool is_secret; /* the address */
};

static void release_post(struct post *post)
{
    stk_secret_free(post->token);
    stk_buf_wipe(&post->url);
    stk_buf_wipe(&post->bearer);
    stk_buf_release(&post->body);
    stk_buf_release(&post->names);
}

static bool is_token(const struct stk_secret *token)
{
    const char *bytes = stk_secret_bytes(token);
    size_t len = stk_secret_len(token);
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)bytes[i] <= ' ' || strchr("/?#\x7f", bytes[i]) != NULL) return false;
    }
    return len > 0;
}

static enum stk_rc read_token(const struct stk_channel *channel, struct post *post,
                              struct stk_error *err)
{
    if (channel->token_file == NULL) return STK_OK;
    enum stk_rc rc = stk_secret_read_file(channel->token_file, &post->token, err);
    if (rc != STK_OK) return rc;
    bool fits = !post->form->in_address || is_token(post->token);
    if (fits) return STK_OK;
    return stk_fail(err, STK_BAD_CONFIG, "%s: holds no token of a bot", channel->token_file);
}

static enum stk_rc read_address(const struct stk_channel *channel, struct post *post,
                                struct stk_error *err)
{
    if (channel->url_file != NULL) {
        struct stk_secret *url = NULL;
        enum stk_rc rc = stk_secret_read_file(channel->url_file, &url, err);
        if (rc != STK_OK) return rc;
        stk_buf_add(&post->url, stk_secret_bytes(url), stk_secret_len(url));
        stk_secret_free(url);
    } else {
        stk_buf_adds(&post->url, channel->url);
    }
    post->is_secret = channel->url_file != NULL || post->form->in_address;
    if (!post->form->in_address) return STK_OK;
    bool has_slash = post->url.len > 0 && post->url.data[post->url.len - 1] == '/';
    stk_buf_adds(&post->url, has_slash ? "bot" : "/bot");
    stk_buf_add(&post->url, stk_secret_bytes(post->token), stk_secret_len(post->token));
    stk_buf_adds(&post->url, "/sendMessage");
    return STK_OK;
}

/* --- headers ---------------------------------------------------------------- */

static void add_header(struct post *post, const char *name, const char *value)
{
    if (post->header_count == HEADERS_MAX) return;
    post->headers[post->header_count++] = (struct stk_http_header){ name, value };
}

/* "Name: value" of the settings is taken apart here. */
static void add_given(struct post *post, char *const *given)
{
    for (size_t i = 0; given != NULL && given[i] != NULL; i++) {
        stk_buf_add(&post->names, given[i], strcspn(given[i], ":"));
        stk_buf_addc(&post->names, '\0');
    }
    const char *name = stk_buf_str(&post->names);
    for (size_t i = 0; given != NULL && given[i] != NULL; i++) {
        add_header(post, name, given[i] + strlen(name) + 2);
        name += strlen(name) + 1;
    }
}

static void add_headers(const struct stk_delivery *delivery, struct post *post)
{
    add_header(post, "Content-Type", post->form->type);
    if (post->form->has_title) add_header(post, "Title", delivery->message->event);
    if (post->token != NULL && !post->form->in_address) {
        stk_buf_adds(&post->bearer, "Bearer ");
        stk_buf_add(&post->bearer, stk_secret_bytes(post->token), stk_secret_len(post->token));
        add_header(post, "Authorization", stk_buf_str(&post->bearer));
    }
    add_given(post, delivery->channel->headers);
}

/* --- the request ------------------------------------------------------------ */

/* "hooks.example" of "https://hooks.example:8443/T0/secret". */
static int host_len(const char *url, const char **ret)
{
    const char *host = strstr(url, "://");
    host = host != NULL ? host + 3 : "";
    *ret = host;
    return (int)strcspn(host, "/?#");
}

/* What base/http says names the path, and the path may be the secret. */
static enum stk_rc fail(const struct post *post, const struct stk_error *cause,
                        struct stk_error *err)
{
    const char *host = NULL;
    int len = host_len(stk_buf_str(&post->url), &host);
    if (!post->is_secret || cause->rc == STK_BUSY)
        return stk_fail(err, cause->rc, "%s", cause->text);
    if (cause->rc == STK_INVALID || len == 0) {
        return stk_fail(err, cause->rc, "the file's content is not an address");
    }
    return stk_fail(err, cause->rc, "%.*s gave no answer: %s", len, host, stk_rc_text(cause->rc));
}

static enum stk_rc run(const struct stk_delivery *delivery, const struct post *post,
                       struct stk_error *err)
{
    const struct stk_http_request request = {
        .method = "POST",
        .url = stk_buf_str(&post->url),
        .headers = post->headers,
        .header_count = post->header_count,
        .body = stk_buf_str(&post->body),
        .body_len = post->body.len,
        .timeout_ns = delivery->channel->timeout_ns,
        .bytes_max = REPLY_BYTES_MAX,
        .ca_file = delivery->channel->ca_file,
    };
    struct stk_http_reply reply = { 0 };
    struct stk_error cause = { 0 };
    enum stk_rc rc = stk_http_run(delivery->http, &request, &reply, &cause);
    int status = reply.status;
    stk_http_reply_release(&reply);
    if (rc != STK_OK) return fail(post, &cause, err);
    if (status >= 200 && status < 300) return STK_OK;

    const char *host = NULL;
    int len = host_len(request.url, &host);
    return stk_fail(err, STK_UNAVAILABLE, "%.*s answered %d", len, host, status);
}

enum stk_rc stk_channel_webhook(const struct stk_delivery *delivery, struct stk_error *err)
{
    STK_CLEANUP(release_post)
    struct post post = { .form = find_form(delivery->channel->body) };
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    enum stk_rc rc = read_token(delivery->channel, &post, err);
    if (rc == STK_OK) rc = read_address(delivery->channel, &post, err);
    if (rc != STK_OK) return rc;

    add_headers(delivery, &post);
    stk_delivery_text(delivery, post.form->text_max, &text);
    post.form->fill(delivery, stk_buf_str(&text), &post.body);
    return run(delivery, &post, err);
}
