/* SPDX-License-Identifier: MIT
 *
 * ccache - how long the ticket in a Kerberos credential cache holds.
 *
 * Reads the file format, version 4 (all that MIT krb5 and Heimdal write today):
 * whose it is, and of the ticket-granting ticket of his realm its end and how
 * long it can be renewed. Nothing is checked that only the realm could check.
 *
 * Memory:  nothing is allocated; *ret has copies.
 * Threads: pure.
 * Errors:  every byte is taken for hostile. STK_BUSY: it ends in the middle, or
 *          has no such ticket yet: somebody may be writing it. STK_BAD_DATA: it
 *          is no such file, whatever comes.
 */
#ifndef STK_SESSION_CCACHE_H
#define STK_SESSION_CCACHE_H

#include "base/err.h"

enum { STK_CCACHE_NAME_MAX = 512 };

struct stk_ccache {
    char principal[STK_CCACHE_NAME_MAX]; /* "ada/admin@LAB.EXAMPLE", cut; safe to show */
    stk_time_ns ends_at;
    stk_time_ns renew_until; /* STK_NEVER: it cannot be renewed */
};
STK_MUST_USE enum stk_rc stk_ccache_read(const char *bytes, size_t len, struct stk_ccache *ret,
                                         struct stk_error *err);

#endif
