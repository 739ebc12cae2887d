/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "feed/recipes.h"
#include "feed/where.h"

static const char *const names[] = { "fast", "slow", "label", "dry", "odd\"name" };

/* fast 5, slow 20.5, label 'it''s', dry true, odd"name 7 */
static enum stk_rc test(const char *expression, bool *ret_true, struct stk_error *err)
{
    struct stk_where *where = NULL;
    enum stk_rc rc = stk_where_open(expression, names, STK_ARRAY_LEN(names), &where, err);
    if (rc != STK_OK) return rc;

    json_t *values = json_pack("[ifsbi]", 5, 20.5, "it's", 1, 7);
    const json_t *list[STK_ARRAY_LEN(names)] = { 0 };
    for (size_t i = 0; i < STK_ARRAY_LEN(names); i++) {
        list[i] = json_array_get(values, i);
    }
    rc = stk_where_test(where, list, ret_true, err);
    json_decref(values);
    stk_where_close(where);
    return rc;
}

static void assert_truth(const char *expression, bool want)
{
    struct stk_error err = { .rc = STK_OK };
    bool have = !want;
    enum stk_rc rc = test(expression, &have, &err);
    if (rc != STK_OK) fail_msg("%s: %s", expression, err.text);
    if (have != want) fail_msg("%s is %d", expression, have);
}

static void assert_refused(const char *expression, const char *want)
{
    struct stk_error err = { .rc = STK_OK };
    bool ignored = false;
    enum stk_rc rc = test(expression, &ignored, &err);
    if (rc == STK_OK) fail_msg("took: %s", expression);
    assert_error(rc, &err, STK_INVALID, want);
}

static void where__compares_parameters_as_sql_does(void **unused)
{
    (void)unused;
    assert_truth("fast < slow", true);
    assert_truth("fast * 4 > slow", false);
    assert_truth("fast BETWEEN 1 AND 5 AND slow IN (20.5, 30)", true);
    assert_truth("label = 'it''s'", true);
    assert_truth("label LIKE 'IT%' OR label GLOB 'x*'", true);
    assert_truth("dry AND \"odd\"\"name\" = 7 AND [fast] = `fast`", true);
    assert_truth("CASE fast WHEN 5 THEN slow > 20 ELSE 0 END", true);
    assert_truth("max(fast, slow) - min(fast, slow) >= 15.5", true);
    assert_truth("round(sqrt(fast * fast)) = 5 and cast(slow as int) = 20", true);
    assert_truth("json_extract('[1,2]', '$[1]') = 2", true);
    assert_truth("(fast) < (slow)", true);
    assert_truth("fast - -1 = 6", true);
}

static void where__takes_null_and_nought_for_false(void **unused)
{
    (void)unused;
    assert_truth("NULL", false);
    assert_truth("0", false);
    assert_truth("0.0", false);
    assert_truth("nullif(fast, 5)", false);
    assert_truth("-1", true);
    assert_truth("'x'", false);
}

static void where__names_what_it_does_not_know(void **unused)
{
    (void)unused;
    assert_refused("fsat < slow", "where: no such column: fsat; did you mean \"fast\"?");
    assert_refused("wholly < slow", "where: no such column: wholly");
    assert_refused("\"fsat\" < slow", "where: no such column: fsat; did you mean \"fast\"?");
    assert_refused("frobnicate(fast)", "where: no such function: frobnicate");
    assert_refused("fast <", "where: near \")\": syntax error");
    assert_refused("fast, slow", "where: row value misused");
}

static void where__does_not_leave_its_brackets(void **unused)
{
    (void)unused;
    static const char comment[] = "where: it holds no comment (a minus twice is \"- -\")";
    static const char early[] = "where: a \")\" has no \"(\" before it";
    assert_refused("1) FROM x --", early);
    assert_refused("1) OR (1", early);
    assert_refused("1) UNION VALUES (1", early);
    assert_refused("fast < slow -- and more", comment);
    assert_refused("fast /* < slow", "where: it holds no comment");
    assert_refused("fast /* */ < slow", "where: it holds no comment");
    assert_refused("1; DROP TABLE jobs", "where: it is one expression, without \";\"");
    assert_refused("(fast < slow", "where: a \"(\" is never closed");
    assert_refused("label = 'x", "where: a quote is never closed");
    assert_refused("label = \"x", "where: a quote is never closed");
    assert_refused("[fast < slow", "where: a quote is never closed");
    assert_refused("`fast < slow", "where: a quote is never closed");
    assert_refused("label = ''' OR 1) --", "where: a quote is never closed");
}

static void where__keeps_brackets_and_comments_inside_quotes_for_text(void **unused)
{
    (void)unused;
    assert_truth("label <> ') -- /* ;' AND fast = 5", true);
    assert_truth("label <> 'select ?1' AND label <> ''')'", true);
}

static void where__is_an_expression_and_not_a_query(void **unused)
{
    (void)unused;
    static const char want[] = "where: it is an expression, not a query";
    assert_refused("(SELECT 1)", want);
    assert_refused("exists(select 1)", want);
    assert_refused("fast IN (VALUES (5))", want);
    assert_refused("fast IN (WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) "
                   "SELECT x FROM c)",
                   want);
    assert_refused("", "where: it is empty");
    assert_refused(" \n", "where: it is empty");
}

static void where__reads_nothing_but_the_parameters(void **unused)
{
    (void)unused;
    struct stk_error err = { .rc = STK_OK };
    static const char *const expressions[] = {
        "fast IN sqlite_master",       "fast IN sqlite_schema",          "fast IN json_each('[5]')",
        "fast IN pragma_table_list",   "fast IN pragma_table_info('x')", "sqlite_master.name",
        "rowid IN main.sqlite_master",
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(expressions); i++) {
        bool ignored = false;
        enum stk_rc rc = test(expressions[i], &ignored, &err);
        if (rc != STK_INVALID) fail_msg("took: %s", expressions[i]);
    }
}

static void where__refuses_variables(void **unused)
{
    (void)unused;
    static const char want[] =
        "where: parameters are written by their names alone, without ?, :, @, # or $";
    assert_refused("?1 < 3", want);
    assert_refused("fast < :slow", want);
    assert_refused("fast < @slow", want);
    assert_refused("fast < $slow", want);
    assert_refused("#1", want);
}

static void where__refuses_functions_that_act_or_change_their_mind(void **unused)
{
    (void)unused;
    static const struct {
        const char *name, *arguments;
    } calls[] = {
        { "load_extension", "'x'" }, { "random", "" },    { "randomblob", "1" },
        { "date", "'now'" },         { "datetime", "" },  { "strftime", "'%s'" },
        { "changes", "" },           { "zeroblob", "9" }, { "last_insert_rowid", "" },
        { "sqlite_version", "" },    { "unixepoch", "" }, { "sqlite_compileoption_get", "1" },
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(calls); i++) {
        STK_CLEANUP(stk_freep) char *call = stk_format("%s(%s)", calls[i].name, calls[i].arguments);
        STK_CLEANUP(stk_freep)
        char *want = stk_format("where: the function %s() cannot be used here", calls[i].name);
        assert_refused(call, want);
    }
    assert_refused("CURRENT_TIMESTAMP > label",
                   "where: the function current_timestamp() cannot be used here");
}

static void where__refuses_aggregates_and_windows(void **unused)
{
    (void)unused;
    assert_refused("count(*) > 1", "where: misuse of aggregate function count()");
    assert_refused("sum(fast) > 1", "where: misuse of aggregate function sum()");
    assert_refused("max(fast) > 1", "where: misuse of aggregate function max()");
    assert_refused("sum(fast) OVER () > 1", "where: misuse of window function sum()");
}

static void where__is_bounded(void **unused)
{
    (void)unused;
    char text[STK_WHERE_BYTES_MAX + 2];
    memset(text, '1', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    assert_refused(text, "where: it is over 4096 bytes");

    memset(text, '(', 1000);
    text[1000] = '1';
    memset(text + 1001, ')', 1000);
    text[2001] = '\0';
    struct stk_error err = { .rc = STK_OK };
    bool ignored = false;
    assert_int_equal(test(text, &ignored, &err), STK_INVALID);
    assert_refused("length(replace(printf('%900000d', 1), ' ', 'xx')) > 0",
                   "where: string or blob too big");
}

static void where__says_why_a_test_failed(void **unused)
{
    (void)unused;
    assert_refused("abs(-9223372036854775807 - 1) > fast", "where: integer overflow");
}

static void where__tests_many_points_with_one_expression(void **unused)
{
    (void)unused;
    struct stk_error err = { .rc = STK_OK };
    struct stk_where *where = NULL;
    assert_ok(stk_where_open("fast * 2 < slow", names, 2, &where, &err), &err);
    json_t *fast = json_integer(0), *slow = json_integer(50000);
    const json_t *const values[] = { fast, slow };

    int passing = 0;
    stk_time_ns began = stk_clock_mono();
    for (int i = 0; i < 200000; i++) {
        bool is_true = false;
        (void)json_integer_set(fast, i % 100000);
        assert_ok(stk_where_test(where, values, &is_true, &err), &err);
        passing += is_true;
    }
    stk_time_ns took = stk_clock_mono() - began;
    print_message("where: %.2f million tests a second\n", 200000.0 / 1e6 * 1e9 / (double)took);
    assert_int_equal(passing, 2 * 25000);
    json_decref(fast);
    json_decref(slow);
    stk_where_close(where);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where__compares_parameters_as_sql_does),
        cmocka_unit_test(where__takes_null_and_nought_for_false),
        cmocka_unit_test(where__names_what_it_does_not_know),
        cmocka_unit_test(where__does_not_leave_its_brackets),
        cmocka_unit_test(where__keeps_brackets_and_comments_inside_quotes_for_text),
        cmocka_unit_test(where__is_an_expression_and_not_a_query),
        cmocka_unit_test(where__reads_nothing_but_the_parameters),
        cmocka_unit_test(where__refuses_variables),
        cmocka_unit_test(where__refuses_functions_that_act_or_change_their_mind),
        cmocka_unit_test(where__refuses_aggregates_and_windows),
        cmocka_unit_test(where__is_bounded),
        cmocka_unit_test(where__says_why_a_test_failed),
        cmocka_unit_test(where__tests_many_points_with_one_expression),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
