/* SPDX-License-Identifier: MIT */
#include "server/mhd.h"

#include <pthread.h>

#include "base/late.h"

#define LIBRARY "libmicrohttpd.so.12"

static const struct stk_late_row functions[] = {
#define FUNCTION_ROW(name) { "MHD_" #name, offsetof(struct stk_mhd, name) },
    STK_MHD_MAP(FUNCTION_ROW)
#undef FUNCTION_ROW
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct stk_mhd table;
static char why_not[200]; /* "": it is loaded */

static void load(void)
{
    size_t count = STK_ARRAY_LEN(functions);
    (void)stk_late_load(LIBRARY, functions, count, &table, why_not, sizeof(why_not));
}

enum stk_rc stk_mhd_load(struct stk_error *err)
{
    (void)pthread_once(&once, load);
    if (*why_not == '\0') return STK_OK;
    return stk_fail(err, STK_UNAVAILABLE,
                    "could not load " LIBRARY " (Debian: libmicrohttpd12): %s", why_not);
}

const struct stk_mhd *stk_mhd(void)
{
    return &table;
}
