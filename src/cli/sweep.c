/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/input.h"
#include "cli/meter.h"
#include "cli/query.h"
#include "cli/table.h"
#include "model/shown.h"

static const char pair_form[] = "NAME=VALUES, such as fast=5:50:5 or cost=0,1,5";

/* What makes points; of stoker sweep and of stoker sweep extend. */
#define POINT_OPTIONS                                                                             \
    { .name = "zip", .value = "A,B", .help = "walk these parameters together; may be repeated" }, \
        { .name = "where",                                                                        \
          .value = "EXPR",                                                                        \
          .help = "leave out the points for which this SQL expression is false" },                \
        { .name = "sample",                                                                       \
          .value = "N",                                                                           \
          .is_int = true,                                                                         \
          .min = 1,                                                                               \
          .max = INT64_MAX,                                                                       \
          .help = "of these points only N, drawn by chance" },                                    \
        { .name = "seed",                                                                         \
          .value = "S",                                                                           \
          .is_int = true,                                                                         \
          .min = 0,                                                                               \
          .max = INT64_MAX,                                                                       \
          .help = "the same seed draws the same sample" },                                        \
        { .name = "from",                                                                         \
          .value = "FILE",                                                                        \
          .help = "points from the rows of a .csv or .jsonl file" },                              \
        { .name = "dry-run", .help = "store nothing; say how many points, show the first" },      \
        { .name = "yes", .help = "do it however many jobs it makes" },                            \
        { .name = "priority",                                                                     \
          .value = "N",                                                                           \
          .is_int = true,                                                                         \
          .min = INT32_MIN,                                                                       \
          .max = INT32_MAX,                                                                       \
          .help = "larger runs first (0, or what the task says)" },

static const struct stk_option options[] = {
    POINT_OPTIONS{ .name = "name", .value = "NAME", .help = "a name to know the sweep by" },
    { .name = NULL },
};
static const struct stk_option extend_options[] = { POINT_OPTIONS{ .name = NULL } };

/* --- the request --------------------------------------------------------- */

static enum stk_rc take_axes(const struct stk_args *args, json_t *body, struct stk_error *err)
{
    json_t *axes = json_array();
    (void)json_object_set_new(body, "axes", axes);
    for (size_t i = 1; i < args->word_count; i++) {
        STK_CLEANUP(stk_freep) char *name = NULL;
        const char *values = NULL;
        enum stk_rc rc = stk_input_pair(args->words[i], pair_form, &name, &values, err);
        if (rc != STK_OK) return rc;

        json_t *axis = json_pack("[s, s]", name, values);
        STK_CLEANUP(stk_freep) char *shown = stk_shown(args->words[i]);
        if (axis == NULL) return stk_fail(err, STK_INVALID, "\"%s\" is not UTF-8 text", shown);
        (void)json_array_append_new(axes, axis);
    }
    if (args->word_count == 1) (void)json_object_del(body, "axes");
    return STK_OK;
}

static json_t *split_commas(const char *text)
{
    json_t *names = json_array();
    while (*text != '\0') {
        size_t len = strcspn(text, ",");
        (void)json_array_append_new(names, json_stringn(text, len));
        text += len + (text[len] == ',' ? 1 : 0);
    }
    return names;
}

static void take_zips(const struct stk_args *args, json_t *body)
{
    json_t *zips = json_array();
    for (size_t i = 0; stk_args_nth(args, "zip", i) != NULL; i++) {
        (void)json_array_append_new(zips, split_commas(stk_args_nth(args, "zip", i)));
    }
    if (json_array_size(zips) > 0) (void)json_object_set(body, "zip", zips);
    json_decref(zips);
}

/* The format is told by the end of the name. */
static enum stk_rc take_from(const struct stk_args *args, json_t *body, struct stk_error *err)
{
    const char *path = stk_args_text(args, "from");
    if (path == NULL) return STK_OK;

    const char *dot = strrchr(path, '.');
    bool is_csv = dot != NULL && strcmp(dot, ".csv") == 0;
    bool is_jsonl = dot != NULL && strcmp(dot, ".jsonl") == 0;
    STK_CLEANUP(stk_freep) char *shown = stk_shown(path);
    if (!is_csv && !is_jsonl) {
        return stk_fail(err, STK_INVALID, "the name of \"%s\" must end in .csv or .jsonl", shown);
    }

    json_t *text = NULL;
    enum stk_rc rc = stk_input_read(path, &text, err);
    if (rc != STK_OK) return rc;
    (void)json_object_set_new(body, "from",
                              json_pack("{s:s, s:s, s:o}", "name", path, "format",
                                        is_csv ? "csv" : "jsonl", "text", text));
    return STK_OK;
}

static void take_texts(const struct stk_args *args, json_t *body)
{
    static const char *const texts[] = { "where", "name" };
    static const char *const numbers[] = { "sample", "seed", "priority" };
    for (size_t i = 0; i < STK_ARRAY_LEN(texts); i++) {
        const char *text = stk_args_text(args, texts[i]);
        if (text != NULL) (void)json_object_set_new(body, texts[i], json_string(text));
    }
    for (size_t i = 0; i < STK_ARRAY_LEN(numbers); i++) {
        if (!stk_args_has(args, numbers[i])) continue;
        (void)json_object_set_new(body, numbers[i],
                                  json_integer(stk_args_int(args, numbers[i], 0)));
    }
    if (stk_args_has(args, "yes")) {
        (void)json_object_set_new(body, "points_max", json_integer(INT64_MAX));
    }
    if (stk_args_has(args, "dry-run")) (void)json_object_set_new(body, "dry_run", json_true());
}

static enum stk_rc take_request(const struct stk_args *args, json_t *body, struct stk_error *err)
{
    enum stk_rc rc = take_axes(args, body, err);
    if (rc == STK_OK) rc = take_from(args, body, err);
    if (rc != STK_OK) return rc;
    take_zips(args, body);
    take_texts(args, body);
    return STK_OK;
}

/* --- while it is filled -------------------------------------------------- */

/* Ctrl-C ends the filling between two chunks: the store is closed in order,
 * and what is missing is filled by whoever opens it next. */
static volatile sig_atomic_t interrupted;

static void note_interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

static bool draw_progress(void *context, int64_t done, int64_t points)
{
    stk_meter_draw(context, done, points, "jobs submitted");
    return interrupted == 0;
}

static enum stk_rc call_with_meter(struct stk_cli *cli, const char *path, json_t *body,
                                   json_t **ret, struct stk_error *err)
{
    struct stk_meter meter;
    struct sigaction catching = { .sa_handler = note_interrupt };
    struct sigaction before = { .sa_handler = SIG_DFL };
    stk_meter_init(&meter, &cli->term);
    cli->progress = draw_progress;
    cli->progress_context = &meter;

    (void)sigaction(SIGINT, &catching, &before);
    enum stk_rc rc = stk_cli_post(cli, path, body, ret, err);
    (void)sigaction(SIGINT, &before, NULL);
    stk_meter_erase(&meter);
    return rc;
}

/* A pool answers before a large sweep is filled: the rest is watched here. */
static enum stk_rc wait_filled(struct stk_cli *cli, json_t **answer, struct stk_error *err)
{
    struct stk_meter meter;
    stk_meter_init(&meter, &cli->term);
    int64_t id = stk_answer_int(*answer, "sweep_id");
    int64_t points = stk_answer_int(*answer, "points");
    STK_CLEANUP(stk_freep) char *path = stk_format("/sweeps/%" PRId64 "?wait=500ms", id);

    bool is_filled = stk_answer_bool(*answer, "filled");
    while (!is_filled) {
        STK_CLEANUP(stk_json_freep) json_t *sweep = NULL;
        enum stk_rc rc = stk_cli_get(cli, path, &sweep, err);
        if (rc != STK_OK) return rc;

        const char *error = stk_answer_text(sweep, "error");
        is_filled = stk_answer_bool(sweep, "filled");
        stk_meter_draw(&meter, stk_answer_int(sweep, "done"), stk_answer_int(sweep, "points"),
                       "jobs submitted");
        if (error != NULL) {
            stk_meter_erase(&meter);
            return stk_fail(err, STK_UNAVAILABLE,
                            "sweep %" PRId64 " is accepted, but not all of its points are in: %s",
                            id, error);
        }
        if (is_filled) {
            int64_t existing = stk_answer_int(sweep, "existing");
            (void)json_object_set_new(*answer, "existing", json_integer(existing));
            (void)json_object_set_new(*answer, "new", json_integer(points - existing));
            (void)json_object_set_new(*answer, "filled", json_true());
            (void)json_object_del(*answer, "done");
        }
    }
    stk_meter_erase(&meter);
    return STK_OK;
}

/* --- the answer ---------------------------------------------------------- */

static void show_sample(struct stk_cli *cli, const json_t *sample)
{
    STK_CLEANUP(stk_table_release) struct stk_table table = STK_TABLE_INIT;
    json_t *first = json_array_get(sample, 0);
    size_t i = 0;
    const json_t *row = NULL;
    const char *name = NULL;
    const json_t *value = NULL;
    if (json_object_size(first) == 0) return;

    json_object_foreach(first, name, value)
    {
        stk_table_column(&table, name, json_is_number(value), true);
    }
    json_array_foreach(sample, i, row)
    {
        json_object_foreach(first, name, value)
        {
            STK_CLEANUP(stk_buf_release) struct stk_buf cell = STK_BUF_INIT;
            stk_value_add(&cell, json_object_get(row, name));
            stk_table_add(&table, STK_STYLE_PLAIN, stk_buf_str(&cell));
        }
    }
    stk_table_render(&table, &cli->term, 2, &cli->out, NULL);
}

static void say_preview(struct stk_cli *cli, const json_t *answer)
{
    int64_t points = stk_answer_int(answer, "points");
    const json_t *sample = json_object_get(answer, "sample");
    size_t shown = json_array_size(sample);

    stk_buf_adds(&cli->out, "this sweep would make ");
    stk_count_add(&cli->out, points, "job", "jobs");
    if (points > (int64_t)shown) {
        stk_buf_addf(&cli->out, "; the first %zu:\n", shown);
    } else {
        stk_buf_adds(&cli->out, points > 0 ? ":\n" : "\n");
    }
    show_sample(cli, sample);
}

static void say(struct stk_cli *cli, const json_t *answer)
{
    int64_t id = stk_answer_int(answer, "sweep_id");
    stk_buf_addf(&cli->out, "sweep %" PRId64 ": ", id);
    stk_count_add(&cli->out, stk_answer_int(answer, "points"), "job", "jobs");
    stk_buf_adds(&cli->out, " (");
    stk_number_add(&cli->out, stk_answer_int(answer, "new"));
    stk_buf_adds(&cli->out, " new, ");
    stk_number_add(&cli->out, stk_answer_int(answer, "existing"));
    stk_buf_adds(&cli->out, " already there)\n");

    if (stk_cli_has_pool(cli)) {
        stk_buf_addf(&cli->out, "watch it with stoker sweep show %" PRId64 " --watch\n", id);
    } else {
        stk_buf_adds(&cli->out, "no pool is running: start one with: stoker up\n");
    }
}

static enum stk_rc finish(struct stk_cli *cli, json_t **answer, struct stk_error *err)
{
    bool is_preview = stk_args_has(&cli->args, "dry-run");
    if (!is_preview) {
        enum stk_rc rc = wait_filled(cli, answer, err);
        if (rc != STK_OK) return rc;
    }

    if (cli->json) {
        stk_cli_add_json(cli, *answer);
    } else if (cli->quiet) { /* a preview has no id */
        int64_t id = stk_answer_int(*answer, "sweep_id");
        if (!is_preview) stk_buf_addf(&cli->out, "%" PRId64 "\n", id);
    } else if (is_preview) {
        say_preview(cli, *answer);
    } else {
        say(cli, *answer);
    }
    return STK_OK;
}

static enum stk_rc make(struct stk_cli *cli, const char *path, json_t *body, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *answer = NULL;
    enum stk_rc rc = take_request(&cli->args, body, err);
    if (rc == STK_OK) rc = call_with_meter(cli, path, body, &answer, err);
    if (rc != STK_OK && interrupted != 0) {
        return stk_fail(err, rc,
                        "stopped: the sweep is accepted, and its other points are "
                        "submitted by the next stoker up");
    }
    return rc == STK_OK ? finish(cli, &answer, err) : rc;
}

static enum stk_rc run(struct stk_cli *cli, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *body = json_object();
    json_t *task = json_string(cli->args.words[0]);
    if (task == NULL) return stk_fail(err, STK_INVALID, "the task's name is not UTF-8 text");

    (void)json_object_set_new(body, "task", task);
    cli->may_create = true;
    return make(cli, "/sweeps", body, err);
}

static enum stk_rc run_extend(struct stk_cli *cli, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *body = json_object();
    STK_CLEANUP(stk_buf_release) struct stk_buf path = STK_BUF_INIT;
    stk_buf_adds(&path, "/sweeps/");
    enum stk_rc rc = stk_query_id(&path, "sweep", cli->args.words[0], err);
    if (rc != STK_OK) return rc;

    stk_buf_adds(&path, "/extend");
    return make(cli, stk_buf_str(&path), body, err);
}

static const struct stk_example examples[] = {
    { "stoker sweep backtest fast=5:50:5 slow=20,50,100 cost_bps=1 --where 'fast < slow'",
      "every fast with every slow, where it makes sense" },
    { "stoker sweep backtest fast=5:50:5 slow=60:300:20 cost_bps=0,1,5 --dry-run",
      "only say how many jobs it would be, and show the first ten" },
    { "stoker sweep backtest --from points.csv cost_bps=1", "a job for each row of the file" },
    { NULL, NULL },
};

const struct stk_command_info stk_cli_sweep = {
    .name = "sweep",
    .synopsis = "TASK [NAME=VALUES...] [options]",
    .summary = "make a sweep: a job for each combination of parameters",
    .description =
        "VALUES are a list (1,2,5), a range with step (5:50:5, both ends included), or one value. "
        "Parameters are combined each with each, unless --zip walks them together. A sweep above "
        "100,000 jobs (sweep_confirm in stoker.yaml) wants --yes.\n\n"
        "When the command has ended well, the sweep is on the disk. A task that is named like a "
        "verb (show, list ...) is reached with stoker sweep -- NAME.",
    .words_min = 1,
    .words_max = STK_WORDS_ANY,
    .options = options,
    .examples = examples,
    .run = run,
};

static const struct stk_example extend_examples[] = {
    { "stoker sweep extend last fast=55:80:5 slow=100 cost_bps=1",
      "more points for the newest sweep" },
    { NULL, NULL },
};

const struct stk_command_info stk_cli_sweep_extend = {
    .name = "sweep extend",
    .synopsis = "ID [NAME=VALUES...] [options]",
    .summary = "add points to a sweep",
    .description = "Points that are in it already are not run again. The options are those of "
                   "stoker sweep.",
    .words_min = 1,
    .words_max = STK_WORDS_ANY,
    .options = extend_options,
    .examples = extend_examples,
    .run = run_extend,
};
