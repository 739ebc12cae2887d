/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/log_files.h"
#include "cli/printer.h"

static const struct stk_term plain = { .unicode = true, .width = 100 };

static struct stk_counts counts_of(int64_t completed, int64_t failed, int64_t running,
                                   int64_t pending)
{
    struct stk_counts counts = { { 0 } };
    counts.of[STK_STATE_COMPLETED] = completed;
    counts.of[STK_STATE_FAILED] = failed;
    counts.of[STK_STATE_RUNNING] = running;
    counts.of[STK_STATE_PENDING] = pending;
    return counts;
}

static void status__says_how_far_and_when(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_buf_release) struct stk_buf out = STK_BUF_INIT;
    struct stk_counts counts = counts_of(1234, 0, 8, 766);
    const struct stk_rate rate = { .per_s = 210 };
    stk_printer_status_add(&plain, &counts, &rate, "", &out);
    assert_string_equal(stk_buf_str(&out), "▸ 1,234 done · 8 running · 766 pending · 210/s · about "
                                           "4s left [████████████▎       ]");
}

static void status__is_cut_to_the_width(void **unused)
{
    (void)unused;
    const struct stk_term narrow = { .unicode = true, .width = 20 };
    STK_CLEANUP(stk_buf_release) struct stk_buf out = STK_BUF_INIT;
    struct stk_counts counts = counts_of(10, 2, 1, 0);
    const struct stk_rate rate = { .per_s = 0 };
    stk_printer_status_add(&narrow, &counts, &rate, "", &out);
    assert_string_equal(stk_buf_str(&out), "▸ 12 done · 2 of th");
    assert_int_equal(stk_text_cells(stk_buf_str(&out)), 19);
}

static void line__is_text_or_json(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_buf_release) struct stk_buf out = STK_BUF_INIT;
    const struct stk_line line = { .seq = 5,
                                   .at = 0,
                                   .worker = 3,
                                   .job_id = 17,
                                   .kind = STK_LINE_STDERR,
                                   .text = "a \"b\"",
                                   .len = 5 };
    stk_printer_line_add(&plain, false, &line, 0, &out);
    assert_string_equal(stk_buf_str(&out), "1970-01-01T00:00:00.000Z w3   job 17     ! a \"b\"\n");
    stk_buf_clear(&out);
    stk_printer_line_add(&plain, true, &line, 0, &out);
    assert_string_equal(stk_buf_str(&out),
                        "{\"at\":\"1970-01-01T00:00:00.000Z\",\"job\":17,\"kind\":\"stderr\","
                        "\"seq\":5,\"text\":\"a \\\"b\\\"\",\"worker\":\"w3\"}\n");
}

static void line__is_cut_to_a_terminal_and_keeps_its_end_of_line(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_buf_release) struct stk_buf out = STK_BUF_INIT;
    const struct stk_line line = {
        .at = 0, .worker = 3, .kind = STK_LINE_STEP, .text = "0123456789", .len = 10
    };
    stk_printer_line_add(&plain, false, &line, 47, &out);
    assert_string_equal(stk_buf_str(&out), "1970-01-01T00:00:00.000Z w3              * 0123\n");
}

/* --- the files of the consoles ------------------------------------------- */

static void write_file(const char *dir, const char *name, const char *text)
{
    STK_CLEANUP(stk_freep) char *path = stk_format("%s/%s", dir, name);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

#define DAY "2026-11-24T03:10:0"

static void make_logs(char *dir)
{
    assert_non_null(mkdtemp(dir));
    write_file(dir, "w1.log.1", DAY "0.000Z w1   job 1      * started\n");
    write_file(dir, "w1.log",
               DAY "2.000Z w1   job 1      * completed\n" DAY
                   "4.000Z w1   job 17     > bad\033[2J\n");
    write_file(dir, "w2.log", DAY "1.000Z w2   job 17     * started\n");
    write_file(dir, "pool.log", DAY "3.000Z pool            # stopping\n");
    write_file(dir, "notes.txt", "no log\n");
}

static void remove_logs(const char *dir)
{
    static const char *const names[] = { "w1.log.1", "w1.log", "w2.log", "pool.log", "notes.txt" };
    for (size_t i = 0; i < STK_ARRAY_LEN(names); i++) {
        STK_CLEANUP(stk_freep) char *path = stk_format("%s/%s", dir, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(dir);
}

static void log_files__are_merged_by_time_and_filtered(void **unused)
{
    (void)unused;
    char dir[] = "/tmp/stoker-logs-XXXXXX";
    static const struct {
        struct stk_log_filter filter;
        const char *text;
    } cases[] = {
        { { .limit = 3 },
          DAY "2.000Z w1   job 1      * completed\n" DAY "3.000Z pool            # stopping\n" DAY
              "4.000Z w1   job 17     > bad\\x1b[2J\n" },
        { { .limit = 9, .job_id = 1 },
          DAY "0.000Z w1   job 1      * started\n" DAY "2.000Z w1   job 1      * completed\n" },
        { { .limit = 9, .worker = "w2" }, DAY "1.000Z w2   job 17     * started\n" },
    };
    make_logs(dir);
    for (size_t i = 0; i < STK_ARRAY_LEN(cases); i++) {
        STK_CLEANUP(stk_buf_release) struct stk_buf out = STK_BUF_INIT;
        assert_int_equal(stk_log_files_read(dir, &cases[i].filter, &out, NULL), STK_OK);
        assert_string_equal(stk_buf_str(&out), cases[i].text);
    }
    remove_logs(dir);
}

static void log_files__that_are_not_there_are_named(void **unused)
{
    (void)unused;
    struct stk_error err = { .rc = STK_OK };
    STK_CLEANUP(stk_buf_release) struct stk_buf out = STK_BUF_INIT;
    const struct stk_log_filter filter = { .limit = 5 };
    assert_int_equal(stk_log_files_read("/nowhere/logs", &filter, &out, &err), STK_NOT_FOUND);
    assert_string_equal(err.text, "no pool is running, and there are no logs in /nowhere/logs: No "
                                  "such file or directory");
}

static void session_line__tells_of_a_closed_one_and_of_the_next_end(void **state)
{
    (void)state;
    STK_CLEANUP(stk_buf_release) struct stk_buf out = STK_BUF_INIT;
    struct stk_session sessions[3];
    const char *names[] = { "day", "duty", "lab" };
    for (size_t i = 0; i < STK_ARRAY_LEN(sessions); i++) {
        stk_session_init(&sessions[i], names[i]);
        sessions[i].state = STK_SESSION_VALID;
        sessions[i].expires_at = (stk_time_ns)(10 - i) * STK_HOUR;
    }
    sessions[0].deadline_at = STK_HOUR;
    stk_printer_session_add(sessions, STK_ARRAY_LEN(sessions), 30 * STK_MINUTE + 1, &out);
    assert_string_equal(stk_buf_str(&out), "day ends in 29m 59s");
    stk_buf_clear(&out);
    sessions[2].state = STK_SESSION_NEEDS_HUMAN;
    stk_printer_session_add(sessions, STK_ARRAY_LEN(sessions), 0, &out);
    assert_string_equal(stk_buf_str(&out), "lab: needs a person, day ends in 1h");
}

int main(void)
{
    struct stk_term term;
    stk_term_init(&term, "never"); /* sets LC_CTYPE, as the program does */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(session_line__tells_of_a_closed_one_and_of_the_next_end),
        cmocka_unit_test(status__says_how_far_and_when),
        cmocka_unit_test(status__is_cut_to_the_width),
        cmocka_unit_test(line__is_text_or_json),
        cmocka_unit_test(line__is_cut_to_a_terminal_and_keeps_its_end_of_line),
        cmocka_unit_test(log_files__are_merged_by_time_and_filtered),
        cmocka_unit_test(log_files__that_are_not_there_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
