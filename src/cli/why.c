/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/query.h"

static const struct stk_example examples[] = {
    { "stoker why 17", "why job 17 is not running, in one sentence" },
    { NULL, NULL },
};

static enum stk_rc run(struct stk_cli *cli, struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf path = STK_BUF_INIT;
    STK_CLEANUP(stk_json_freep) json_t *answer = NULL;
    stk_buf_adds(&path, "/jobs/");
    enum stk_rc rc = stk_query_id(&path, "job", cli->args.words[0], err);
    stk_buf_adds(&path, "/why");
    if (rc == STK_OK) rc = stk_cli_get(cli, stk_buf_str(&path), &answer, err);
    if (rc != STK_OK) return rc;

    int64_t id = stk_answer_int(answer, "id");
    const char *why = stk_answer_text(answer, "why");
    if (cli->json) {
        stk_cli_add_json(cli, answer);
    } else if (cli->quiet) {
        stk_buf_addf(&cli->out, "%" PRId64 "\n", id);
    } else if (why != NULL) {
        stk_buf_addf(&cli->out, "job %" PRId64 ": ", id);
        stk_text_add_escaped(&cli->out, why, strlen(why));
        stk_buf_addc(&cli->out, '\n');
    }
    return STK_OK;
}

const struct stk_command_info stk_cli_why = {
    .name = "why",
    .synopsis = "ID",
    .summary = "say in one sentence why a job is not running, or what it does",
    .description = "ID is the number of a job, or last for the newest one.",
    .words_min = 1,
    .words_max = 1,
    .examples = examples,
    .run = run,
};
