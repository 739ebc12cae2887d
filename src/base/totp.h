/* SPDX-License-Identifier: MIT
 *
 * totp - six digits that change every 30 s (RFC 6238), by liboath.
 *
 * Loaded when first asked for, as few commands need it (see base/late.h).
 *
 * Memory:  *ret is a new reference, or free() ends it.
 * Threads: any.
 * Errors:  STK_UNAVAILABLE: liboath is not there. STK_DENIED: the code is wrong,
 *          or was used before.
 */
#ifndef STK_BASE_TOTP_H
#define STK_BASE_TOTP_H

#include "base/secret.h"

struct stk_secret *stk_totp_make(void); /* a new key, 160 bits */

/* The code of now, or of the step before or after: clocks differ. after_step: the
 * step of the last code that was taken, so that one is good once; *ret_step: of
 * this one. */
STK_MUST_USE enum stk_rc stk_totp_check(const struct stk_secret *key, const char *code,
                                        stk_time_ns now, int64_t after_step, int64_t *ret_step,
                                        struct stk_error *err);

/* "otpauth://totp/stoker:NAME?secret=...", which authenticator apps read. */
struct stk_secret *stk_totp_uri(const struct stk_secret *key, const char *name);

#endif
