/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { SIZE_MIN = 64 };

void stk_buf_reserve(struct stk_buf *buf, size_t more)
{
    assert(more < SIZE_MAX / 2 - buf->len);
    size_t needed = buf->len + more + 1;
    if (needed <= buf->size_) return;

    size_t size = buf->size_ > 0 ? buf->size_ : SIZE_MIN;
    while (size < needed) {
        size *= 2;
    }
    buf->data = stk_realloc(buf->data, size, 1);
    buf->size_ = size;
    buf->data[buf->len] = '\0';
}

void stk_buf_add(struct stk_buf *buf, const void *bytes, size_t len)
{
    stk_buf_reserve(buf, len);
    if (len > 0) memcpy(buf->data + buf->len, bytes, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
}

void stk_buf_adds(struct stk_buf *buf, const char *text)
{
    stk_buf_add(buf, text, strlen(text));
}

void stk_buf_addc(struct stk_buf *buf, char c)
{
    stk_buf_add(buf, &c, 1);
}

void stk_buf_addf(struct stk_buf *buf, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    stk_buf_addfv(buf, fmt, args);
    va_end(args);
}

void stk_buf_addfv(struct stk_buf *buf, const char *fmt, va_list args)
{
    assert(fmt != NULL);
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    assert(len >= 0);

    stk_buf_reserve(buf, (size_t)len);
    (void)vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, again);
    buf->len += (size_t)len;
    va_end(again);
}

void stk_buf_clear(struct stk_buf *buf)
{
    buf->len = 0;
    if (buf->data != NULL) buf->data[0] = '\0';
}

void stk_buf_drop_front(struct stk_buf *buf, size_t len)
{
    assert(len <= buf->len);
    if (len == 0) return;

    buf->len -= len;
    memmove(buf->data, buf->data + len, buf->len + 1);
}

const char *stk_buf_str(const struct stk_buf *buf)
{
    return buf->data != NULL ? buf->data : "";
}

char *stk_buf_take(struct stk_buf *buf)
{
    stk_buf_reserve(buf, 0);
    char *data = buf->data;
    *buf = (struct stk_buf)STK_BUF_INIT;
    return data;
}

void stk_buf_release(struct stk_buf *buf)
{
    if (buf == NULL) return;
    free(buf->data);
    *buf = (struct stk_buf)STK_BUF_INIT;
}
