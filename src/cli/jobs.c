/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/counts.h"
#include "cli/query.h"
#include "cli/table.h"

static const struct stk_option options[] = {
    { .name = "state",
      .value = "pending|running|completed|failed|cancelled",
      .help = "only jobs in this state" },
    { .name = "task", .value = "TASK", .help = "only jobs of this task" },
    { .name = "sweep", .value = "ID", .help = "only jobs of this sweep; last is the newest one" },
    STK_QUERY_PAGE_OPTIONS("jobs"),
    { .name = NULL },
};

static const struct stk_example examples[] = {
    { "stoker jobs --state failed", "the jobs that failed, newest first, each with its error" },
    { "stoker jobs --sweep last --limit 100", "a hundred jobs of the newest sweep" },
    { NULL, NULL },
};

/* When it came into its state. */
static stk_time_ns state_since(const json_t *job)
{
    static const char *const members[] = { "finished_at", "started_at", "created_at" };
    const char *state = stk_answer_text(job, "state");
    bool is_pending = state != NULL && strcmp(state, stk_state_name(STK_STATE_PENDING)) == 0;
    for (size_t i = is_pending ? 2 : 0; i < STK_ARRAY_LEN(members); i++) {
        stk_time_ns time = stk_answer_time(job, members[i]);
        if (time != STK_NEVER) return time;
    }
    return STK_NEVER;
}

static void add_job(struct stk_table *table, const json_t *job, stk_time_ns now)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf params = STK_BUF_INIT;
    STK_CLEANUP(stk_buf_release) struct stk_buf age = STK_BUF_INIT;
    const char *state = stk_answer_text(job, "state");
    stk_params_add(&params, stk_answer_get(job, "params"), false);
    stk_age_add(&age, state_since(job), now);

    stk_table_addf(table, STK_STYLE_PLAIN, "%" PRId64, stk_answer_int(job, "id"));
    stk_table_add(table, stk_state_style(state), state);
    stk_table_add(table, STK_STYLE_PLAIN, stk_answer_text(job, "task"));
    stk_table_add(table, STK_STYLE_PLAIN, stk_buf_str(&params));
    stk_table_addf(table, STK_STYLE_PLAIN, "%" PRId64, stk_answer_int(job, "attempt"));
    stk_table_add(table, STK_STYLE_PLAIN, stk_answer_text(job, "worker"));
    stk_table_add(table, STK_STYLE_PLAIN, stk_buf_str(&age));
    stk_table_add(table, STK_STYLE_PLAIN, stk_answer_text(job, "error"));
}

static void show_table(struct stk_cli *cli, const json_t *answer)
{
    STK_CLEANUP(stk_table_release) struct stk_table table = STK_TABLE_INIT;
    const json_t *jobs = json_object_get(answer, "jobs");
    stk_time_ns now = stk_clock_now();
    size_t i = 0;
    const json_t *job = NULL;

    if (json_array_size(jobs) == 0) {
        stk_buf_adds(&cli->out, "no such jobs; make some with stoker submit or stoker sweep\n");
        return;
    }
    stk_table_column(&table, "id", true, false);
    stk_table_column(&table, "state", false, false);
    stk_table_column(&table, "task", false, true);
    stk_table_column(&table, "params", false, true);
    stk_table_column(&table, "attempt", true, false);
    stk_table_column(&table, "worker", false, false);
    stk_table_column(&table, "age", true, false);
    stk_table_column(&table, "error", false, true);
    json_array_foreach(jobs, i, job)
    {
        add_job(&table, job, now);
    }

    stk_table_render(&table, &cli->term, 0, &cli->out, NULL);
    if (stk_answer_get(answer, "next") != NULL) {
        stk_buf_addf(&cli->out, "more: --before %" PRId64 "\n", stk_answer_int(answer, "next"));
    }
}

static void show_ids(struct stk_cli *cli, const json_t *answer)
{
    size_t i = 0;
    const json_t *job = NULL;
    json_array_foreach(json_object_get(answer, "jobs"), i, job)
    {
        stk_buf_addf(&cli->out, "%" PRId64 "\n", stk_answer_int(job, "id"));
    }
}

static enum stk_rc run(struct stk_cli *cli, struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf path = STK_BUF_INIT;
    STK_CLEANUP(stk_json_freep) json_t *answer = NULL;
    stk_buf_adds(&path, "/jobs");
    stk_query_add(&path, "state", stk_args_text(&cli->args, "state"));
    stk_query_add(&path, "task", stk_args_text(&cli->args, "task"));
    stk_query_add(&path, "sweep", stk_args_text(&cli->args, "sweep"));
    stk_query_add_page(&path, &cli->args);

    enum stk_rc rc = stk_cli_get(cli, stk_buf_str(&path), &answer, err);
    if (rc != STK_OK) return rc;

    if (cli->json) {
        stk_cli_add_json(cli, answer);
    } else if (cli->quiet) {
        show_ids(cli, answer);
    } else {
        show_table(cli, answer);
    }
    return STK_OK;
}

const struct stk_command_info stk_cli_jobs = {
    .name = "jobs",
    .synopsis = "[--state STATE] [--task TASK] [--sweep ID] [--limit N] [--before ID]",
    .summary = "list jobs, newest first",
    .description =
        "One line a job: its id, state, task, parameters, the number of its attempt, the "
        "worker that has or had it, since when it is in its state, and the error of its "
        "last attempt.",
    .words_max = 0,
    .options = options,
    .examples = examples,
    .run = run,
};
