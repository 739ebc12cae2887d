/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"

static void alloc__gives_zeroed_memory_even_of_no_bytes(void **unused)
{
    (void)unused;
    static const char zeroes[64];
    void *some = stk_alloc(sizeof(zeroes));
    assert_memory_equal(some, zeroes, sizeof(zeroes));
    free(some);
    void *none = stk_alloc(0);
    assert_non_null(none);
    free(none);
}

static void realloc__keeps_what_was_there(void **unused)
{
    (void)unused;
    char *text = stk_strdup("abc");
    text = stk_realloc(text, 1000, 8);
    assert_string_equal(text, "abc");
    free(text);
}

static void realloc__of_a_product_that_overflows_ends_the_process(void **unused)
{
    (void)unused;
    pid_t child = fork();
    if (child == 0) {
        struct rlimit no_core = { 0 };
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)signal(SIGABRT, SIG_DFL);
        (void)close(STDERR_FILENO);
        volatile size_t count = SIZE_MAX / 8 + 2; /* 8 times this wraps to 8 bytes */
        free(stk_realloc(NULL, count, 8));
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void strdup__of_null_stays_null(void **unused)
{
    (void)unused;
    assert_null(stk_strdup(NULL));
    assert_null(stk_strndup(NULL, 3));
}

static void strndup__takes_the_beginning(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_freep) char *part = stk_strndup("backtest", 4);
    STK_CLEANUP(stk_freep) char *whole = stk_strndup("ab", 4);
    assert_string_equal(part, "back");
    assert_string_equal(whole, "ab");
}

static void format__writes_like_printf(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_freep) char *text = stk_format("%s-%03d", "run", 7);
    assert_string_equal(text, "run-007");
}

static void freep__leaves_null(void **unused)
{
    (void)unused;
    char *text = stk_strdup("x");
    stk_freep(&text);
    assert_null(text);
    stk_freep(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alloc__gives_zeroed_memory_even_of_no_bytes),
        cmocka_unit_test(realloc__keeps_what_was_there),
        cmocka_unit_test(realloc__of_a_product_that_overflows_ends_the_process),
        cmocka_unit_test(strdup__of_null_stays_null),
        cmocka_unit_test(strndup__takes_the_beginning),
        cmocka_unit_test(format__writes_like_printf),
        cmocka_unit_test(freep__leaves_null),
    };
    return cmocka_run_group_tests_name("base/alloc", tests, NULL, NULL);
}
