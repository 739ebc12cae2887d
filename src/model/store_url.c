/* SPDX-License-Identifier: MIT */
#include "model/store_url.h"

#include <string.h>

#include "base/alloc.h"
#include "model/shown.h"
#include "model/task_config.h"

#define SQLITE_PREFIX "sqlite:"

static const char *const prefixes[] = { SQLITE_PREFIX, "postgresql://", "postgres://" };

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool has_form(const char *url)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(prefixes); i++) {
        if (starts_with(url, prefixes[i]) && url[strlen(prefixes[i])] != '\0') return true;
    }
    return false;
}

/* USER:PASSWORD@ before the first slash, or a parameter password=. The engine
 * asks libpq the same question; here it is asked before anything shows the URL. */
static bool holds_password(const char *url)
{
    if (starts_with(url, SQLITE_PREFIX)) return false;
    const char *rest = strstr(url, "://");
    rest = rest != NULL ? rest + strlen("://") : url;

    size_t len = strcspn(rest, "/?");
    const char *at = memchr(rest, '@', len);
    const char *colon = memchr(rest, ':', len);
    if (at != NULL && colon != NULL && colon + 1 < at) return true;

    const char *query = strchr(rest, '?');
    return query != NULL && (starts_with(query, "?password=") || strstr(query, "&password="));
}

enum stk_rc stk_store_url_check_secret(const char *url, struct stk_error *err)
{
    if (!holds_password(url)) return STK_OK;
    return stk_fail(err, STK_BAD_CONFIG,
                    "the store's URL holds a password, which others could read: put it into "
                    "~/.pgpass, or a file of mode 0600 named by passfile=FILE");
}

enum stk_rc stk_store_url_check(const char *url, struct stk_error *err)
{
    enum stk_rc rc = stk_store_url_check_secret(url, err);
    if (rc != STK_OK || has_form(url)) return rc;
    STK_CLEANUP(stk_freep) char *shown = stk_shown(url);
    return stk_fail(err, STK_BAD_CONFIG,
                    "\"%s\" is not a store: write sqlite:PATH or "
                    "postgresql://USER@HOST/DATABASE",
                    shown);
}

char *stk_store_url_make(const char *base, const char *url)
{
    if (!starts_with(url, SQLITE_PREFIX)) return stk_strdup(url);
    STK_CLEANUP(stk_freep) char *path = stk_path_under(base, url + strlen(SQLITE_PREFIX));
    return stk_format(SQLITE_PREFIX "%s", path);
}

char *stk_store_url_make_logs(const char *url, const char *dir)
{
    bool is_sqlite = starts_with(url, SQLITE_PREFIX);
    if (is_sqlite) return stk_format("%s.logs", url + strlen(SQLITE_PREFIX));
    return stk_path_under(dir, "stoker.logs");
}
