/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <string.h>

#include "base/totp.h"

/* RFC 6238, appendix B, the last six of its eight digits; the key is ASCII. */
static const struct {
    int64_t at_s;
    const char *code;
} rows[] = {
    { 59, "287082" }, { 1111111109, "081804" }, { 1234567890, "005924" }, { 2000000000, "279037" }
};

static struct stk_secret *rfc_key(void)
{
    return stk_secret_new("12345678901234567890", 20);
}

static void check__takes_the_codes_of_the_rfc(void **state)
{
    (void)state;
    struct stk_secret *key = rfc_key();
    for (size_t i = 0; i < STK_ARRAY_LEN(rows); i++) {
        int64_t step = 0;
        struct stk_error err = { 0 };
        stk_time_ns now = rows[i].at_s * STK_SECOND;
        assert_int_equal(stk_totp_check(key, rows[i].code, now, 0, &step, &err), STK_OK);
        assert_int_equal(step, rows[i].at_s / 30);
        assert_int_equal(stk_totp_check(key, rows[i].code, now, step, &step, &err), STK_DENIED);
        assert_int_equal(stk_totp_check(key, rows[i].code, now + 30 * STK_SECOND, 0, &step, &err),
                         STK_OK); /* clocks differ */
        assert_int_equal(stk_totp_check(key, rows[i].code, now + 61 * STK_SECOND, 0, &step, &err),
                         STK_DENIED);
    }
    stk_secret_free(key);
}

static void check__refuses_what_is_no_code(void **state)
{
    (void)state;
    static const char *const codes[] = { "", "1", "28708", "2870821", "287083", "abcdef" };
    struct stk_secret *key = rfc_key();
    for (size_t i = 0; i < STK_ARRAY_LEN(codes); i++) {
        int64_t step = 0;
        struct stk_error err = { 0 };
        assert_int_equal(stk_totp_check(key, codes[i], 59 * STK_SECOND, 0, &step, &err),
                         STK_DENIED);
    }
    stk_secret_free(key);
}

static void uri__holds_the_key_in_base32(void **state)
{
    (void)state;
    struct stk_secret *key = rfc_key();
    struct stk_secret *uri = stk_totp_uri(key, "anna");
    assert_string_equal(
        stk_secret_bytes(uri),
        "otpauth://totp/stoker:anna?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=stoker");
    stk_secret_free(uri);
    stk_secret_free(key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check__takes_the_codes_of_the_rfc),
        cmocka_unit_test(check__refuses_what_is_no_code),
        cmocka_unit_test(uri__holds_the_key_in_base32),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
