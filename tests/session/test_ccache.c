/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <string.h>

#include "model/lifecycle.h"
#include "session/ccache.h"
#include "session/ccache_make.h"

#define ENDS  1900000000U
#define RENEW 1900500000U

static void assert_reads(const struct stk_buf *cache, enum stk_rc rc, const char *text)
{
    struct stk_ccache found;
    struct stk_error err = { .rc = STK_OK };
    assert_int_equal(stk_ccache_read(stk_buf_str(cache), cache->len, &found, &err), rc);
    assert_non_null(strstr(err.text, text));
}

static struct stk_buf make_whole(void)
{
    struct stk_buf cache = STK_BUF_INIT;
    ccache_begin(&cache, "ada", "LAB.EXAMPLE");
    ccache_add(&cache, (struct ccache_ticket){ "krb5_ccache_conf_data", "pa_type",
                                               "X-CACHECONF:", 0, 0, 0 });
    ccache_add(&cache, (struct ccache_ticket){ "krbtgt", "LAB.EXAMPLE", "LAB.EXAMPLE", ENDS, RENEW,
                                               CCACHE_RENEWABLE });
    ccache_add(&cache,
               (struct ccache_ticket){ "HTTP", "lab.example", "LAB.EXAMPLE", ENDS + 9, 0, 0 });
    return cache;
}

static void ccache__says_whose_it_is_and_how_long(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_buf_release) struct stk_buf cache = make_whole();
    struct stk_ccache found;
    assert_int_equal(stk_ccache_read(cache.data, cache.len, &found, NULL), STK_OK);
    assert_string_equal(found.principal, "ada@LAB.EXAMPLE");
    assert_int_equal(found.ends_at, ENDS * STK_SECOND);
    assert_int_equal(found.renew_until, RENEW * STK_SECOND);
}

static void ccache__that_cannot_be_renewed_says_so(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_buf_release) struct stk_buf cache = STK_BUF_INIT;
    ccache_begin(&cache, "ada", "LAB.EXAMPLE");
    ccache_add(&cache, (struct ccache_ticket){ "krbtgt", "LAB.EXAMPLE", "LAB.EXAMPLE", UINT32_MAX,
                                               RENEW, 0 });
    struct stk_ccache found;
    assert_int_equal(stk_ccache_read(cache.data, cache.len, &found, NULL), STK_OK);
    assert_int_equal(found.renew_until, STK_NEVER);
    assert_int_equal(found.ends_at, UINT32_MAX * STK_SECOND); /* after 2038 */
}

static void ccache__of_two_tickets_counts_the_one_that_holds_longer(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_buf_release) struct stk_buf cache = make_whole();
    ccache_add(&cache, (struct ccache_ticket){ "krbtgt", "LAB.EXAMPLE", "LAB.EXAMPLE", ENDS - 5,
                                               RENEW + 5, CCACHE_RENEWABLE });
    struct stk_ccache found;
    assert_int_equal(stk_ccache_read(cache.data, cache.len, &found, NULL), STK_OK);
    assert_int_equal(found.ends_at, ENDS * STK_SECOND);
    assert_int_equal(found.renew_until, RENEW * STK_SECOND);
}

static void ccache__without_a_granting_ticket_has_none_yet(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_buf_release) struct stk_buf cache = STK_BUF_INIT;
    ccache_begin(&cache, "ada", "LAB.EXAMPLE");
    assert_reads(&cache, STK_BUSY, "has no ticket-granting ticket of ada@LAB.EXAMPLE");
    ccache_add(&cache, (struct ccache_ticket){ "krbtgt", "OTHER", "LAB.EXAMPLE", ENDS, 0, 0 });
    ccache_add(&cache, (struct ccache_ticket){ "krbtgt", "OTHER", "OTHER", ENDS, 0, 0 });
    ccache_add(&cache, (struct ccache_ticket){ "host", "LAB.EXAMPLE", "LAB.EXAMPLE", ENDS, 0, 0 });
    assert_reads(&cache, STK_BUSY, "has no ticket-granting ticket of ada@LAB.EXAMPLE");
}

/* Read in memory of just its size, so that the sanitizer sees a byte too many. */
static void ccache__cut_anywhere_is_not_yet_there_or_a_shorter_one(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_buf_release) struct stk_buf cache = make_whole();
    size_t whole = 0;
    for (size_t len = 0; len <= cache.len; len++) {
        char *exact = stk_alloc(len + (len == 0));
        memcpy(exact, cache.data, len);
        struct stk_ccache found;
        enum stk_rc rc = stk_ccache_read(exact, len, &found, NULL);
        assert_true(rc == STK_OK || rc == STK_BUSY);
        if (rc == STK_OK) assert_int_equal(found.ends_at, ENDS * STK_SECOND);
        if (rc == STK_OK) whole++;
        free(exact);
    }
    assert_int_equal(whole, 2); /* with and without the last ticket */
}

/* Every byte in turn becomes every power of two less one, and its inverse. */
static void ccache__with_a_byte_changed_never_reads_outside(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_buf_release) struct stk_buf cache = make_whole();
    for (size_t i = 0; i < cache.len; i++) {
        char was = cache.data[i];
        for (unsigned bit = 0; bit < 8; bit++) {
            struct stk_ccache found;
            cache.data[i] = (char)(was ^ (char)(0xff << bit));
            enum stk_rc rc = stk_ccache_read(cache.data, cache.len, &found, NULL);
            assert_true(rc == STK_OK || rc == STK_BUSY || rc == STK_BAD_DATA);
        }
        cache.data[i] = was;
    }
}

static void ccache__of_another_version_or_kind_is_none(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_buf_release) struct stk_buf cache = STK_BUF_INIT;
    stk_buf_adds(&cache, "{\"accessToken\": \"x\"}");
    assert_reads(&cache, STK_BAD_DATA, "is no Kerberos credential cache of version 4");
    stk_buf_clear(&cache);
    stk_buf_add(&cache, "\x05\x03\0\0", 4);
    assert_reads(&cache, STK_BAD_DATA, "is no Kerberos credential cache of version 4");
    stk_buf_clear(&cache);
    stk_buf_add(&cache, "\x05\x04\0\0\0\0\0\1\x7f\xff\xff\xff", 12);
    assert_reads(&cache, STK_BAD_DATA, "a count in it");
}

static void ccache__shows_no_control_characters(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_buf_release) struct stk_buf cache = STK_BUF_INIT;
    ccache_begin(&cache, "a\x1b[2J", "LAB");
    assert_reads(&cache, STK_BUSY, "a\\x1b[2J@LAB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ccache__says_whose_it_is_and_how_long),
        cmocka_unit_test(ccache__that_cannot_be_renewed_says_so),
        cmocka_unit_test(ccache__of_two_tickets_counts_the_one_that_holds_longer),
        cmocka_unit_test(ccache__without_a_granting_ticket_has_none_yet),
        cmocka_unit_test(ccache__cut_anywhere_is_not_yet_there_or_a_shorter_one),
        cmocka_unit_test(ccache__with_a_byte_changed_never_reads_outside),
        cmocka_unit_test(ccache__of_another_version_or_kind_is_none),
        cmocka_unit_test(ccache__shows_no_control_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
