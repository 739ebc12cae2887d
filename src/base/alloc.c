/* SPDX-License-Identifier: MIT */
#include "base/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static STK_NORETURN void die(void)
{
    (void)fputs("stoker: out of memory\n", stderr);
    abort();
}

void *stk_alloc(size_t bytes)
{
    void *made = calloc(1, bytes > 0 ? bytes : 1);
    if (made == NULL) die();
    return made;
}

void *stk_realloc(void *old, size_t count, size_t bytes_each)
{
    if (bytes_each > 0 && count > SIZE_MAX / bytes_each) die();

    size_t bytes = count * bytes_each;
    void *made = realloc(old, bytes > 0 ? bytes : 1);
    if (made == NULL) die();
    return made;
}

char *stk_strdup(const char *text)
{
    if (text == NULL) return NULL;
    return stk_strndup(text, strlen(text));
}

char *stk_strndup(const char *text, size_t len)
{
    if (text == NULL) return NULL;

    char *made = strndup(text, len);
    if (made == NULL) die();
    return made;
}

char *stk_format(const char *fmt, ...)
{
    char *made = NULL;
    va_list args;
    va_start(args, fmt);
    int len = vasprintf(&made, fmt, args);
    va_end(args);
    if (len < 0) die();
    return made;
}

void stk_texts_free(char **texts)
{
    for (size_t i = 0; texts != NULL && texts[i] != NULL; i++) {
        free(texts[i]);
    }
    free(texts);
}

void stk_freep(char **text)
{
    free(*text);
    *text = NULL;
}
