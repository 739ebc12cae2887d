/* SPDX-License-Identifier: MIT */
#include "store/pg/libpq.h"

#include <pthread.h>

#include "base/late.h"

#define LIBRARY "libpq.so.5"

static const struct stk_late_row functions[] = {
#define FUNCTION_ROW(name) { #name, offsetof(struct stk_pq, name) },
    STK_PQ_MAP(FUNCTION_ROW)
#undef FUNCTION_ROW
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct stk_pq table;
static char why_not[200]; /* "": it is loaded */

static void load(void)
{
    (void)stk_late_load(LIBRARY, functions, STK_ARRAY_LEN(functions), &table, why_not,
                        sizeof(why_not));
}

enum stk_rc stk_pq_load(const struct stk_pq **ret, struct stk_error *err)
{
    (void)pthread_once(&once, load);
    if (*why_not != '\0') {
        return stk_fail(err, STK_UNAVAILABLE, "could not load " LIBRARY " (Debian: libpq5): %s",
                        why_not);
    }
    *ret = &table;
    return STK_OK;
}
