/* SPDX-License-Identifier: MIT */
#include "base/totp.h"

#include <liboath/oath.h>
#include <pthread.h>
#include <sodium.h>
#include <string.h>

#include "base/late.h"

#define LIBRARY "liboath.so.0"
enum { KEY_BYTES = 20, DIGITS = 6, STEP_S = 30 };

struct oath {
    __typeof__(oath_hotp_generate) *hotp_generate;
};
static const struct stk_late_row functions[] = {
    { "oath_hotp_generate", offsetof(struct oath, hotp_generate) },
};
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct oath oath;
static char why_not[200]; /* "": it is loaded */

static void load(void)
{
    (void)stk_late_load(LIBRARY, functions, STK_ARRAY_LEN(functions), &oath, why_not,
                        sizeof(why_not));
}

struct stk_secret *stk_totp_make(void)
{
    char bytes[KEY_BYTES];
    randombytes_buf(bytes, sizeof(bytes));
    struct stk_secret *key = stk_secret_new(bytes, sizeof(bytes));
    sodium_memzero(bytes, sizeof(bytes));
    return key;
}

static bool is_code_of(const struct stk_secret *key, const char *code, int64_t step)
{
    char right[DIGITS + 1] = "";
    int result = oath.hotp_generate(stk_secret_bytes(key), stk_secret_len(key), (uint64_t)step,
                                    DIGITS, false, SIZE_MAX, right);
    return result == 0 && strlen(code) == DIGITS && sodium_memcmp(right, code, DIGITS) == 0;
}

enum stk_rc stk_totp_check(const struct stk_secret *key, const char *code, stk_time_ns now,
                           int64_t after_step, int64_t *ret_step, struct stk_error *err)
{
    (void)pthread_once(&once, load);
    if (*why_not != '\0') {
        return stk_fail(err, STK_UNAVAILABLE, "could not load " LIBRARY " (Debian: liboath0): %s",
                        why_not);
    }
    int64_t middle = now / STK_SECOND / STEP_S;
    for (int64_t step = middle - 1; step <= middle + 1; step++) {
        if (step <= after_step || !is_code_of(key, code, step)) continue;
        *ret_step = step;
        return STK_OK;
    }
    return stk_fail(err, STK_DENIED, "the code is wrong, or was used before");
}

/* RFC 4648 without padding; the key is a whole number of groups. */
static void add_base32(struct stk_buf *out, const unsigned char *bytes, size_t len)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    uint32_t bits = 0;
    unsigned held = 0;
    for (size_t i = 0; i < len; i++) {
        bits = (bits << 8 | bytes[i]) & 0xfff;
        held += 8;
        while (held >= 5) {
            held -= 5;
            stk_buf_addc(out, letters[bits >> held & 31]);
        }
    }
}

struct stk_secret *stk_totp_uri(const struct stk_secret *key, const char *name)
{
    struct stk_buf uri = STK_BUF_INIT;
    stk_buf_addf(&uri, "otpauth://totp/stoker:%s?secret=", name);
    add_base32(&uri, (const unsigned char *)stk_secret_bytes(key), stk_secret_len(key));
    stk_buf_adds(&uri, "&issuer=stoker");
    return stk_secret_take(&uri);
}
