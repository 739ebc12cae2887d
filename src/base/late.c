/* SPDX-License-Identifier: MIT */
#include "base/late.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

static bool fail(char *ret_why, size_t size)
{
    const char *why = dlerror();
    (void)snprintf(ret_why, size, "%s", why != NULL ? why : "for no reason given");
    return false;
}

bool stk_late_load(const char *library, const struct stk_late_row *rows, size_t count,
                   void *ret_table, char *ret_why, size_t why_size)
{
    void *handle = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL) return fail(ret_why, why_size);

    for (size_t i = 0; i < count; i++) {
        void *found = dlsym(handle, rows[i].name);
        if (found == NULL) return fail(ret_why, why_size);
        /* Copied: ISO C knows no cast from an object's pointer to a function's. */
        memcpy((char *)ret_table + rows[i].offset, &found, sizeof(found));
    }
    return true;
}
