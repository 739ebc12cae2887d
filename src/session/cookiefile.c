/* SPDX-License-Identifier: MIT */
#include "session/cookiefile.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/secret.h"
#include "base/text.h"
#include "model/lifecycle.h"

static const double EPOCH_S_MAX = 9e9; /* some hundred years */

struct cookie {
    const char *name, *value, *domain; /* domain NULL: any */
    double expires_s;                  /* 0 and less: with the browser */
};

struct pick {
    const char *name;
    char *host; /* or NULL */
    json_t *found;
    stk_time_ns last_end; /* 0: none yet */
    bool has_endless;
    size_t seen;
};

/* --- picking ---------------------------------------------------------------- */

/* "https://user@lab.example:8443/x" is read as far as its host. */
static char *host_of(const char *url)
{
    const char *from = url != NULL ? strstr(url, "://") : NULL;
    if (from == NULL) return NULL;
    from += 3;
    size_t len = strcspn(from, "/?#");
    char *authority = stk_strndup(from, len);
    char *colon = strrchr(authority, ':');
    if (colon != NULL && strchr(colon, ']') == NULL) *colon = '\0';
    return authority;
}

static bool goes_to(const char *domain, const char *host)
{
    if (domain == NULL || host == NULL) return true;
    if (*domain == '.') domain++;
    size_t domain_len = strlen(domain), host_len = strlen(host);
    if (domain_len == 0 || domain_len > host_len) return false;
    const char *end = host + host_len - domain_len;
    return strcasecmp(end, domain) == 0 && (end == host || end[-1] == '.');
}

static void offer(struct pick *pick, const struct cookie *cookie)
{
    pick->seen++;
    if (cookie->name == NULL || cookie->value == NULL || *cookie->name == '\0') return;
    if (pick->name != NULL && strcmp(pick->name, cookie->name) != 0) return;
    if (!goes_to(cookie->domain, pick->host)) return;
    if (json_object_set_new(pick->found, cookie->name, json_string(cookie->value)) != 0) return;

    bool ends = cookie->expires_s > 0 && cookie->expires_s < EPOCH_S_MAX;
    stk_time_ns end = ends ? (stk_time_ns)cookie->expires_s * STK_SECOND : 0;
    if (!ends) pick->has_endless = true;
    if (end > pick->last_end) pick->last_end = end;
}

/* --- cookies.txt ------------------------------------------------------------ */

enum { COLUMNS = 7 };

/* domain, with subdomains, path, secure, expires, name, value. */
static bool offer_line(struct pick *pick, char *line)
{
    static const char http_only[] = "#HttpOnly_";
    char *column[COLUMNS] = { line };
    if (strncmp(line, http_only, strlen(http_only)) == 0) {
        column[0] = line + strlen(http_only);
    } else if (*line == '#' || *line == '\0') {
        return true;
    }
    for (size_t i = 1; i < COLUMNS; i++) {
        char *tab = strchr(column[i - 1], '\t');
        if (tab == NULL) return false;
        *tab = '\0';
        column[i] = tab + 1;
    }
    struct cookie cookie = { .name = column[5], .value = column[6], .domain = column[0] };
    if (!stk_parse_double(column[4], &cookie.expires_s)) return false;
    offer(pick, &cookie);
    return true;
}

static enum stk_rc read_lines(struct pick *pick, const char *text, size_t len,
                              struct stk_error *err)
{
    STK_CLEANUP(stk_buf_wipep) struct stk_buf copy = STK_BUF_INIT;
    stk_buf_reserve(&copy, len);
    stk_buf_add(&copy, text, len);
    char *rest = copy.data;
    bool ends = len > 0 && text[len - 1] == '\n';
    for (size_t number = 1; rest != NULL; number++) {
        char *line = strsep(&rest, "\n");
        line[strcspn(line, "\r")] = '\0';
        if (offer_line(pick, line)) continue;
        bool is_cut = rest == NULL && !ends;
        return is_cut ? stk_fail(err, STK_BUSY, "ends in the middle of a line")
                      : stk_fail(err, STK_BAD_DATA, "line %zu is none of a cookies.txt", number);
    }
    return STK_OK;
}

/* --- JSON ------------------------------------------------------------------- */

static void offer_object(struct pick *pick, const json_t *object)
{
    const json_t *end = json_object_get(object, "expirationDate");
    if (end == NULL) end = json_object_get(object, "expires");
    const struct cookie cookie = {
        .name = json_string_value(json_object_get(object, "name")),
        .value = json_string_value(json_object_get(object, "value")),
        .domain = json_string_value(json_object_get(object, "domain")),
        .expires_s = json_number_value(end),
    };
    offer(pick, &cookie);
}

static void offer_map(struct pick *pick, const json_t *map)
{
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)map, name, value)
    {
        const struct cookie cookie = { .name = name, .value = json_string_value(value) };
        offer(pick, &cookie);
    }
}

static enum stk_rc read_json(struct pick *pick, const char *text, size_t len, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *value = NULL;
    if (stk_json_parse(text, len, &value, NULL) != STK_OK) {
        return stk_fail(err, STK_BUSY, "is not JSON as far as it goes");
    }
    const json_t *cookies = json_is_object(value) ? json_object_get(value, "cookies") : value;
    if (json_is_object(cookies)) offer_map(pick, cookies);
    for (size_t i = 0; i < json_array_size(cookies); i++) {
        offer_object(pick, json_array_get(cookies, i));
    }
    if (json_is_object(cookies) || json_is_array(cookies)) return STK_OK;
    return stk_fail(err, STK_BAD_DATA, "is JSON, but no export of cookies");
}

/* --- both ------------------------------------------------------------------- */

static enum stk_rc judge(const struct pick *pick, struct stk_error *err)
{
    if (json_object_size(pick->found) > 0) return STK_OK;
    if (pick->seen == 0) return stk_fail(err, STK_BUSY, "has no cookie yet");
    if (pick->name != NULL) {
        return stk_fail(err, STK_BAD_DATA, "has no cookie \"%s\"%s%s", pick->name,
                        pick->host != NULL ? " for " : "", pick->host != NULL ? pick->host : "");
    }
    return stk_fail(err, STK_BAD_DATA, "has no cookie for %s",
                    pick->host != NULL ? pick->host : "anybody");
}

enum stk_rc stk_cookiefile_read(const char *text, size_t len, const struct stk_cookie_wish *wish,
                                json_t **ret, stk_time_ns *ret_expires_at, struct stk_error *err)
{
    STK_CLEANUP(stk_freep) char *host = host_of(wish->url);
    STK_CLEANUP(stk_json_freep) json_t *found = json_object();
    struct pick pick = { .name = wish->name, .host = host, .found = found };
    size_t blanks = strspn(text, " \t\r\n");
    bool is_json = text[blanks] == '[' || text[blanks] == '{';
    enum stk_rc rc = is_json ? read_json(&pick, text, len, err) : read_lines(&pick, text, len, err);
    if (rc == STK_OK) rc = judge(&pick, err);
    if (rc != STK_OK) return rc;

    *ret = json_incref(found);
    *ret_expires_at = pick.has_endless ? STK_NEVER : pick.last_end;
    return STK_OK;
}
