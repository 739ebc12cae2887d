/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "base/clock.h"
#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/counts.h"
#include "cli/query.h"
#include "cli/sweep_line.h"
#include "cli/table.h"

static const struct stk_option options[] = {
    STK_QUERY_PAGE_OPTIONS("sweeps"),
    { .name = NULL },
};

static void add_sweep(struct stk_table *table, const json_t *sweep)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf age = STK_BUF_INIT;
    struct stk_counts counts = stk_answer_counts(json_object_get(sweep, "counts"));
    stk_age_add(&age, stk_answer_time(sweep, "created_at"), stk_clock_now());

    stk_table_addf(table, STK_STYLE_PLAIN, "%" PRId64, stk_answer_int(sweep, "id"));
    stk_table_add(table, STK_STYLE_PLAIN, stk_answer_text(sweep, "name"));
    stk_table_add(table, STK_STYLE_PLAIN, stk_answer_text(sweep, "task"));
    stk_table_add(table, STK_STYLE_PLAIN, stk_sweep_state(sweep));
    stk_table_number(table, stk_answer_int(sweep, "points"));
    for (size_t s = 0; s < STK_STATE_COUNT_; s++) {
        stk_table_number(table, counts.of[s]);
    }
    stk_table_add(table, STK_STYLE_PLAIN, stk_buf_str(&age));
}

static void show(struct stk_cli *cli, const json_t *answer)
{
    STK_CLEANUP(stk_table_release) struct stk_table table = STK_TABLE_INIT;
    const json_t *sweeps = json_object_get(answer, "sweeps");
    size_t i = 0;
    const json_t *sweep = NULL;
    if (json_array_size(sweeps) == 0) {
        stk_buf_adds(&cli->out, "no such sweeps; make one with stoker sweep\n");
        return;
    }

    stk_table_column(&table, "id", true, false);
    stk_table_column(&table, "name", false, true);
    stk_table_column(&table, "task", false, true);
    stk_table_column(&table, "state", false, false);
    stk_table_column(&table, "jobs", true, false);
    for (size_t s = 0; s < STK_STATE_COUNT_; s++) {
        stk_table_column(&table, stk_state_name((enum stk_state)s), true, false);
    }
    stk_table_column(&table, "age", true, false);
    json_array_foreach(sweeps, i, sweep)
    {
        add_sweep(&table, sweep);
    }
    stk_table_render(&table, &cli->term, 0, &cli->out, NULL);
    if (stk_answer_get(answer, "next") != NULL) {
        stk_buf_addf(&cli->out, "more: --before %" PRId64 "\n", stk_answer_int(answer, "next"));
    }
}

static enum stk_rc run(struct stk_cli *cli, struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf path = STK_BUF_INIT;
    STK_CLEANUP(stk_json_freep) json_t *answer = NULL;
    stk_buf_adds(&path, "/sweeps");
    stk_query_add_page(&path, &cli->args);
    enum stk_rc rc = stk_cli_get(cli, stk_buf_str(&path), &answer, err);
    if (rc != STK_OK) return rc;

    if (cli->json) {
        stk_cli_add_json(cli, answer);
        return STK_OK;
    }
    if (!cli->quiet) {
        show(cli, answer);
        return STK_OK;
    }
    size_t i = 0;
    const json_t *sweep = NULL;
    json_array_foreach(json_object_get(answer, "sweeps"), i, sweep)
    {
        stk_buf_addf(&cli->out, "%" PRId64 "\n", stk_answer_int(sweep, "id"));
    }
    return STK_OK;
}

static const struct stk_example examples[] = {
    { "stoker sweep list", "the newest twenty" },
    { NULL, NULL },
};

const struct stk_command_info stk_cli_sweep_list = {
    .name = "sweep list",
    .synopsis = "[--limit N] [--before ID]",
    .summary = "list sweeps, newest first, with their counts",
    .description = "stoker sweep show ID says more of one.",
    .options = options,
    .examples = examples,
    .run = run,
};
