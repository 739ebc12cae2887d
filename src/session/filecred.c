/* SPDX-License-Identifier: MIT */
#include "session/filecred.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/text.h"
#include "base/timetext.h"
#include "model/lifecycle.h"
#include "session/ccache.h"
#include "session/cookiefile.h"
#include "session/credential.h"

typedef enum stk_rc parse_fn(const struct stk_session_spec *spec, const struct stk_secret *content,
                             struct stk_filecred *ret, struct stk_error *err);

/* --- raw -------------------------------------------------------------------- */

static enum stk_rc parse_raw(const struct stk_session_spec *spec, const struct stk_secret *content,
                             struct stk_filecred *ret, struct stk_error *err)
{
    const char *bytes = stk_secret_bytes(content);
    size_t len = stk_secret_len(content);
    (void)spec;
    while (len > 0 && (bytes[len - 1] == '\n' || bytes[len - 1] == '\r')) {
        len--;
    }
    if (len == 0) return stk_fail(err, STK_BUSY, "has nothing in it yet");
    ret->credential = stk_secret_new(bytes, len);
    ret->expires_at = stk_credential_jwt_expiry(ret->credential);
    return STK_OK;
}

/* --- json ------------------------------------------------------------------- */

static const char *const token_names[] = { "access_token", "accessToken", "token" };
static const char *const end_names[] = { "expiresAt", "expires_at", "expiry" };

static const json_t *find_member(const json_t *object, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const json_t *member = json_object_get(object, names[i]);
        if (member != NULL && !json_is_null(member)) return member;
    }
    return NULL;
}

/* Seconds since 1970, or milliseconds: what would be after the year 5000. */
static bool read_epoch(double number, stk_time_ns *ret)
{
    if (number >= 1e11) number /= 1000;
    if (!(number > 0) || number >= 9e9) return false;
    stk_time_ns whole = (stk_time_ns)number; /* apart: both together are too long for a double */
    *ret = whole * STK_SECOND + (stk_time_ns)((number - (double)whole) * (double)STK_SECOND);
    return true;
}

/* Some tools write "2026-11-24T10:00:00UTC". */
static bool read_time(const char *text, stk_time_ns *ret)
{
    double number = 0;
    char copy[64];
    size_t len = strlen(text);
    if (len >= sizeof(copy)) return false;
    memcpy(copy, text, len + 1);
    char *zone = strstr(copy, "UTC");
    if (zone != NULL && zone[3] == '\0') {
        zone[0] = 'Z';
        zone[1] = '\0';
    }
    if (stk_time_parse(copy, ret)) return true;
    return stk_parse_double(text, &number) && read_epoch(number, ret);
}

static enum stk_rc read_end(const json_t *object, struct stk_filecred *ret, struct stk_error *err)
{
    const json_t *end = find_member(object, end_names, STK_ARRAY_LEN(end_names));
    if (end == NULL) {
        ret->expires_at = stk_credential_jwt_expiry(ret->credential);
        return STK_OK;
    }
    if (json_is_number(end) && read_epoch(json_number_value(end), &ret->expires_at)) return STK_OK;
    if (json_is_string(end) && read_time(json_string_value(end), &ret->expires_at)) return STK_OK;
    return stk_fail(err, STK_BAD_DATA,
                    "says when its token ends, but neither as RFC 3339 nor as seconds since 1970");
}

static enum stk_rc parse_json(const struct stk_session_spec *spec, const struct stk_secret *content,
                              struct stk_filecred *ret, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *object = NULL;
    (void)spec;
    if (stk_json_parse(stk_secret_bytes(content), stk_secret_len(content), &object, NULL) !=
        STK_OK) {
        return stk_fail(err, STK_BUSY, "is not JSON as far as it goes");
    }
    const json_t *token = find_member(object, token_names, STK_ARRAY_LEN(token_names));
    if (!json_is_string(token) || json_string_length(token) == 0) {
        return stk_fail(err, STK_BAD_DATA,
                        "has no accessToken, access_token or token: is it the right file?");
    }
    STK_CLEANUP(stk_json_freep) json_t *credential = json_object();
    (void)json_object_set_new(credential, "access_token", json_string(json_string_value(token)));
    ret->credential = stk_credential_from(credential);
    return read_end(object, ret, err);
}

/* --- the others ------------------------------------------------------------- */

/* The cache itself: a program that wants one reads it from its descriptor, with
 * KRB5CCNAME=FILE:/dev/fd/4. */
static enum stk_rc parse_kerberos(const struct stk_session_spec *spec,
                                  const struct stk_secret *content, struct stk_filecred *ret,
                                  struct stk_error *err)
{
    struct stk_ccache cache;
    (void)spec;
    enum stk_rc rc =
        stk_ccache_read(stk_secret_bytes(content), stk_secret_len(content), &cache, err);
    if (rc != STK_OK) return rc;
    ret->credential = stk_secret_new(stk_secret_bytes(content), stk_secret_len(content));
    ret->expires_at = cache.ends_at;
    ret->deadline_at = cache.renew_until != STK_NEVER ? cache.renew_until : 0;
    return STK_OK;
}

static enum stk_rc parse_cookies(const struct stk_session_spec *spec,
                                 const struct stk_secret *content, struct stk_filecred *ret,
                                 struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *credential = json_object();
    const struct stk_cookie_wish wish = { .name = spec->cookie, .url = spec->url };
    json_t *cookies = NULL;
    enum stk_rc rc = stk_cookiefile_read(stk_secret_bytes(content), stk_secret_len(content), &wish,
                                         &cookies, &ret->expires_at, err);
    if (rc != STK_OK) return rc;
    (void)json_object_set_new(credential, "cookies", cookies);
    ret->credential = stk_credential_from(credential);
    return STK_OK;
}

static const struct format {
    const char *name;
    parse_fn *parse;
    bool is_open_ended;
} formats[] = {
    { "raw", parse_raw, true },
    { "json", parse_json, false },
    { "kerberos", parse_kerberos, false },
    { "cookies", parse_cookies, true },
};

static const struct format *format_of(const struct stk_session_spec *spec)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(formats); i++) {
        if (spec->format != NULL && strcmp(formats[i].name, spec->format) == 0) return &formats[i];
    }
    return &formats[0];
}

bool stk_filecred_is_open_ended(const struct stk_session_spec *spec)
{
    return format_of(spec)->is_open_ended;
}

enum stk_rc stk_filecred_parse(const struct stk_session_spec *spec,
                               const struct stk_secret *content, struct stk_filecred *ret,
                               struct stk_error *err)
{
    ret->expires_at = STK_NEVER;
    ret->deadline_at = 0;
    if (stk_secret_len(content) == 0) return stk_fail(err, STK_BUSY, "has nothing in it yet");
    return format_of(spec)->parse(spec, content, ret, err);
}

/* --- the file --------------------------------------------------------------- */

void stk_filecred_release(struct stk_filecred *cred)
{
    stk_secret_free(cred->credential);
    cred->credential = NULL;
}

static stk_time_ns time_of(struct timespec time)
{
    return (stk_time_ns)time.tv_sec * STK_SECOND + time.tv_nsec;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size &&
           time_of(a->st_mtim) == time_of(b->st_mtim);
}

/* Between two looks that agree: else somebody has written meanwhile. */
static enum stk_rc read_content(const char *path, struct stk_secret **ret, struct stat *ret_info,
                                struct stk_error *err)
{
    STK_CLEANUP(stk_secret_freep) struct stk_secret *content = NULL;
    struct stat after;
    if (stat(path, ret_info) != 0) {
        return stk_fail(err, STK_BAD_CONFIG, "could not read %s: %s", path, strerror(errno));
    }
    enum stk_rc rc = stk_secret_read_file_whole(path, &content, err);
    if (rc != STK_OK) return rc;
    if (stat(path, &after) != 0 || !is_same(ret_info, &after)) {
        return stk_fail(err, STK_BUSY, "%s is being written", path);
    }
    *ret = content;
    content = NULL;
    return STK_OK;
}

static void hash_content(const struct stk_secret *content, char ret_hash[STK_FILECRED_HASH_TEXT])
{
    unsigned char hash[(STK_FILECRED_HASH_TEXT - 1) / 2];
    (void)crypto_generichash(hash, sizeof(hash), (const unsigned char *)stk_secret_bytes(content),
                             stk_secret_len(content), NULL, 0);
    (void)sodium_bin2hex(ret_hash, STK_FILECRED_HASH_TEXT, hash, sizeof(hash));
}

enum stk_rc stk_filecred_read(const struct stk_session_spec *spec, struct stk_filecred *ret,
                              struct stk_error *err)
{
    assert(spec->file != NULL && err != NULL);
    STK_CLEANUP(stk_secret_freep) struct stk_secret *content = NULL;
    STK_CLEANUP(stk_filecred_release) struct stk_filecred found = { .credential = NULL };
    struct stat info;
    enum stk_rc rc = read_content(spec->file, &content, &info, err);
    if (rc != STK_OK) return rc;
    if (stk_filecred_parse(spec, content, &found, err) != STK_OK) {
        return stk_fail_at(err, "%s ", spec->file);
    }

    hash_content(content, found.hash);
    found.inode = (uint64_t)info.st_ino;
    found.written_at = time_of(info.st_mtim);
    *ret = found;
    found.credential = NULL;
    return STK_OK;
}
