/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "pool/console.h"

struct seen {
    size_t count;
    uint64_t last_seq;
    bool ordered;
    char first[64], last[64];
    uint32_t workers[8];
};

static void note(void *context, const struct stk_line *line)
{
    struct seen *seen = context;
    if (line->seq <= seen->last_seq) seen->ordered = false;
    seen->last_seq = line->seq;
    char *to = seen->count == 0 ? seen->first : seen->last;
    (void)snprintf(to, 64, "%.*s", (int)line->len, line->text);
    if (seen->count < 8) seen->workers[seen->count] = line->worker;
    seen->count++;
}

static struct seen read_lines(struct stk_consoles *consoles, struct stk_line_filter filter,
                              uint64_t *ret_last, uint64_t *ret_lost)
{
    struct seen seen = { .ordered = true };
    stk_consoles_read(consoles, &filter, note, &seen, ret_last, ret_lost);
    return seen;
}

static struct stk_consoles *in_memory(uint32_t workers)
{
    struct stk_consoles *consoles = NULL;
    assert_int_equal(stk_consoles_open(NULL, workers, &consoles, NULL), STK_OK);
    return consoles;
}

static void console__the_main_console_is_the_merge_in_order(void **unused)
{
    (void)unused;
    struct stk_consoles *consoles = in_memory(3);
    for (uint32_t i = 0; i < 90; i++) {
        stk_console_addf(consoles, i % 4, i, STK_LINE_STEP, "line %u", i);
    }
    uint64_t last = 0, lost = 0;
    struct seen seen =
        read_lines(consoles, (struct stk_line_filter){ .worker = -1, .limit = 1000 }, &last, &lost);
    assert_int_equal(seen.count, 90);
    assert_true(seen.ordered);
    assert_string_equal(seen.first, "line 0");
    assert_string_equal(seen.last, "line 89");
    assert_int_equal(last, 90);
    stk_consoles_close(consoles);
}

static void console__a_reader_goes_on_where_it_stopped(void **unused)
{
    (void)unused;
    struct stk_consoles *consoles = in_memory(1);
    for (int i = 0; i < 5; i++) {
        stk_console_addf(consoles, 1, 0, STK_LINE_STEP, "old %d", i);
    }
    uint64_t last = 0, lost = 0;
    (void)read_lines(consoles, (struct stk_line_filter){ .worker = -1, .limit = 10 }, &last, &lost);
    stk_console_addf(consoles, 1, 0, STK_LINE_STEP, "new");
    struct seen seen =
        read_lines(consoles, (struct stk_line_filter){ .after = last, .worker = -1, .limit = 10 },
                   &last, &lost);
    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.first, "new");
    assert_int_equal(lost, 0);
    stk_consoles_close(consoles);
}

static void console__filters_by_worker_and_job(void **unused)
{
    (void)unused;
    struct stk_consoles *consoles = in_memory(2);
    stk_console_addf(consoles, 1, 7, STK_LINE_STEP, "seven");
    stk_console_addf(consoles, 2, 8, STK_LINE_STEP, "eight");
    stk_console_addf(consoles, 2, 9, STK_LINE_STEP, "nine");
    uint64_t last = 0, lost = 0;
    struct seen of_two =
        read_lines(consoles, (struct stk_line_filter){ .worker = 2, .limit = 10 }, &last, &lost);
    assert_int_equal(of_two.count, 2);
    struct seen of_seven = read_lines(
        consoles, (struct stk_line_filter){ .worker = -1, .job_id = 7, .limit = 10 }, &last, &lost);
    assert_int_equal(of_seven.count, 1);
    assert_string_equal(of_seven.first, "seven");
    stk_consoles_close(consoles);
}

static void console__rings_are_bounded_and_say_what_was_lost(void **unused)
{
    (void)unused;
    struct stk_consoles *consoles = in_memory(1);
    char text[3000];
    memset(text, 'x', sizeof(text));
    stk_console_add(consoles, 1, 0, STK_LINE_STDOUT, "first", 5);
    for (int i = 0; i < 5000; i++) {
        stk_console_add(consoles, 1, 0, STK_LINE_STDOUT, text, sizeof(text));
    }
    uint64_t last = 0, lost = 0;
    struct seen seen =
        read_lines(consoles, (struct stk_line_filter){ .after = 1, .worker = -1, .limit = 10000 },
                   &last, &lost);
    assert_true(seen.count > 0);
    assert_true(seen.count < 64);
    assert_true(lost > 0);
    assert_int_equal(last, 5001);
    stk_consoles_close(consoles);
}

static void console__control_characters_are_escaped(void **unused)
{
    (void)unused;
    struct stk_consoles *consoles = in_memory(1);
    stk_console_add(consoles, 1, 0, STK_LINE_STDOUT, "\x1b[31mred\r\n", 10);
    uint64_t last = 0, lost = 0;
    struct seen seen =
        read_lines(consoles, (struct stk_line_filter){ .worker = -1, .limit = 10 }, &last, &lost);
    assert_null(strchr(seen.first, '\x1b'));
    assert_non_null(strstr(seen.first, "\\x1b[31mred"));
    stk_consoles_close(consoles);
}

static void console__a_line_is_read_back_as_it_was_written(void **unused)
{
    (void)unused;
    static const struct stk_line lines[] = {
        { .at = 1, .worker = 3, .job_id = 17, .kind = STK_LINE_STDERR, .text = "! is no mark" },
        { .at = 1, .worker = 256, .job_id = INT64_MAX, .kind = STK_LINE_STDOUT, .text = "* x" },
        { .at = 1, .pool_id = 12, .worker = 3, .job_id = 1, .kind = STK_LINE_STEP, .text = "a" },
        { .at = 1, .pool_id = 12, .kind = STK_LINE_POOL, .text = "job 3 * started" },
        { .at = 1, .worker = 1, .kind = STK_LINE_STEP, .text = "" },
    };
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    for (size_t i = 0; i < STK_ARRAY_LEN(lines); i++) {
        struct stk_line line = lines[i], found = { .kind = STK_LINE_POOL };
        line.len = strlen(line.text);
        stk_line_text(&line, &text);
        stk_line_parse(stk_buf_str(&text), &found);
        assert_int_equal(found.kind, line.kind);
        assert_string_equal(found.text, line.text);
    }
    struct stk_line other = { .kind = STK_LINE_STDOUT };
    stk_line_parse("of another form", &other);
    assert_int_equal(other.kind, STK_LINE_POOL);
    assert_string_equal(other.text, "of another form");
}

static long size_of(const char *dir, const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    struct stat info;
    return stat(path, &info) == 0 ? (long)info.st_size : -1;
}

static void remove_dir(const char *dir)
{
    STK_CLEANUP(stk_freep) char *lock = stk_format("%s/lock", dir);
    assert_int_equal(unlink(lock), 0);
    assert_int_equal(rmdir(dir), 0);
}

static void console__a_folder_is_one_pools_alone(void **unused)
{
    (void)unused;
    char dir[] = "/tmp/stk_console.XXXXXX";
    assert_non_null(mkdtemp(dir));
    STK_CLEANUP(stk_freep) char *second = stk_format("%s.2", dir);
    struct stk_consoles *one = NULL, *two = NULL, *again = NULL;

    assert_int_equal(stk_consoles_open(dir, 1, &one, NULL), STK_OK);
    assert_int_equal(stk_consoles_open(dir, 1, &two, NULL), STK_OK);
    assert_string_equal(stk_consoles_dir(one), dir);
    assert_string_equal(stk_consoles_dir(two), second);
    stk_consoles_close(one);
    assert_int_equal(stk_consoles_open(dir, 1, &again, NULL), STK_OK);
    assert_string_equal(stk_consoles_dir(again), dir);

    stk_consoles_close(again);
    stk_consoles_close(two);
    remove_dir(dir);
    remove_dir(second);
}

static void console__files_rotate_and_four_are_kept(void **unused)
{
    (void)unused;
    char dir[] = "/tmp/stk_console.XXXXXX";
    assert_non_null(mkdtemp(dir));
    struct stk_consoles *consoles = NULL;
    assert_int_equal(stk_consoles_open(dir, 1, &consoles, NULL), STK_OK);
    char text[4000];
    memset(text, 'y', sizeof(text));
    for (int i = 0; i < 6000; i++) {
        stk_console_add(consoles, 1, 0, STK_LINE_STDOUT, text, sizeof(text));
    }
    stk_consoles_close(consoles);
    assert_true(size_of(dir, "w1.log") >= 0);
    assert_true(size_of(dir, "w1.log.1") >= 4 * 1024 * 1024);
    assert_true(size_of(dir, "w1.log.3") >= 4 * 1024 * 1024);
    assert_int_equal(size_of(dir, "w1.log.4"), -1);
    char remove_it[64];
    (void)snprintf(remove_it, sizeof(remove_it), "%s", dir);
    for (int i = 0; i < 4; i++) {
        char path[128];
        (void)snprintf(path, sizeof(path), i == 0 ? "%s/w1.log" : "%s/w1.log.%d", dir, i);
        (void)unlink(path);
    }
    remove_dir(remove_it);
}

static void console__wait_ends_with_a_line_and_with_a_wake(void **unused)
{
    (void)unused;
    struct stk_consoles *consoles = in_memory(1);
    assert_false(stk_consoles_wait(consoles, 0, STK_MS));
    stk_console_addf(consoles, 1, 0, STK_LINE_STEP, "here");
    assert_true(stk_consoles_wait(consoles, 0, 10 * STK_SECOND));
    stk_consoles_close(consoles);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(console__the_main_console_is_the_merge_in_order),
        cmocka_unit_test(console__a_reader_goes_on_where_it_stopped),
        cmocka_unit_test(console__filters_by_worker_and_job),
        cmocka_unit_test(console__rings_are_bounded_and_say_what_was_lost),
        cmocka_unit_test(console__control_characters_are_escaped),
        cmocka_unit_test(console__a_line_is_read_back_as_it_was_written),
        cmocka_unit_test(console__a_folder_is_one_pools_alone),
        cmocka_unit_test(console__files_rotate_and_four_are_kept),
        cmocka_unit_test(console__wait_ends_with_a_line_and_with_a_wake),
    };
    return cmocka_run_group_tests_name("pool/console", tests, NULL, NULL);
}
