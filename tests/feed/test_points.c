/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "feed/points.h"
#include "feed/recipes.h"

static struct stk_points *open_points(const char *task, const char *text)
{
    struct stk_error err = { .rc = STK_OK };
    struct stk_points *points = NULL;
    STK_CLEANUP(stk_json_freep) json_t *made = recipe(text);
    assert_ok(stk_points_open(recipes_task(task), made, &points, &err), &err);
    return points;
}

static int64_t count_points(struct stk_points *points)
{
    struct stk_error err = { .rc = STK_OK };
    int64_t count = -1;
    assert_ok(stk_points_count(points, &count, &err), &err);
    return count;
}

/* All that next gives, a line each; free() ends it. */
static char *list_points(struct stk_points *points)
{
    struct stk_error err = { .rc = STK_OK };
    STK_CLEANUP(stk_buf_release) struct stk_buf lines = STK_BUF_INIT;
    for (;;) {
        const char *text = NULL;
        size_t len = 0;
        assert_ok(stk_points_next(points, &text, &len, &err), &err);
        if (text == NULL) return stk_buf_take(&lines);
        assert_int_equal(strlen(text), len);
        stk_buf_addf(&lines, "%s\n", text);
    }
}

static char *walk(const char *task, const char *text)
{
    STK_CLEANUP(stk_points_closep) struct stk_points *points = open_points(task, text);
    return list_points(points);
}

static void assert_points(const char *task, const char *text, const char *want)
{
    STK_CLEANUP(stk_freep) char *have = walk(task, text);
    assert_string_equal(have, want);
}

static void assert_refused(const char *task, const char *text, enum stk_rc want_rc,
                           const char *want)
{
    struct stk_error err = { .rc = STK_OK };
    struct stk_points *points = NULL;
    STK_CLEANUP(stk_json_freep) json_t *made = recipe(text);
    enum stk_rc rc = stk_points_open(recipes_task(task), made, &points, &err);
    if (rc == STK_OK) fail_msg("took: %s", text);
    assert_error(rc, &err, want_rc, want);
    assert_null(points);
}

static int64_t count_of(const char *task, const char *text)
{
    STK_CLEANUP(stk_points_closep) struct stk_points *points = open_points(task, text);
    return count_points(points);
}

static void points__are_the_cross_product_with_the_last_axis_fastest(void **unused)
{
    (void)unused;
    assert_points("backtest", "{'axes':[['slow','7,8'],['fast','1:3']]}",
                  "{\"fast\":1,\"slow\":7}\n{\"fast\":2,\"slow\":7}\n{\"fast\":3,\"slow\":7}\n"
                  "{\"fast\":1,\"slow\":8}\n{\"fast\":2,\"slow\":8}\n{\"fast\":3,\"slow\":8}\n");
}

static void points__fill_in_the_defaults_of_the_task(void **unused)
{
    (void)unused;
    assert_points("fit", "{'axes':[['rate','0.1:0.3:0.1'],['depth','5'],['kind','tree']]}",
                  "{\"depth\":5,\"dry\":false,\"kind\":\"tree\",\"note\":\"~\",\"rate\":0.1}\n"
                  "{\"depth\":5,\"dry\":false,\"kind\":\"tree\",\"note\":\"~\",\"rate\":0.2}\n"
                  "{\"depth\":5,\"dry\":false,\"kind\":\"tree\",\"note\":\"~\",\"rate\":0.3}\n");
}

static void points__of_a_task_without_parameters_are_one(void **unused)
{
    (void)unused;
    assert_points("ping", "{}", "{}\n");
    assert_int_equal(count_of("ping", "{}"), 1);
}

static void points__count_a_value_given_twice_once(void **unused)
{
    (void)unused;
    assert_points("backtest", "{'axes':[['fast','2,1:3,2'],['slow','9,9']]}",
                  "{\"fast\":2,\"slow\":9}\n{\"fast\":1,\"slow\":9}\n{\"fast\":3,\"slow\":9}\n");
    assert_int_equal(count_of("fit", "{'axes':[['rate','1,1.0,1e0'],['depth','1'],"
                                     "['kind','tree']]}"),
                     1);
}

static void points__walk_zipped_axes_together(void **unused)
{
    (void)unused;
    assert_points("backtest",
                  "{'axes':[['fast','1:3'],['slow','30:10:-10']],"
                  "'zip':[['slow','fast']]}",
                  "{\"fast\":1,\"slow\":30}\n{\"fast\":2,\"slow\":20}\n{\"fast\":3,\"slow\":10}\n");
    /* equal values on one axis are other rows while the others differ */
    assert_points("backtest",
                  "{'axes':[['fast','1,1,1'],['slow','5,6,5']],"
                  "'zip':[['fast','slow']]}",
                  "{\"fast\":1,\"slow\":5}\n{\"fast\":1,\"slow\":6}\n");
    assert_int_equal(count_of("fit",
                              "{'axes':[['rate','1,2'],['depth','1:3'],['kind','tree,line']],"
                              "'zip':[['kind','rate']]}"),
                     6);
}

static void points__walk_the_rows_of_a_file_as_one_axis(void **unused)
{
    (void)unused;
    assert_points(
        "backtest",
        "{'from':{'name':'p.csv','format':'csv','text':'fast,slow\\n1,5\\n2,6\\n1,5\\n'}}",
        "{\"fast\":1,\"slow\":5}\n{\"fast\":2,\"slow\":6}\n");
    assert_points("backtest",
                  "{'axes':[['fast','1,2']],'from':{'name':'p.jsonl','format':'jsonl',"
                  "'text':'{\\\"slow\\\":8}\\n{\\\"slow\\\":9}'}}",
                  "{\"fast\":1,\"slow\":8}\n{\"fast\":2,\"slow\":8}\n"
                  "{\"fast\":1,\"slow\":9}\n{\"fast\":2,\"slow\":9}\n");

    STK_CLEANUP(stk_points_closep)
    struct stk_points *points = open_points(
        "backtest", "{'from':{'name':'p.csv','format':'csv','text':'fast,slow\\n1,5\\n2,6\\n'}}");
    assert_int_equal(stk_points_from_rows(points), 2);
}

static void points__pass_by_where_in_their_order(void **unused)
{
    (void)unused;
    static const char text[] = "{'axes':[['fast','1:3'],['slow','1:3']],'where':'fast < slow'}";
    assert_points("backtest", text,
                  "{\"fast\":1,\"slow\":2}\n{\"fast\":1,\"slow\":3}\n{\"fast\":2,\"slow\":3}\n");
    assert_int_equal(count_of("backtest", text), 3);
    assert_points("fit",
                  "{'axes':[['rate','0.1:0.3:0.1'],['depth','5'],['kind','tree']],"
                  "'where':'rate = 0.3 AND NOT dry AND length(note) = 1'}",
                  "{\"depth\":5,\"dry\":false,\"kind\":\"tree\",\"note\":\"~\",\"rate\":0.3}\n");
}

static void points__may_be_none_after_where(void **unused)
{
    (void)unused;
    static const char text[] = "{'axes':[['fast','1:3'],['slow','1:3']],'where':'fast > 3',"
                               "'sample':2}";
    assert_int_equal(count_of("backtest", text), 0);
    assert_points("backtest", text, "");
}

static void points__rewind_to_the_first_one(void **unused)
{
    (void)unused;
    static const char *const recipes[] = {
        "{'axes':[['fast','1:50'],['slow','1:50']]}",
        "{'axes':[['fast','1:50'],['slow','1:50']],'sample':99}",
        "{'axes':[['fast','1:50'],['slow','1:50']],'where':'fast < slow','sample':99}",
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(recipes); i++) {
        STK_CLEANUP(stk_points_closep)
        struct stk_points *points = open_points("backtest", recipes[i]);
        STK_CLEANUP(stk_freep) char *first = list_points(points);
        STK_CLEANUP(stk_freep) char *ended = list_points(points);
        assert_string_equal(ended, "");
        stk_points_rewind(points);
        STK_CLEANUP(stk_freep) char *again = list_points(points);
        assert_string_equal(first, again);
    }
}

static size_t count_lines(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++) {
        count += *text == '\n';
    }
    return count;
}

/* The lines of `part` all stand in `all`, in the same order. */
static void assert_part_of(const char *part, const char *all)
{
    while (*part != '\0') {
        size_t len = strcspn(part, "\n") + 1;
        while (*all != '\0' && strncmp(part, all, len) != 0) {
            all += strcspn(all, "\n") + 1;
        }
        assert_true(*all != '\0');
        all += len;
        part += len;
    }
}

static void sample__is_the_same_for_the_same_seed(void **unused)
{
    (void)unused;
    static const char seven[] = "{'axes':[['fast','1:40'],['slow','1:40']],'sample':500,'seed':7}";
    static const char eight[] = "{'axes':[['fast','1:40'],['slow','1:40']],'sample':500,'seed':8}";
    static const char none[] = "{'axes':[['fast','1:40'],['slow','1:40']],'sample':500}";
    static const char zero[] = "{'axes':[['fast','1:40'],['slow','1:40']],'sample':500,'seed':0}";
    STK_CLEANUP(stk_freep) char *first = walk("backtest", seven);
    STK_CLEANUP(stk_freep) char *again = walk("backtest", seven);
    STK_CLEANUP(stk_freep) char *other = walk("backtest", eight);
    STK_CLEANUP(stk_freep) char *unseeded = walk("backtest", none);
    STK_CLEANUP(stk_freep) char *zeroed = walk("backtest", zero);
    assert_string_equal(first, again);
    assert_string_not_equal(first, other);
    assert_string_equal(unseeded, zeroed);
    assert_int_equal(count_lines(first), 500);
}

static void sample__stays_the_same_from_version_to_version(void **unused)
{
    (void)unused;
    assert_points("backtest", "{'axes':[['fast','1:1000'],['slow','1:1000']],'sample':3,'seed':7}",
                  "{\"fast\":341,\"slow\":688}\n{\"fast\":610,\"slow\":347}\n"
                  "{\"fast\":639,\"slow\":89}\n");
}

static void sample__has_distinct_points_in_order(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_freep)
    char *all = walk("backtest", "{'axes':[['fast','1:40'],['slow','1:40']]}");
    STK_CLEANUP(stk_freep)
    char *most =
        walk("backtest", "{'axes':[['fast','1:40'],['slow','1:40']],'sample':1599,'seed':3}");
    assert_int_equal(count_lines(most), 1599);
    assert_part_of(most, all);
}

static void sample__is_drawn_from_what_where_leaves(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_freep)
    char *all = walk("backtest", "{'axes':[['fast','1:40'],['slow','1:40']],'where':'fast<slow'}");
    STK_CLEANUP(stk_freep)
    char *some = walk("backtest", "{'axes':[['fast','1:40'],['slow','1:40']],'where':'fast<slow',"
                                  "'sample':100}");
    assert_int_equal(count_lines(some), 100);
    assert_part_of(some, all);
}

static void sample__of_all_or_more_is_all(void **unused)
{
    (void)unused;
    static const char *const recipes[] = {
        "{'axes':[['fast','1:3'],['slow','1:3']],'sample':9}",
        "{'axes':[['fast','1:3'],['slow','1:3']],'sample':9000000000}",
    };
    STK_CLEANUP(stk_freep) char *all = walk("backtest", "{'axes':[['fast','1:3'],['slow','1:3']]}");
    for (size_t i = 0; i < STK_ARRAY_LEN(recipes); i++) {
        assert_points("backtest", recipes[i], all);
        assert_int_equal(count_of("backtest", recipes[i]), 9);
    }
}

/* Each of 100 points in a tenth of 1000 samples: 100 times give or take 5
 * standard deviations of 9.5. */
static void sample__favours_no_point(void **unused)
{
    (void)unused;
    int times[100] = { 0 };
    for (int seed = 0; seed < 1000; seed++) {
        STK_CLEANUP(stk_freep)
        char *text =
            stk_format("{'axes':[['fast','0:99'],['slow','1']],'sample':10,'seed':%d}", seed);
        STK_CLEANUP(stk_freep) char *lines = walk("backtest", text);
        for (const char *at = lines; *at != '\0'; at += strcspn(at, "\n") + 1) {
            times[strtol(at + strlen("{\"fast\":"), NULL, 10)]++;
        }
    }
    for (int i = 0; i < 100; i++) {
        if (times[i] < 52 || times[i] > 148) fail_msg("point %d came %d times", i, times[i]);
    }
}

static void points__refuse_a_parameter_that_is_missing_unknown_or_given_twice(void **unused)
{
    (void)unused;
    assert_refused("backtest", "{'axes':[['fast','1:3']]}", STK_INVALID,
                   "parameter \"slow\" (int) of task \"backtest\" is missing");
    assert_refused("backtest", "{}", STK_INVALID,
                   "parameter \"fast\" (int) of task \"backtest\" is missing");
    assert_refused("backtest", "{'axes':[['fats','1:3']]}", STK_INVALID,
                   "unknown parameter \"fats\" of task \"backtest\"; did you mean \"fast\"? it has "
                   "fast, slow");
    assert_refused("backtest", "{'axes':[['fast','1:3'],['slow','1'],['fast','9']]}", STK_INVALID,
                   "parameter \"fast\" of task \"backtest\" is given twice");
    assert_refused("backtest",
                   "{'axes':[['fast','1:3']],'from':{'name':'p.csv','format':'csv',"
                   "'text':'slow,fast\\n1,2\\n'}}",
                   STK_INVALID, "parameter \"fast\" of task \"backtest\" is given twice");
}

static void points__refuse_zips_that_do_not_fit(void **unused)
{
    (void)unused;
    assert_refused(
        "backtest", "{'axes':[['fast','1:3'],['slow','1:4']],'zip':[['fast','slow']]}", STK_INVALID,
        "zipped parameters must have as many values each: \"fast\" has 3, \"slow\" has 4");
    assert_refused("backtest", "{'axes':[['fast','1:3'],['slow','1:3']],'zip':[['fast','mid']]}",
                   STK_INVALID, "zip names \"mid\", which no axis of this sweep gives");
    assert_refused("backtest", "{'axes':[['fast','1:3'],['slow','1:3']],'zip':[['fast','fast']]}",
                   STK_INVALID, "parameter \"fast\" is zipped twice");
    assert_refused("backtest", "{'axes':[['fast','1:3'],['slow','1:3']],'zip':[['fast']]}",
                   STK_INVALID, "zip needs the names of two parameters or more");
    assert_refused("backtest", "{'axes':[['fast','1:3'],['slow','1:3']],'zip':['fast']}",
                   STK_INVALID, "zip needs the names of two parameters or more");
    assert_refused("backtest", "{'axes':[['fast','1:3'],['slow','1:3']],'zip':[[1,2]]}",
                   STK_INVALID, "zip is lists of parameters");
}

static void points__refuse_recipes_of_another_shape(void **unused)
{
    (void)unused;
    assert_refused("backtest", "{'axis':[]}", STK_INVALID,
                   "unknown member \"axis\" (did you mean \"axes\"?)");
    assert_refused("backtest", "{'axes':'fast'}", STK_INVALID,
                   "\"axes\" of a sweep must be a list");
    assert_refused("backtest", "{'axes':[['fast',5]]}", STK_INVALID,
                   "an axis of a sweep is a pair of texts, [name, values]");
    assert_refused("backtest", "{'axes':[['fast','5','6']]}", STK_INVALID,
                   "an axis of a sweep is a pair of texts, [name, values]");
    assert_refused("backtest", "{'axes':[['fast','1'],['slow','2']],'sample':0}", STK_INVALID,
                   "\"sample\" must be at least 1");
    assert_refused("backtest", "{'axes':[['fast','1'],['slow','2']],'sample':-1}", STK_INVALID,
                   "\"sample\" must be at least 1");
    assert_refused("backtest", "{'axes':[['fast','1'],['slow','2']],'seed':'x'}", STK_INVALID,
                   "\"seed\" must be a whole number, not a string");
    assert_refused("backtest", "{'axes':[['fast','1'],['slow','2']],'where':'fast <'}", STK_INVALID,
                   "where: near \")\": syntax error");
    assert_refused("backtest", "{'from':{'name':'p.csv','format':'csv'}}", STK_INVALID,
                   "\"from\" of a sweep needs name, format and text");
    assert_refused("backtest", "{'from':{'name':'p.xls','format':'xls','text':''}}", STK_INVALID,
                   "\"format\" of a file is csv or jsonl, not \"xls\"");
    assert_refused("backtest", "{'from':{'name':'p.csv','format':'csv','text':'fast,slow\\n'}}",
                   STK_BAD_DATA, "p.csv has no rows");
}

static void points__refuse_more_than_a_hundred_million_before_walking(void **unused)
{
    (void)unused;
    static const char want[] = "the axes of this sweep span more than 100000000 points";
    assert_int_equal(count_of("backtest", "{'axes':[['fast','1:10000'],['slow','1:10000']]}"),
                     STK_POINTS_MAX);
    assert_refused("backtest", "{'axes':[['fast','1:10001'],['slow','1:10000']],'sample':5}",
                   STK_TOO_LARGE, want);
    assert_refused("fit",
                   "{'axes':[['rate','1:1000000'],['depth','1:50'],['kind','tree,line'],"
                   "['dry','true,false']]}",
                   STK_TOO_LARGE, want);
}

/* The text a point has here is the text its job would have if it were
 * submitted alone: the identity of a job in a sweep rests on it. */
static void points__have_the_canonical_text_of_the_checked_parameters(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_points_closep)
    struct stk_points *points = open_points(
        "fit", "{'axes':[['rate','-1:1:0.125,1e-7,1e21'],['note','a\\\"b,\xC3\xA9,\\\\\\\\,{}'],"
               "['kind','line,tree'],['depth','1:3'],['dry','true,false']]}");
    struct stk_error err = { .rc = STK_OK };
    for (;;) {
        const char *text = NULL;
        size_t len = 0;
        assert_ok(stk_points_next(points, &text, &len, &err), &err);
        if (text == NULL) break;

        STK_CLEANUP(stk_json_freep) json_t *parsed = NULL;
        STK_CLEANUP(stk_json_freep) json_t *checked = NULL;
        assert_ok(stk_json_parse(text, len, &parsed, &err), &err);
        assert_ok(stk_params_check(recipes_task("fit"), parsed, false, &checked, &err), &err);
        STK_CLEANUP(stk_freep) char *canonical = stk_json_text(checked);
        assert_string_equal(text, canonical);
    }
}

static void measure(const char *what, const char *text, int64_t want)
{
    stk_time_ns began = stk_clock_mono();
    STK_CLEANUP(stk_points_closep) struct stk_points *points = open_points("backtest", text);
    struct stk_error err = { .rc = STK_OK };
    int64_t count = 0;
    size_t bytes = 0;
    for (;; count++) {
        const char *point = NULL;
        size_t len = 0;
        if (stk_points_next(points, &point, &len, &err) != STK_OK || point == NULL) break;
        bytes += len;
    }
    double took_s = (double)(stk_clock_mono() - began) / 1e9;
    print_message("points: %s: %.1f million a second, %zu MB\n", what, (double)count / took_s / 1e6,
                  bytes / 1000000);
    assert_int_equal(count, want);
}

static void points__come_by_the_million(void **unused)
{
    (void)unused;
    measure("1000 x 1000", "{'axes':[['fast','1:1000'],['slow','1:1000']]}", 1000000);
    measure("1000000 x 1", "{'axes':[['fast','1:1000000'],['slow','1']]}", 1000000);
    measure("with where", "{'axes':[['fast','1:1000'],['slow','1:1000']],'where':'fast <= slow'}",
            500500);
    measure("500 of 100000000", "{'axes':[['fast','1:10000'],['slow','1:10000']],'sample':500}",
            500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points__are_the_cross_product_with_the_last_axis_fastest),
        cmocka_unit_test(points__fill_in_the_defaults_of_the_task),
        cmocka_unit_test(points__of_a_task_without_parameters_are_one),
        cmocka_unit_test(points__count_a_value_given_twice_once),
        cmocka_unit_test(points__walk_zipped_axes_together),
        cmocka_unit_test(points__walk_the_rows_of_a_file_as_one_axis),
        cmocka_unit_test(points__pass_by_where_in_their_order),
        cmocka_unit_test(points__may_be_none_after_where),
        cmocka_unit_test(points__rewind_to_the_first_one),
        cmocka_unit_test(sample__is_the_same_for_the_same_seed),
        cmocka_unit_test(sample__stays_the_same_from_version_to_version),
        cmocka_unit_test(sample__has_distinct_points_in_order),
        cmocka_unit_test(sample__is_drawn_from_what_where_leaves),
        cmocka_unit_test(sample__of_all_or_more_is_all),
        cmocka_unit_test(sample__favours_no_point),
        cmocka_unit_test(points__refuse_a_parameter_that_is_missing_unknown_or_given_twice),
        cmocka_unit_test(points__refuse_zips_that_do_not_fit),
        cmocka_unit_test(points__refuse_recipes_of_another_shape),
        cmocka_unit_test(points__refuse_more_than_a_hundred_million_before_walking),
        cmocka_unit_test(points__have_the_canonical_text_of_the_checked_parameters),
        cmocka_unit_test(points__come_by_the_million),
    };
    return cmocka_run_group_tests(tests, NULL, recipes_end);
}
