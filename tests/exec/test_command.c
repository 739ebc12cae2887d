/* SPDX-License-Identifier: MIT */
#include "support/spawner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "exec/fixture.h"
#include "exec/noop.h"

static int set_up_group(void **unused)
{
    (void)unused;
    /* Nothing of these may reach a job. */
    (void)setenv("STK_TEST_SECRET", "hidden", 1);
    (void)setenv("STK_TEST_PASSED", "shown", 1);
    (void)setenv("TZ", "UTC", 1);
    (void)unsetenv("LANG");
    (void)unsetenv("TMPDIR");
    (void)setenv("HOME", "/root", 1);
    return start_spawner(NULL);
}

static int set_up(void **state)
{
    struct fixture *f = stk_alloc(sizeof(*f));
    fixture_init(f, spawner);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture_release(*state);
    free(*state);
    return 0;
}

static void assert_completed(const struct fixture *f, const char *result, bool is_text)
{
    assert_string_equal(f->result.error, "");
    assert_int_equal(f->result.outcome, STK_OUTCOME_COMPLETED);
    assert_string_equal(stk_buf_str(&f->result.result), result);
    assert_int_equal(f->result.result_is_text, is_text);
    assert_int_equal(f->result.exit_status, 0);
}

static void assert_ended(const struct fixture *f, enum stk_outcome outcome, const char *error)
{
    assert_string_equal(f->result.error, error);
    assert_int_equal(f->result.outcome, outcome);
    assert_int_equal(f->result.result.len, 0);
}

/* ---- results ----------------------------------------------------------- */

static void result__is_the_last_line_of_stdout_that_is_not_blank(void **state)
{
    struct fixture *f = *state;
    run_script(f, "echo first; echo '{\"sharpe\": 1.25}'; echo; echo '  '");
    assert_completed(f, "{\"sharpe\": 1.25}", false);
}

static void result__needs_no_newline_at_its_end(void **state)
{
    struct fixture *f = *state;
    run_script(f, "echo first; printf 42");
    assert_completed(f, "42", false);
}

static void result__that_is_not_json_is_text(void **state)
{
    struct fixture *f = *state;
    run_script(f, "echo 'dönne: 17 €'");
    assert_completed(f, "dönne: 17 €", true);
}

static void result__is_none_when_nothing_was_printed(void **state)
{
    struct fixture *f = *state;
    run_script(f, "echo warning >&2; echo");
    assert_completed(f, "", false);
}

static void result__from_fd_3_comes_before_stdout(void **state)
{
    struct fixture *f = *state;
    run_script(f, "printf '{\"a\":\\n 1}\\n' >&3; echo 'not this'");
    assert_completed(f, "{\"a\":\n 1}", false);
}

static void result__as_long_as_its_limit_is_taken(void **state)
{
    struct fixture *f = *state;
    f->task.result_bytes_max = 100;
    run_script(f, "printf %0100d 0; echo");
    assert_int_equal(f->result.result.len, 100);
    run_script(f, "printf %0100d 0 >&3");
    assert_int_equal(f->result.result.len, 100);
}

static void result__over_its_limit_fails_for_good(void **state)
{
    struct fixture *f = *state;
    f->task.result_bytes_max = 100;
    const char *error = "the result is longer than the task's limit of 100 bytes";
    run_script(f, "printf %0101d 0; echo");
    assert_ended(f, STK_OUTCOME_FAILED_FINAL, error);
    run_script(f, "printf %0101d 0 >&3; echo 1");
    assert_ended(f, STK_OUTCOME_FAILED_FINAL, error);
}

static void result__that_is_not_utf_8_fails_for_good(void **state)
{
    struct fixture *f = *state;
    run_script(f, "printf 'caf\\351\\n'");
    assert_ended(f, STK_OUTCOME_FAILED_FINAL, "the result is not UTF-8 text");
    run_script(f, "printf 'a\\000b\\n'");
    assert_ended(f, STK_OUTCOME_FAILED_FINAL, "the result is not UTF-8 text");
}

static void result__of_an_earlier_job_is_forgotten(void **state)
{
    struct fixture *f = *state;
    run_script(f, "echo 1; echo old >&2; echo 2 >&3");
    run_script(f, "true");
    assert_completed(f, "", false);
    assert_int_equal(f->result.tail.len, 0);
}

/* ---- exit status ------------------------------------------------------- */

static void exit_status__decides_the_outcome(void **state)
{
    static const struct {
        const char *script;
        enum stk_outcome outcome;
        const char *error;
    } rows[] = {
        { "exit 1", STK_OUTCOME_FAILED, "exit status 1" },
        { "echo oops >&2; exit 3", STK_OUTCOME_FAILED, "exit status 3: oops" },
        { "echo a >&2; echo b >&2; echo >&2; exit 3", STK_OUTCOME_FAILED, "exit status 3: b" },
        { "exit 64", STK_OUTCOME_FAILED_FINAL, "exit status 64 (wrong usage)" },
        { "echo 'no column x' >&2; exit 65", STK_OUTCOME_FAILED_FINAL,
          "exit status 65 (wrong input data): no column x" },
        { "exit 66", STK_OUTCOME_FAILED, "exit status 66" },
        { "exit 75", STK_OUTCOME_THROTTLED, "exit status 75 (try again later)" },
        { "exit 77", STK_OUTCOME_SESSION_LOST, "exit status 77 (the session is lost)" },
        { "exit 255", STK_OUTCOME_FAILED, "exit status 255" },
        { "kill -SEGV $$", STK_OUTCOME_FAILED, "killed by signal 11 (Segmentation fault)" },
        { "echo bye >&2; kill -TERM $$", STK_OUTCOME_FAILED,
          "killed by signal 15 (Terminated): bye" },
        { "kill -KILL $$", STK_OUTCOME_FAILED,
          "killed by signal 9 (Killed; not by stoker, perhaps for want of memory)" },
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < STK_ARRAY_LEN(rows); i++) {
        run_script(f, rows[i].script);
        assert_ended(f, rows[i].outcome, rows[i].error);
    }
}

static void exit_status__is_reported_with_signals_above_256(void **state)
{
    struct fixture *f = *state;
    run_script(f, "exit 3");
    assert_int_equal(f->result.exit_status, 3);
    run_script(f, "kill -SEGV $$");
    assert_int_equal(f->result.exit_status, 256 + 11);
}

static void error__shows_no_control_characters_and_is_cut(void **state)
{
    struct fixture *f = *state;
    run_script(f, "printf '\\033[31mred\\n' >&2; exit 3");
    assert_ended(f, STK_OUTCOME_FAILED, "exit status 3: \\x1b[31mred");
    run_script(f, "printf 'ä%0900d\\n' 0 >&2; exit 3");
    assert_true(strlen(f->result.error) > 250);
    assert_true(strlen(f->result.error) < sizeof(f->result.error));
}

/* ---- come back later --------------------------------------------------- */

/* Prints the line and checks for how many seconds that asked; -1: for none. */
static void assert_asks(struct fixture *f, const char *line, int status, double seconds)
{
    char script[256];
    (void)snprintf(script, sizeof(script), "echo '%s'; exit %d", line, status);
    stk_time_ns before = stk_clock_now();
    run_script(f, script);
    stk_time_ns after = stk_clock_now();
    stk_time_ns wait = (stk_time_ns)(seconds * 1e9);
    if (seconds < 0) {
        assert_int_equal(f->result.until, 0);
    } else {
        assert_in_range(f->result.until, before + wait, after + wait);
    }
}

static void retry_after__is_read_in_all_its_forms(void **state)
{
    static const struct {
        const char *line;
        double seconds;
    } rows[] = {
        { "{\"retry_after\": 30}", 30 },
        { "{\"retry_after\": 2.5}", 2.5 },
        { "{\"retry_after\": \"40\"}", 40 },
        { "{\"retry_after\": 1e300}", 86400 },
        { "{\"retry_after\": 99999999}", 86400 },
        { "{\"retry_after\": -5}", 0 },
        { "{\"retry_after\": \"soon\"}", 1 },
        { "{\"retry_after\": [1]}", 1 },
        { "{\"retry_after\": null}", 1 },
        { "retry_after 30", 1 },
        { "[30]", 1 },
        { "", 1 },
    };
    struct fixture *f = *state;
    for (size_t i = 0; i < STK_ARRAY_LEN(rows); i++) {
        assert_asks(f, rows[i].line, 75, rows[i].seconds);
        assert_int_equal(f->result.outcome, STK_OUTCOME_THROTTLED);
    }
}

static void retry_after__of_a_failed_job_counts_only_when_it_is_said(void **state)
{
    struct fixture *f = *state;
    assert_asks(f, "{\"retry_after\": 30}", 1, 30);
    assert_int_equal(f->result.outcome, STK_OUTCOME_FAILED);
    assert_asks(f, "nothing", 1, -1);
    assert_asks(f, "{\"retry_after\": 30}", 65, -1);
    assert_asks(f, "{\"retry_after\": 30}", 0, -1);
}

/* ---- what the program gets --------------------------------------------- */

static void argv__keeps_blanks_quotes_and_unicode_together(void **state)
{
    struct fixture *f = *state;
    set_params(f, "{\"n\":5,\"x\":0.5,\"on\":true,\"text\":\"a b\\t'ü€'\\\"$HOME\\\" *\"}");
    run_words(f, (const char *const[]){ "/usr/bin/printf", "<%s>", "{n}", "--x={x}", "{on}",
                                        "{text}", "", NULL });
    assert_completed(f, "<5><--x=0.5><true><a b\t'ü€'\"$HOME\" *><>", true);
}

static void argv__with_a_parameter_the_job_has_not_fails_for_good(void **state)
{
    struct fixture *f = *state;
    run_words(f, (const char *const[]){ "/bin/echo", "{missing}", NULL });
    assert_int_equal(f->result.outcome, STK_OUTCOME_FAILED_FINAL);
    assert_non_null(strstr(f->result.error, "missing"));
}

static void stdin__is_the_parameters_as_one_line_of_json(void **state)
{
    struct fixture *f = *state;
    set_params(f, "{\"fast\":5,\"name\":\"ü\"}");
    run_script(f, "cat");
    assert_completed(f, "{\"fast\":5,\"name\":\"ü\"}", false);
    run_script(f, "wc -l");
    assert_completed(f, "1", false);
}

static void stdin__that_nobody_reads_is_no_error(void **state)
{
    struct fixture *f = *state;
    run_script(f, "exec <&-; echo 1");
    assert_completed(f, "1", false);
}

static void environment__has_the_promised_names_and_no_other(void **state)
{
    struct fixture *f = *state;
    char *env[] = { stk_strdup("MODE=fast"), stk_strdup("TZ=Asia/Tokyo"), NULL };
    char *pass[] = { stk_strdup("STK_TEST_PASSED"), stk_strdup("STK_TEST_NOT_THERE"), NULL };
    f->task.env = env;
    f->task.env_pass = pass;
    f->job.sweep_id = 12;
    f->job.attempt = 2;
    set_params(f, "{\"fast\":5,\"cost-bps\":0.5,\"name\":\"a b\"}");
    run_words(f, (const char *const[]){ "env", NULL });
    f->task.env = f->task.env_pass = NULL;
    for (size_t i = 0; i < 2; i++) {
        free(env[i]);
        free(pass[i]);
    }

    char path[4200];
    (void)snprintf(path, sizeof(path), "out: PATH=%s\n", getenv("PATH"));
    const char *rest = stk_buf_str(&f->lines);
    assert_memory_equal(rest, path, strlen(path));
    assert_string_equal(rest + strlen(path), "out: HOME=/root\n"
                                             "out: TZ=Asia/Tokyo\n"
                                             "out: STK_TEST_PASSED=shown\n"
                                             "out: MODE=fast\n"
                                             "out: STOKER_JOB_ID=7\n"
                                             "out: STOKER_ATTEMPT_ID=4711\n"
                                             "out: STOKER_ATTEMPT=2\n"
                                             "out: STOKER_SWEEP_ID=12\n"
                                             "out: STOKER_TASK=try\n"
                                             "out: STOKER_WORKER=p1/w1\n"
                                             "out: STOKER_PARAM_FAST=5\n"
                                             "out: STOKER_PARAM_COST_BPS=0.5\n"
                                             "out: STOKER_PARAM_NAME=a b\n");
}

static void descriptors__are_0_to_3_and_no_other__R_E5(void **state)
{
    struct fixture *f = *state;
    int leak = dup(0); /* without close-on-exec */
    run_script(f, LIST_DESCRIPTORS "echo \"$fds\"");
    (void)close(leak);
    assert_completed(f, "0 1 2 3", true);
}

static void program__runs_in_its_folder_with_umask_and_signals_as_promised(void **state)
{
    struct fixture *f = *state;
    free(f->task.dir);
    f->task.dir = stk_strdup("/usr/bin");
    run_script(f, "pwd");
    assert_completed(f, "/usr/bin", true);
    run_script(f, "umask");
    assert_completed(f, "0077", true);
    run_script(f, "grep -E '^Sig(Blk|Ign)' /proc/self/status | tr -d '\\n\\t'");
    assert_completed(f, "SigBlk:0000000000000000SigIgn:0000000000000000", true);
    run_script(f, "test $(ps -o sid= -p $$) = $$ && echo 1 || echo 2");
    assert_completed(f, "1", false);
}

static void program__is_found_by_path_and_relative_to_its_folder(void **state)
{
    struct fixture *f = *state;
    run_words(f, (const char *const[]){ "echo", "found", NULL });
    assert_completed(f, "found", true);
    free(f->task.dir);
    f->task.dir = stk_strdup("/usr");
    run_words(f, (const char *const[]){ "bin/printf", "here", NULL });
    assert_completed(f, "here", true);
}

static void program__sees_itself_in_proc(void **state)
{
    struct fixture *f = *state;
    run_script(f, "set -- $(cat /proc/self/stat); test -d /proc/$$ && echo $PPID");
    assert_int_equal(f->result.outcome, STK_OUTCOME_COMPLETED);
}

static void limits__are_set(void **state)
{
    struct fixture *f = *state;
    f->task.nice = 7;
    f->task.memory_bytes_max = UINT64_C(512) * 1024 * 1024;
    f->task.cpu_s_max = 20;
    f->task.files_max = 50;
    f->task.file_bytes_max = UINT64_C(1024) * 1024;
    run_script(f, "echo $(nice) $(ulimit -v) $(ulimit -t) $(ulimit -n) $(ulimit -f)");
    assert_completed(f, "7 524288 20 50 2048", true);
}

static void limits__of_the_host_stay_when_they_are_lower(void **state)
{
    struct fixture *f = *state;
    f->task.files_max = UINT64_MAX / 2;
    run_script(f, "true");
    assert_completed(f, "", false);
}

static void limits__over_processor_time_are_told_as_such(void **state)
{
    struct fixture *f = *state;
    f->task.cpu_s_max = 1;
    run_script(f, "while :; do :; done");
    assert_ended(f, STK_OUTCOME_FAILED, "killed by signal 24 (CPU time limit exceeded)");
    assert_true(f->result.cpu_ns > 100 * STK_MS);
    assert_true(f->result.rss_bytes_max > 0);
}

/* ---- what cannot be started -------------------------------------------- */

static void assert_not_started(const struct fixture *f, const char *error)
{
    assert_ended(f, STK_OUTCOME_FAILED_FINAL, error);
    assert_int_equal(f->result.exit_status, -1);
}

static void start__of_a_missing_program_fails_for_good(void **state)
{
    struct fixture *f = *state;
    run_words(f, (const char *const[]){ "/no/such/program", NULL });
    assert_not_started(f, "could not start /no/such/program: No such file or directory");
    run_words(f, (const char *const[]){ "no-such-program", NULL });
    assert_not_started(f, "could not start no-such-program: No such file or directory");
}

static void start__of_what_is_no_program_fails_for_good(void **state)
{
    struct fixture *f = *state;
    char file[] = "/tmp/stk-test-XXXXXX";
    int fd = mkstemp(file);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "echo 1\n", 7), 7);
    (void)close(fd);
    char error[128];

    (void)chmod(file, 0600);
    run_words(f, (const char *const[]){ file, NULL });
    (void)snprintf(error, sizeof(error), "could not start %s: Permission denied", file);
    assert_not_started(f, error);

    (void)chmod(file, 0700);
    run_words(f, (const char *const[]){ file, NULL });
    (void)snprintf(error, sizeof(error),
                   "could not start %s: not a program (a script must begin with #!)", file);
    (void)unlink(file);
    assert_not_started(f, error);
}

static void start__in_a_missing_folder_fails_for_good(void **state)
{
    struct fixture *f = *state;
    free(f->task.dir);
    f->task.dir = stk_strdup("/no/such/folder");
    run_script(f, "true");
    assert_not_started(
        f, "could not enter the folder of /bin/sh: /no/such/folder: No such file or directory");
}

static char *make_long_params(size_t len)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf buf = STK_BUF_INIT;
    stk_buf_adds(&buf, "{\"text\":\"");
    for (size_t i = 0; i < len; i++) {
        stk_buf_addc(&buf, (char)('a' + i % 26));
    }
    stk_buf_adds(&buf, "\"}");
    return stk_buf_take(&buf);
}

static void start__with_arguments_longer_than_a_message_works(void **state)
{
    struct fixture *f = *state;
    STK_CLEANUP(stk_freep) char *params = make_long_params(64000);
    set_params(f, params);
    run_words(
        f, (const char *const[]){ "/bin/sh", "-c",
                                  "echo ${{#1}} ${{#2}} ${{#3}} ${{#STOKER_PARAM_TEXT}} $(wc -c)",
                                  "sh", "{text}", "{text}", "{text}", NULL });
    assert_completed(f, "64000 64000 64000 64000 64012", true);
}

static void start__with_an_argument_longer_than_the_kernel_takes_fails_for_good(void **state)
{
    struct fixture *f = *state;
    STK_CLEANUP(stk_freep) char *params = make_long_params(200000);
    set_params(f, params);
    run_words(f, (const char *const[]){ "/bin/echo", "{text}", NULL });
    assert_not_started(f, "could not start /bin/echo: Argument list too long");
}

static void start__with_parameters_that_are_no_object_fails_for_good(void **state)
{
    struct fixture *f = *state;
    set_params(f, "[1]");
    run_script(f, "true");
    assert_not_started(f, "the job's parameters are not an object");
}

/* ---- output ------------------------------------------------------------ */

static void output__is_given_out_line_by_line(void **state)
{
    struct fixture *f = *state;
    run_script(f, "printf 'one\\n\\nthree'; exec >&-; echo 'a b' >&2");
    assert_non_null(strstr(stk_buf_str(&f->lines), "out: one\nout: \n"));
    assert_non_null(strstr(stk_buf_str(&f->lines), "out: three\n"));
    assert_non_null(strstr(stk_buf_str(&f->lines), "err: a b\n"));
}

static void output__keeps_its_end_safe_to_show(void **state)
{
    struct fixture *f = *state;
    run_script(f, "echo out; sleep 0.01; printf 'e\\000\\033\\377\\tx\\n' >&2");
    assert_string_equal(stk_buf_str(&f->result.tail), "out\ne\\x00\\x1b\\xff\tx\n");
}

static void output__of_which_more_comes_keeps_only_its_end(void **state)
{
    struct fixture *f = *state;
    run_script(f, "i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1)); done");
    const char *tail = stk_buf_str(&f->result.tail);
    assert_true(f->result.tail.len <= STK_EXEC_TAIL_BYTES_MAX);
    assert_true(f->result.tail.len > STK_EXEC_TAIL_BYTES_MAX - 16);
    assert_string_equal(tail + strlen(tail) - 10, "line 4999\n");
    assert_completed(f, "line 4999", true);
}

static int64_t resident_bytes(void)
{
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (int64_t)usage.ru_maxrss * 1024;
}

static void output__without_end_blocks_nothing_and_takes_no_memory__R_E4(void **state)
{
    struct fixture *f = *state;
    run_script(f, "echo warm up");
    int64_t before = resident_bytes();
    run_script(f, "yes 'a line like any other' | head -c 50000000; echo; echo 1");
    assert_completed(f, "1", false);
    run_script(f, "head -c 20000000 /dev/zero | tr '\\0' x; echo; echo 2");
    assert_completed(f, "2", false);
    assert_int_equal(f->line_max, 4096);
    run_script(f, "head -c 20000000 /dev/zero; echo; echo 3");
    assert_completed(f, "3", false);
    run_script(f, "head -c 20000000 /dev/zero >&3; echo 4");
    assert_int_equal(f->result.outcome, STK_OUTCOME_FAILED_FINAL);
    assert_true(resident_bytes() - before < 12000000);
}

static void output__of_a_line_without_end_is_too_large_a_result__R_E4(void **state)
{
    struct fixture *f = *state;
    run_script(f, "head -c 20000000 /dev/zero | tr '\\0' x");
    assert_int_equal(f->result.outcome, STK_OUTCOME_FAILED_FINAL);
    assert_int_equal(f->result.tail.len, STK_EXEC_TAIL_BYTES_MAX);
}

static void output__does_not_cut_characters_between_pieces(void **state)
{
    struct fixture *f = *state;
    run_script(f, "i=0; printf x; while [ $i -lt 2000 ]; do printf €€; i=$((i+1)); done; echo");
    assert_int_equal(f->line_max, 4096); /* x and 1365 of three bytes */
    assert_null(strstr(stk_buf_str(&f->lines), "\nout: \x82"));
    assert_int_equal(f->result.result.len, 12001);
}

/* ---- the other executor ------------------------------------------------ */

static void noop__completes_at_once(void **unused)
{
    (void)unused;
    struct stk_runner *runner = stk_noop_new();
    struct stk_task task = { .executor = STK_EXECUTOR_NOOP };
    struct stk_exec_job job = { .task = &task, .id = 1 };
    struct stk_exec_result result = { 0 };
    stk_exec_stop(runner, 1, STK_STOP_CANCEL);
    for (int i = 0; i < 2; i++) {
        stk_exec_run(runner, &job, NULL, NULL, &result);
        assert_int_equal(result.outcome, STK_OUTCOME_COMPLETED);
        assert_string_equal(stk_buf_str(&result.result), "{\"ok\":true}");
        assert_string_equal(result.error, "");
    }
    stk_exec_result_release(&result);
    stk_runner_free(runner);
    stk_runner_free(NULL);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(result__is_the_last_line_of_stdout_that_is_not_blank),
        CASE(result__needs_no_newline_at_its_end),
        CASE(result__that_is_not_json_is_text),
        CASE(result__is_none_when_nothing_was_printed),
        CASE(result__from_fd_3_comes_before_stdout),
        CASE(result__as_long_as_its_limit_is_taken),
        CASE(result__over_its_limit_fails_for_good),
        CASE(result__that_is_not_utf_8_fails_for_good),
        CASE(result__of_an_earlier_job_is_forgotten),
        CASE(exit_status__decides_the_outcome),
        CASE(exit_status__is_reported_with_signals_above_256),
        CASE(error__shows_no_control_characters_and_is_cut),
        CASE(retry_after__is_read_in_all_its_forms),
        CASE(retry_after__of_a_failed_job_counts_only_when_it_is_said),
        CASE(argv__keeps_blanks_quotes_and_unicode_together),
        CASE(argv__with_a_parameter_the_job_has_not_fails_for_good),
        CASE(stdin__is_the_parameters_as_one_line_of_json),
        CASE(stdin__that_nobody_reads_is_no_error),
        CASE(environment__has_the_promised_names_and_no_other),
        CASE(descriptors__are_0_to_3_and_no_other__R_E5),
        CASE(program__runs_in_its_folder_with_umask_and_signals_as_promised),
        CASE(program__is_found_by_path_and_relative_to_its_folder),
        CASE(program__sees_itself_in_proc),
        CASE(limits__are_set),
        CASE(limits__of_the_host_stay_when_they_are_lower),
        CASE(limits__over_processor_time_are_told_as_such),
        CASE(start__of_a_missing_program_fails_for_good),
        CASE(start__of_what_is_no_program_fails_for_good),
        CASE(start__in_a_missing_folder_fails_for_good),
        CASE(start__with_arguments_longer_than_a_message_works),
        CASE(start__with_an_argument_longer_than_the_kernel_takes_fails_for_good),
        CASE(start__with_parameters_that_are_no_object_fails_for_good),
        CASE(output__is_given_out_line_by_line),
        CASE(output__keeps_its_end_safe_to_show),
        CASE(output__of_which_more_comes_keeps_only_its_end),
        CASE(output__without_end_blocks_nothing_and_takes_no_memory__R_E4),
        CASE(output__of_a_line_without_end_is_too_large_a_result__R_E4),
        CASE(output__does_not_cut_characters_between_pieces),
        cmocka_unit_test(noop__completes_at_once),
    };
    return cmocka_run_group_tests(tests, set_up_group, stop_spawner);
}
