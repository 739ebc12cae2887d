/* SPDX-License-Identifier: MIT */
#include "base/curl.h"

#include <pthread.h>
#include <stdio.h>

#include "base/late.h"

#define LIBRARY "libcurl.so.4"

static const struct stk_late_row functions[] = {
#define FUNCTION_ROW(name) { "curl_" #name, offsetof(struct stk_curl, name) },
    STK_CURL_MAP(FUNCTION_ROW)
#undef FUNCTION_ROW
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct stk_curl table;
static char why_not[200]; /* "": it is loaded */

static void load(void)
{
    size_t count = STK_ARRAY_LEN(functions);
    if (!stk_late_load(LIBRARY, functions, count, &table, why_not, sizeof(why_not))) return;

    CURLcode code = table.global_init(CURL_GLOBAL_DEFAULT);
    if (code == CURLE_OK) return;
    (void)snprintf(why_not, sizeof(why_not), "%s", table.easy_strerror(code));
}

enum stk_rc stk_curl_load(const struct stk_curl **ret, struct stk_error *err)
{
    (void)pthread_once(&once, load);
    if (*why_not != '\0') {
        return stk_fail(err, STK_UNAVAILABLE, "could not load " LIBRARY " (Debian: libcurl4): %s",
                        why_not);
    }
    *ret = &table;
    return STK_OK;
}
