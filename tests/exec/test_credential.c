/* SPDX-License-Identifier: MIT */
#include "support/spawner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/redact.h"
#include "exec/fixture.h"

static const char VALUE[] = "Open-sesame_0123456789";

struct house {
    struct fixture f;
    struct stk_secret *credential;
};

static void set_credential(struct house *h, const char *bytes, size_t len)
{
    stk_secret_free(h->credential);
    h->credential = stk_secret_new(bytes, len);
    h->f.job.credential = h->credential;
}

static int set_up(void **state)
{
    struct house *h = stk_alloc(sizeof(*h));
    fixture_init(&h->f, spawner);
    set_credential(h, VALUE, strlen(VALUE));
    *state = h;
    return 0;
}

static int tear_down(void **state)
{
    struct house *h = *state;
    fixture_release(&h->f);
    stk_secret_free(h->credential);
    free(h);
    return 0;
}

static void assert_result(const struct fixture *f, const char *result)
{
    assert_string_equal(f->result.error, "");
    assert_string_equal(stk_buf_str(&f->result.result), result);
}

/* ---- the descriptor ---------------------------------------------------- */

static void credential__is_read_from_the_descriptor_named_in_the_environment(void **state)
{
    struct house *h = *state;
    run_script(&h->f, "read -r line <&4 || :; echo \"$STOKER_SESSION_FD $line\"");
    assert_result(&h->f, "4 Open-sesame_0123456789");
}

static void credential__of_the_greatest_size_needs_nobody_to_feed_it(void **state)
{
    struct house *h = *state;
    STK_CLEANUP(stk_freep) char *bytes = stk_alloc(STK_SECRET_BYTES_MAX);
    memset(bytes, 'k', STK_SECRET_BYTES_MAX);
    set_credential(h, bytes, STK_SECRET_BYTES_MAX);
    run_script(&h->f, "wc -c <&4");
    assert_result(&h->f, "262144");
    run_script(&h->f, "exec 4<&-; echo 1");
    assert_result(&h->f, "1");
}

static void credential__comes_along_with_arguments_longer_than_a_message(void **state)
{
    struct house *h = *state;
    STK_CLEANUP(stk_freep) char *words = stk_alloc(100001);
    memset(words, 'x', 100000);
    run_words(&h->f, (const char *const[]){ "/bin/sh", "-c", "echo \"${{#1}} $(cat <&4)\"", "sh",
                                            words, NULL });
    assert_result(&h->f, "100000 Open-sesame_0123456789");
}

static void credential__can_be_read_only(void **state)
{
    struct house *h = *state;
    run_script(&h->f, "{ echo x >&4; } 2>/dev/null && echo written; "
                      "{ echo x >/proc/self/fd/4; } 2>/dev/null && echo reopened; cat <&4");
    assert_string_equal(stk_buf_str(&h->f.lines), "out: Open-sesame_0123456789\n");
}

static void credential__is_in_no_argument_and_no_variable(void **state)
{
    struct house *h = *state;
    run_script(&h->f, "cat /proc/$$/cmdline /proc/$$/environ | tr '\\0' '\\n' | "
                      "grep -c -e se[s]ame -e 'FD[=]4'");
    assert_result(&h->f, "1");
}

static void descriptors__are_0_to_4_with_a_credential_and_0_to_3_without(void **state)
{
    struct house *h = *state;
    const char *look = LIST_DESCRIPTORS "echo \"$fds ${STOKER_SESSION_FD-none}\" >&3";
    run_script(&h->f, look);
    assert_result(&h->f, "0 1 2 3 4 4");
    h->f.job.credential = NULL;
    run_script(&h->f, look);
    assert_result(&h->f, "0 1 2 3 none");
}

static void run_another(struct fixture *f, const char *line)
{
    struct fixture other;
    fixture_init(&other, spawner);
    run_script(&other, LIST_DESCRIPTORS "echo \"$fds\"");
    assert_result(&other, "0 1 2 3");
    fixture_release(&other);
    assert_string_equal(line, "here");
    f->on_line = NULL;
}

static void credential__is_not_there_for_a_job_that_runs_at_the_same_time(void **state)
{
    struct house *h = *state;
    h->f.on_line = run_another;
    run_script(&h->f, "echo here; cat <&4");
    assert_null(h->f.on_line);
    assert_result(&h->f, "Open-sesame_0123456789");
}

static pid_t keeper;

static void note_keeper(struct fixture *f, const char *line)
{
    (void)line;
    pid_t job = 0;
    stk_time_ns end = stk_clock_mono() + 20 * STK_SECOND;
    /* In the middle of exec it has no arguments. */
    while ((job = find_marked(f->marker)) == 0 && stk_clock_mono() < end) {
        wait_a_little();
    }
    keeper = keeper_of(job);
    stk_exec_stop(f->runner, f->job.id, STK_STOP_NOW);
}

static void credential__is_held_by_nobody_once_it_has_ended(void **state)
{
    struct house *h = *state;
    const char *script = "echo here; exec sleep \"$1\"";
    h->f.on_line = note_keeper;
    run_script(&h->f, script);
    unsigned ours = count_fds(getpid());
    assert_true(keeper > 0);
    assert_int_equal(count_fds(keeper), 5 + 2); /* 0 to 4; "." and ".." are counted too */
    run_script(&h->f, script);
    assert_int_equal(count_fds(getpid()), ours);
}

/* ---- what it prints ---------------------------------------------------- */

static void assert_not_said(const struct fixture *f)
{
    assert_null(strstr(stk_buf_str(&f->lines), "sesame"));
    assert_null(strstr(stk_buf_str(&f->result.tail), "sesame"));
    assert_null(strstr(stk_buf_str(&f->result.result), "sesame"));
    assert_null(strstr(f->result.error, "sesame"));
}

static void output__shows_no_known_secret(void **state)
{
    struct house *h = *state;
    stk_redact_add_secret(h->credential);
    run_script(&h->f, "v=$(cat <&4); echo \"out $v.\"; echo \"err $v.\" >&2; echo \"res $v.\"");
    assert_not_said(&h->f);
    assert_result(&h->f, "res **********************.");
    assert_non_null(strstr(stk_buf_str(&h->f.lines), "err: err **********************.\n"));

    run_script(&h->f, "cat <&4 >&3");
    assert_not_said(&h->f);
    run_script(&h->f, "echo \"refused: $(cat <&4)\" >&2; exit 65");
    assert_not_said(&h->f);
    assert_non_null(strstr(h->f.result.error, "refused: ****"));
}

static void output__shows_no_secret_that_comes_in_parts(void **state)
{
    struct house *h = *state;
    stk_redact_add_secret(h->credential);
    /* The reader has had the first part when it is asked what it has. */
    run_script(&h->f, "printf 'a Open-se'; echo >&2 go; printf 'same_01234'; echo >&2 go; "
                      "printf '56789 b'");
    assert_not_said(&h->f);
    assert_result(&h->f, "a ********************** b");
}

/* Behind so many other bytes it lies across the border of two pieces, or of
 * what a tail keeps. */
static void output__shows_no_secret_across_a_border(void **state)
{
    struct house *h = *state;
    static const unsigned borders[] = { 4096, 65536, 262144, 524288 };
    stk_redact_add_secret(h->credential);
    h->f.task.result_bytes_max = 2 * 1024 * 1024;
    for (size_t i = 0; i < STK_ARRAY_LEN(borders); i++) {
        char script[200];
        (void)snprintf(script, sizeof(script),
                       "head -c %u /dev/zero | tr '\\0' x; cat <&4; head -c %d /dev/zero | "
                       "tr '\\0' y; echo",
                       borders[i] - 11, STK_EXEC_TAIL_BYTES_MAX - 11);
        run_script(&h->f, script);
        assert_int_equal(h->f.result.result.len, borders[i] - 11 + strlen(VALUE) + 16384 - 11);
        assert_not_said(&h->f);
        assert_null(strstr(stk_buf_str(&h->f.result.tail), "0123456789"));
    }
}

static void output__shows_no_secret_of_several_lines_in_its_tail(void **state)
{
    struct house *h = *state;
    static const char key[] = "-----BEGIN-----\nsesame-1\nsesame-2\n-----END-----";
    set_credential(h, key, strlen(key));
    stk_redact_add_secret(h->credential);
    run_script(&h->f, "cat <&4; echo; exit 1");
    assert_null(strstr(stk_buf_str(&h->f.result.tail), "sesame"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(credential__is_read_from_the_descriptor_named_in_the_environment),
        CASE(credential__of_the_greatest_size_needs_nobody_to_feed_it),
        CASE(credential__comes_along_with_arguments_longer_than_a_message),
        CASE(credential__can_be_read_only),
        CASE(credential__is_in_no_argument_and_no_variable),
        CASE(descriptors__are_0_to_4_with_a_credential_and_0_to_3_without),
        CASE(credential__is_not_there_for_a_job_that_runs_at_the_same_time),
        CASE(credential__is_held_by_nobody_once_it_has_ended),
        CASE(output__shows_no_known_secret),
        CASE(output__shows_no_secret_that_comes_in_parts),
        CASE(output__shows_no_secret_across_a_border),
        CASE(output__shows_no_secret_of_several_lines_in_its_tail),
    };
    return cmocka_run_group_tests(tests, start_spawner, stop_spawner);
}
