/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "feed/recipes.h"
#include "feed/table.h"

typedef enum stk_rc (*reader)(const struct stk_task *, const char *, const char *, size_t, bool,
                              json_t **, struct stk_error *);

/* What is read, for the tests below. */
struct source {
    reader read;
    const char *task, *name;
    bool whole;
};
static const struct source csv = { stk_table_csv, "backtest", "p.csv", true };
static const struct source csv_part = { stk_table_csv, "backtest", "p.csv", false };
static const struct source csv_fit = { stk_table_csv, "fit", "p.csv", false };
static const struct source jsonl = { stk_table_jsonl, "backtest", "p.jsonl", true };
static const struct source jsonl_part = { stk_table_jsonl, "backtest", "p.jsonl", false };
static const struct source jsonl_bare = { stk_table_jsonl, NULL, "p.jsonl", true };

static enum stk_rc read_table(const struct source *source, const char *text, size_t len,
                              json_t **ret, struct stk_error *err)
{
    const struct stk_task *task = source->task != NULL ? recipes_task(source->task) : NULL;
    char *exact = malloc(len > 0 ? len : 1); /* without a NUL: reading past it is seen */
    memcpy(exact, text, len);
    enum stk_rc rc = source->read(task, source->name, exact, len, source->whole, ret, err);
    free(exact);
    return rc;
}

static void assert_rows(const struct source *source, const char *text, const char *want)
{
    struct stk_error err = { .rc = STK_OK };
    STK_CLEANUP(stk_json_freep) json_t *rows = NULL;
    assert_ok(read_table(source, text, strlen(text), &rows, &err), &err);
    STK_CLEANUP(stk_freep) char *have = stk_json_text(rows);
    assert_string_equal(have, want);
}

static void assert_refused(const struct source *source, const char *text, const char *want)
{
    struct stk_error err = { .rc = STK_OK };
    json_t *rows = NULL;
    enum stk_rc rc = read_table(source, text, strlen(text), &rows, &err);
    if (rc == STK_OK) fail_msg("took: %s", text);
    assert_error(rc, &err, STK_BAD_DATA, want);
    assert_null(rows);
}

static const char two[] = "[{\"fast\":5,\"slow\":20},{\"fast\":6,\"slow\":30}]";

static void csv__reads_values_by_the_type_of_their_column(void **unused)
{
    (void)unused;
    assert_rows(&csv, "fast,slow\n5,20\n6,30\n", two);
    assert_rows(&csv, "slow,fast\n20,5\n30,6\n", two);
    assert_rows(&csv_fit, "rate,kind,dry\n1,tree,true\n",
                "[{\"dry\":true,\"kind\":\"tree\",\"rate\":1.0}]");
}

static void csv__takes_any_end_of_line_and_a_byte_order_mark(void **unused)
{
    (void)unused;
    assert_rows(&csv, "fast,slow\r\n5,20\r\n6,30\r\n", two);
    assert_rows(&csv, "fast,slow\n5,20\r\n6,30", two);
    assert_rows(&csv,
                "\xEF\xBB\xBF"
                "fast,slow\n5,20\n6,30",
                two);
    assert_rows(&csv, "fast,slow\n\n5,20\n\r\n6,30\n\n", two);
}

static void csv__reads_quotes_as_rfc_4180_writes_them(void **unused)
{
    (void)unused;
    assert_rows(&csv, "\"fast\",\"slow\"\n\"5\",20\n6,\"30\"", two);
    assert_rows(&csv_fit, "note\n\"a \"\"b\"\", c\"\n\"\"\n",
                "[{\"note\":\"a \\\"b\\\", c\"},"
                "{\"note\":\"\"}]");
    assert_rows(&csv_fit, "note,depth\n,3\n", "[{\"depth\":3,\"note\":\"\"}]");
}

static void csv__fills_defaults_only_when_no_other_axis_could_give_them(void **unused)
{
    (void)unused;
    const struct source whole = { stk_table_csv, "fit", "p.csv", true };
    assert_rows(&whole, "rate,depth,kind\n0.5,3,line\n",
                "[{\"depth\":3,\"dry\":false,\"kind\":\"line\",\"note\":\"~\",\"rate\":0.5}]");
    assert_rows(&csv_part, "fast\n5\n", "[{\"fast\":5}]");
}

static void csv__without_rows_is_an_empty_table(void **unused)
{
    (void)unused;
    assert_rows(&csv, "fast,slow\n", "[]");
    assert_rows(&csv, "fast,slow", "[]");
}

static void csv__names_what_is_wrong_with_its_header(void **unused)
{
    (void)unused;
    assert_refused(&csv, "", "p.csv:1: no header line with the names of the parameters");
    assert_refused(&csv, "\xEF\xBB\xBF",
                   "p.csv:1: no header line with the names of the parameters");
    assert_refused(&csv, "fast,slwo\n5,20\n",
                   "p.csv:1: unknown parameter \"slwo\" of task \"backtest\"; did you mean "
                   "\"slow\"? it has fast, slow");
    assert_refused(&csv, "fast, slow\n5,20\n",
                   "p.csv:1: unknown parameter \" slow\" of task \"backtest\"; did you mean "
                   "\"slow\"? it has fast, slow");
    assert_refused(&csv, "fast,slow,fast\n", "p.csv:1: column \"fast\" is there twice");
    assert_refused(&csv, "fast\n5\n",
                   "p.csv:1: no column for parameter \"slow\" of task \"backtest\"");
}

static void csv__names_the_line_of_a_row_of_another_width(void **unused)
{
    (void)unused;
    assert_refused(&csv, "fast,slow\n5,20\n6\n", "p.csv:3: 1 field where the header has 2");
    assert_refused(&csv, "fast,slow\r\n\r\n5,20,30\r\n",
                   "p.csv:3: 3 fields where the header has 2");
    assert_refused(&csv, "fast,slow\n5,20,\n", "p.csv:2: 3 fields where the header has 2");
}

static void csv__names_the_line_of_a_value_of_another_type(void **unused)
{
    (void)unused;
    assert_refused(
        &csv, "fast,slow\n5,20\n6,3.5\n",
        "p.csv:3: parameter \"slow\" of task \"backtest\": \"3.5\" is not a whole number "
        "of at most 64 bits");
    assert_refused(
        &csv, "fast,slow\n5, 20\n",
        "p.csv:2: parameter \"slow\" of task \"backtest\": \" 20\" is not a whole number "
        "of at most 64 bits");
    assert_refused(&csv_fit, "depth\n50\n51\n",
                   "p.csv:3: parameter \"depth\" of task \"fit\": 51 is above the maximum of 50");
    /* on the line where the field begins, not where its row does */
    assert_refused(&csv_fit, "kind,note\n\"tree\",\"a\nb\"\n",
                   "p.csv:2: parameter \"note\" of task \"fit\": \"a\" holds a newline or "
                   "another control character");
}

static void csv__names_the_line_of_a_broken_quote(void **unused)
{
    (void)unused;
    assert_refused(&csv, "fast,slow\n5,\"20\n6,30\n",
                   "p.csv:2: a quoted field that is never closed");
    assert_refused(&csv, "fast,slow\n5,20\n6,\"30\"x\n",
                   "p.csv:3: text after the closing quote of a field");
    assert_refused(&csv, "fast,slow\n5,2\"0\n",
                   "p.csv:2: a quote inside a field that does not begin with one");
    assert_refused(&csv, "fast,slow\r5,20\r",
                   "p.csv:1: a carriage return without a line feed after it");
    assert_refused(&csv, "fast,slow\n5,20\r",
                   "p.csv:2: a carriage return without a line feed after it");
}

static void table__names_the_line_that_is_not_utf8(void **unused)
{
    (void)unused;
    assert_refused(&csv, "fast,slow\n5,20\n6,\xFF\n", "p.csv:3: not UTF-8 text (or a NUL byte)");
    assert_refused(&jsonl, "\n{\"fast\":\"\xC3\"}", "p.jsonl:2: not UTF-8 text (or a NUL byte)");

    struct stk_error err = { .rc = STK_OK };
    json_t *rows = NULL;
    static const char nul[] = "fast,slow\n5,\0"
                              "20\n";
    enum stk_rc rc = read_table(&csv, nul, sizeof(nul) - 1, &rows, &err);
    assert_error(rc, &err, STK_BAD_DATA, "p.csv:2: not UTF-8 text (or a NUL byte)");
}

static void jsonl__reads_an_object_a_line(void **unused)
{
    (void)unused;
    assert_rows(&jsonl, "{\"fast\":5,\"slow\":20}\n{\"slow\":30,\"fast\":6}\n", two);
    assert_rows(&jsonl,
                "\xEF\xBB\xBF\n {\"fast\":5,\"slow\":20} \r\n\t\r\n{\"slow\":30,\"fast\":6}", two);
    assert_rows(&jsonl, "", "[]");
    assert_rows(&jsonl, "\n\n", "[]");
}

static void jsonl__names_the_line_of_what_is_wrong(void **unused)
{
    (void)unused;
    assert_refused(&jsonl, "{\"fast\":5,\"slow\":20}\n\n{\"fast\":5\n",
                   "p.jsonl:3: column 9: '}' expected near end of file");
    assert_refused(&jsonl, "[5,20]\n", "p.jsonl:1: [5,20] is not an object of parameters");
    assert_refused(&jsonl, "{\"fast\":5}\n",
                   "p.jsonl:1: parameter \"slow\" (int) of task \"backtest\" is missing");
    assert_refused(
        &jsonl, "{\"fast\":5,\"slow\":\"20\"}\n",
        "p.jsonl:1: parameter \"slow\" of task \"backtest\": \"20\" is not a whole number "
        "of at most 64 bits");
    assert_refused(&jsonl, "{\"fast\":5,\"slow\":20,\"mid\":7}\n",
                   "p.jsonl:1: unknown parameter \"mid\" of task \"backtest\"; it has fast, slow");
}

static void jsonl__wants_the_same_parameters_on_each_line_beside_other_axes(void **unused)
{
    (void)unused;
    assert_rows(&jsonl_part, "{\"fast\":5}\n{\"fast\":6}\n", "[{\"fast\":5},{\"fast\":6}]");
    assert_refused(&jsonl_part, "\n{\"fast\":5}\n{\"slow\":6}\n",
                   "p.jsonl:3: this row has no \"fast\", and line 2 has it");
    assert_refused(&jsonl_part, "{\"fast\":5}\n{\"fast\":5,\"slow\":6}\n",
                   "p.jsonl:2: this row has \"slow\", and line 1 has not");
    assert_refused(&jsonl_part, "{\"fats\":5}\n",
                   "p.jsonl:1: unknown parameter \"fats\" of task \"backtest\"; did you mean "
                   "\"fast\"? it has fast, slow");
}

static void jsonl__without_a_task_takes_any_objects(void **unused)
{
    (void)unused;
    assert_rows(&jsonl_bare, "{\"x\":[1]}\n{}\n", "[{\"x\":[1]},{}]");
    assert_refused(&jsonl_bare, "{}\n7\n", "p.jsonl:2: 7 is not an object of parameters");
}

static void table__refuses_more_than_a_million_rows(void **unused)
{
    (void)unused;
    struct stk_error err = { .rc = STK_OK };
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    json_t *rows = NULL;
    for (int i = 0; i <= STK_AXIS_VALUES_MAX; i++) {
        stk_buf_add(&text, "{}\n", 3);
    }
    enum stk_rc rc = stk_table_jsonl(NULL, "p.jsonl", text.data, text.len, true, &rows, &err);
    assert_error(rc, &err, STK_TOO_LARGE, "p.jsonl:1000001: more than 1000000 rows");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv__reads_values_by_the_type_of_their_column),
        cmocka_unit_test(csv__takes_any_end_of_line_and_a_byte_order_mark),
        cmocka_unit_test(csv__reads_quotes_as_rfc_4180_writes_them),
        cmocka_unit_test(csv__fills_defaults_only_when_no_other_axis_could_give_them),
        cmocka_unit_test(csv__without_rows_is_an_empty_table),
        cmocka_unit_test(csv__names_what_is_wrong_with_its_header),
        cmocka_unit_test(csv__names_the_line_of_a_row_of_another_width),
        cmocka_unit_test(csv__names_the_line_of_a_value_of_another_type),
        cmocka_unit_test(csv__names_the_line_of_a_broken_quote),
        cmocka_unit_test(table__names_the_line_that_is_not_utf8),
        cmocka_unit_test(jsonl__reads_an_object_a_line),
        cmocka_unit_test(jsonl__names_the_line_of_what_is_wrong),
        cmocka_unit_test(jsonl__wants_the_same_parameters_on_each_line_beside_other_axes),
        cmocka_unit_test(jsonl__without_a_task_takes_any_objects),
        cmocka_unit_test(table__refuses_more_than_a_million_rows),
    };
    return cmocka_run_group_tests(tests, NULL, recipes_end);
}
