/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include "model/retry_after.h"

/* Tue, 24 Nov 2026 10:00:00 GMT; 1795514400 s. */
#define NOW       (1795514400 * STK_SECOND)
#define LONGEST   (STK_RETRY_AFTER_MAX_S * STK_SECOND)
#define DATE_NOW  "date: Tue, 24 Nov 2026 10:00:00 GMT\n"
#define DATE_SLOW "date: Tue, 24 Nov 2026 09:00:00 GMT\n" /* the server is an hour behind */

static void retry_after__seconds_and_dates_are_read_and_nonsense_is_ignored(void **unused)
{
    (void)unused;
    static const struct {
        const char *text;
        bool is_known;
        stk_time_ns wait;
    } rows[] = {
        { "5", true, 5 * STK_SECOND },
        { " 5\t", true, 5 * STK_SECOND },
        { "5.0", true, 5 * STK_SECOND },
        { "0.25", true, 250 * STK_MS },
        { "0", true, 0 },
        { "-1", true, 0 },
        { "-1.5", true, 0 },
        { "999999", true, LONGEST },
        { "999999999", true, LONGEST },
        { "99999999999999999999999999", true, LONGEST },
        { "Tue, 24 Nov 2026 10:00:30 GMT", true, 30 * STK_SECOND },
        { "Tuesday, 24-Nov-26 10:00:30 GMT", true, 30 * STK_SECOND },
        { "Tue Nov 24 10:00:30 2026", true, 30 * STK_SECOND },
        { "Tue, 24 Nov 2026 09:00:00 GMT", true, 0 },
        { "Sun, 06 Nov 1994 08:49:37 GMT", true, 0 },
        { "Fri, 31 Dec 9999 23:59:59 GMT", true, LONGEST },
        { "", false, 0 },
        { " ", false, 0 },
        { "soon", false, 0 },
        { "5s", false, 0 },
        { "1e3", false, 0 },
        { "0x10", false, 0 },
        { "inf", false, 0 },
        { ".5", false, 0 },
        { "5.", false, 0 },
        { "--1", false, 0 },
        { "5, 6", false, 0 },
        { "Tue, 30 Feb 2027 10:00:30 GMT", false, 0 },
        { "Tue, 24 Nov 2026 10:00:30 CET", false, 0 },
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(rows); i++) {
        stk_time_ns wait = -7;
        if (stk_retry_after_parse(rows[i].text, NOW, &wait) != rows[i].is_known) {
            fail_msg("\"%s\"", rows[i].text);
        }
        assert_int_equal(wait, rows[i].is_known ? rows[i].wait : -7);
    }
}

static void http_date__of_all_three_forms_is_the_same_moment(void **unused)
{
    (void)unused;
    static const char *const forms[] = { "Sun, 06 Nov 1994 08:49:37 GMT",
                                         "Sunday, 06-Nov-94 08:49:37 GMT",
                                         "Sun Nov  6 08:49:37 1994" };
    for (size_t i = 0; i < STK_ARRAY_LEN(forms); i++) {
        stk_time_ns time = 0;
        assert_true(stk_http_date_parse(forms[i], &time));
        assert_int_equal(time, 784111777 * STK_SECOND);
    }
}

#define NONE ((stk_time_ns)-1)

static void hints__are_read_from_every_form_of_the_headers(void **unused)
{
    (void)unused;
    static const struct {
        const char *headers;
        stk_time_ns retry_after;
        int64_t limit, remaining;
        stk_time_ns reset;
    } rows[] = {
        { "", NONE, -1, -1, NONE },
        { "content-type: text/html\n", NONE, -1, -1, NONE },
        { "retry-after: 5\n", 5 * STK_SECOND, -1, -1, NONE },
        { "retry-after: soon\n", NONE, -1, -1, NONE },
        { "retry-after:\n", NONE, -1, -1, NONE },
        { "x-retry-after: 5\nretry-after-ms: 7\n", NONE, -1, -1, NONE },
        { DATE_SLOW "retry-after: Tue, 24 Nov 2026 09:00:10 GMT\n", 10 * STK_SECOND, -1, -1, NONE },
        { "date: today\nretry-after: Tue, 24 Nov 2026 10:00:10 GMT", 10 * STK_SECOND, -1, -1,
          NONE },
        { "ratelimit: \"default\";r=50;t=30\nratelimit-policy: \"default\";q=100;w=60\n", NONE, 100,
          50, 30 * STK_SECOND },
        { "ratelimit: \"day\";r=9;t=900, \"min\";r=2;t=30\n"
          "ratelimit-policy: \"day\";q=1000;w=86400, \"min\";q=10;w=60\n",
          NONE, 10, 2, 30 * STK_SECOND },
        { "ratelimit: \"d\";r=0\nratelimit-policy: \"d\";q=10;w=60\n", NONE, 10, 0, STK_MINUTE },
        { "ratelimit: \"d;,=\" ; r=1 ; t=2\n", NONE, -1, 1, 2 * STK_SECOND },
        { "ratelimit: \"d\";remaining=4;reset=3\n", NONE, -1, 4, 3 * STK_SECOND },
        { "ratelimit: limit=100, remaining=50, reset=5\nratelimit-policy: 100;w=60\n", NONE, 100,
          50, 5 * STK_SECOND },
        { "ratelimit: r=many;t=\n", NONE, -1, -1, NONE },
        { "ratelimit: ;;,,\"\n", NONE, -1, -1, NONE },
        { "ratelimit-limit: 100, 100;w=60\nratelimit-remaining: 7\nratelimit-reset: 12\n", NONE,
          100, 7, 12 * STK_SECOND },
        { "x-ratelimit-limit: 60\nx-ratelimit-remaining: 0\nx-ratelimit-reset: 30\n", NONE, 60, 0,
          30 * STK_SECOND },
        { DATE_NOW "x-ratelimit-reset: 1795514430\n", NONE, -1, -1, 30 * STK_SECOND },
        { DATE_SLOW "x-ratelimit-reset: 1795510830\n", NONE, -1, -1, 30 * STK_SECOND },
        { "x-ratelimit-reset: 1795514430000\n", NONE, -1, -1, 30 * STK_SECOND },
        { "x-ratelimit-reset: 1795510000\n", NONE, -1, -1, 0 },
        { "x-ratelimit-reset: soon\n", NONE, -1, -1, NONE },
        { "x-ratelimit-remaining: -3\n", NONE, -1, -1, NONE },
        { "x-ratelimit-reset-after: 1.5\n", NONE, -1, -1, 1500 * STK_MS },
        { "ratelimit: \"d\";r=5;t=9\nx-ratelimit-remaining: 0\nretry-after: 2\n", 2 * STK_SECOND,
          -1, 5, 9 * STK_SECOND },
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(rows); i++) {
        struct stk_hint hint = { 0 };
        stk_hint_read(rows[i].headers, NOW, &hint);
        stk_time_ns retry_after = hint.has_retry_after ? hint.retry_after_ns : NONE;
        stk_time_ns off = hint.reset_ns - rows[i].reset; /* epochs pass through a double */
        if (retry_after != rows[i].retry_after || hint.limit != rows[i].limit ||
            hint.remaining != rows[i].remaining || off < -STK_US || off > STK_US) {
            fail_msg("%s: retry-after %lld limit %lld remaining %lld reset %lld", rows[i].headers,
                     (long long)retry_after, (long long)hint.limit, (long long)hint.remaining,
                     (long long)hint.reset_ns);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retry_after__seconds_and_dates_are_read_and_nonsense_is_ignored),
        cmocka_unit_test(http_date__of_all_three_forms_is_the_same_moment),
        cmocka_unit_test(hints__are_read_from_every_form_of_the_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
