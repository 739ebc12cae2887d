/* SPDX-License-Identifier: MIT */
#include "support/spawner.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/redact.h"
#include "exec/fixture.h"
#include "exec/program.h"

static struct stk_program *program;
static struct stk_program_result result;

static int set_up(void **unused)
{
    (void)unused;
    program = stk_program_new(spawner);
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    stk_program_result_release(&result);
    stk_program_free(program);
    return 0;
}

static void run(const struct stk_program_order *order)
{
    stk_program_result_release(&result);
    stk_program_run(program, order, &result);
}

static void run_words_as(const char *const *argv, struct stk_program_order order)
{
    order.argv = argv;
    run(&order);
}

static void run_sh(const char *script, struct stk_program_order order)
{
    run_words_as((const char *const[]){ "/bin/sh", "-c", script, NULL }, order);
}

static void assert_output(const char *output)
{
    assert_string_equal(result.error, "");
    assert_int_equal(result.end, STK_PROGRAM_EXITED);
    assert_int_equal(result.exit_status, 0);
    assert_non_null(result.output);
    assert_string_equal(stk_secret_bytes(result.output), output);
}

/* ---- what it gets and says --------------------------------------------- */

static void program__gets_words_variables_folder_and_input(void **unused)
{
    (void)unused;
    const char *const env[] = { "STOKER_EVENT=lost", NULL };
    run_words_as(
        (const char *const[]){ "sh", "-c", "echo \"$1 $STOKER_EVENT $(pwd) $(cat)\"", "sh",
                               "{as} it is", NULL },
        (struct stk_program_order){ .env = env, .dir = "/usr", .input = "in", .input_len = 2 });
    assert_output("{as} it is lost /usr in");
}

static void program__without_input_reads_an_end(void **unused)
{
    (void)unused;
    run_sh("cat; echo done", (struct stk_program_order){ 0 });
    assert_output("done");
}

static void program__has_four_descriptors_and_no_session(void **unused)
{
    (void)unused;
    run_sh(LIST_DESCRIPTORS "echo \"$fds\"", (struct stk_program_order){ 0 });
    assert_output("0 1 2 3");
}

static void output__is_the_last_line_or_what_came_on_fd_3(void **unused)
{
    (void)unused;
    run_sh("echo log; echo last; echo", (struct stk_program_order){ 0 });
    assert_output("last");
    run_sh("printf 'a\\nb\\n' >&3; echo last", (struct stk_program_order){ 0 });
    assert_output("a\nb");
    run_sh(":", (struct stk_program_order){ 0 });
    assert_null(result.output);
}

static void output__is_not_redacted_since_it_is_what_was_asked_for(void **unused)
{
    (void)unused;
    stk_redact_add("hush-hush-1", 11);
    run_sh("echo hush-hush-1", (struct stk_program_order){ 0 });
    assert_output("hush-hush-1");
    run_sh("echo hush-hush-1 >&3", (struct stk_program_order){ 0 });
    assert_output("hush-hush-1");
}

static void output__over_its_limit_is_none(void **unused)
{
    (void)unused;
    struct stk_program_order order = { .output_bytes_max = 10 };
    run_sh("echo 0123456789", order);
    assert_output("0123456789");
    run_sh("echo 01234567890", order);
    assert_null(result.output);
    assert_true(result.output_is_too_long);
    run_sh("head -c 1000000 /dev/zero | tr '\\0' x", (struct stk_program_order){ 0 });
    assert_null(result.output);
    assert_true(result.output_is_too_long);
}

/* ---- how it ends ------------------------------------------------------- */

static void error__has_the_status_and_the_last_complaint(void **unused)
{
    (void)unused;
    run_sh("echo first >&2; echo '{\"a\":1}'; echo 'no luck' >&2; exit 3",
           (struct stk_program_order){ 0 });
    assert_int_equal(result.end, STK_PROGRAM_EXITED);
    assert_int_equal(result.exit_status, 3);
    assert_string_equal(result.error, "exit status 3: no luck");
    assert_string_equal(stk_secret_bytes(result.output), "{\"a\":1}");
    run_sh("kill -9 $$", (struct stk_program_order){ 0 });
    assert_int_equal(result.exit_status, 256 + 9);
}

static void error__shows_no_known_secret(void **unused)
{
    (void)unused;
    stk_redact_add("hush-hush-2", 11);
    run_sh("head -c 280 /dev/zero | tr '\\0' x >&2; echo hush-hush-2, then more, >&2; exit 1",
           (struct stk_program_order){ 0 });
    assert_null(strstr(result.error, "hush"));
}

static void start__of_a_missing_program_names_it(void **unused)
{
    (void)unused;
    run_words_as((const char *const[]){ "/nowhere/helper", NULL }, (struct stk_program_order){ 0 });
    assert_int_equal(result.end, STK_PROGRAM_NOT_STARTED);
    assert_int_equal(result.exit_status, -1);
    assert_string_equal(result.error, "could not start /nowhere/helper: No such file or directory");
    run_sh(":", (struct stk_program_order){ .dir = "/nowhere" });
    assert_int_equal(result.end, STK_PROGRAM_NOT_STARTED);
    assert_non_null(strstr(result.error, "/nowhere"));
}

static char marker[32];

static void make_marker(void)
{
    static unsigned count;
    (void)snprintf(marker, sizeof(marker), "86400.9%d%03u", (int)getpid(), ++count);
}

static void run_sleeper(struct stk_program_order order)
{
    run_words_as(
        (const char *const[]){ "/bin/sh", "-c", "sleep $1 & sleep $1", "sh", marker, NULL }, order);
}

static void time_limit__ends_it_with_all_it_started(void **unused)
{
    (void)unused;
    make_marker();
    run_sleeper((struct stk_program_order){ .time_limit_ns = 100 * STK_MS });
    assert_int_equal(result.end, STK_PROGRAM_TIMED_OUT);
    assert_string_equal(result.error, "over its time limit of 100ms");
    assert_null(result.output);
    assert_true(await_none_marked(marker));
}

static void time_limit__kills_what_does_not_listen(void **unused)
{
    (void)unused;
    run_sh("trap '' TERM; while :; do sleep 1; done",
           (struct stk_program_order){ .time_limit_ns = 100 * STK_MS, .grace_ns = 50 * STK_MS });
    assert_int_equal(result.end, STK_PROGRAM_TIMED_OUT);
}

/* Waits until it runs, then does `end` to it. */
static void *end_when_it_runs(void *context)
{
    int *bell = context;
    stk_time_ns until = stk_clock_mono() + 20 * STK_SECOND;
    while (count_marked(marker) < 3 && stk_clock_mono() < until) { /* the shell and two */
        wait_a_little();
    }
    if (bell != NULL) {
        (void)eventfd_write(*bell, 1);
    } else {
        stk_program_cancel(program);
    }
    return NULL;
}

static void cancel_from_another_thread(int *bell)
{
    pthread_t thread;
    make_marker();
    assert_int_equal(pthread_create(&thread, NULL, end_when_it_runs, bell), 0);
    run_sleeper((struct stk_program_order){ .cancel_fd = bell != NULL ? *bell : 0 });
    (void)pthread_join(thread, NULL);
    assert_int_equal(result.end, STK_PROGRAM_CANCELLED);
    assert_string_equal(result.error, "cancelled");
    assert_true(await_none_marked(marker));
}

static void cancel__from_another_thread_holds_until_it_is_armed(void **unused)
{
    (void)unused;
    cancel_from_another_thread(NULL);
    run_sh("echo 1", (struct stk_program_order){ 0 });
    assert_int_equal(result.end, STK_PROGRAM_CANCELLED);
    stk_program_arm(program);
    run_sh("echo 1", (struct stk_program_order){ 0 });
    assert_output("1");
}

static void cancel__by_a_descriptor_holds_while_it_is_readable(void **unused)
{
    (void)unused;
    int bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    cancel_from_another_thread(&bell);
    run_sh("echo 1", (struct stk_program_order){ .cancel_fd = bell });
    assert_int_equal(result.end, STK_PROGRAM_CANCELLED);
    eventfd_t rings = 0;
    (void)eventfd_read(bell, &rings);
    run_sh("echo 1", (struct stk_program_order){ .cancel_fd = bell });
    assert_output("1");
    (void)close(bell);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(program__gets_words_variables_folder_and_input),
        CASE(program__without_input_reads_an_end),
        CASE(program__has_four_descriptors_and_no_session),
        CASE(output__is_the_last_line_or_what_came_on_fd_3),
        CASE(output__is_not_redacted_since_it_is_what_was_asked_for),
        CASE(output__over_its_limit_is_none),
        CASE(error__has_the_status_and_the_last_complaint),
        CASE(error__shows_no_known_secret),
        CASE(start__of_a_missing_program_names_it),
        CASE(time_limit__ends_it_with_all_it_started),
        CASE(time_limit__kills_what_does_not_listen),
        CASE(cancel__from_another_thread_holds_until_it_is_armed),
        CASE(cancel__by_a_descriptor_holds_while_it_is_readable),
    };
    return cmocka_run_group_tests(tests, start_spawner, stop_spawner);
}
