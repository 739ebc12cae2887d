/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <string.h>

#include "base/alloc.h"
#include "cli/columns.h"
#include "cli/input.h"
#include "cli/query.h"

static json_t *row(const char *text)
{
    json_t *value = NULL;
    assert_int_equal(stk_json_parse(text, strlen(text), &value, NULL), STK_OK);
    return value;
}

static void expect_columns(const struct stk_columns *columns, const char *names)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf list = STK_BUF_INIT;
    for (size_t i = 0; i < columns->count; i++) {
        stk_buf_addf(&list, "%s%s", i > 0 ? "," : "", columns->names[i]);
    }
    assert_string_equal(stk_buf_str(&list), names);
}

static void scan__puts_parameters_before_results_and_collects_all_rows(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_columns_release) struct stk_columns columns = STK_COLUMNS_INIT;
    STK_CLEANUP(stk_json_freep)
    json_t *first =
        row("{\"id\":1,\"params\":{\"fast\":5,\"days\":1},\"result\":{\"sharpe\":0.5,\"days\":9}}");
    STK_CLEANUP(stk_json_freep)
    json_t *second =
        row("{\"id\":2,\"params\":{\"fast\":5,\"slow\":1},\"result\":{\"note\":\"x\",\"id\":3}}");
    STK_CLEANUP(stk_json_freep) json_t *third = row("{\"id\":3,\"params\":{},\"result\":[1]}");

    stk_columns_scan(&columns, first);
    stk_columns_scan(&columns, second);
    stk_columns_scan(&columns, third);
    expect_columns(&columns, "id,fast,days,slow,sharpe,result.days,note,result.id,result");
}

static void value__is_the_parameter_unless_the_result_is_named(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_json_freep)
    json_t *job = row("{\"id\":7,\"params\":{\"days\":1,\"id\":5},"
                      "\"result\":{\"days\":9,\"m\":{\"a.b\":2,\"c\":{\"d\":3}},\"none\":null}}");
    assert_int_equal(json_integer_value(stk_row_value(job, "id")), 7);
    assert_int_equal(json_integer_value(stk_row_value(job, "params.id")), 5);
    assert_int_equal(json_integer_value(stk_row_value(job, "days")), 1);
    assert_int_equal(json_integer_value(stk_row_value(job, "result.days")), 9);
    assert_int_equal(json_integer_value(stk_row_value(job, "m.a.b")), 2);
    assert_int_equal(json_integer_value(stk_row_value(job, "result.m.c.d")), 3);
    assert_null(stk_row_value(job, "none"));
    assert_null(stk_row_value(job, "m.x"));
}

static void choose__keeps_the_order_asked_for(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_columns_release) struct stk_columns columns = STK_COLUMNS_INIT;
    STK_CLEANUP(stk_json_freep)
    json_t *job = row("{\"id\":1,\"params\":{\"fast\":5},\"result\":{\"m\":{\"c\":1}}}");
    stk_columns_scan(&columns, job);
    assert_int_equal(stk_columns_choose(&columns, "m.c,id,result.m", NULL), STK_OK);
    expect_columns(&columns, "m.c,id,result.m");
}

static void choose__refuses_what_no_row_has(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_columns_release) struct stk_columns columns = STK_COLUMNS_INIT;
    STK_CLEANUP(stk_json_freep) json_t *job = row("{\"id\":1,\"params\":{\"fast\":5}}");
    struct stk_error err = { .rc = STK_OK };
    stk_columns_scan(&columns, job);
    assert_int_equal(stk_columns_choose(&columns, "id,fats", &err), STK_NOT_FOUND);
    assert_string_equal(err.text, "there is no column \"fats\"; did you mean \"fast\"?");
    assert_int_equal(stk_columns_choose(&columns, "wombat", &err), STK_NOT_FOUND);
    assert_string_equal(err.text, "there is no column \"wombat\"; there are id, fast");
    assert_int_equal(stk_columns_choose(&columns, ",", &err), STK_INVALID);
    expect_columns(&columns, "id,fast");
}

static void compare__puts_numbers_before_texts_before_nothing(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_json_freep) json_t *values = row("[-1, 2.5, \"10\", \"9\", [1], null]");
    for (size_t i = 0; i + 1 < json_array_size(values); i++) {
        const json_t *left = json_array_get(values, i);
        const json_t *right = json_array_get(values, i + 1);
        assert_true(stk_value_compare(left, right) < 0);
        assert_true(stk_value_compare(right, left) > 0);
        assert_int_equal(stk_value_compare(left, left), 0);
    }
}

static void pair__splits_at_the_first_equals_sign(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_freep) char *name = NULL;
    const char *value = NULL;
    assert_int_equal(stk_input_pair("expr=a=b", "NAME=VALUE", &name, &value, NULL), STK_OK);
    assert_string_equal(name, "expr");
    assert_string_equal(value, "a=b");

    struct stk_error err = { .rc = STK_OK };
    assert_int_equal(stk_input_pair("=5", "NAME=VALUE", &name, &value, &err), STK_INVALID);
    assert_int_equal(stk_input_pair("fast", "NAME=VALUE", &name, &value, &err), STK_INVALID);
    assert_string_equal(err.text, "\"fast\" is not NAME=VALUE");
}

static void query__encodes_what_people_typed(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_buf_release) struct stk_buf path = STK_BUF_INIT;
    stk_buf_adds(&path, "/queues/");
    stk_query_segment(&path, "a/b c");
    stk_query_add(&path, "task", "x&y=ü");
    stk_query_add(&path, "state", NULL);
    stk_query_add_int(&path, "limit", 20);
    assert_string_equal(stk_buf_str(&path), "/queues/a%2Fb%20c?task=x%26y%3D%C3%BC&limit=20");
}

static void query__takes_only_ids_as_ids(void **unused)
{
    (void)unused;
    static const char *const wrong[] = { "0", "-1", "1x", "", "../status", "Last" };
    STK_CLEANUP(stk_buf_release) struct stk_buf path = STK_BUF_INIT;
    for (size_t i = 0; i < STK_ARRAY_LEN(wrong); i++) {
        assert_int_equal(stk_query_id(&path, "job", wrong[i], NULL), STK_INVALID);
    }
    assert_int_equal(path.len, 0);
    assert_int_equal(stk_query_id(&path, "job", "last", NULL), STK_OK);
    assert_int_equal(stk_query_id(&path, "job", "17", NULL), STK_OK);
    assert_string_equal(stk_buf_str(&path), "last17");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scan__puts_parameters_before_results_and_collects_all_rows),
        cmocka_unit_test(value__is_the_parameter_unless_the_result_is_named),
        cmocka_unit_test(choose__keeps_the_order_asked_for),
        cmocka_unit_test(choose__refuses_what_no_row_has),
        cmocka_unit_test(compare__puts_numbers_before_texts_before_nothing),
        cmocka_unit_test(pair__splits_at_the_first_equals_sign),
        cmocka_unit_test(query__encodes_what_people_typed),
        cmocka_unit_test(query__takes_only_ids_as_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
