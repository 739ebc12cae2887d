/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <stdio.h>
#include <string.h>

#include "cli/args.h"

static const struct stk_option own[] = {
    { .name = "limit", .value = "N", .is_int = true, .min = 1, .max = 1000, .help = "" },
    { .name = "state", .value = "pending|failed", .help = "" },
    { .name = "zip", .value = "A,B", .help = "" },
    { .name = "drain", .help = "" },
    { .name = NULL },
};
static const struct stk_option global[] = {
    { .name = "json", .help = "" },
    { .name = "help", .letter = 'h', .help = "" },
    { .name = NULL },
};
static const struct stk_option *const tables[] = { own, global, NULL };

/* Words of a line, as a shell would split it. */
static enum stk_rc parse(const char *line, struct stk_args *ret, struct stk_error *err)
{
    static char copy[256];
    static char *argv[16];
    size_t count = 0;
    char *rest = NULL;
    (void)snprintf(copy, sizeof(copy), "%s", line);
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        argv[count++] = word;
    }
    return stk_args_parse(tables, argv, count, ret, err);
}

static void refuse(const char *line, const char *sentence)
{
    struct stk_args args = STK_ARGS_INIT;
    struct stk_error err = { .rc = STK_OK };
    assert_int_equal(parse(line, &args, &err), STK_INVALID);
    assert_string_equal(err.text, sentence);
    assert_null(args.given);
}

static void parse__takes_values_with_and_without_an_equals_sign(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_args_release) struct stk_args args = STK_ARGS_INIT;
    assert_int_equal(parse("--limit=20 --state failed", &args, NULL), STK_OK);
    assert_int_equal(stk_args_int(&args, "limit", 1), 20);
    assert_string_equal(stk_args_text(&args, "state"), "failed");
}

static void parse__lets_options_stand_anywhere(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_args_release) struct stk_args args = STK_ARGS_INIT;
    assert_int_equal(parse("--json sweep --drain fast=5 -h slow=1", &args, NULL), STK_OK);
    assert_true(stk_args_has(&args, "json"));
    assert_true(stk_args_has(&args, "drain"));
    assert_true(stk_args_has(&args, "help"));
    assert_int_equal(args.word_count, 3);
    assert_string_equal(args.words[1], "fast=5");
}

static void parse__never_takes_a_parameter_for_an_option(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_args_release) struct stk_args args = STK_ARGS_INIT;
    assert_int_equal(parse("limit=5 drain=-1 -", &args, NULL), STK_OK);
    assert_int_equal(args.given_count, 0);
    assert_int_equal(args.word_count, 3);
    assert_string_equal(args.words[2], "-");
}

static void parse__two_dashes_end_the_options(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_args_release) struct stk_args args = STK_ARGS_INIT;
    assert_int_equal(parse("--json -- --drain show", &args, NULL), STK_OK);
    assert_false(stk_args_has(&args, "drain"));
    assert_string_equal(args.words[0], "--drain");
}

static void parse__keeps_every_value_of_a_repeated_option(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_args_release) struct stk_args args = STK_ARGS_INIT;
    assert_int_equal(parse("--zip a,b --zip=c,d", &args, NULL), STK_OK);
    assert_string_equal(stk_args_nth(&args, "zip", 0), "a,b");
    assert_string_equal(stk_args_nth(&args, "zip", 1), "c,d");
    assert_null(stk_args_nth(&args, "zip", 2));
    assert_string_equal(stk_args_text(&args, "zip"), "c,d"); /* the last one counts */
}

static void parse__gives_the_fallback_for_what_is_not_given(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_args_release) struct stk_args args = STK_ARGS_INIT;
    assert_int_equal(parse("", &args, NULL), STK_OK);
    assert_int_equal(stk_args_int(&args, "limit", 20), 20);
    assert_null(stk_args_text(&args, "state"));
}

static void parse__refuses_unknown_options_and_names_the_nearest(void **unused)
{
    (void)unused;
    refuse("--limt 5", "unknown option --limt; did you mean --limit?");
    refuse("--jsno=5", "unknown option --jsno=5; did you mean --json?");
    refuse("--wombat", "unknown option --wombat");
    refuse("-x", "unknown option -x");
    refuse("-hx", "unknown option -hx");
}

static void parse__refuses_values_that_do_not_fit(void **unused)
{
    (void)unused;
    refuse("--limit 0", "option --limit takes a whole number from 1 to 1000, not \"0\"");
    refuse("--limit=1e3", "option --limit takes a whole number from 1 to 1000, not \"1e3\"");
    refuse("--state fail", "option --state takes one of pending|failed, not \"fail\"");
    refuse("--state=", "option --state takes one of pending|failed, not \"\"");
    refuse("--drain=yes", "option --drain takes no value");
    refuse("--limit", "option --limit needs a value: --limit N");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse__takes_values_with_and_without_an_equals_sign),
        cmocka_unit_test(parse__lets_options_stand_anywhere),
        cmocka_unit_test(parse__never_takes_a_parameter_for_an_option),
        cmocka_unit_test(parse__two_dashes_end_the_options),
        cmocka_unit_test(parse__keeps_every_value_of_a_repeated_option),
        cmocka_unit_test(parse__gives_the_fallback_for_what_is_not_given),
        cmocka_unit_test(parse__refuses_unknown_options_and_names_the_nearest),
        cmocka_unit_test(parse__refuses_values_that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
