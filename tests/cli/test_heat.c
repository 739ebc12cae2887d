/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <stdio.h>
#include <string.h>

#include "cli/heat.h"

static const struct stk_term plain = { .unicode = true, .width = 80 };
static const struct stk_term ascii = { .width = 80 };

static void add(struct stk_heat *heat, int64_t id, int fast, int slow, int cost, double sharpe)
{
    json_t *row =
        json_pack("{s:I, s:{s:i, s:i, s:i, s:s}, s:{s:f}}", "id", (json_int_t)id, "params", "fast",
                  fast, "slow", slow, "cost", cost, "set", "eu", "result", "sharpe", sharpe);
    stk_heat_add(heat, row);
    json_decref(row);
}

/* fast 5, 10, 100 (a sort by text would put 10 first) by slow 50, 60; one is
 * missing. */
static void add_small(struct stk_heat *heat)
{
    add(heat, 1, 100, 50, 0, 0.5);
    add(heat, 2, 5, 50, 0, -0.25);
    add(heat, 3, 10, 50, 0, 0.125);
    add(heat, 4, 5, 60, 0, 0.0);
    add(heat, 5, 10, 60, 0, 0.25);
}

static void expect(const struct stk_heat *heat, const struct stk_term *term, const char *text)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf out = STK_BUF_INIT;
    assert_int_equal(stk_heat_render(heat, term, &out, NULL), STK_OK);
    assert_string_equal(stk_buf_str(&out), text);
}

static void render__shows_numbers_when_there_is_room(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_heat_release) struct stk_heat heat;
    stk_heat_init(&heat, "fast", "slow", "sharpe", STK_AGG_MEAN);
    add_small(&heat);
    expect(&heat, &plain,
           "mean of sharpe: fast across, slow down, cost=0, set=eu\n"
           "          5       10      100 \n"
           "50  ░ -0.25  ▓ 0.125  █   0.5*\n"
           "60  ▒     0  ▓  0.25        · \n"
           "\n"
           "-0.25 ░░░▒▒▒▓▓▓███ 0.5   · no result\n"
           "* highest 0.5 at fast=100 slow=50 (job 1)\n"
           "  lowest  -0.25 at fast=5 slow=50 (job 2)\n");
}

static void render__is_readable_without_unicode(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_heat_release) struct stk_heat heat;
    stk_heat_init(&heat, "fast", "slow", "sharpe", STK_AGG_MEAN);
    add_small(&heat);
    expect(&heat, &ascii,
           "mean of sharpe: fast across, slow down, cost=0, set=eu\n"
           "          5       10      100 \n"
           "50  . -0.25  o 0.125  #   0.5*\n"
           "60  :     0  o  0.25        - \n"
           "\n"
           "-0.25 ...:::ooo### 0.5   - no result\n"
           "* highest 0.5 at fast=100 slow=50 (job 1)\n"
           "  lowest  -0.25 at fast=5 slow=50 (job 2)\n");
}

static void render__aggregates_other_parameters_and_says_so(void **unused)
{
    (void)unused;
    static const struct {
        enum stk_agg agg;
        const char *text;
    } cases[] = {
        { STK_AGG_MEAN, "mean of sharpe over all cost: fast across, slow down, set=eu\n"
                        "      5 \n"
                        "50  ░ 3 \n"
                        "60  █ 4*\n"
                        "\n"
                        "3 ░░░▒▒▒▓▓▓███ 4\n"
                        "* highest 4 at fast=5 slow=60 (job 4)\n"
                        "  lowest  3 at fast=5 slow=50 (3 jobs)\n" },
        { STK_AGG_MAX, "max of sharpe over all cost: fast across, slow down, set=eu\n"
                       "      5 \n"
                       "50  █ 6*\n"
                       "60  ░ 4 \n"
                       "\n"
                       "4 ░░░▒▒▒▓▓▓███ 6\n"
                       "* highest 6 at fast=5 slow=50 (3 jobs)\n"
                       "  lowest  4 at fast=5 slow=60 (job 4)\n" },
        { STK_AGG_MIN, "min of sharpe over all cost: fast across, slow down, set=eu\n"
                       "      5 \n"
                       "50  ░ 1 \n"
                       "60  █ 4*\n"
                       "\n"
                       "1 ░░░▒▒▒▓▓▓███ 4\n"
                       "* highest 4 at fast=5 slow=60 (job 4)\n"
                       "  lowest  1 at fast=5 slow=50 (3 jobs)\n" },
        { STK_AGG_COUNT, "count of sharpe over all cost: fast across, slow down, set=eu\n"
                         "      5 \n"
                         "50  █ 3*\n"
                         "60  ░ 1 \n"
                         "\n"
                         "1 ░░░▒▒▒▓▓▓███ 3\n"
                         "* highest 3 at fast=5 slow=50\n"
                         "  lowest  1 at fast=5 slow=60 (job 4)\n" },
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(cases); i++) {
        STK_CLEANUP(stk_heat_release) struct stk_heat heat;
        stk_heat_init(&heat, "fast", "slow", "sharpe", cases[i].agg);
        add(&heat, 1, 5, 50, 0, 1.0);
        add(&heat, 2, 5, 50, 1, 2.0);
        add(&heat, 3, 5, 50, 5, 6.0);
        add(&heat, 4, 5, 60, 0, 4.0);
        expect(&heat, &plain, cases[i].text);
    }
}

static void render__folds_an_axis_that_is_too_wide(void **unused)
{
    (void)unused;
    const struct stk_term narrow = { .unicode = true, .width = 20 };
    STK_CLEANUP(stk_heat_release) struct stk_heat heat;
    stk_heat_init(&heat, "fast", "slow", "sharpe", STK_AGG_MAX);
    for (int fast = 1; fast <= 50; fast++) {
        add(&heat, fast, fast, 50, 0, fast);
    }
    expect(&heat, &narrow,
           "max of sharpe: fast across, slow down, cost=0, set=eu\n"
           "   1 7 13 22 31 40\n"
           "50 ░░░░▒▒▒▒▓▓▓▓████*\n"
           "\n"
           "3 ░░░▒▒▒▓▓▓███ 50\n"
           "* highest 50 at fast=49 slow=50 (2 jobs)\n"
           "  lowest  3 at fast=1 slow=50 (3 jobs)\n"
           "fast is folded: a cell is 3 values, named by the first\n");
}

static void render__colors_cells_when_the_terminal_can(void **unused)
{
    (void)unused;
    const struct stk_term colored = {
        .unicode = true, .color = true, .color_256 = true, .width = 80
    };
    STK_CLEANUP(stk_heat_release) struct stk_heat heat;
    STK_CLEANUP(stk_buf_release) struct stk_buf out = STK_BUF_INIT;
    stk_heat_init(&heat, "fast", "slow", "sharpe", STK_AGG_MEAN);
    add_small(&heat);
    assert_int_equal(stk_heat_render(&heat, &colored, &out, NULL), STK_OK);
    assert_non_null(strstr(stk_buf_str(&out), "\033[48;5;53;38;5;231m -0.25 \033[0m"));
    assert_non_null(strstr(stk_buf_str(&out), "\033[48;5;226;38;5;16m   0.5*\033[0m"));
}

static void render__says_why_there_is_nothing_to_draw(void **unused)
{
    (void)unused;
    struct stk_error err = { .rc = STK_OK };
    STK_CLEANUP(stk_buf_release) struct stk_buf out = STK_BUF_INIT;
    STK_CLEANUP(stk_heat_release) struct stk_heat heat;
    stk_heat_init(&heat, "fast", "slow", "shrpe", STK_AGG_MEAN);
    assert_int_equal(stk_heat_render(&heat, &plain, &out, &err), STK_NOT_FOUND);
    assert_string_equal(err.text, "there are no results to draw yet");
    add_small(&heat);
    assert_int_equal(stk_heat_render(&heat, &plain, &out, &err), STK_NOT_FOUND);
    assert_string_equal(err.text, "there is no column \"shrpe\"; did you mean \"sharpe\"?");
    assert_int_equal(out.len, 0);
}

static void render__counts_results_without_a_number(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_heat_release) struct stk_heat heat;
    STK_CLEANUP(stk_buf_release) struct stk_buf out = STK_BUF_INIT;
    STK_CLEANUP(stk_json_freep)
    json_t *text = json_pack("{s:i, s:{s:i, s:i}, s:{s:s}}", "id", 9, "params", "fast", 1, "slow",
                             2, "result", "sharpe", "none");
    stk_heat_init(&heat, "fast", "slow", "sharpe", STK_AGG_MEAN);
    add_small(&heat);
    stk_heat_add(&heat, text);
    assert_int_equal(stk_heat_render(&heat, &plain, &out, NULL), STK_OK);
    assert_non_null(
        strstr(stk_buf_str(&out), "\n1 result has no number in sharpe, or lacks an axis\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(render__shows_numbers_when_there_is_room),
        cmocka_unit_test(render__is_readable_without_unicode),
        cmocka_unit_test(render__aggregates_other_parameters_and_says_so),
        cmocka_unit_test(render__folds_an_axis_that_is_too_wide),
        cmocka_unit_test(render__colors_cells_when_the_terminal_can),
        cmocka_unit_test(render__says_why_there_is_nothing_to_draw),
        cmocka_unit_test(render__counts_results_without_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
