/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/text.h"
#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/query.h"
#include "cli/table.h"

static void add_queue(struct stk_table *table, const json_t *queue)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf why = STK_BUF_INIT;
    const char *by = stk_answer_text(queue, "by");
    const char *reason = stk_answer_text(queue, "reason");
    bool is_paused = stk_answer_bool(queue, "paused");
    if (is_paused && by != NULL) stk_buf_addf(&why, "by %s", by);
    if (is_paused && reason != NULL) stk_buf_addf(&why, "%s%s", why.len > 0 ? ": " : "", reason);

    stk_table_add(table, STK_STYLE_PLAIN, stk_answer_text(queue, "queue"));
    stk_table_add(table, is_paused ? STK_STYLE_WARN : STK_STYLE_GOOD,
                  is_paused ? "paused" : "open");
    stk_table_number(table, stk_answer_int(queue, "pending"));
    stk_table_number(table, stk_answer_int(queue, "running"));
    stk_table_add(table, STK_STYLE_PLAIN, stk_buf_str(&why));
}

static void show(struct stk_cli *cli, const json_t *queues)
{
    STK_CLEANUP(stk_table_release) struct stk_table table = STK_TABLE_INIT;
    size_t i = 0;
    const json_t *queue = NULL;
    if (json_array_size(queues) == 0) {
        stk_buf_adds(&cli->out, "no queues yet: each task's queue appears with its first job\n");
        return;
    }
    stk_table_column(&table, "queue", false, true);
    stk_table_column(&table, "gate", false, false);
    stk_table_column(&table, "pending", true, false);
    stk_table_column(&table, "running", true, false);
    stk_table_column(&table, "why", false, true);
    json_array_foreach(queues, i, queue)
    {
        add_queue(&table, queue);
    }
    stk_table_render(&table, &cli->term, 0, &cli->out, NULL);
}

static enum stk_rc run_list(struct stk_cli *cli, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *answer = NULL;
    enum stk_rc rc = stk_cli_get(cli, "/queues", &answer, err);
    if (rc != STK_OK) return rc;

    if (cli->json) {
        stk_cli_add_json(cli, answer);
        return STK_OK;
    }
    if (!cli->quiet) {
        show(cli, json_object_get(answer, "queues"));
        return STK_OK;
    }
    size_t i = 0;
    const json_t *queue = NULL;
    json_array_foreach(json_object_get(answer, "queues"), i, queue)
    {
        stk_value_add(&cli->out, json_object_get(queue, "queue"));
        stk_buf_addc(&cli->out, '\n');
    }
    return STK_OK;
}

static enum stk_rc change(struct stk_cli *cli, bool pause, struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf path = STK_BUF_INIT;
    STK_CLEANUP(stk_json_freep) json_t *body = json_object();
    STK_CLEANUP(stk_json_freep) json_t *answer = NULL;
    const char *name = cli->args.words[0];
    const char *reason = stk_args_text(&cli->args, "reason");

    stk_buf_adds(&path, "/queues/");
    stk_query_segment(&path, name);
    stk_buf_adds(&path, pause ? "/pause" : "/resume");
    cli->may_create = pause; /* before the first job of a queue, too */
    if (reason != NULL) (void)json_object_set_new(body, "reason", json_string(reason));
    enum stk_rc rc = stk_cli_post(cli, stk_buf_str(&path), body, &answer, err);
    if (rc != STK_OK) return rc;

    if (cli->json) {
        stk_cli_add_json(cli, answer);
    } else if (!cli->quiet) {
        stk_buf_adds(&cli->out, "queue ");
        stk_text_add_escaped(&cli->out, name, strlen(name));
        stk_buf_adds(&cli->out, pause ? " is paused: its running jobs go on, no other starts\n"
                                      : " is open\n");
    }
    return STK_OK;
}

static enum stk_rc run_pause(struct stk_cli *cli, struct stk_error *err)
{
    return change(cli, true, err);
}

static enum stk_rc run_resume(struct stk_cli *cli, struct stk_error *err)
{
    return change(cli, false, err);
}

const struct stk_command_info stk_cli_queue_list = {
    .name = "queue list",
    .synopsis = "",
    .summary = "list the queues: open or paused, by whom and why, jobs waiting",
    .description = "A task's jobs go through one queue, by default of the same name.",
    .run = run_list,
};

static const struct stk_option pause_options[] = {
    { .name = "reason", .value = "TEXT", .help = "why; stoker why and stoker status repeat it" },
    { .name = NULL },
};

static const struct stk_example pause_examples[] = {
    { "stoker queue pause backtest --reason 'data is being replaced'",
      "start no more jobs of that queue" },
    { NULL, NULL },
};

const struct stk_command_info stk_cli_queue_pause = {
    .name = "queue pause",
    .synopsis = "NAME [--reason TEXT]",
    .summary = "close a queue: no job of it is started until it is resumed",
    .description = "Jobs that run go on. Waiting costs a job neither attempts nor time limit. The "
                   "pause is kept in the database: it survives a restart.",
    .words_min = 1,
    .words_max = 1,
    .options = pause_options,
    .examples = pause_examples,
    .run = run_pause,
};

const struct stk_command_info stk_cli_queue_resume = {
    .name = "queue resume",
    .synopsis = "NAME",
    .summary = "open a paused queue",
    .description = "Its jobs are started at once as workers are free.",
    .words_min = 1,
    .words_max = 1,
    .run = run_resume,
};
