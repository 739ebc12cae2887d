/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/counts.h"
#include "cli/sweep_line.h"
#include "cli/table.h"
#include "cli/watch.h"

enum { BAR_CELLS_MAX = 60 };

static const struct stk_option options[] = {
    { .name = "watch", .help = "show it again every second, in place (a terminal only)" },
    { .name = NULL },
};

static const struct stk_example examples[] = {
    { "stoker status", "problems first, then counts, tasks, workers and sweeps under way" },
    { "stoker status --json", "the same as one JSON object" },
    { NULL, NULL },
};

static void add_problems(struct stk_cli *cli, const json_t *status)
{
    size_t i = 0;
    const json_t *problem = NULL;
    const json_t *problems = json_object_get(status, "problems");
    json_array_foreach(problems, i, problem)
    {
        STK_CLEANUP(stk_buf_release) struct stk_buf line = STK_BUF_INIT;
        stk_buf_adds(&line, cli->term.unicode ? "✗ " : "! ");
        stk_value_add(&line, problem);
        stk_term_add(&cli->term, &cli->out, STK_STYLE_BAD, stk_buf_str(&line));
        stk_buf_addc(&cli->out, '\n');
    }
    if (json_array_size(problems) > 0) stk_buf_addc(&cli->out, '\n');
}

static double sum_per_s(const json_t *pools)
{
    double sum = 0;
    size_t i = 0;
    const json_t *pool = NULL;
    json_array_foreach(pools, i, pool)
    {
        sum += stk_answer_number(pool, "per_s");
    }
    return sum;
}

static void add_counts(struct stk_cli *cli, const json_t *status)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf pace = STK_BUF_INIT;
    struct stk_counts counts = stk_answer_counts(json_object_get(status, "jobs"));
    const json_t *eta = stk_answer_get(status, "eta_s");
    int width = stk_term_width(&cli->term) - 4;

    stk_counts_words_add(&cli->term, &counts, &cli->out);
    stk_buf_addc(&cli->out, '\n');
    if (stk_counts_total(&counts) > 0) {
        stk_counts_bar_add(&cli->term, &counts, width < BAR_CELLS_MAX ? width : BAR_CELLS_MAX,
                           &cli->out);
        stk_buf_addc(&cli->out, '\n');
    }

    bool is_moving = counts.of[STK_STATE_RUNNING] > 0; /* else what waits is not due */
    double per_s = sum_per_s(json_object_get(status, "pools"));
    stk_pace_add(&cli->term, &pace, is_moving ? per_s : 0,
                 eta == NULL ? -1.0 : json_number_value(eta));
    if (pace.len > 0) stk_buf_addf(&cli->out, "%s\n", stk_buf_str(&pace));
}

static void add_tasks(struct stk_cli *cli, const json_t *tasks)
{
    if (json_array_size(tasks) == 0) return;

    STK_CLEANUP(stk_table_release) struct stk_table table = STK_TABLE_INIT;
    size_t i = 0;
    const json_t *task = NULL;
    stk_table_column(&table, "task", false, true);
    for (size_t s = 0; s < STK_STATE_COUNT_; s++) {
        stk_table_column(&table, stk_state_name((enum stk_state)s), true, false);
    }
    json_array_foreach(tasks, i, task)
    {
        struct stk_counts counts = stk_answer_counts(task);
        stk_table_add(&table, STK_STYLE_PLAIN, stk_answer_text(task, "task"));
        for (size_t s = 0; s < STK_STATE_COUNT_; s++) {
            stk_table_number(&table, counts.of[s]);
        }
    }
    stk_buf_addc(&cli->out, '\n');
    stk_table_render(&table, &cli->term, 0, &cli->out, NULL);
}

static void add_pace(struct stk_cli *cli, double per_s)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf pace = STK_BUF_INIT;
    stk_pace_add(&cli->term, &pace, per_s, -1.0);
    if (pace.len > 0) stk_buf_addf(&cli->out, ", %s", stk_buf_str(&pace));
}

static void add_pools(struct stk_cli *cli, const json_t *status)
{
    const json_t *pools = json_object_get(status, "pools");
    bool is_said = json_array_size(json_object_get(status, "problems")) > 0;
    size_t i = 0;
    const json_t *pool = NULL;
    if (json_array_size(pools) == 0 && is_said) return;

    stk_buf_addc(&cli->out, '\n');
    if (json_array_size(pools) == 0) {
        stk_buf_adds(&cli->out, "no pool is running: start one with: stoker up\n");
    }
    json_array_foreach(pools, i, pool)
    {
        STK_CLEANUP(stk_buf_release) struct stk_buf age = STK_BUF_INIT;
        const char *name = stk_answer_text(pool, "pool");
        const char *state = stk_answer_text(pool, "state");
        const char *host = stk_answer_text(pool, "host");
        const char *reason = stk_answer_text(pool, "reason");
        stk_age_add(&age, stk_answer_time(pool, "started_at"), stk_clock_now());
        stk_buf_addf(&cli->out,
                     "pool %s %s on %s, pid %" PRId64 ", up %s: %" PRId64 " of %" PRId64
                     " workers busy",
                     name == NULL ? "?" : name, state == NULL ? "" : state,
                     host == NULL ? "?" : host, stk_answer_int(pool, "pid"), stk_buf_str(&age),
                     stk_answer_int(pool, "busy"), stk_answer_int(pool, "workers"));
        if (json_array_size(pools) > 1) add_pace(cli, stk_answer_number(pool, "per_s"));
        if (reason != NULL && *reason != '\0') {
            stk_buf_adds(&cli->out, "; ");
            stk_text_add_escaped(&cli->out, reason, strlen(reason));
        }
        stk_buf_addc(&cli->out, '\n');
    }
}

static void add_sessions(struct stk_cli *cli, const json_t *sessions)
{
    size_t i = 0;
    const json_t *session = NULL;
    if (json_array_size(sessions) > 0) stk_buf_addc(&cli->out, '\n');
    json_array_foreach(sessions, i, session)
    {
        STK_CLEANUP(stk_buf_release) struct stk_buf line = STK_BUF_INIT;
        bool is_open = json_is_true(json_object_get(session, "open"));
        bool is_ending = json_is_true(json_object_get(session, "warn"));
        stk_value_add(&line, json_object_get(session, "text"));
        stk_term_add(&cli->term, &cli->out,
                     is_ending || !is_open ? STK_STYLE_WARN : STK_STYLE_PLAIN, stk_buf_str(&line));
        stk_buf_addc(&cli->out, '\n');
    }
}

static bool is_idle(const json_t *worker)
{
    const char *state = stk_answer_text(worker, "state");
    return state != NULL && strcmp(state, "idle") == 0;
}

/* "w3"; "p1/w3" where several pools work. */
static void add_name(struct stk_table *table, const json_t *worker, bool with_pool)
{
    const char *name = stk_answer_text(worker, "worker");
    const char *pool = stk_answer_text(worker, "pool");
    if (!with_pool || pool == NULL || name == NULL) {
        stk_table_add(table, STK_STYLE_PLAIN, name);
        return;
    }
    stk_table_addf(table, STK_STYLE_PLAIN, "%s/%s", pool, name);
}

/* A worker's totals are known to its own pool only. */
static void add_total(struct stk_table *table, const json_t *worker, const char *name)
{
    if (stk_answer_get(worker, name) == NULL) {
        stk_table_add(table, STK_STYLE_PLAIN, NULL);
        return;
    }
    stk_table_number(table, stk_answer_int(worker, name));
}

static void add_worker(struct stk_table *table, const json_t *worker, bool with_pool)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf age = STK_BUF_INIT;
    const char *state = stk_answer_text(worker, "state");
    int64_t job = stk_answer_int(worker, "job");
    stk_age_add(&age, stk_answer_time(worker, "since"), stk_clock_now());

    add_name(table, worker, with_pool);
    stk_table_add(table, stk_state_style(state), state);
    if (job > 0) stk_table_addf(table, STK_STYLE_PLAIN, "%" PRId64, job);
    if (job <= 0) stk_table_add(table, STK_STYLE_PLAIN, NULL);
    stk_table_add(table, STK_STYLE_PLAIN, stk_answer_text(worker, "task"));
    stk_table_add(table, STK_STYLE_PLAIN, stk_buf_str(&age));
    add_total(table, worker, "completed");
    add_total(table, worker, "failed");
}

/* Those that do something; the others are only counted. */
static void add_workers(struct stk_cli *cli, const json_t *workers, bool with_pool)
{
    STK_CLEANUP(stk_table_release) struct stk_table table = STK_TABLE_INIT;
    static const char *const titles[] = { "worker", "state",     "job",   "task",
                                          "for",    "completed", "failed" };
    int64_t idle = 0;
    size_t i = 0;
    const json_t *worker = NULL;
    if (json_array_size(workers) == 0) return;

    for (size_t c = 0; c < STK_ARRAY_LEN(titles); c++) {
        stk_table_column(&table, titles[c], c == 2 || c >= 4, c == 3);
    }
    json_array_foreach(workers, i, worker)
    {
        if (is_idle(worker)) idle++;
        if (!is_idle(worker)) add_worker(&table, worker, with_pool);
    }
    if (table.cell_count > 0) stk_table_render(&table, &cli->term, 0, &cli->out, NULL);
    if (idle > 0) {
        stk_count_add(&cli->out, idle, "worker is idle", "workers are idle");
        stk_buf_addc(&cli->out, '\n');
    }
}

static void add_sweeps(struct stk_cli *cli, const json_t *sweeps)
{
    bool is_first = true;
    size_t i = 0;
    const json_t *sweep = NULL;
    json_array_foreach(sweeps, i, sweep)
    {
        if (stk_sweep_is_over(sweep)) continue;
        if (is_first) stk_buf_addc(&cli->out, '\n');
        is_first = false;
        stk_sweep_line_add(&cli->term, sweep, &cli->out);
    }
}

static enum stk_rc draw(struct stk_cli *cli, void *context, bool *ret_done, struct stk_error *err)
{
    (void)context;
    (void)ret_done; /* there is always something to come */
    STK_CLEANUP(stk_json_freep) json_t *status = NULL;
    STK_CLEANUP(stk_json_freep) json_t *sweeps = NULL;
    enum stk_rc rc = stk_cli_get(cli, "/status", &status, err);
    if (rc == STK_OK && !cli->json) rc = stk_cli_get(cli, "/sweeps?limit=20", &sweeps, err);
    if (rc != STK_OK) return rc;

    if (cli->json) {
        stk_cli_add_json(cli, status);
        return STK_OK;
    }
    add_problems(cli, status);
    add_counts(cli, status);
    add_tasks(cli, json_object_get(status, "tasks"));
    add_sweeps(cli, json_object_get(sweeps, "sweeps"));
    add_sessions(cli, json_object_get(status, "sessions"));
    add_pools(cli, status);
    add_workers(cli, json_object_get(status, "workers"),
                json_array_size(json_object_get(status, "pools")) > 1);
    return STK_OK;
}

static enum stk_rc run(struct stk_cli *cli, struct stk_error *err)
{
    bool is_done = false;
    if (!stk_args_has(&cli->args, "watch")) return draw(cli, NULL, &is_done, err);
    if (!cli->term.is_terminal) {
        return stk_fail(err, STK_INVALID,
                        "--watch needs a terminal; without it the status is "
                        "printed once");
    }
    return stk_watch(cli, draw, NULL, err);
}

const struct stk_command_info stk_cli_status = {
    .name = "status",
    .synopsis = "[--watch]",
    .summary = "say how it stands: problems first, then jobs, sweeps, workers",
    .description = "Without a pool the database is read by this command itself.",
    .options = options,
    .examples = examples,
    .run = run,
};
