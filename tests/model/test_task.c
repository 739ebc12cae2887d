/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "model/task.h"

/* backtest: fast int 1..500, share float 0..1 (0.5), mode of open, close
 * (close), note text of at most 8 bytes (""), flag text with dash (""), on bool
 * (true). */
static struct stk_task make_task(void)
{
    struct stk_task task = { .name = stk_strdup("backtest"), .param_count = 6 };
    task.params = stk_alloc(6 * sizeof(*task.params));
    task.params[0] = (struct stk_param){ .name = stk_strdup("fast"),
                                         .type = STK_PARAM_INT,
                                         .has_min = true,
                                         .has_max = true,
                                         .min = 1,
                                         .max = 500 };
    task.params[1] = (struct stk_param){ .name = stk_strdup("share"),
                                         .type = STK_PARAM_FLOAT,
                                         .has_min = true,
                                         .has_max = true,
                                         .max = 1,
                                         .fallback = json_real(0.5) };
    task.params[2] = (struct stk_param){ .name = stk_strdup("mode"),
                                         .type = STK_PARAM_TEXT,
                                         .choices = json_pack("[ss]", "open", "close"),
                                         .fallback = json_string("close") };
    task.params[3] = (struct stk_param){ .name = stk_strdup("note"),
                                         .type = STK_PARAM_TEXT,
                                         .has_max = true,
                                         .max = 8,
                                         .fallback = json_string("") };
    task.params[4] = (struct stk_param){ .name = stk_strdup("flag"),
                                         .type = STK_PARAM_TEXT,
                                         .dash = true,
                                         .fallback = json_string("") };
    task.params[5] = (struct stk_param){ .name = stk_strdup("on"),
                                         .type = STK_PARAM_BOOL,
                                         .fallback = json_true() };
    return task;
}

/* The canonical text of what is accepted, or the sentence of the refusal. */
static char *check(const char *json, bool from_text)
{
    STK_CLEANUP(stk_task_release) struct stk_task task = make_task();
    STK_CLEANUP(stk_json_freep) json_t *given = NULL;
    assert_int_equal(stk_json_parse(json, strlen(json), &given, NULL), STK_OK);

    struct stk_error err = { 0 };
    STK_CLEANUP(stk_json_freep) json_t *params = NULL;
    enum stk_rc rc = stk_params_check(&task, given, from_text, &params, &err);
    if (rc == STK_OK) return stk_json_text(params);

    assert_int_equal(rc, STK_INVALID);
    assert_int_equal(err.rc, STK_INVALID);
    assert_null(params);
    return stk_strdup(err.text);
}

static void assert_gives(const char *json, bool from_text, const char *wanted)
{
    STK_CLEANUP(stk_freep) char *text = check(json, from_text);
    assert_string_equal(text, wanted);
}

static void assert_accepts(const char *json, bool from_text)
{
    STK_CLEANUP(stk_freep) char *text = check(json, from_text);
    assert_int_equal(*text, '{');
}

static void assert_refuses(const char *json, bool from_text, const char *part)
{
    STK_CLEANUP(stk_freep) char *text = check(json, from_text);
    if (strstr(text, part) == NULL) assert_string_equal(text, part);
}

static void params__hold_exactly_the_parameters_of_the_task(void **unused)
{
    (void)unused;
    assert_gives("{\"fast\":5}", false,
                 "{\"fast\":5,\"flag\":\"\",\"mode\":\"close\",\"note\":\"\",\"on\":true,"
                 "\"share\":0.5}");
}

static void params__are_read_by_type_when_typed_as_text(void **unused)
{
    (void)unused;
    assert_gives("{\"fast\":\"5\",\"share\":\"0.25\",\"on\":\"false\",\"note\":\"5\"}", true,
                 "{\"fast\":5,\"flag\":\"\",\"mode\":\"close\",\"note\":\"5\",\"on\":false,"
                 "\"share\":0.25}");
}

static void params__an_unknown_name_is_refused_with_the_nearest_and_all(void **unused)
{
    (void)unused;
    assert_gives("{\"fsat\":5}", false,
                 "unknown parameter \"fsat\" of task \"backtest\"; did you mean \"fast\"? it has "
                 "fast, share, mode, note, flag, on");
}

static void params__a_missing_one_without_default_is_refused(void **unused)
{
    (void)unused;
    assert_gives("{}", false, "parameter \"fast\" (int) of task \"backtest\" is missing");
}

static void params__what_is_no_object_is_refused(void **unused)
{
    (void)unused;
    assert_gives("[5]", false, "the parameters of task \"backtest\" must be a JSON object");
}

static void params__too_large_together_are_refused(void **unused)
{
    (void)unused;
    struct stk_task task = { .name = stk_strdup("big"), .param_count = 20 };
    task.params = stk_alloc(20 * sizeof(*task.params));
    STK_CLEANUP(stk_json_freep) json_t *given = json_object();
    char value[STK_TEXT_PARAM_BYTES_MAX + 1];
    memset(value, 'x', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    for (int i = 0; i < 20; i++) {
        task.params[i].type = STK_PARAM_TEXT;
        task.params[i].name = stk_format("p%d", i);
        assert_int_equal(json_object_set_new(given, task.params[i].name, json_string(value)), 0);
    }

    struct stk_error err = { 0 };
    json_t *params = NULL;
    assert_int_equal(stk_params_check(&task, given, false, &params, &err), STK_TOO_LARGE);
    assert_non_null(strstr(err.text, "the limit is 65536"));
    stk_task_release(&task);
}

static void int__takes_whole_numbers_only(void **unused)
{
    (void)unused;
    assert_refuses("{\"fast\":5.0}", false, "\"fast\" of task \"backtest\": 5.0 is not a whole");
    assert_refuses("{\"fast\":\"5\"}", false, "\"5\" is not a whole number");
    assert_refuses("{\"fast\":true}", false, "true is not a whole number");
    assert_refuses("{\"fast\":null}", false, "null is not a whole number");
    assert_refuses("{\"fast\":[5]}", false, "[5] is not a whole number");
}

static void int__is_read_strictly_from_text(void **unused)
{
    (void)unused;
    static const char *const wrong[] = { "",    "5 ",  " 5",  "5.0", "0x5",
                                         "5e1", "abc", "1_0", "+5",  "9223372036854775808" };
    for (size_t i = 0; i < STK_ARRAY_LEN(wrong); i++) {
        STK_CLEANUP(stk_freep) char *json = stk_format("{\"fast\":\"%s\"}", wrong[i]);
        assert_refuses(json, true, "is not a whole number of at most 64 bits");
    }
}

static void int__keeps_to_its_bounds(void **unused)
{
    (void)unused;
    assert_accepts("{\"fast\":1}", false);
    assert_accepts("{\"fast\":500}", false);
    assert_gives("{\"fast\":0}", false,
                 "parameter \"fast\" of task \"backtest\": 0 is below the minimum of 1");
    assert_gives("{\"fast\":\"501\"}", true,
                 "parameter \"fast\" of task \"backtest\": 501 is above the maximum of 500");
    assert_refuses("{\"fast\":-9223372036854775808}", false, "is below the minimum");
}

static void float__takes_whole_numbers_and_makes_them_real(void **unused)
{
    (void)unused;
    assert_gives("{\"fast\":5,\"share\":1}", false,
                 "{\"fast\":5,\"flag\":\"\",\"mode\":\"close\",\"note\":\"\",\"on\":true,"
                 "\"share\":1.0}");
}

static void float__refuses_what_is_not_finite_or_not_exact(void **unused)
{
    (void)unused;
    assert_refuses("{\"fast\":5,\"share\":9007199254740993}", false, "beyond 2^53");
    assert_refuses("{\"fast\":5,\"share\":\"0.5\"}", false, "is not a finite number");
    assert_refuses("{\"fast\":\"5\",\"share\":\"nan\"}", true, "is not a finite number");
    assert_refuses("{\"fast\":\"5\",\"share\":\"inf\"}", true, "is not a finite number");
    assert_refuses("{\"fast\":\"5\",\"share\":\"1e999\"}", true, "is not a finite number");
    assert_refuses("{\"fast\":5,\"share\":1.5}", false, "1.5 is above the maximum of 1.0");
}

static void bool__is_true_or_false_and_nothing_like_it(void **unused)
{
    (void)unused;
    assert_refuses("{\"fast\":5,\"on\":1}", false, "1 is neither true nor false");
    assert_refuses("{\"fast\":5,\"on\":\"true\"}", false, "is neither true nor false");
    assert_refuses("{\"fast\":\"5\",\"on\":\"yes\"}", true, "\"yes\" is neither true nor false");
    assert_refuses("{\"fast\":\"5\",\"on\":\"1\"}", true, "is neither true nor false");
}

static void text__refuses_control_characters(void **unused)
{
    (void)unused;
    static const char *const wrong[] = { "a\\nb", "\\u0007", "\\u001b[2J",
                                         "\\t",   "\\u007f", "\\u0085" };
    for (size_t i = 0; i < STK_ARRAY_LEN(wrong); i++) {
        STK_CLEANUP(stk_freep) char *json = stk_format("{\"fast\":5,\"note\":\"%s\"}", wrong[i]);
        assert_refuses(json, false, "holds a newline or another control character");
    }
    assert_accepts("{\"fast\":5,\"note\":\"\xc3\xa4\xe2\x82\xac\xc2\xa0\"}", false);
}

static void text__refuses_what_is_not_utf8_or_holds_a_nul(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_task_release) struct stk_task task = make_task();
    STK_CLEANUP(stk_json_freep) json_t *broken = json_stringn_nocheck("a\xff", 2);
    STK_CLEANUP(stk_json_freep) json_t *nul = json_stringn_nocheck("a\0b", 3);
    json_t *value = NULL;
    struct stk_error err = { 0 };
    const struct stk_param *note = stk_task_param(&task, "note");

    assert_int_equal(stk_param_check(&task, note, broken, false, &value, &err), STK_INVALID);
    assert_non_null(strstr(err.text, "is not valid UTF-8"));
    assert_int_equal(stk_param_check(&task, note, nul, true, &value, &err), STK_INVALID);
    assert_non_null(strstr(err.text, "holds a NUL"));
    assert_null(value);
}

static void text__that_looks_like_an_option_needs_the_word_of_the_task(void **unused)
{
    (void)unused;
    assert_refuses("{\"fast\":5,\"note\":\"--x\"}", false, "begins with '-'");
    assert_accepts("{\"fast\":5,\"note\":\"a-b\"}", false);
    assert_accepts("{\"fast\":5,\"flag\":\"--x\"}", false);
}

static void text__keeps_to_its_length_in_bytes(void **unused)
{
    (void)unused;
    assert_accepts("{\"fast\":5,\"note\":\"12345678\"}", false);
    assert_gives("{\"fast\":5,\"note\":\"123456789\"}", false,
                 "parameter \"note\" of task \"backtest\": \"123456789\" is longer than the "
                 "maximum of 8 bytes");
}

static void text__has_a_limit_even_when_the_task_names_none(void **unused)
{
    (void)unused;
    char value[STK_TEXT_PARAM_BYTES_MAX + 2];
    memset(value, 'x', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    STK_CLEANUP(stk_freep) char *over = stk_format("{\"fast\":5,\"flag\":\"%s\"}", value);
    STK_CLEANUP(stk_freep) char *at = stk_format("{\"fast\":5,\"flag\":\"%s\"}", value + 1);
    assert_refuses(over, false, "is longer than 4096 bytes");
    assert_accepts(at, false);
}

static void choices__are_named_when_the_value_is_none_of_them(void **unused)
{
    (void)unused;
    assert_accepts("{\"fast\":5,\"mode\":\"open\"}", false);
    assert_gives("{\"fast\":5,\"mode\":\"high\"}", false,
                 "parameter \"mode\" of task \"backtest\": \"high\" is not one of \"open\", "
                 "\"close\"");
}

static void refusals__shorten_and_escape_what_was_typed(void **unused)
{
    (void)unused;
    char value[300];
    memset(value, 'x', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    STK_CLEANUP(stk_freep) char *json = stk_format("{\"fast\":5,\"mode\":\"%s\"}", value);
    assert_refuses(json, false, "xxx...\" is not one of");

    STK_CLEANUP(stk_freep) char *text = check("{\"\\u001b[2J\":5}", false);
    assert_null(strchr(text, '\x1b'));
}

/* --- argument vectors ----------------------------------------------------- */

static char **make_argv(const char *a, const char *b, const char *c)
{
    char **argv = stk_alloc(4 * sizeof(*argv));
    argv[0] = stk_strdup(a);
    argv[1] = stk_strdup(b);
    argv[2] = b != NULL ? stk_strdup(c) : NULL;
    return argv;
}

static json_t *make_params(void)
{
    return json_pack("{s:i, s:f, s:s, s:b}", "fast", 5, "share", 2.0, "note", "a {b} c", "on", 1);
}

static void argv__fills_templates_with_parameters(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_task_release) struct stk_task task = make_task();
    task.argv = make_argv("./backtest", "{fast}", "--x={share},{on}:{note}!");
    STK_CLEANUP(stk_json_freep) json_t *params = make_params();

    char **argv = NULL;
    assert_int_equal(stk_task_argv(&task, params, &argv, NULL), STK_OK);
    assert_string_equal(argv[0], "./backtest");
    assert_string_equal(argv[1], "5");
    assert_string_equal(argv[2], "--x=2.0,true:a {b} c!"); /* values are not read again */
    assert_null(argv[3]);
    stk_argv_free(argv);
}

static void argv__writes_doubled_braces_once(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_task_release) struct stk_task task = make_task();
    task.argv = make_argv("{{}}", "{{{fast}}}", "");
    STK_CLEANUP(stk_json_freep) json_t *params = make_params();

    char **argv = NULL;
    assert_int_equal(stk_task_argv(&task, params, &argv, NULL), STK_OK);
    assert_string_equal(argv[0], "{}");
    assert_string_equal(argv[1], "{5}");
    assert_string_equal(argv[2], "");
    stk_argv_free(argv);
}

static void argv__of_a_task_without_command_is_empty(void **unused)
{
    (void)unused;
    const struct stk_task task = { .executor = STK_EXECUTOR_NOOP };
    char **argv = NULL;
    assert_int_equal(stk_task_argv(&task, NULL, &argv, NULL), STK_OK);
    assert_null(argv[0]);
    stk_argv_free(argv);
}

static void argv__a_parameter_that_the_job_lacks_is_refused(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_task_release) struct stk_task task = make_task();
    task.argv = make_argv("./backtest", "{fast}", NULL);
    STK_CLEANUP(stk_json_freep) json_t *params = make_params();
    (void)json_object_del(params, "fast");

    char **argv = NULL;
    struct stk_error err = { 0 };
    assert_int_equal(stk_task_argv(&task, params, &argv, &err), STK_INVALID);
    assert_string_equal(err.text, "the job has no parameter \"fast\": task \"backtest\" has "
                                  "changed since the job was submitted");
    assert_null(argv);
}

static void argv__a_parameter_that_the_job_lacks_has_its_default(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_task_release) struct stk_task task = make_task();
    task.argv = make_argv("./backtest", "{mode}", NULL);
    STK_CLEANUP(stk_json_freep) json_t *params = make_params();

    char **argv = NULL;
    assert_int_equal(stk_task_argv(&task, params, &argv, NULL), STK_OK);
    assert_string_equal(argv[1], "close");
    stk_argv_free(argv);
}

static void template__refuses_unbalanced_braces_and_unknown_names(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_task_release) struct stk_task task = make_task();
    static const char *const right[] = {
        "", "x", "{fast}", "{{", "}}", "a{fast}b{share}", "{{x}}"
    };
    static const char *const wrong[] = { "{",        "}",  "{fast",  "fast}",   "{{x}",
                                         "{fa{st}}", "{}", "{nope}", "{fast }", "{\"a\": 1}" };
    for (size_t i = 0; i < STK_ARRAY_LEN(right); i++) {
        assert_int_equal(stk_task_check_template(&task, right[i], true, NULL), STK_OK);
    }
    for (size_t i = 0; i < STK_ARRAY_LEN(wrong); i++) {
        assert_int_equal(stk_task_check_template(&task, wrong[i], true, NULL), STK_INVALID);
    }
}

static void template__of_the_program_takes_no_parameters(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_task_release) struct stk_task task = make_task();
    assert_int_equal(stk_task_check_template(&task, "./run", false, NULL), STK_OK);
    assert_int_equal(stk_task_check_template(&task, "./{mode}", false, NULL), STK_INVALID);
}

static void types__read_back_by_name(void **unused)
{
    (void)unused;
    for (int i = STK_PARAM_INT; i <= STK_PARAM_BOOL; i++) {
        enum stk_param_type back = STK_PARAM_INT;
        assert_true(stk_param_type_from_name(stk_param_type_name((enum stk_param_type)i), &back));
        assert_int_equal(back, i);
    }
    enum stk_param_type left = STK_PARAM_BOOL;
    assert_false(stk_param_type_from_name("integer", &left));
    assert_int_equal(left, STK_PARAM_BOOL);
}

static void release__takes_null_and_the_empty_task(void **unused)
{
    (void)unused;
    struct stk_task task = { 0 };
    stk_task_release(NULL);
    stk_task_release(&task);
    stk_task_release(&task);
    stk_argv_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(params__hold_exactly_the_parameters_of_the_task),
        cmocka_unit_test(params__are_read_by_type_when_typed_as_text),
        cmocka_unit_test(params__an_unknown_name_is_refused_with_the_nearest_and_all),
        cmocka_unit_test(params__a_missing_one_without_default_is_refused),
        cmocka_unit_test(params__what_is_no_object_is_refused),
        cmocka_unit_test(params__too_large_together_are_refused),
        cmocka_unit_test(int__takes_whole_numbers_only),
        cmocka_unit_test(int__is_read_strictly_from_text),
        cmocka_unit_test(int__keeps_to_its_bounds),
        cmocka_unit_test(float__takes_whole_numbers_and_makes_them_real),
        cmocka_unit_test(float__refuses_what_is_not_finite_or_not_exact),
        cmocka_unit_test(bool__is_true_or_false_and_nothing_like_it),
        cmocka_unit_test(text__refuses_control_characters),
        cmocka_unit_test(text__refuses_what_is_not_utf8_or_holds_a_nul),
        cmocka_unit_test(text__that_looks_like_an_option_needs_the_word_of_the_task),
        cmocka_unit_test(text__keeps_to_its_length_in_bytes),
        cmocka_unit_test(text__has_a_limit_even_when_the_task_names_none),
        cmocka_unit_test(choices__are_named_when_the_value_is_none_of_them),
        cmocka_unit_test(refusals__shorten_and_escape_what_was_typed),
        cmocka_unit_test(argv__fills_templates_with_parameters),
        cmocka_unit_test(argv__writes_doubled_braces_once),
        cmocka_unit_test(argv__of_a_task_without_command_is_empty),
        cmocka_unit_test(argv__a_parameter_that_the_job_lacks_is_refused),
        cmocka_unit_test(argv__a_parameter_that_the_job_lacks_has_its_default),
        cmocka_unit_test(template__refuses_unbalanced_braces_and_unknown_names),
        cmocka_unit_test(template__of_the_program_takes_no_parameters),
        cmocka_unit_test(types__read_back_by_name),
        cmocka_unit_test(release__takes_null_and_the_empty_task),
    };
    return cmocka_run_group_tests_name("model/task", tests, NULL, NULL);
}
