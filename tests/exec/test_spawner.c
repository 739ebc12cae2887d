/* SPDX-License-Identifier: MIT
 *
 * How programs end, and that nothing they started outlives them. Each case runs
 * with both layers of containment.
 */
#include "support/test.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/timetext.h"
#include "exec/fixture.h"

static struct stk_spawner *spawners[2]; /* by `contain` */

static int set_up_group(void **unused)
{
    (void)unused;
    struct stk_error err;
    for (int contain = 0; contain < 2; contain++) {
        if (stk_spawner_start(contain != 0, &spawners[contain], &err) != STK_OK) return -1;
    }
    return 0;
}

static int tear_down_group(void **unused)
{
    (void)unused;
    for (int contain = 0; contain < 2; contain++) {
        stk_spawner_stop(spawners[contain]);
    }
    return 0;
}

static int set_up(void **state, bool contain)
{
    struct fixture *f = stk_alloc(sizeof(*f));
    fixture_init(f, spawners[contain]);
    *state = f;
    return 0;
}

static int set_up_contained(void **state)
{
    return set_up(state, true);
}

static int set_up_subreaper(void **state)
{
    return set_up(state, false);
}

static int tear_down(void **state)
{
    fixture_release(*state);
    free(*state);
    return 0;
}

/* Runs a script with a time limit that lets it come as far as "ready", which on
 * a busy machine may take a while. Returns the limit. */
static stk_time_ns run_limited(struct fixture *f, const char *script)
{
    for (stk_time_ns limit = 200 * STK_MS;; limit *= 2) {
        f->task.time_limit_ns = limit;
        run_script(f, script);
        assert_int_equal(f->result.outcome, STK_OUTCOME_TIMED_OUT);
        if (strstr(stk_buf_str(&f->lines), "out: ready\n") != NULL) return limit;
    }
}

/* ---- what is left behind ----------------------------------------------- */

/* Scripts that leave a process with the marker ($1) behind, then go on. */
static const char *const leavers[] = {
    "sleep $1 & ",
    "setsid sleep $1 & ",
    "(setsid sh -c \"sleep $1 & \" & ) ; ",
    "(trap '' TERM HUP; setsid sh -c \"trap '' TERM; sleep $1; sleep $1\" & ) ; ",
    "nohup sleep $1 >/dev/null 2>&1 3>&1 <&1 & ",
    "for i in 1 2 3 4 5 6 7 8; do (setsid sh -c \"sleep $1 & sleep $1\" & ); done ; ",
};

/* The script goes on only when the process is there: a shell's `&` returns before. */
static void write_leaver(char *script, size_t size, size_t i, const char *then)
{
    (void)snprintf(script, size, "%s until pgrep -f \"sleep $1\" >/dev/null; do :; done; %s",
                   leavers[i], then);
}

static void leftovers__of_a_program_that_ended_are_gone__R_E2(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < STK_ARRAY_LEN(leavers); i++) {
        char script[512];
        write_leaver(script, sizeof(script), i, "echo 1");
        run_script(f, script);
        assert_int_equal(count_marked(f->marker), 0);
        assert_int_equal(f->result.outcome, STK_OUTCOME_COMPLETED);
        assert_string_equal(stk_buf_str(&f->result.result), "1");
    }
}

static void leftovers__of_a_program_over_its_time_limit_are_gone__R_E2(void **state)
{
    struct fixture *f = *state;
    f->task.kill_grace_ns = 50 * STK_MS;
    for (size_t i = 0; i < STK_ARRAY_LEN(leavers); i++) {
        char script[512];
        write_leaver(script, sizeof(script), i,
                     "trap '' TERM; echo ready; while :; do sleep 0.01; done");
        (void)run_limited(f, script);
        assert_int_equal(count_marked(f->marker), 0);
    }
}

static void leftovers__that_hold_stdout_do_not_hold_the_attempt__R_E3(void **state)
{
    struct fixture *f = *state;
    stk_time_ns start = stk_clock_mono();
    run_script(f, "setsid sleep $1 & echo 5");
    assert_string_equal(stk_buf_str(&f->result.result), "5");
    assert_true(stk_clock_mono() - start < 10 * STK_SECOND);
}

/* ---- the time limit ---------------------------------------------------- */

static void time_limit__ends_a_program_with_sigterm(void **state)
{
    struct fixture *f = *state;
    stk_time_ns limit = run_limited(
        f, "trap 'echo got TERM; exit 0' TERM; echo ready; while :; do sleep 0.01; done");
    char text[STK_DURATION_TEXT];
    char error[64];
    stk_duration_text(limit, text);
    (void)snprintf(error, sizeof(error), "over its time limit of %s", text);
    assert_string_equal(f->result.error, error);
    assert_non_null(strstr(stk_buf_str(&f->lines), "out: got TERM\n"));
    assert_int_equal(f->result.exit_status, 0);
}

static void time_limit__kills_what_ignores_sigterm_after_the_grace__R_E6(void **state)
{
    struct fixture *f = *state;
    f->task.kill_grace_ns = 100 * STK_MS;
    run_limited(f, "trap '' TERM; echo ready; while :; do sleep 0.01; done");
    assert_int_equal(f->result.exit_status, 256 + SIGKILL);
}

static void time_limit__does_not_touch_a_program_that_ends_in_time(void **state)
{
    struct fixture *f = *state;
    f->task.time_limit_ns = STK_MINUTE;
    run_script(f, "echo 1");
    assert_int_equal(f->result.outcome, STK_OUTCOME_COMPLETED);
}

/* ---- stopping ---------------------------------------------------------- */

static void stop__ends_the_job_as_asked(void **state)
{
    static const struct {
        enum stk_stop how;
        enum stk_outcome outcome;
        int signal;
        const char *error;
    } rows[] = {
        { STK_STOP_CANCEL, STK_OUTCOME_CANCELLED, SIGTERM, "cancelled" },
        { STK_STOP_INTERRUPT, STK_OUTCOME_INTERRUPTED, SIGTERM, "interrupted: its pool stopped" },
        { STK_STOP_NOW, STK_OUTCOME_INTERRUPTED, SIGKILL, "interrupted: its pool stopped" },
    };
    struct fixture *f = *state;
    f->stop_at = "ready";
    for (size_t i = 0; i < STK_ARRAY_LEN(rows); i++) {
        f->stop_how = rows[i].how;
        run_script(f, "echo ready; exec sleep $1");
        assert_int_equal(f->result.outcome, rows[i].outcome);
        assert_int_equal(f->result.exit_status, 256 + rows[i].signal);
        assert_string_equal(f->result.error, rows[i].error);
        assert_int_equal(count_marked(f->marker), 0);
    }
}

static void stop_now(struct fixture *f, const char *line)
{
    if (strcmp(line, "ready") == 0) stk_exec_stop(f->runner, f->job.id, STK_STOP_CANCEL);
    if (strcmp(line, "still here") == 0) stk_exec_stop(f->runner, f->job.id, STK_STOP_NOW);
}

static void stop__now_after_cancel_kills_at_once_and_stays_cancelled(void **state)
{
    struct fixture *f = *state;
    f->task.kill_grace_ns = STK_HOUR;
    f->on_line = stop_now;
    run_script(f, "trap 'echo still here' TERM; echo ready; while :; do sleep 0.01; done");
    assert_int_equal(f->result.outcome, STK_OUTCOME_CANCELLED);
    assert_int_equal(f->result.exit_status, 256 + SIGKILL);
}

static void stop__that_ignores_sigterm_is_killed_after_the_grace(void **state)
{
    struct fixture *f = *state;
    f->task.kill_grace_ns = 100 * STK_MS;
    f->stop_at = "ready";
    f->stop_how = STK_STOP_CANCEL;
    run_script(f, "trap '' TERM; echo ready; while :; do sleep 0.01; done");
    assert_int_equal(f->result.outcome, STK_OUTCOME_CANCELLED);
    assert_int_equal(f->result.exit_status, 256 + SIGKILL);
}

static void stop__before_the_start_keeps_the_job_from_starting(void **state)
{
    struct fixture *f = *state;
    stk_exec_stop(f->runner, f->job.id, STK_STOP_INTERRUPT);
    run_script(f, "echo started");
    assert_int_equal(f->result.outcome, STK_OUTCOME_INTERRUPTED);
    assert_int_equal(f->result.exit_status, -1);
    assert_int_equal(f->lines.len, 0);

    run_script(f, "echo started"); /* it was for that run only */
    assert_int_equal(f->result.outcome, STK_OUTCOME_COMPLETED);
}

static void stop__of_another_job_does_nothing(void **state)
{
    struct fixture *f = *state;
    stk_exec_stop(f->runner, f->job.id + 1, STK_STOP_NOW);
    run_script(f, "echo 1");
    assert_int_equal(f->result.outcome, STK_OUTCOME_COMPLETED);
}

static atomic_bool is_ready;

static void note_ready(struct fixture *f, const char *line)
{
    (void)f;
    if (strcmp(line, "ready") == 0) atomic_store(&is_ready, true);
}

static void *stop_when_ready(void *context)
{
    struct fixture *f = context;
    while (!atomic_load(&is_ready)) {
        wait_a_little();
    }
    stk_exec_stop(f->runner, f->job.id, STK_STOP_CANCEL);
    return NULL;
}

static void stop__may_come_from_another_thread(void **state)
{
    struct fixture *f = *state;
    atomic_store(&is_ready, false);
    f->on_line = note_ready;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, stop_when_ready, f), 0);
    run_script(f, "echo ready; exec sleep $1");
    (void)pthread_join(thread, NULL);
    assert_int_equal(f->result.outcome, STK_OUTCOME_CANCELLED);
}

/* ---- many jobs --------------------------------------------------------- */

static pid_t keeper;

static void note_keeper(struct fixture *f, const char *line)
{
    if (strcmp(line, "ready") == 0) keeper = keeper_of(find_marked(f->marker));
}

static pid_t find_keeper(struct fixture *f)
{
    keeper = 0;
    f->on_line = note_keeper;
    f->stop_at = "ready";
    f->stop_how = STK_STOP_INTERRUPT;
    run_script(f, "echo ready; sleep $1; :");
    f->on_line = NULL;
    f->stop_at = NULL;
    assert_true(keeper > 1);
    return keeper;
}

static void jobs__by_the_hundred_leave_no_zombies_and_no_descriptors__R_E13(void **state)
{
    struct fixture *f = *state;
    pid_t pid = find_keeper(f);
    pid_t nursery = parent_of(pid);
    unsigned own = count_fds(getpid());
    unsigned of_keeper = count_fds(pid);
    unsigned of_nursery = count_fds(nursery);
    unsigned keepers = count_children(nursery, 0);
    for (int i = 0; i < 500; i++) {
        run_words(f, (const char *const[]){ i % 10 == 9 ? "/no/such" : "/bin/true", NULL });
    }
    assert_int_equal(count_fds(getpid()), own);
    assert_int_equal(count_fds(pid), of_keeper);
    assert_int_equal(count_fds(nursery), of_nursery);
    assert_int_equal(count_children(pid, 0), 0);
    assert_int_equal(count_children(nursery, 0), keepers);
    assert_int_equal(count_children(getpid(), 'Z'), 0);
}

struct some {
    struct fixture f;
    bool ok;
};

static void *run_some(void *context)
{
    struct some *some = context;
    some->ok = true;
    for (int i = 0; i < 25; i++) {
        run_script(&some->f, "echo $STOKER_JOB_ID");
        long long id = strtoll(stk_buf_str(&some->f.result.result), NULL, 10);
        some->ok = some->ok && id == some->f.job.id;
    }
    return NULL;
}

static void jobs__of_several_workers_do_not_meet(void **state)
{
    (void)state;
    struct some some[4];
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) {
        fixture_init(&some[i].f, spawners[i % 2]);
        some[i].f.job.id = 100 + (int64_t)i;
        some[i].f.job.task = &some[i].f.task;
        assert_int_equal(pthread_create(&threads[i], NULL, run_some, &some[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        (void)pthread_join(threads[i], NULL);
        assert_true(some[i].ok);
        fixture_release(&some[i].f);
    }
}

static void orphans__are_reaped_while_the_program_runs(void **state)
{
    struct fixture *f = *state;
    run_script(f, "i=0; while [ $i -lt 20 ]; do (setsid true &); i=$((i+1)); done;"
                  "while ps -o state= -e --ppid $PPID | grep -q Z; do :; done; echo 1");
    assert_int_equal(f->result.outcome, STK_OUTCOME_COMPLETED);
}

/* ---- when others die --------------------------------------------------- */

static void kill_keeper(struct fixture *f, const char *line)
{
    note_keeper(f, line);
    if (strcmp(line, "ready") == 0) (void)kill(keeper, SIGKILL);
}

static void keeper__killed_in_the_middle_gives_the_job_back(void **state)
{
    struct fixture *f = *state;
    f->on_line = kill_keeper;
    run_script(f, "setsid sleep $1 & echo ready; sleep $1; :");
    assert_int_equal(f->result.outcome, STK_OUTCOME_INTERRUPTED);
    assert_string_equal(f->result.error, "interrupted: the process that kept it was killed");
    assert_true(await_none_marked(f->marker));

    f->on_line = NULL;
    run_script(f, "echo 1");
    assert_int_equal(f->result.outcome, STK_OUTCOME_COMPLETED);
}

static void keeper__that_has_left_is_replaced_without_a_word(void **state)
{
    struct fixture *f = *state;
    pid_t pid = find_keeper(f);
    (void)kill(pid, SIGKILL);
    assert_true(await_dead(pid));
    run_script(f, "echo 1");
    assert_string_equal(stk_buf_str(&f->result.result), "1");
    assert_int_not_equal(find_keeper(f), pid);
}

static void *run_one(void *context)
{
    run_script(context, "echo 1");
    return NULL;
}

static void keeper__that_leaves_while_a_job_is_on_its_way_loses_nothing(void **state)
{
    struct fixture *f = *state;
    pid_t pid = find_keeper(f);
    (void)kill(pid, SIGSTOP);
    unsigned before = count_fds(getpid());
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run_one, f), 0);
    /* Its pipes are open, so it is about to wait for the keeper, or does. */
    while (count_fds(getpid()) < before + 3) {
        wait_a_little();
    }
    (void)kill(pid, SIGKILL);
    (void)pthread_join(thread, NULL);
    assert_int_equal(f->result.outcome, STK_OUTCOME_COMPLETED);
    assert_string_equal(stk_buf_str(&f->result.result), "1");
}

/* A keeper that does not answer looks like a program stuck in the kernel. */
static void freeze_keeper(struct fixture *f, const char *line)
{
    if (strcmp(line, "ready") != 0) return;
    note_keeper(f, line);
    (void)kill(keeper, SIGSTOP);
    atomic_store(&is_ready, true);
}

static void *let_time_pass(void *context)
{
    struct fixture *f = context;
    while (!atomic_load(&is_ready)) {
        wait_a_little();
    }
    stk_exec_stop(f->runner, f->job.id, STK_STOP_NOW);
    while (atomic_load(&is_ready)) {
        stk_clock_shift(STK_SECOND);
        stk_exec_stop(f->runner, f->job.id, STK_STOP_NOW); /* to look at the clock */
        wait_a_little();
    }
    return NULL;
}

static void program__that_sigkill_does_not_end_is_given_up_after_10_s__R_E12(void **state)
{
    struct fixture *f = *state;
    atomic_store(&is_ready, false);
    f->on_line = freeze_keeper;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, let_time_pass, f), 0);
    run_script(f, "echo ready; sleep $1; :");
    atomic_store(&is_ready, false);
    (void)pthread_join(thread, NULL);
    assert_int_equal(f->result.outcome, STK_OUTCOME_FAILED);
    assert_non_null(strstr(f->result.error, "still there 10 s after SIGKILL"));

    (void)kill(keeper, SIGCONT); /* it hears that its worker has left */
    assert_true(await_none_marked(f->marker));
    f->on_line = NULL;
    f->job.id++; /* a late stop was for the other one */
    run_script(f, "echo 1");
    assert_int_equal(f->result.outcome, STK_OUTCOME_COMPLETED);
}

/* A pool in a process of its own: runs one job and tells when it is under way. */
static void tell(struct fixture *f, const char *line)
{
    (void)f;
    if (strcmp(line, "ready") == 0) (void)!write(STDOUT_FILENO, "r", 1);
}

STK_NORETURN static void pool_main(bool contain, const char *marker, int out)
{
    (void)dup2(out, STDOUT_FILENO);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* else a test that failed leaves us with its pipes */
    struct stk_spawner *spawner = NULL;
    struct fixture f;
    if (stk_spawner_start(contain, &spawner, NULL) != STK_OK) _exit(1);
    fixture_init(&f, spawner);
    (void)snprintf(f.marker, sizeof(f.marker), "%s", marker);
    f.on_line = tell;
    run_script(&f,
               "trap '' TERM HUP; (setsid sh -c \"trap '' TERM; sleep $1 & sleep $1\" &);"
               "until [ $(pgrep -cf \"^sleep $1\") -ge 2 ]; do :; done; echo ready; sleep $1; :");
    _exit(2);
}

static pid_t start_pool(bool contain, const char *marker)
{
    int pipe_ends[2];
    assert_int_equal(pipe2(pipe_ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) pool_main(contain, marker, pipe_ends[1]);
    assert_true(pid > 0);

    char byte = 0;
    (void)close(pipe_ends[1]);
    assert_int_equal(read(pipe_ends[0], &byte, 1), 1);
    (void)close(pipe_ends[0]);
    return pid;
}

static void check_killed_pool(bool contain, const char *marker)
{
    pid_t pid = start_pool(contain, marker);
    assert_true(count_marked(marker) >= 2);
    assert_true(keeper_of(find_marked(marker)) > 1);

    stk_time_ns start = stk_clock_mono();
    (void)kill(pid, SIGKILL);
    assert_true(await_none_marked(marker));
    assert_true(stk_clock_mono() - start < 5 * STK_SECOND);
    (void)waitpid(pid, NULL, 0);
}

static void pool__killed_takes_all_along__R_E1(void **state)
{
    const struct fixture *f = *state;
    check_killed_pool(true, f->marker);
}

static void pool__killed_takes_all_along_without_namespaces__R_E1(void **state)
{
    const struct fixture *f = *state;
    check_killed_pool(false, f->marker);
}

/* ---- the spawner ------------------------------------------------------- */

static void spawner__stopped_kills_what_still_runs(void **state)
{
    (void)state;
    for (int contain = 0; contain < 2; contain++) {
        struct stk_spawner *spawner = NULL;
        assert_int_equal(stk_spawner_start(contain != 0, &spawner, NULL), STK_OK);
        struct fixture f;
        fixture_init(&f, spawner);
        pid_t nursery = parent_of(find_keeper(&f));
        assert_true(is_alive(nursery));
        assert_true(stk_spawner_is_alive(spawner));
        fixture_release(&f);
        stk_spawner_stop(spawner);
        assert_false(is_alive(nursery));
    }
}

static void spawner__whose_nursery_was_killed_gives_jobs_back(void **state)
{
    (void)state;
    for (int contain = 0; contain < 2; contain++) {
        struct stk_spawner *spawner = NULL;
        assert_int_equal(stk_spawner_start(contain != 0, &spawner, NULL), STK_OK);
        struct fixture f;
        fixture_init(&f, spawner);
        pid_t pid = find_keeper(&f);
        pid_t nursery = parent_of(pid);
        (void)kill(nursery, SIGKILL);
        (void)kill(pid, SIGKILL);
        assert_true(await_dead(nursery) && await_dead(pid));
        run_script(&f, "echo 1");
        assert_int_equal(f.result.outcome, STK_OUTCOME_INTERRUPTED);
        assert_false(stk_spawner_is_alive(spawner));
        fixture_release(&f);
        stk_spawner_stop(spawner);
    }
}

static void spawner__says_what_the_host_allows(void **state)
{
    (void)state;
    assert_string_equal(stk_spawner_containment(spawners[0]), "subreaper");
    const char *best = stk_spawner_containment(spawners[1]);
    assert_true(strcmp(best, "pid namespace") == 0 || strcmp(best, "subreaper") == 0);
    stk_spawner_stop(NULL);
}

static void spawner__of_an_ordinary_user_is_contained_too(void **state)
{
    (void)state;
    if (geteuid() != 0) skip();
    pid_t pid = fork();
    if (pid == 0) {
        struct stk_spawner *spawner = NULL;
        struct fixture user;
        if (setgid(65534) != 0 || setuid(65534) != 0) _exit(1);
        if (stk_spawner_start(true, &spawner, NULL) != STK_OK) _exit(2);
        fixture_init(&user, spawner);
        run_script(&user, "setsid sleep $1 & id -u");
        if (strcmp(stk_buf_str(&user.result.result), "65534") != 0) _exit(3);
        if (count_marked(user.marker) > 0) _exit(4);
        fixture_release(&user);
        stk_spawner_stop(spawner);
        _exit(0);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

#define ONCE(name) cmocka_unit_test_setup_teardown(name, set_up_contained, tear_down)
#define BOTH(name)                                                         \
    { #name " (pid namespace)", name, set_up_contained, tear_down, NULL }, \
    {                                                                      \
#        name " (subreaper)", name, set_up_subreaper, tear_down, NULL      \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(leftovers__of_a_program_that_ended_are_gone__R_E2),
        BOTH(leftovers__of_a_program_over_its_time_limit_are_gone__R_E2),
        BOTH(leftovers__that_hold_stdout_do_not_hold_the_attempt__R_E3),
        BOTH(time_limit__ends_a_program_with_sigterm),
        BOTH(time_limit__kills_what_ignores_sigterm_after_the_grace__R_E6),
        BOTH(time_limit__does_not_touch_a_program_that_ends_in_time),
        BOTH(stop__ends_the_job_as_asked),
        BOTH(stop__now_after_cancel_kills_at_once_and_stays_cancelled),
        BOTH(stop__that_ignores_sigterm_is_killed_after_the_grace),
        BOTH(stop__before_the_start_keeps_the_job_from_starting),
        BOTH(stop__of_another_job_does_nothing),
        BOTH(stop__may_come_from_another_thread),
        BOTH(jobs__by_the_hundred_leave_no_zombies_and_no_descriptors__R_E13),
        ONCE(jobs__of_several_workers_do_not_meet),
        BOTH(orphans__are_reaped_while_the_program_runs),
        BOTH(keeper__killed_in_the_middle_gives_the_job_back),
        BOTH(keeper__that_has_left_is_replaced_without_a_word),
        BOTH(keeper__that_leaves_while_a_job_is_on_its_way_loses_nothing),
        BOTH(program__that_sigkill_does_not_end_is_given_up_after_10_s__R_E12),
        ONCE(pool__killed_takes_all_along__R_E1),
        ONCE(pool__killed_takes_all_along_without_namespaces__R_E1),
        ONCE(spawner__stopped_kills_what_still_runs),
        ONCE(spawner__whose_nursery_was_killed_gives_jobs_back),
        ONCE(spawner__says_what_the_host_allows),
        ONCE(spawner__of_an_ordinary_user_is_contained_too),
    };
    return cmocka_run_group_tests(tests, set_up_group, tear_down_group);
}
