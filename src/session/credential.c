/* SPDX-License-Identifier: MIT */
#include "session/credential.h"

#include <math.h>
#include <sodium.h>
#include <string.h>

#include "base/redact.h"
#include "model/lifecycle.h"

enum { JWT_BYTES_MAX = 64 * 1024 };

json_t *stk_credential_object(const struct stk_secret *credential)
{
    json_t *value = NULL;
    const char *bytes = stk_secret_bytes(credential);
    if (stk_json_parse(bytes, stk_secret_len(credential), &value, NULL) != STK_OK) return NULL;
    if (json_is_object(value)) return value;
    json_decref(value);
    return NULL;
}

struct stk_secret *stk_credential_from(const json_t *object)
{
    struct stk_buf text = STK_BUF_INIT;
    stk_json_add(&text, object);
    return stk_secret_take(&text);
}

static bool is_secret(const char *name)
{
    static const char *const open[] = { "token_type", "scope", "user", "path", "domain" };
    for (size_t i = 0; i < STK_ARRAY_LEN(open); i++) {
        if (strcmp(open[i], name) == 0) return false;
    }
    return true;
}

void stk_credential_redact(const json_t *value)
{
    const char *name = NULL;
    json_t *member = NULL;
    if (json_is_string(value)) stk_redact_add(json_string_value(value), json_string_length(value));
    json_object_foreach((json_t *)(uintptr_t)value, name, member)
    {
        if (is_secret(name)) stk_credential_redact(member);
    }
}

/* --- header lines ------------------------------------------------------------- */

static enum stk_rc add_value(struct stk_buf *line, const char *value, size_t len,
                             struct stk_error *err)
{
    while (len > 0 && strchr(" \t\r\n", value[len - 1]) != NULL) {
        len--;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)value[i];
        if (c >= ' ' && c != 0x7f) continue;
        return stk_fail(err, STK_BAD_DATA, "the credential cannot stand in a header line");
    }
    stk_buf_add(line, value, len);
    return STK_OK;
}

/* {secret} is the whole, {NAME} a member or a cookie of it. */
static enum stk_rc add_named(struct stk_buf *line, const char *name,
                             const struct stk_secret *credential, const json_t *object,
                             struct stk_error *err)
{
    if (strcmp(name, "secret") == 0) {
        return add_value(line, stk_secret_bytes(credential), stk_secret_len(credential), err);
    }
    const json_t *value = json_object_get(object, name);
    if (value == NULL) value = json_object_get(json_object_get(object, "cookies"), name);
    if (!json_is_string(value)) {
        return stk_fail(err, STK_BAD_DATA, "the credential has no \"%s\", which `header` names",
                        name);
    }
    return add_value(line, json_string_value(value), json_string_length(value), err);
}

static enum stk_rc add_template(struct stk_buf *line, const char *pattern,
                                const struct stk_secret *credential, const json_t *object,
                                struct stk_error *err)
{
    for (const char *c = pattern; *c != '\0'; c++) {
        const char *end = *c == '{' ? strchr(c, '}') : NULL;
        char name[64];
        size_t len = end != NULL ? (size_t)(end - c - 1) : 0;
        if (len == 0 || len >= sizeof(name)) {
            stk_buf_addc(line, *c);
            continue;
        }
        memcpy(name, c + 1, len);
        name[len] = '\0';
        enum stk_rc rc = add_named(line, name, credential, object, err);
        if (rc != STK_OK) return rc;
        c = end;
    }
    return STK_OK;
}

static enum stk_rc add_cookies(struct stk_buf *line, const json_t *cookies, struct stk_error *err)
{
    const char *name = NULL;
    json_t *value = NULL;
    bool first = true;
    stk_buf_adds(line, "Cookie: ");
    json_object_foreach((json_t *)(uintptr_t)cookies, name, value)
    {
        if (!json_is_string(value)) continue;
        stk_buf_addf(line, "%s%s=", first ? "" : "; ", name);
        first = false;
        enum stk_rc rc = add_value(line, json_string_value(value), json_string_length(value), err);
        if (rc != STK_OK) return rc;
    }
    return STK_OK;
}

static enum stk_rc add_header(struct stk_buf *line, const struct stk_session_spec *spec,
                              const struct stk_secret *credential, const json_t *object,
                              struct stk_error *err)
{
    const json_t *cookies = json_object_get(object, "cookies");
    bool has_token = json_object_get(object, "access_token") != NULL;
    if (spec->header != NULL) return add_template(line, spec->header, credential, object, err);
    if (cookies != NULL) return add_cookies(line, cookies, err);
    if (spec->cookie != NULL) {
        stk_buf_addf(line, "Cookie: %s=", spec->cookie);
        return add_named(line, "secret", credential, object, err);
    }
    stk_buf_adds(line, "Authorization: Bearer ");
    return add_named(line, has_token ? "access_token" : "secret", credential, object, err);
}

enum stk_rc stk_credential_headers(const struct stk_session_spec *spec,
                                   const struct stk_secret *credential, struct stk_secret **ret,
                                   struct stk_error *err)
{
    STK_CLEANUP(stk_buf_wipep) struct stk_buf line = STK_BUF_INIT;
    STK_CLEANUP(stk_json_freep) json_t *object = stk_credential_object(credential);
    enum stk_rc rc = add_header(&line, spec, credential, object, err);
    if (rc != STK_OK) return rc;
    stk_buf_addc(&line, '\n');
    *ret = stk_secret_take(&line);
    return STK_OK;
}

/* --- JSON web tokens ------------------------------------------------------------ */

/* HEADER.CLAIMS.SIGNATURE; the claims are base64url of a JSON object. */
static stk_time_ns expiry_of_token(const char *text, size_t len)
{
    const char *dot = memchr(text, '.', len);
    if (dot == NULL || len > JWT_BYTES_MAX) return STK_NEVER;
    const char *claims = dot + 1;
    const char *end = memchr(claims, '.', len - (size_t)(claims - text));
    if (end == NULL || end == claims) return STK_NEVER;

    STK_CLEANUP(stk_buf_wipep) struct stk_buf plain = STK_BUF_INIT;
    STK_CLEANUP(stk_json_freep) json_t *object = NULL;
    size_t plain_len = 0, claims_len = (size_t)(end - claims);
    stk_buf_reserve(&plain, claims_len);
    if (sodium_base642bin((unsigned char *)plain.data, claims_len, claims, claims_len, NULL,
                          &plain_len, NULL, sodium_base64_VARIANT_URLSAFE_NO_PADDING) != 0) {
        return STK_NEVER;
    }
    plain.len = plain_len;
    if (stk_json_parse(plain.data, plain_len, &object, NULL) != STK_OK) return STK_NEVER;
    const json_t *exp = json_object_get(object, "exp");
    double seconds = json_is_number(exp) ? json_number_value(exp) : 0;
    if (!(seconds > 0) || seconds > 9e9) return STK_NEVER;
    return (stk_time_ns)floor(seconds) * STK_SECOND;
}

static stk_time_ns expiry_of_value(const json_t *value)
{
    const char *name = NULL;
    json_t *member = NULL;
    if (json_is_string(value)) {
        return expiry_of_token(json_string_value(value), json_string_length(value));
    }
    json_object_foreach((json_t *)(uintptr_t)value, name, member)
    {
        stk_time_ns expiry = expiry_of_value(member);
        if (expiry != STK_NEVER) return expiry;
    }
    return STK_NEVER;
}

stk_time_ns stk_credential_jwt_expiry(const struct stk_secret *credential)
{
    STK_CLEANUP(stk_json_freep) json_t *object = stk_credential_object(credential);
    if (object != NULL) return expiry_of_value(object);
    return expiry_of_token(stk_secret_bytes(credential), stk_secret_len(credential));
}
