/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/config.h"

static struct stk_node *parse(const char *text)
{
    struct stk_node *root = NULL;
    struct stk_error err = { 0 };
    if (stk_config_parse("t.yaml", text, strlen(text), &root, &err) != STK_OK) {
        fail_msg("%s", err.text);
    }
    return root;
}

static void check_refused_bytes(const char *text, size_t len, const char *wanted)
{
    struct stk_node *root = NULL;
    struct stk_error err = { 0 };
    if (stk_config_parse("t.yaml", text, len, &root, &err) != STK_BAD_CONFIG) {
        fail_msg("took '%.60s'", text);
    }
    assert_null(root);
    assert_string_equal(err.text, wanted);
}

static void check_refused(const char *text, const char *wanted)
{
    check_refused_bytes(text, strlen(text), wanted);
}

static void parse__makes_a_tree_that_knows_its_places(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_config_closep)
    struct stk_node *root =
        parse("# a comment\ntasks:\n  backtest:\n    retry: 3\ntriggers:\n  - dir: /in\n  - x\n");
    assert_int_equal(root->kind, STK_NODE_MAP);
    assert_string_equal(root->key, "");
    assert_string_equal(root->file, "t.yaml");
    assert_int_equal(root->count, 2);

    const struct stk_node *backtest = stk_node_get(stk_node_get(root, "tasks"), "backtest");
    const struct stk_node *retry = stk_node_get(backtest, "retry");
    assert_int_equal(backtest->line, 3);
    assert_int_equal(retry->kind, STK_NODE_SCALAR);
    assert_string_equal(retry->key, "tasks.backtest.retry");
    assert_string_equal(retry->name, "retry");
    assert_string_equal(retry->text, "3");
    assert_int_equal(retry->line, 4);

    const struct stk_node *triggers = stk_node_get(root, "triggers");
    assert_int_equal(triggers->kind, STK_NODE_LIST);
    assert_int_equal(triggers->count, 2);
    assert_string_equal(triggers->children[0]->children[0]->key, "triggers[0].dir");
    assert_string_equal(triggers->children[0]->children[0]->name, "dir");
    assert_string_equal(triggers->children[1]->key, "triggers[1]");
    assert_string_equal(triggers->children[1]->name, "triggers[1]");
    assert_int_equal(triggers->children[1]->line, 7);
}

static void parse__keeps_the_order_of_the_file(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_config_closep) struct stk_node *root = parse("c: 1\na: 2\nb: 3\nd: 4\ne: 5\n");
    static const char *const wanted[] = { "c", "a", "b", "d", "e" };
    assert_int_equal(root->count, STK_ARRAY_LEN(wanted));
    for (size_t i = 0; i < root->count; i++) {
        assert_string_equal(root->children[i]->name, wanted[i]);
    }
}

static void parse__tells_quoted_text_from_plain(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_config_closep)
    struct stk_node *root = parse("a: 5\nb: \"5\"\nc: '5'\nd: |\n  5\ne: 0755\nf: ~\n");
    static const bool quoted[] = { false, true, true, true, false, false };
    static const char *const text[] = { "5", "5", "5", "5\n", "0755", "~" };
    for (size_t i = 0; i < root->count; i++) {
        assert_int_equal(root->children[i]->quoted, quoted[i]);
        assert_string_equal(root->children[i]->text, text[i]);
    }
}

static void parse__of_a_file_that_says_nothing_is_an_empty_map(void **unused)
{
    (void)unused;
    static const char *const empty[] = { "",      "\n",           "# only\n# comments\n",
                                         "---\n", "\xEF\xBB\xBF", "{}" };
    for (size_t i = 0; i < STK_ARRAY_LEN(empty); i++) {
        STK_CLEANUP(stk_config_closep) struct stk_node *root = parse(empty[i]);
        assert_int_equal(root->kind, STK_NODE_MAP);
        assert_int_equal(root->count, 0);
        assert_int_equal(stk_node_map_of(root, NULL, NULL), STK_OK);
    }
}

static void parse__tolerates_a_byte_order_mark(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_config_closep)
    struct stk_node *root = parse("\xEF\xBB\xBF"
                                  "a: 1\n");
    assert_string_equal(stk_node_get(root, "a")->text, "1");
}

static void parse__says_the_line_of_a_syntax_error(void **unused)
{
    (void)unused;
    check_refused("a: 1\nb: [1, 2\nc: 3\n",
                  "t.yaml:3: did not find expected ',' or ']' while parsing a flow sequence");
    check_refused("a: 1\n\tb: 2\n", "t.yaml:2: found a tab character that violates indentation "
                                    "while scanning a plain scalar");
    check_refused("a: 1\nb: \xFF\n", "t.yaml:2: invalid leading UTF-8 octet");
    check_refused("a: 1\n\nb: \x01\n", "t.yaml:3: control characters are not allowed");
}

static void parse__refuses_what_yaml_has_and_we_do_not_want(void **unused)
{
    (void)unused;
    check_refused("a: &x 1\n", "t.yaml:1: a: anchors (&) are not allowed");
    check_refused("a: &x {b: 1}\n", "t.yaml:1: a: anchors (&) are not allowed");
    check_refused("a: &x [1]\n", "t.yaml:1: a: anchors (&) are not allowed");
    check_refused("m:\n  &x a: 1\n", "t.yaml:2: m: anchors (&) are not allowed");
    check_refused("a: 1\nb: *a\n", "t.yaml:2: b: aliases (*) are not allowed");
    check_refused("*a : 1\n", "t.yaml:1: aliases (*) are not allowed");
    check_refused("l:\n  - 1\n  - !!int 1\n", "t.yaml:3: l[1]: tags (!) are not allowed");
    check_refused("a: ! x\n", "t.yaml:1: a: tags (!) are not allowed");
    check_refused("a: !m {}\n", "t.yaml:1: a: tags (!) are not allowed");
    check_refused("a: !l []\n", "t.yaml:1: a: tags (!) are not allowed");
    check_refused("!t a: 1\n", "t.yaml:1: tags (!) are not allowed");
    check_refused("a: {<<: {b: 1}}\n", "t.yaml:1: a: merge keys (<<) are not allowed");
    check_refused("a: 1\n---\nb: 2\n", "t.yaml:2: a second document is not allowed");
    check_refused("---\n---\n", "t.yaml:2: a second document is not allowed");
    check_refused("a:\n  [b]: 1\n", "t.yaml:2: a: a key must be text");
    check_refused("a: 1\n\"\": 2\n", "t.yaml:2: a key may not be empty");
    check_refused("a: \"x\\0y\"\n", "t.yaml:1: a: a text may not hold a NUL");
    check_refused("\"a\\0b\": 1\n", "t.yaml:1: a key may not hold a NUL");
}

static void parse__refuses_a_key_given_twice(void **unused)
{
    (void)unused;
    check_refused("a:\n  b: 1\n  c: 2\n  \"b\": 3\n",
                  "t.yaml:4: a.b: given twice, first on line 2");
    STK_CLEANUP(stk_config_closep) struct stk_node *root = parse("a: {b: 1}\nc: {b: 1}\n");
    assert_int_equal(root->count, 2);
}

static void add_times(struct stk_buf *buf, const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        stk_buf_adds(buf, text);
    }
}

static void parse__takes_32_levels_and_refuses_33(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    add_times(&text, "[", 32);
    add_times(&text, "]", 32);
    STK_CLEANUP(stk_config_closep) struct stk_node *root = parse(text.data);
    assert_int_equal(root->kind, STK_NODE_LIST);

    stk_buf_clear(&text);
    add_times(&text, "{a: ", 33);
    add_times(&text, "}", 33);
    struct stk_node *deeper = NULL;
    struct stk_error err = { 0 };
    assert_int_equal(stk_config_parse("t.yaml", text.data, text.len, &deeper, &err),
                     STK_BAD_CONFIG);
    assert_non_null(strstr(err.text, "a.a: nested deeper than 32 levels"));
}

static void parse__takes_100_000_values_and_refuses_more(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    add_times(&text, "- 1\n", 100 * 1000 - 1); /* and the list itself */
    STK_CLEANUP(stk_config_closep) struct stk_node *root = parse(text.data);
    assert_int_equal(root->count, 99999);

    stk_buf_adds(&text, "- 1\n");
    check_refused(text.data, "t.yaml:100000: [99999]: more than 100000 values in one file");
}

static void parse__takes_1_mib_and_refuses_more(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    stk_buf_adds(&text, "a: 1\n#");
    add_times(&text, "x", 1024 * 1024 - text.len);
    STK_CLEANUP(stk_config_closep) struct stk_node *root = parse(text.data);
    assert_int_equal(root->count, 1);

    stk_buf_addc(&text, 'x');
    check_refused(text.data, "t.yaml:1: larger than 1048576 bytes");
}

static void open__reads_a_file_and_names_it_in_errors(void **unused)
{
    (void)unused;
    char path[] = "/tmp/stk_config_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "a: b\n", 5), 5);
    assert_int_equal(close(fd), 0);

    struct stk_node *root = NULL;
    struct stk_error err = { 0 };
    assert_int_equal(stk_config_open(path, &root, &err), STK_OK);
    assert_string_equal(stk_node_get(root, "a")->text, "b");
    assert_string_equal(root->children[0]->file, path);
    stk_config_close(root);
    assert_int_equal(unlink(path), 0);
}

static void open__says_why_a_file_cannot_be_read(void **unused)
{
    (void)unused;
    struct stk_node *root = NULL;
    struct stk_error err = { 0 };
    assert_int_equal(stk_config_open("/nowhere/stoker.yaml", &root, &err), STK_BAD_CONFIG);
    assert_string_equal(err.text,
                        "/nowhere/stoker.yaml: could not open: No such file or directory");
    assert_int_equal(stk_config_open("/tmp", &root, &err), STK_BAD_CONFIG);
    assert_string_equal(err.text, "/tmp: could not read: Is a directory");
    assert_int_equal(stk_config_open("/dev/zero", &root, &err), STK_BAD_CONFIG);
    assert_string_equal(err.text, "/dev/zero:1: larger than 1048576 bytes");
    assert_null(root);
}

static void get__of_what_is_not_there_is_null(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_config_closep) struct stk_node *root = parse("a: [x]\n");
    assert_null(stk_node_get(root, "b"));
    assert_null(stk_node_get(NULL, "b"));
    assert_null(stk_node_get(stk_node_get(root, "a"), "a[0]")); /* a list has no names */
}

static const char *const names[] = { "queue", "retry", NULL };

static void map_of__takes_known_keys(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_config_closep) struct stk_node *root = parse("retry: 1\nqueue: x\n");
    assert_int_equal(stk_node_map_of(root, names, NULL), STK_OK);
    assert_int_equal(stk_node_map_of(NULL, names, NULL), STK_OK);
    STK_CLEANUP(stk_config_closep) struct stk_node *any = parse("whatever: 1\n");
    assert_int_equal(stk_node_map_of(any, NULL, NULL), STK_OK);
}

static void map_of__refuses_an_unknown_key_and_guesses(void **unused)
{
    (void)unused;
    struct stk_error err = { 0 };
    STK_CLEANUP(stk_config_closep) struct stk_node *root = parse("t:\n  queue: x\n  rtery: 1\n");
    assert_int_equal(stk_node_map_of(stk_node_get(root, "t"), names, &err), STK_BAD_CONFIG);
    assert_string_equal(err.text, "t.yaml:3: t.rtery: unknown key (did you mean \"retry\"?)");
    assert_int_equal(stk_node_map_of(root, names, &err), STK_BAD_CONFIG);
    assert_string_equal(err.text, "t.yaml:1: t: unknown key");
}

static void map_of__refuses_what_is_not_a_map(void **unused)
{
    (void)unused;
    struct stk_error err = { 0 };
    STK_CLEANUP(stk_config_closep) struct stk_node *root = parse("a: 1\nb: []\nc:\n");
    assert_int_equal(stk_node_map_of(stk_node_get(root, "a"), names, &err), STK_BAD_CONFIG);
    assert_string_equal(err.text, "t.yaml:1: a: must be a map, not 1");
    assert_int_equal(stk_node_map_of(stk_node_get(root, "b"), NULL, &err), STK_BAD_CONFIG);
    assert_string_equal(err.text, "t.yaml:2: b: must be a map, not a list");
    assert_int_equal(stk_node_map_of(stk_node_get(root, "c"), NULL, &err), STK_BAD_CONFIG);
    assert_string_equal(err.text, "t.yaml:3: c: must be a map, but nothing is there");
}

static void readers__show_what_they_found_on_one_line(void **unused)
{
    (void)unused;
    int64_t value = 77;
    struct stk_error err = { 0 };
    STK_CLEANUP(stk_config_closep)
    struct stk_node *root =
        parse("a: |\n  x\n  y\nb: 012345678901234567890123456789012345678\xC3\xA4z\n");
    assert_int_equal(stk_node_int(root->children[0], 0, 1, &value, &err), STK_BAD_CONFIG);
    assert_string_equal(err.text, "t.yaml:1: a: must be a whole number, not \"x\\x0ay\\x0a\"");
    assert_int_equal(stk_node_int(root->children[1], 0, 1, &value, &err), STK_BAD_CONFIG);
    assert_string_equal(err.text, "t.yaml:4: b: must be a whole number, not "
                                  "012345678901234567890123456789012345678");
}

static void readers__of_no_node_change_nothing(void **unused)
{
    (void)unused;
    const char *text = "kept";
    int64_t number = 77;
    bool flag = true;
    stk_time_ns duration = 77;
    assert_int_equal(stk_node_text(NULL, &text, NULL), STK_OK);
    assert_int_equal(stk_node_int(NULL, 0, 1, &number, NULL), STK_OK);
    assert_int_equal(stk_node_bool(NULL, &flag, NULL), STK_OK);
    assert_int_equal(stk_node_duration(NULL, &duration, NULL), STK_OK);
    assert_string_equal(text, "kept");
    assert_int_equal(number, 77);
    assert_true(flag);
    assert_int_equal(duration, 77);
}

static void text__is_any_scalar_but_nothing(void **unused)
{
    (void)unused;
    struct stk_error err = { 0 };
    const char *text = NULL;
    STK_CLEANUP(stk_config_closep) struct stk_node *root = parse("a: 0755\nb: ''\nc:\nd: {}\n");
    assert_int_equal(stk_node_text(stk_node_get(root, "a"), &text, NULL), STK_OK);
    assert_string_equal(text, "0755");
    assert_int_equal(stk_node_text(stk_node_get(root, "b"), &text, NULL), STK_OK);
    assert_string_equal(text, "");
    assert_int_equal(stk_node_text(stk_node_get(root, "c"), &text, &err), STK_BAD_CONFIG);
    assert_string_equal(err.text, "t.yaml:3: c: must be text, but nothing is there");
    assert_int_equal(stk_node_text(stk_node_get(root, "d"), &text, &err), STK_BAD_CONFIG);
    assert_string_equal(err.text, "t.yaml:4: d: must be text, not a map");
}

static void int__is_decimal_and_within_its_range(void **unused)
{
    (void)unused;
    int64_t value = 0;
    STK_CLEANUP(stk_config_closep) struct stk_node *root = parse("a: -5\nb: 0\nc: 10\n");
    assert_int_equal(stk_node_int(root->children[0], -5, 10, &value, NULL), STK_OK);
    assert_int_equal(value, -5);
    assert_int_equal(stk_node_int(root->children[1], -5, 10, &value, NULL), STK_OK);
    assert_int_equal(value, 0);
    assert_int_equal(stk_node_int(root->children[2], -5, 10, &value, NULL), STK_OK);
    assert_int_equal(value, 10);

    struct stk_error err = { 0 };
    assert_int_equal(stk_node_int(root->children[2], 1, 9, &value, &err), STK_BAD_CONFIG);
    assert_string_equal(err.text, "t.yaml:3: c: must be from 1 to 9, not 10");
    assert_int_equal(stk_node_int(root->children[1], 1, INT64_MAX, &value, &err), STK_BAD_CONFIG);
    assert_string_equal(err.text, "t.yaml:2: b: must be at least 1, not 0");
    assert_int_equal(value, 10);
}

static void int__refuses_what_only_looks_like_one(void **unused)
{
    (void)unused;
    static const char *const wrong[] = {
        "a: 0755",
        "a: '5'",
        "a: \"5\"",
        "a: 0x10",
        "a: 5.0",
        "a: 1_000",
        "a: +5",
        "a: five",
        "a:",
        "a: [5]",
        "a: 9223372036854775808",
        "a: -01",
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(wrong); i++) {
        STK_CLEANUP(stk_config_closep) struct stk_node *root = parse(wrong[i]);
        struct stk_error err = { 0 };
        int64_t value = 77;
        if (stk_node_int(root->children[0], INT64_MIN, INT64_MAX, &value, &err) == STK_OK) {
            fail_msg("took '%s'", wrong[i]);
        }
        assert_non_null(strstr(err.text, "t.yaml:1: a: must be a whole number"));
        assert_int_equal(value, 77);
    }
}

static void bool__is_true_or_false_without_quotes(void **unused)
{
    (void)unused;
    bool value = false;
    struct stk_error err = { 0 };
    STK_CLEANUP(stk_config_closep)
    struct stk_node *root = parse("a: true\nb: false\nc: yes\nd: 'true'\n");
    assert_int_equal(stk_node_bool(root->children[0], &value, NULL), STK_OK);
    assert_true(value);
    assert_int_equal(stk_node_bool(root->children[1], &value, NULL), STK_OK);
    assert_false(value);
    assert_int_equal(stk_node_bool(root->children[2], &value, &err), STK_BAD_CONFIG);
    assert_string_equal(err.text, "t.yaml:3: c: must be true or false, not yes");
    assert_int_equal(stk_node_bool(root->children[3], &value, &err), STK_BAD_CONFIG);
    assert_string_equal(err.text, "t.yaml:4: d: must be true or false, not \"true\"");
    assert_int_equal(stk_node_bool(root, &value, &err), STK_BAD_CONFIG);
    assert_string_equal(err.text, "t.yaml:1: must be true or false, not a map");
}

static void duration__needs_a_unit(void **unused)
{
    (void)unused;
    stk_time_ns value = 0;
    struct stk_error err = { 0 };
    STK_CLEANUP(stk_config_closep)
    struct stk_node *root = parse("a: 1h30m\nb: '5s'\nc: 5\nd: []\n");
    assert_int_equal(stk_node_duration(root->children[0], &value, NULL), STK_OK);
    assert_int_equal(value, 90 * STK_MINUTE);
    assert_int_equal(stk_node_duration(root->children[1], &value, NULL), STK_OK);
    assert_int_equal(value, 5 * STK_SECOND);
    assert_int_equal(stk_node_duration(root->children[2], &value, &err), STK_BAD_CONFIG);
    assert_string_equal(err.text, "t.yaml:3: c: must be a duration such as 90s or 1h30m, not 5");
    assert_int_equal(stk_node_duration(root->children[3], &value, &err), STK_BAD_CONFIG);
    assert_int_equal(value, 5 * STK_SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parse__makes_a_tree_that_knows_its_places),
        cmocka_unit_test(parse__keeps_the_order_of_the_file),
        cmocka_unit_test(parse__tells_quoted_text_from_plain),
        cmocka_unit_test(parse__of_a_file_that_says_nothing_is_an_empty_map),
        cmocka_unit_test(parse__tolerates_a_byte_order_mark),
        cmocka_unit_test(parse__says_the_line_of_a_syntax_error),
        cmocka_unit_test(parse__refuses_what_yaml_has_and_we_do_not_want),
        cmocka_unit_test(parse__refuses_a_key_given_twice),
        cmocka_unit_test(parse__takes_32_levels_and_refuses_33),
        cmocka_unit_test(parse__takes_100_000_values_and_refuses_more),
        cmocka_unit_test(parse__takes_1_mib_and_refuses_more),
        cmocka_unit_test(open__reads_a_file_and_names_it_in_errors),
        cmocka_unit_test(open__says_why_a_file_cannot_be_read),
        cmocka_unit_test(get__of_what_is_not_there_is_null),
        cmocka_unit_test(map_of__takes_known_keys),
        cmocka_unit_test(map_of__refuses_an_unknown_key_and_guesses),
        cmocka_unit_test(map_of__refuses_what_is_not_a_map),
        cmocka_unit_test(readers__show_what_they_found_on_one_line),
        cmocka_unit_test(readers__of_no_node_change_nothing),
        cmocka_unit_test(text__is_any_scalar_but_nothing),
        cmocka_unit_test(int__is_decimal_and_within_its_range),
        cmocka_unit_test(int__refuses_what_only_looks_like_one),
        cmocka_unit_test(bool__is_true_or_false_without_quotes),
        cmocka_unit_test(duration__needs_a_unit),
    };
    return cmocka_run_group_tests_name("base/config", tests, NULL, NULL);
}
