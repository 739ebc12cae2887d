/* SPDX-License-Identifier: MIT
 *
 * Built with STK_FAULTS, whatever the rest is built with. The plan is read once
 * a process, so each test asks a child.
 */
#include "support/test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"

/* In a child with the plan: body's answer becomes its exit status. */
static int run_with(const char *plan, int (*body)(void))
{
    pid_t child = fork();
    if (child == 0) {
        struct rlimit no_core = { 0 };
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)signal(SIGABRT, SIG_DFL);
        (void)close(STDERR_FILENO);
        (void)setenv("STK_FAULT", plan, 1);
        _exit(body());
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* Which of the first eight passings of commit.before failed, a bit each. */
static int pass_commit_8_times(void)
{
    int failed = 0;
    for (int i = 0; i < 8; i++) {
        failed |= stk_fault(STK_FAULT_COMMIT_BEFORE) << i;
        if (stk_fault(STK_FAULT_COMMIT_AFTER)) return 255;
    }
    return failed;
}

static int measure_stall(void)
{
    stk_time_ns before = stk_clock_mono();
    bool failed = stk_fault(STK_FAULT_EXEC_ENDED);
    return !failed && stk_clock_mono() - before >= 200 * STK_MS;
}

static void check_failed(const char *plan, int wanted)
{
    int status = run_with(plan, pass_commit_8_times);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), wanted);
}

static void check_signal(const char *plan, int wanted)
{
    int status = run_with(plan, pass_commit_8_times);
    if (!WIFSIGNALED(status)) fail_msg("lived through '%s'", plan);
    assert_int_equal(WTERMSIG(status), wanted);
}

static void fault__without_a_plan_never_fails(void **unused)
{
    (void)unused;
    check_failed("", 0);
}

static void fault__fails_at_the_nth_passing_once(void **unused)
{
    (void)unused;
    check_failed("commit.before:1:fail", 1);
    check_failed("commit.before:3:fail", 4);
    check_failed("commit.before:9:fail", 0);
}

static void fault__follows_several_plans(void **unused)
{
    (void)unused;
    check_failed("commit.before:1:fail,exec.ended:1:kill,commit.before:4:fail", 9);
}

static void fault__kills_without_a_goodbye(void **unused)
{
    (void)unused;
    check_signal("commit.before:2:kill", SIGKILL);
}

static void fault__stalls_and_goes_on(void **unused)
{
    (void)unused;
    int status = run_with("exec.ended:1:stall", measure_stall);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
}

static void fault__aborts_on_a_plan_that_would_test_nothing(void **unused)
{
    (void)unused;
    static const char *const wrong[] = {
        "commit.befor:1:fail",    "commit.before:1:die",    "commit.before:0:fail",
        "commit.before:x:fail",   "commit.before:1",        "commit.before",
        "commit.before:1:fail:2", "commit.before:1:fail,x",
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(wrong); i++) {
        check_signal(wrong[i], SIGABRT);
    }
}

static void name__each_point_has_its_own(void **unused)
{
    (void)unused;
    assert_string_equal(stk_fault_name(STK_FAULT_COMMIT_BEFORE), "commit.before");
    for (int i = 0; i < STK_FAULT_COUNT_; i++) {
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(stk_fault_name((enum stk_fault_point)i),
                                    stk_fault_name((enum stk_fault_point)j));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fault__without_a_plan_never_fails),
        cmocka_unit_test(fault__fails_at_the_nth_passing_once),
        cmocka_unit_test(fault__follows_several_plans),
        cmocka_unit_test(fault__kills_without_a_goodbye),
        cmocka_unit_test(fault__stalls_and_goes_on),
        cmocka_unit_test(fault__aborts_on_a_plan_that_would_test_nothing),
        cmocka_unit_test(name__each_point_has_its_own),
    };
    return cmocka_run_group_tests_name("base/fault", tests, NULL, NULL);
}
