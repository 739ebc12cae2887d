/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "feed/recipes.h"
#include "store/engine.h"

/* A store in a folder of its own, and the way to it. */
struct place {
    char folder[32];
    char *url;
    struct stk_store *store;
    struct stk_access access;
};

static void open_store(struct place *place)
{
    struct stk_error err = { .rc = STK_OK };
    struct stk_store_options options = { .command = "test" };
    assert_ok(stk_store_open(place->url, &options, &place->store, &err), &err);
    place->access = stk_access_direct(place->store);
}

static int set_up(void **state)
{
    struct place *place = stk_alloc(sizeof(*place));
    (void)snprintf(place->folder, sizeof(place->folder), "/tmp/stk_sweep_XXXXXX");
    assert_non_null(mkdtemp(place->folder));
    place->url = stk_format("sqlite:%s/stoker.db", place->folder);
    open_store(place);
    *state = place;
    return 0;
}

static int tear_down(void **state)
{
    static const char *const suffixes[] = { "", "-wal", "-shm", ".lock", ".sock" };
    struct place *place = *state;
    stk_store_close(place->store);
    for (size_t i = 0; i < STK_ARRAY_LEN(suffixes); i++) {
        STK_CLEANUP(stk_freep)
        char *path = stk_format("%s/stoker.db%s", place->folder, suffixes[i]);
        (void)unlink(path);
    }
    (void)rmdir(place->folder);
    free(place->url);
    free(place);
    return 0;
}

/* --- what the tests do --------------------------------------------------- */

static enum stk_rc try_accept(struct place *place, struct stk_sweep_request request,
                              const char *text, int64_t *ret_id, int64_t *ret_points,
                              struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *made = recipe(text);
    request.recipe = made;
    if (request.points_max == 0) request.points_max = INT64_MAX;
    return stk_sweep_accept(&place->access, recipes_settings(), &request, ret_id, ret_points, err);
}

static int64_t accept_sweep(struct place *place, struct stk_sweep_request request, const char *text)
{
    struct stk_error err = { .rc = STK_OK };
    int64_t id = 0, points = 0;
    assert_ok(try_accept(place, request, text, &id, &points, &err), &err);
    assert_true(id > 0 && points > 0);
    return id;
}

static void assert_not_accepted(struct place *place, struct stk_sweep_request request,
                                const char *text, enum stk_rc want_rc, const char *want)
{
    struct stk_error err = { .rc = STK_OK };
    int64_t id = 0, points = 0;
    enum stk_rc rc = try_accept(place, request, text, &id, &points, &err);
    if (rc == STK_OK) fail_msg("took: %s", text);
    assert_error(rc, &err, want_rc, want);
    assert_true(id == 0 && points == 0);
}

static struct stk_sweep_answer fill_sweep(struct place *place, int64_t id)
{
    struct stk_error err = { .rc = STK_OK };
    struct stk_sweep_answer answer = { 0 };
    assert_ok(stk_sweep_fill(&place->access, recipes_settings(), id, NULL, NULL, &answer, &err),
              &err);
    assert_true(answer.sweep_id == id);
    return answer;
}

static void assert_answer(struct stk_sweep_answer answer, int64_t points, int64_t fresh)
{
    assert_int_equal(answer.points, points);
    assert_int_equal(answer.fresh, fresh);
    assert_int_equal(answer.existing, points - fresh);
}

/* What is known of a sweep. */
struct seen {
    char *name, *task, *spec;
    int64_t points, jobs;
    bool filled;
};

static void release_seen(struct seen *seen)
{
    free(seen->name);
    free(seen->task);
    free(seen->spec);
}

static void note_sweep(void *context, const struct stk_sweep *sweep)
{
    struct seen *seen = context;
    *seen = (struct seen){ .name = stk_strdup(sweep->name),
                           .task = stk_strdup(sweep->task),
                           .spec = stk_strdup(sweep->spec),
                           .points = sweep->points,
                           .jobs = stk_counts_total(&sweep->counts),
                           .filled = sweep->filled };
}

static struct seen look_at(struct place *place, int64_t id)
{
    struct stk_error err = { .rc = STK_OK };
    struct seen seen = { 0 };
    assert_ok(stk_store_sweeps(place->store, id, 0, 1, note_sweep, &seen, &err), &err);
    return seen;
}

static void assert_sweep(struct place *place, int64_t id, int64_t points, int64_t jobs, bool filled)
{
    STK_CLEANUP(release_seen) struct seen seen = look_at(place, id);
    assert_int_equal(seen.points, points);
    assert_int_equal(seen.jobs, jobs);
    assert_int_equal(seen.filled, filled);
}

static void add_job(void *context, const struct stk_job *job)
{
    stk_buf_addf(context, "%s %s %" PRId32 "\n", job->task, job->params, job->priority);
}

/* The jobs of a sweep, oldest first, a line each. */
static void assert_jobs(struct place *place, int64_t id, const char *want)
{
    struct stk_error err = { .rc = STK_OK };
    STK_CLEANUP(stk_buf_release) struct stk_buf lines = STK_BUF_INIT;
    struct stk_job_filter filter = { .state = -1, .sweep_id = id, .ascending = true, .limit = 100 };
    assert_ok(stk_store_jobs(place->store, &filter, add_job, &lines, &err), &err);
    assert_string_equal(stk_buf_str(&lines), want);
}

static const char four[] = "{'axes':[['fast','1,2'],['slow','8,9']]}";
static const char many[] = "{'axes':[['fast','1:50'],['slow','1:50']]}"; /* 2500: 3 chunks */
static const struct stk_sweep_request backtest = { .task = "backtest" };

/* --- crashes ------------------------------------------------------------- */

#ifdef STK_FAULTS
static STK_NORETURN void fill_and_die(struct place *place)
{
    struct stk_error err = { .rc = STK_OK };
    (void)setenv("STK_FAULT", "sweep.chunk:2:kill", 1);
    open_store(place);
    int64_t id = accept_sweep(place, backtest, many);
    (void)!stk_sweep_fill(&place->access, recipes_settings(), id, NULL, NULL, NULL, &err);
    _exit(1); /* it should not have come here */
}

/* Must be the first test: a process reads STK_FAULT at its first fault point,
 * and the child has to be the one that does. */
static void fill__after_a_crash_has_each_point_once(void **state)
{
    struct place *place = *state;
    stk_store_close(place->store);
    place->store = NULL;
    pid_t child = fork();
    if (child == 0) fill_and_die(place);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);

    open_store(place);
    assert_sweep(place, 1, 2500, 2000, false);
    assert_answer(fill_sweep(place, 1), 2500, 500);
    assert_sweep(place, 1, 2500, 2500, true);
}
#else
static void fill__after_a_crash_has_each_point_once(void **unused)
{
    (void)unused;
    skip(); /* meson setup -Dfaults=true */
}
#endif

/* --- previews ------------------------------------------------------------ */

static void preview__counts_and_shows_the_first_points(void **unused)
{
    (void)unused;
    struct stk_error err = { .rc = STK_OK };
    STK_CLEANUP(stk_json_freep) json_t *made = recipe(many);
    STK_CLEANUP(stk_json_freep) json_t *sample = NULL;
    struct stk_sweep_request request = { .task = "backtest", .recipe = made };
    int64_t points = 0;
    assert_ok(stk_sweep_preview(recipes_settings(), &request, 2, &points, &sample, &err), &err);
    assert_int_equal(points, 2500);
    STK_CLEANUP(stk_freep) char *text = stk_json_text(sample);
    assert_string_equal(text, "[{\"fast\":1,\"slow\":1},{\"fast\":1,\"slow\":2}]");
}

static void preview__shows_all_when_there_are_fewer(void **unused)
{
    (void)unused;
    struct stk_error err = { .rc = STK_OK };
    STK_CLEANUP(stk_json_freep) json_t *made = recipe(four);
    STK_CLEANUP(stk_json_freep) json_t *sample = NULL;
    struct stk_sweep_request request = { .task = "backtest", .recipe = made };
    int64_t points = 0;
    assert_ok(stk_sweep_preview(recipes_settings(), &request, 10, &points, &sample, &err), &err);
    assert_int_equal(json_array_size(sample), 4);
}

/* --- accepting ----------------------------------------------------------- */

static void accept__stores_the_sweep_with_its_recipe_unfilled(void **state)
{
    struct place *place = *state;
    struct stk_sweep_request request = { .task = "backtest", .name = "first" };
    int64_t id = accept_sweep(place, request, four);
    STK_CLEANUP(release_seen) struct seen seen = look_at(place, id);
    assert_string_equal(seen.name, "first");
    assert_string_equal(seen.task, "backtest");
    assert_string_equal(seen.spec, "{\"parts\":[{\"axes\":[[\"fast\",\"1,2\"],[\"slow\",\"8,9\"]],"
                                   "\"points\":4,\"priority\":3}]}");
    assert_false(seen.filled);
    assert_int_equal(seen.points, 4);
    assert_int_equal(seen.jobs, 0);
}

static void accept__refuses_too_many_jobs_until_told_yes(void **state)
{
    struct place *place = *state;
    struct stk_sweep_request request = { .task = "backtest", .points_max = 100000 };
    static const char large[] = "{'axes':[['fast','1:1000'],['slow','1:1250']]}";
    assert_not_accepted(place, request, large, STK_TOO_LARGE,
                        "this sweep would make 1250000 jobs; say --yes to go on");
    request.points_max = 1250000;
    (void)accept_sweep(place, request, large);
}

static void accept__refuses_a_sweep_without_points(void **state)
{
    assert_not_accepted(
        *state, backtest, "{'axes':[['fast','1:40'],['slow','1:40']],'where':'fast > slow + 40'}",
        STK_INVALID, "no point is left: where \"fast > slow + 40\" is true for none of 1600");
}

static void accept__refuses_what_it_cannot_name(void **state)
{
    struct stk_sweep_request request = { .task = "backtset" };
    assert_not_accepted(*state, request, four, STK_NOT_FOUND,
                        "unknown task \"backtset\"; did you mean \"backtest\"?");
    request.task = NULL;
    assert_not_accepted(*state, request, four, STK_INVALID, "a sweep needs the name of a task");
    request = (struct stk_sweep_request){ .task = "backtest", .name = "my sweep" };
    assert_not_accepted(*state, request, four, STK_INVALID,
                        "\"my sweep\" is no name for a sweep: letters, digits and _-.:/ only, at "
                        "most 128");
}

static void accept__refuses_a_recipe_with_members_of_the_spec(void **state)
{
    assert_not_accepted(*state, backtest, "{'axes':[['fast','1'],['slow','2']],'done':true}",
                        STK_INVALID, "unknown member \"done\"");
}

/* --- filling ------------------------------------------------------------- */

static void fill__makes_a_job_of_each_point(void **state)
{
    struct place *place = *state;
    int64_t id = accept_sweep(place, backtest, four);
    assert_answer(fill_sweep(place, id), 4, 4);
    assert_sweep(place, id, 4, 4, true);
    assert_jobs(place, id,
                "backtest {\"fast\":1,\"slow\":8} 3\nbacktest {\"fast\":1,\"slow\":9} 3\n"
                "backtest {\"fast\":2,\"slow\":8} 3\nbacktest {\"fast\":2,\"slow\":9} 3\n");
}

static void fill__gives_its_jobs_the_priority_of_the_request(void **state)
{
    struct place *place = *state;
    struct stk_sweep_request request = { .task = "backtest", .priority = -7, .has_priority = true };
    int64_t id = accept_sweep(place, request, "{'axes':[['fast','1'],['slow','8']]}");
    (void)fill_sweep(place, id);
    assert_jobs(place, id, "backtest {\"fast\":1,\"slow\":8} -7\n");
}

static void fill__again_changes_nothing(void **state)
{
    struct place *place = *state;
    int64_t id = accept_sweep(place, backtest, many);
    assert_answer(fill_sweep(place, id), 2500, 2500);
    assert_answer(fill_sweep(place, id), 2500, 0);
    assert_sweep(place, id, 2500, 2500, true);
}

struct told {
    int calls;
    int stop_at; /* call; 0: never */
    int64_t done, points;
};

static bool note_progress(void *context, int64_t done, int64_t points)
{
    struct told *told = context;
    told->done = done;
    told->points = points;
    return ++told->calls != told->stop_at;
}

static void fill__that_was_stopped_goes_on_with_each_point_once(void **state)
{
    struct place *place = *state;
    struct stk_error err = { .rc = STK_OK };
    struct told told = { .stop_at = 1 };
    int64_t id = accept_sweep(place, backtest, many);
    enum stk_rc rc =
        stk_sweep_fill(&place->access, recipes_settings(), id, note_progress, &told, NULL, &err);
    assert_error(rc, &err, STK_BUSY,
                 "sweep 1 has 1000 of 2500 points so far; the rest will follow");
    assert_sweep(place, id, 2500, 1000, false);

    assert_answer(fill_sweep(place, id), 2500, 1500);
    assert_sweep(place, id, 2500, 2500, true);
}

static int takes_left;

static enum stk_rc take_a_few_times(struct stk_store *store, int64_t id, struct stk_error *err)
{
    (void)store;
    if (takes_left-- > 0) return STK_OK;
    return stk_fail(err, STK_BUSY, "sweep %" PRId64 " is another's", id);
}

static void fill__leaves_a_sweep_alone_that_another_process_fills(void **state)
{
    struct place *place = *state;
    struct stk_error err = { .rc = STK_OK };
    int64_t id = accept_sweep(place, backtest, many);
    const struct stk_engine *real = place->store->engine;
    struct stk_engine shared = *real;
    shared.sweep_take = take_a_few_times;
    takes_left = 2;
    place->store->engine = &shared;
    enum stk_rc rc = stk_sweep_fill(&place->access, recipes_settings(), id, NULL, NULL, NULL, &err);
    place->store->engine = real;
    assert_error(rc, &err, STK_BUSY, "sweep 1 is being filled by another process");
    assert_sweep(place, id, 2500, 2000, false);
    assert_answer(fill_sweep(place, id), 2500, 500);
}

static void fill__tells_how_far_it_is(void **state)
{
    struct place *place = *state;
    struct stk_error err = { .rc = STK_OK };
    struct told told = { 0 };
    int64_t id = accept_sweep(place, backtest, many);
    assert_ok(
        stk_sweep_fill(&place->access, recipes_settings(), id, note_progress, &told, NULL, &err),
        &err);
    assert_int_equal(told.calls, 3);
    assert_int_equal(told.done, 2500);
    assert_int_equal(told.points, 2500);
}

static void fill__drops_the_text_of_a_file_once_it_is_in(void **state)
{
    struct place *place = *state;
    int64_t id = accept_sweep(place, backtest,
                              "{'from':{'name':'p.csv','format':'csv',"
                              "'text':'fast,slow\\n1,2\\n3,4\\n1,2\\n'}}");
    assert_answer(fill_sweep(place, id), 2, 2);
    STK_CLEANUP(release_seen) struct seen seen = look_at(place, id);
    assert_string_equal(
        seen.spec, "{\"parts\":[{\"done\":true,\"from\":{\"format\":\"csv\",\"name\":\"p.csv\","
                   "\"rows\":3},\"points\":2,\"priority\":3}]}");
    assert_answer(fill_sweep(place, id), 2, 0);
}

static void fill__of_a_sweep_that_is_not_there_says_so(void **state)
{
    struct place *place = *state;
    struct stk_error err = { .rc = STK_OK };
    enum stk_rc rc = stk_sweep_fill(&place->access, recipes_settings(), 7, NULL, NULL, NULL, &err);
    assert_error(rc, &err, STK_NOT_FOUND, "there is no sweep 7");
}

static void fill__fails_when_the_task_has_changed_and_the_sweep_stays_unfilled(void **state)
{
    struct place *place = *state;
    struct stk_error err = { .rc = STK_OK };
    int64_t id = accept_sweep(place, backtest, four);
    STK_CLEANUP(stk_settings_freep)
    struct stk_settings *changed = recipes_read("tasks:\n  backtest:\n    command: [./b]\n"
                                                "    params: {fast: int, slow: {type: int, max: "
                                                "8}}\n");
    enum stk_rc rc = stk_sweep_fill(&place->access, changed, id, NULL, NULL, NULL, &err);
    assert_error(
        rc, &err, STK_INVALID,
        "sweep 1 can no longer be filled, its task has changed: parameter \"slow\" of task "
        "\"backtest\": 9 is above the maximum of 8");

    STK_CLEANUP(stk_settings_freep)
    struct stk_settings *gone = recipes_read("tasks:\n  other:\n    command: [./b]\n");
    rc = stk_sweep_fill(&place->access, gone, id, NULL, NULL, NULL, &err);
    assert_int_equal(rc, STK_NOT_FOUND);
    assert_sweep(place, id, 4, 0, false);
    assert_answer(fill_sweep(place, id), 4, 4);
}

/* A desk runs a write again when its round had to be rolled back. */
static enum stk_rc write_twice(void *context, stk_write_fn fn, void *arg, struct stk_error *err)
{
    struct place *place = context;
    assert_ok(stk_store_begin(place->store, err), err);
    assert_ok(fn(place->store, arg, stk_clock_now(), err), err);
    stk_store_rollback(place->store);

    struct stk_access direct = stk_access_direct(place->store);
    return stk_write(&direct, fn, arg, err);
}

static enum stk_rc read_once(void *context, stk_read_fn fn, void *arg, struct stk_error *err)
{
    struct place *place = context;
    return fn(place->store, arg, err);
}

static void sweep__is_the_same_when_its_writes_are_run_again(void **state)
{
    struct place *place = *state;
    place->access =
        (struct stk_access){ .write = write_twice, .read = read_once, .context = place };
    int64_t id = accept_sweep(place, backtest, many);
    assert_answer(fill_sweep(place, id), 2500, 2500);
    struct stk_sweep_request more = { .extend_id = id };
    (void)accept_sweep(place, more, "{'axes':[['fast','50,51'],['slow','1:50']]}");
    assert_answer(fill_sweep(place, id), 100, 50);
    assert_sweep(place, id, 2550, 2550, true);
}

/* --- extending ----------------------------------------------------------- */

static void extend__adds_only_what_is_new(void **state)
{
    struct place *place = *state;
    int64_t id = accept_sweep(place, backtest, four);
    (void)fill_sweep(place, id);

    struct stk_sweep_request more = { .task = "backtest", .extend_id = id };
    assert_true(accept_sweep(place, more, "{'axes':[['fast','2,3'],['slow','9']]}") == id);
    assert_sweep(place, id, 6, 4, false);
    assert_answer(fill_sweep(place, id), 2, 1);
    assert_sweep(place, id, 5, 5, true);
}

static void extend__before_the_first_filling_fills_both_parts(void **state)
{
    struct place *place = *state;
    int64_t id = accept_sweep(place, backtest, four);
    struct stk_sweep_request more = { .extend_id = id };
    (void)accept_sweep(place, more, "{'axes':[['fast','1'],['slow','1:3']]}");
    assert_answer(fill_sweep(place, id), 3, 3);
    assert_sweep(place, id, 7, 7, true);
}

static void extend__refuses_another_task_and_a_sweep_that_is_not_there(void **state)
{
    struct place *place = *state;
    int64_t id = accept_sweep(place, backtest, four);
    struct stk_sweep_request other = { .task = "fit", .extend_id = id };
    assert_not_accepted(place, other, four, STK_INVALID,
                        "sweep 1 is of task \"backtest\", not \"fit\"");
    struct stk_sweep_request missing = { .task = "backtest", .extend_id = 9 };
    assert_not_accepted(place, missing, four, STK_NOT_FOUND, "there is no sweep 9");
    assert_sweep(place, id, 4, 0, false);
}

static void add_event(void *context, const struct stk_event *event)
{
    stk_buf_addf(context, "%s %" PRId64 " %s\n", event->kind, event->sweep_id, event->text);
}

static void sweep__leaves_its_history(void **state)
{
    struct place *place = *state;
    struct stk_error err = { .rc = STK_OK };
    STK_CLEANUP(stk_buf_release) struct stk_buf lines = STK_BUF_INIT;
    int64_t id = accept_sweep(place, backtest, four);
    struct stk_sweep_request more = { .extend_id = id };
    (void)accept_sweep(place, more, "{'axes':[['fast','1'],['slow','1:3']]}");

    assert_ok(stk_store_events(place->store, 0, 0, 2, add_event, &lines, &err), &err);
    assert_string_equal(stk_buf_str(&lines), "sweep.created 1 4 points of task backtest\n"
                                             "sweep.extended 1 3 points of task backtest\n");
}

int main(void)
{
#define SWEEP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        SWEEP_TEST(fill__after_a_crash_has_each_point_once),
        SWEEP_TEST(preview__counts_and_shows_the_first_points),
        SWEEP_TEST(preview__shows_all_when_there_are_fewer),
        SWEEP_TEST(accept__stores_the_sweep_with_its_recipe_unfilled),
        SWEEP_TEST(accept__refuses_too_many_jobs_until_told_yes),
        SWEEP_TEST(accept__refuses_a_sweep_without_points),
        SWEEP_TEST(accept__refuses_what_it_cannot_name),
        SWEEP_TEST(accept__refuses_a_recipe_with_members_of_the_spec),
        SWEEP_TEST(fill__makes_a_job_of_each_point),
        SWEEP_TEST(fill__gives_its_jobs_the_priority_of_the_request),
        SWEEP_TEST(fill__again_changes_nothing),
        SWEEP_TEST(fill__that_was_stopped_goes_on_with_each_point_once),
        SWEEP_TEST(fill__leaves_a_sweep_alone_that_another_process_fills),
        SWEEP_TEST(fill__tells_how_far_it_is),
        SWEEP_TEST(fill__drops_the_text_of_a_file_once_it_is_in),
        SWEEP_TEST(fill__of_a_sweep_that_is_not_there_says_so),
        SWEEP_TEST(fill__fails_when_the_task_has_changed_and_the_sweep_stays_unfilled),
        SWEEP_TEST(sweep__is_the_same_when_its_writes_are_run_again),
        SWEEP_TEST(extend__adds_only_what_is_new),
        SWEEP_TEST(extend__before_the_first_filling_fills_both_parts),
        SWEEP_TEST(extend__refuses_another_task_and_a_sweep_that_is_not_there),
        SWEEP_TEST(sweep__leaves_its_history),
    };
    return cmocka_run_group_tests(tests, NULL, recipes_end);
}
