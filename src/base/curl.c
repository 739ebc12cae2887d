/* SPDX-License-Identifier: MIT */
#include "base/curl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define LIBRARY "libcurl.so.4"

static const struct {
    const char *name;
    size_t offset;
} functions[] = {
#define FUNCTION_ROW(name) { "curl_" #name, offsetof(struct stk_curl, name) },
    STK_CURL_MAP(FUNCTION_ROW)
#undef FUNCTION_ROW
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct stk_curl table;
static char why_not[200]; /* "": it is loaded */

static void say_why_not(const char *why)
{
    (void)snprintf(why_not, sizeof why_not, "%s", why != NULL ? why : "for no reason given");
}

/* Never closed again: libcurl and what it brings keep state of the process. */
static void load(void)
{
    void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        say_why_not(dlerror());
        return;
    }
    for (size_t i = 0; i < STK_ARRAY_LEN(functions); i++) {
        void *found = dlsym(library, functions[i].name);
        if (found == NULL) {
            say_why_not(dlerror());
            return;
        }
        /* Copied: ISO C knows no cast from an object's pointer to a function's. */
        memcpy((char *)&table + functions[i].offset, &found, sizeof found);
    }
    CURLcode code = table.global_init(CURL_GLOBAL_DEFAULT);
    if (code != CURLE_OK) say_why_not(table.easy_strerror(code));
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
