/* SPDX-License-Identifier: MIT */
#include "server/mhd.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define LIBRARY "libmicrohttpd.so.12"

static const struct {
    const char *name;
    size_t offset;
} functions[] = {
#define FUNCTION_ROW(name) { "MHD_" #name, offsetof(struct stk_mhd, name) },
    STK_MHD_MAP(FUNCTION_ROW)
#undef FUNCTION_ROW
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct stk_mhd table;
static char why_not[200]; /* "": it is loaded */

static void say_why_not(void)
{
    const char *why = dlerror();
    (void)snprintf(why_not, sizeof why_not, "%s", why != NULL ? why : "for no reason given");
}

/* Never closed again: what it brings keeps state of the process. */
static void load(void)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        say_why_not();
        return;
    }
    for (size_t i = 0; i < STK_ARRAY_LEN(functions); i++) {
        void *found = dlsym(library, functions[i].name);
        if (found == NULL) {
            say_why_not();
            return;
        }
        /* Copied: ISO C knows no cast from an object's pointer to a function's. */
        memcpy((char *)&table + functions[i].offset, &found, sizeof found);
    }
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
