/* SPDX-License-Identifier: MIT
 *
 * buf - a string of bytes that grows, always ended by a NUL.
 *
 * Memory:  release frees; take hands the bytes over and leaves an empty buf.
 *          STK_BUF_INIT is empty and owns nothing. Growth never fails
 *          (base/alloc.h): check sizes that outsiders choose before adding.
 * Threads: one at a time.
 */
#ifndef STK_BASE_BUF_H
#define STK_BASE_BUF_H

#include <stdarg.h>

#include "base/defs.h"

struct stk_buf {
    char *data; /* NULL while empty and never written */
    size_t len;
    size_t size_;
};
#define STK_BUF_INIT \
    {                \
        0            \
    }

void stk_buf_add(struct stk_buf *buf, const void *bytes, size_t len);
void stk_buf_adds(struct stk_buf *buf, const char *text);
void stk_buf_addc(struct stk_buf *buf, char c);
void stk_buf_addf(struct stk_buf *buf, const char *fmt, ...) STK_PRINTF(2, 3);
void stk_buf_addfv(struct stk_buf *buf, const char *fmt, va_list args) STK_PRINTF(2, 0);
void stk_buf_reserve(struct stk_buf *buf, size_t more); /* room for `more` bytes and the NUL */
void stk_buf_clear(struct stk_buf *buf);                /* len 0, memory kept */
void stk_buf_drop_front(struct stk_buf *buf, size_t len);

const char *stk_buf_str(const struct stk_buf *buf); /* never NULL */
char *stk_buf_take(struct stk_buf *buf);            /* never NULL; free() ends it */
void stk_buf_release(struct stk_buf *buf);

#endif
