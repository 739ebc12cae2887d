/* SPDX-License-Identifier: MIT
 *
 * ccache_make - Kerberos credential caches made by hand, version 4.
 */
#ifndef STK_TESTS_SESSION_CCACHE_MAKE_H
#define STK_TESTS_SESSION_CCACHE_MAKE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"

#define CCACHE_RENEWABLE 0x00800000U

struct ccache_ticket {
    const char *service, *instance, *realm;
    uint32_t ends, renew_until, flags;
};

static inline void ccache_number(struct stk_buf *buf, uint32_t number, unsigned bytes)
{
    while (bytes-- > 0) {
        stk_buf_addc(buf, (char)(number >> (8 * bytes)));
    }
}

static inline void ccache_text(struct stk_buf *buf, const char *text)
{
    ccache_number(buf, (uint32_t)strlen(text), 4);
    stk_buf_adds(buf, text);
}

static inline void ccache_principal(struct stk_buf *buf, const char *realm, const char *first,
                                    const char *second)
{
    ccache_number(buf, 1, 4);
    ccache_number(buf, second != NULL ? 2 : 1, 4);
    ccache_text(buf, realm);
    ccache_text(buf, first);
    if (second != NULL) ccache_text(buf, second);
}

/* The owner's, whose tickets all others are: "ada@REALM". */
static char ccache_owner[2][64];

static inline void ccache_begin(struct stk_buf *buf, const char *name, const char *realm)
{
    (void)snprintf(ccache_owner[0], sizeof(ccache_owner[0]), "%s", realm);
    (void)snprintf(ccache_owner[1], sizeof(ccache_owner[1]), "%s", name);
    ccache_number(buf, 0x0504, 2);
    ccache_number(buf, 12, 2); /* one field: the clock's offset */
    ccache_number(buf, 1, 2);
    ccache_number(buf, 8, 2);
    ccache_number(buf, 0, 4);
    ccache_number(buf, 0, 4);
    ccache_principal(buf, realm, name, NULL);
}

static inline void ccache_add(struct stk_buf *buf, struct ccache_ticket ticket)
{
    ccache_principal(buf, ccache_owner[0], ccache_owner[1], NULL);
    ccache_principal(buf, ticket.realm, ticket.service, ticket.instance);
    ccache_number(buf, 18, 2);
    ccache_text(buf, "0123456789abcdef0123456789abcdef"); /* the key */
    ccache_number(buf, 1700000000, 4);
    ccache_number(buf, 1700000000, 4);
    ccache_number(buf, ticket.ends, 4);
    ccache_number(buf, ticket.renew_until, 4);
    ccache_number(buf, 0, 1);
    ccache_number(buf, ticket.flags, 4);
    ccache_number(buf, 1, 4); /* one address */
    ccache_number(buf, 2, 2);
    ccache_text(buf, "\x7f\1\1\1");
    ccache_number(buf, 0, 4); /* no authorisation data */
    ccache_text(buf, "the ticket itself");
    ccache_text(buf, "");
}

#endif
