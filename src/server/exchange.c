/* SPDX-License-Identifier: MIT */
#include "server/exchange.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "model/shown.h"
#include "server/mhd.h"

#define PREFIX       "/api/v1"
#define CONTENT_JSON "application/json"

struct stk_exchange {
    char *path;  /* below PREFIX; NULL: it is not below it */
    char *uri;   /* without the query */
    char *query; /* or NULL */
    struct stk_buf body;
    bool admitted;
    bool is_too_large; /* the rest of the body was dropped */
    bool counted;
};

struct stk_exchange *stk_exchange_begin(const char *uri)
{
    struct stk_exchange *exchange = stk_alloc(sizeof *exchange);
    size_t path_len = strcspn(uri, "?");
    size_t prefix_len = strlen(PREFIX);

    exchange->uri = stk_strndup(uri, path_len);
    if (uri[path_len] == '?') exchange->query = stk_strdup(uri + path_len + 1);
    if (strncmp(exchange->uri, PREFIX "/", prefix_len + 1) == 0) {
        exchange->path = stk_strdup(exchange->uri + prefix_len);
    }
    return exchange;
}

void stk_exchange_free(struct stk_exchange *exchange)
{
    if (exchange == NULL) return;
    stk_freep(&exchange->path);
    stk_freep(&exchange->uri);
    stk_freep(&exchange->query);
    stk_buf_release(&exchange->body);
    free(exchange);
}

bool stk_exchange_is_admitted(const struct stk_exchange *exchange)
{
    return exchange->admitted;
}

bool *stk_exchange_counted(struct stk_exchange *exchange)
{
    return &exchange->counted;
}

/* --- answers ------------------------------------------------------------- */

/* One write of head and body: libmicrohttpd joins them. `text` is given away. */
static enum MHD_Result send_text(struct MHD_Connection *connection, unsigned status, char *text,
                                 size_t len, const char *allow)
{
    struct MHD_Response *response =
        stk_mhd()->create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE);
    if (response == NULL) {
        free(text);
        return MHD_NO;
    }
    (void)stk_mhd()->add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, CONTENT_JSON);
    if (allow != NULL) (void)stk_mhd()->add_response_header(response, MHD_HTTP_HEADER_ALLOW, allow);
    enum MHD_Result sent = stk_mhd()->queue_response(connection, status, response);
    stk_mhd()->destroy_response(response);
    return sent;
}

static enum MHD_Result send_json(struct MHD_Connection *connection, unsigned status,
                                 const json_t *value, const char *allow)
{
    struct stk_buf buf = STK_BUF_INIT;
    stk_json_add(&buf, value);
    stk_buf_addc(&buf, '\n');
    size_t len = buf.len;
    return send_text(connection, status, stk_buf_take(&buf), len, allow);
}

static enum MHD_Result send_error(struct MHD_Connection *connection, unsigned status,
                                  const struct stk_error *why, const char *allow)
{
    STK_CLEANUP(stk_json_freep) json_t *shown = json_object();
    json_t *error = json_object();
    (void)json_object_set_new(shown, "error", error);
    (void)json_object_set_new(error, "code", json_string(stk_rc_name(why->rc)));
    (void)json_object_set_new(error, "message", json_string_nocheck(why->text));
    return send_json(connection, status, shown, allow);
}

enum MHD_Result stk_exchange_refuse(struct MHD_Connection *connection, const struct stk_error *why)
{
    return send_error(connection, (unsigned)stk_rc_http_status(why->rc), why, NULL);
}

/* --- the request --------------------------------------------------------- */

static enum stk_rc check_length(struct MHD_Connection *connection, struct stk_error *err)
{
    const char *text = stk_mhd()->lookup_connection_value(connection, MHD_HEADER_KIND,
                                                          MHD_HTTP_HEADER_CONTENT_LENGTH);
    int64_t length = 0;
    if (text == NULL) return STK_OK; /* chunked: counted as it comes */
    if (!stk_parse_i64(text, &length) || length > STK_BODY_BYTES_MAX) {
        return stk_fail(err, STK_TOO_LARGE, "the body is over %d MiB",
                        STK_BODY_BYTES_MAX / 1024 / 1024);
    }
    return STK_OK;
}

bool stk_exchange_admit(struct stk_exchange *exchange, struct MHD_Connection *connection,
                        const char *method)
{
    struct stk_error why = { .rc = STK_OK };
    exchange->admitted = true;

    if (strcmp(method, "GET") != 0 && strcmp(method, "POST") != 0) {
        (void)stk_fail(&why, STK_INVALID, "only GET and POST are known here");
        (void)send_error(connection, MHD_HTTP_METHOD_NOT_ALLOWED, &why, "GET, POST");
        return false;
    }
    if (check_length(connection, &why) != STK_OK) {
        (void)stk_exchange_refuse(connection, &why);
        return false;
    }
    return true;
}

void stk_exchange_take(struct stk_exchange *exchange, const char *bytes, size_t len)
{
    if (exchange->body.len + len > STK_BODY_BYTES_MAX) exchange->is_too_large = true;
    if (!exchange->is_too_large) stk_buf_add(&exchange->body, bytes, len);
}

static bool is_json(struct MHD_Connection *connection)
{
    const char *type = stk_mhd()->lookup_connection_value(connection, MHD_HEADER_KIND,
                                                          MHD_HTTP_HEADER_CONTENT_TYPE);
    size_t len = strlen(CONTENT_JSON);
    if (type == NULL || strncasecmp(type, CONTENT_JSON, len) != 0) return false;
    return type[len] == '\0' || type[len] == ';' || type[len] == ' ';
}

static enum stk_rc read_body(const struct stk_exchange *exchange, struct MHD_Connection *connection,
                             json_t **ret, struct stk_error *err)
{
    if (exchange->is_too_large) {
        return stk_fail(err, STK_TOO_LARGE, "the body is over %d MiB",
                        STK_BODY_BYTES_MAX / 1024 / 1024);
    }
    if (exchange->body.len == 0) return STK_OK;
    if (!is_json(connection)) {
        return stk_fail(err, STK_INVALID,
                        "the body must be JSON and say so: Content-Type: " CONTENT_JSON);
    }

    struct stk_error cause = { .rc = STK_OK };
    enum stk_rc rc = stk_json_parse(stk_buf_str(&exchange->body), exchange->body.len, ret, &cause);
    if (rc != STK_OK) {
        return stk_fail(err, STK_INVALID, "could not read the body as JSON: %s", cause.text);
    }
    return STK_OK;
}

static enum stk_rc ask(const struct stk_exchange *exchange, struct MHD_Connection *connection,
                       const char *method, const struct stk_api *api, struct stk_visitor *visitor,
                       json_t **ret, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *body = NULL;
    if (exchange->path == NULL) {
        STK_CLEANUP(stk_freep) char *shown = stk_shown(exchange->uri);
        return stk_fail(err, STK_NOT_FOUND, "there is no route %s: they all stand under " PREFIX,
                        shown);
    }
    enum stk_rc rc = read_body(exchange, connection, &body, err);
    if (rc != STK_OK) return rc;

    const char *header = stk_mhd()->lookup_connection_value(connection, MHD_HEADER_KIND,
                                                            MHD_HTTP_HEADER_AUTHORIZATION);
    struct stk_secret *authorization =
        header != NULL ? stk_secret_new(header, strlen(header)) : NULL;
    struct stk_request request = {
        .method = method,
        .path = exchange->path,
        .query = exchange->query,
        .body = body,
        .actor = visitor != NULL ? visitor->actor : NULL,
        .signed_in = visitor != NULL ? &visitor->signed_in : NULL,
        .authorization = authorization,
        .code = stk_mhd()->lookup_connection_value(connection, MHD_HEADER_KIND, STK_CODE_HEADER),
        .now = stk_clock_now(),
    };
    rc = stk_api_call(api, &request, ret, err);
    stk_secret_free(authorization);
    return rc;
}

enum MHD_Result stk_exchange_answer(struct stk_exchange *exchange,
                                    struct MHD_Connection *connection, const char *method,
                                    const struct stk_api *api, struct stk_visitor *visitor)
{
    STK_CLEANUP(stk_json_freep) json_t *value = NULL;
    struct stk_error why = { .rc = STK_OK };

    enum stk_rc rc = ask(exchange, connection, method, api, visitor, &value, &why);
    if (rc == STK_INTERNAL) {
        stk_log(STK_ERROR, "request.failed", "method=%s path=%s text=%s", method, exchange->uri,
                why.text);
    }
    if (rc != STK_OK) return stk_exchange_refuse(connection, &why);
    return send_json(connection, MHD_HTTP_OK, value, NULL);
}
