/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include "cli/counts.h"
#include "cli/table.h"
#include "cli/watch.h"

static const struct stk_term plain = { .unicode = true };
static const struct stk_term ascii = { .unicode = false };
static const struct stk_term colored = { .unicode = true, .color = true };

static void two_jobs(struct stk_table *table)
{
    stk_table_column(table, "id", true, false);
    stk_table_column(table, "params", false, true);
    stk_table_column(table, "error", false, true);
    stk_table_add(table, STK_STYLE_PLAIN, "7");
    stk_table_add(table, STK_STYLE_PLAIN, "fast=5 slow=50 cost=1");
    stk_table_add(table, STK_STYLE_BAD, "exit status 1");
    stk_table_number(table, 1234567);
    stk_table_add(table, STK_STYLE_PLAIN, "fast=10");
    stk_table_add(table, STK_STYLE_PLAIN, NULL);
}

static void expect(const struct stk_term *term, const char *text, size_t hidden)
{
    STK_CLEANUP(stk_table_release) struct stk_table table = STK_TABLE_INIT;
    STK_CLEANUP(stk_buf_release) struct stk_buf out = STK_BUF_INIT;
    size_t got = 99;
    two_jobs(&table);
    stk_table_render(&table, term, 0, &out, &got);
    assert_string_equal(stk_buf_str(&out), text);
    assert_int_equal(got, hidden);
}

static void render__aligns_and_has_no_limit_without_a_terminal(void **unused)
{
    (void)unused;
    expect(&plain,
           "       id  params                 error\n"
           "        7  fast=5 slow=50 cost=1  exit status 1\n"
           "1,234,567  fast=10\n",
           0);
}

static void render__cuts_the_widest_flexible_column_first(void **unused)
{
    (void)unused;
    const struct stk_term narrow = { .unicode = true, .width = 38 };
    const struct stk_term narrow_ascii = { .width = 38 };
    expect(&narrow,
           "       id  params        error\n"
           "        7  fast=5 slow…  exit status 1\n"
           "1,234,567  fast=10\n",
           0);
    expect(&narrow_ascii,
           "       id  params        error\n"
           "        7  fast=5 sl...  exit status 1\n"
           "1,234,567  fast=10\n",
           0);
}

static void render__leaves_columns_out_and_counts_them(void **unused)
{
    (void)unused;
    const struct stk_term tiny = { .unicode = true, .width = 25 };
    expect(&tiny,
           "       id  params\n"
           "        7  fast=5 slow=5…\n"
           "1,234,567  fast=10\n",
           1);
}

static void add__escapes_what_jobs_printed(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_table_release) struct stk_table table = STK_TABLE_INIT;
    STK_CLEANUP(stk_buf_release) struct stk_buf out = STK_BUF_INIT;
    stk_table_column(&table, "a\033b", false, false);
    stk_table_add(&table, STK_STYLE_PLAIN, "x\033[2J\ny");
    stk_table_render(&table, &plain, 0, &out, NULL);
    assert_string_equal(stk_buf_str(&out), "a\\x1bb\nx\\x1b[2J\\x0ay\n");
}

static void text_cells__knows_wide_characters(void **unused)
{
    (void)unused;
    assert_int_equal(stk_text_cells("abc"), 3);
    assert_int_equal(stk_text_cells("é…█"), 3);
    assert_int_equal(stk_text_cells("日本"), 4);
    assert_int_equal(stk_text_fit("日本", 3), 3); /* one character, three bytes */
}

static void number__groups_thousands(void **unused)
{
    (void)unused;
    static const struct {
        int64_t value;
        const char *text;
    } cases[] = {
        { 0, "0" }, { 999, "999" }, { 1000, "1,000" }, { -1234567, "-1,234,567" }, { -123, "-123" }
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(cases); i++) {
        STK_CLEANUP(stk_buf_release) struct stk_buf out = STK_BUF_INIT;
        stk_number_add(&out, cases[i].value);
        assert_string_equal(stk_buf_str(&out), cases[i].text);
    }
}

static void counts__say_what_is_not_nothing(void **unused)
{
    (void)unused;
    struct stk_counts counts = { { 0 } };
    STK_CLEANUP(stk_buf_release) struct stk_buf out = STK_BUF_INIT;
    stk_counts_words_add(&plain, &counts, &out);
    assert_string_equal(stk_buf_str(&out), "no jobs");

    stk_buf_clear(&out);
    counts.of[STK_STATE_COMPLETED] = 2400;
    counts.of[STK_STATE_PENDING] = 7;
    stk_counts_words_add(&plain, &counts, &out);
    assert_string_equal(stk_buf_str(&out), "2,400 completed · 7 pending");

    stk_buf_clear(&out);
    stk_counts_words_add(&colored, &counts, &out);
    assert_string_equal(stk_buf_str(&out), "\033[32m2,400 completed\033[0m · 7 pending");
}

static void bar__gives_each_state_a_cell_and_fills_the_width(void **unused)
{
    (void)unused;
    struct stk_counts counts = { { 0 } };
    counts.of[STK_STATE_COMPLETED] = 1000000;
    counts.of[STK_STATE_FAILED] = 1;
    counts.of[STK_STATE_RUNNING] = 1;
    counts.of[STK_STATE_PENDING] = 500000;
    STK_CLEANUP(stk_buf_release) struct stk_buf out = STK_BUF_INIT;
    stk_counts_bar_add(&ascii, &counts, 12, &out);
    assert_string_equal(stk_buf_str(&out), "#######!>...");
}

static void pace__says_nothing_when_nothing_moves(void **unused)
{
    (void)unused;
    static const struct {
        double per_s, eta_s;
        const char *text;
    } cases[] = {
        { 0, 10, "" },
        { 210.4, 3.2, "210/s · about 4s left" },
        { 2.25, -1, "2.2/s" },
        { 0.01, 7200, "36.0/h · about 2h left" },
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(cases); i++) {
        STK_CLEANUP(stk_buf_release) struct stk_buf out = STK_BUF_INIT;
        stk_pace_add(&plain, &out, cases[i].per_s, cases[i].eta_s);
        assert_string_equal(stk_buf_str(&out), cases[i].text);
    }
}

static void frame__stays_on_the_screen(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_buf_release) struct stk_buf out = STK_BUF_INIT;
    stk_watch_frame(&out, "one\ntwo\nthree\n", 3);
    assert_string_equal(stk_buf_str(&out), "\033[Hone\033[0m\033[K\r\ntwo\033[0m\033[K\r\n\033[J");
}

int main(void)
{
    struct stk_term term;
    stk_term_init(&term, "never"); /* sets LC_CTYPE, as the program does */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(render__aligns_and_has_no_limit_without_a_terminal),
        cmocka_unit_test(render__cuts_the_widest_flexible_column_first),
        cmocka_unit_test(render__leaves_columns_out_and_counts_them),
        cmocka_unit_test(add__escapes_what_jobs_printed),
        cmocka_unit_test(text_cells__knows_wide_characters),
        cmocka_unit_test(number__groups_thousands),
        cmocka_unit_test(counts__say_what_is_not_nothing),
        cmocka_unit_test(bar__gives_each_state_a_cell_and_fills_the_width),
        cmocka_unit_test(pace__says_nothing_when_nothing_moves),
        cmocka_unit_test(frame__stays_on_the_screen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
