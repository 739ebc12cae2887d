/* SPDX-License-Identifier: MIT
 *
 * retry and cancel, of jobs and of sweeps: four commands, one way.
 */
#include <string.h>

#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/query.h"
#include "model/selector.h"

static const struct stk_option options[] = {
    { .name = "reason", .value = "TEXT", .help = "why; it is kept in the history" },
    { .name = NULL },
};

/* What is said when nothing changed. */
static const char no_job_to_retry[] =
    "nothing to put back: only jobs that are completed, failed or cancelled can be";
static const char no_sweep_to_retry[] =
    "nothing to put back: no job of that sweep has failed or been cancelled";
static const char none_to_cancel[] =
    "nothing to cancel: only jobs that are pending or running can be";

/* "3 jobs cancelled, 1 running job told to stop, 6 left as they are" */
static void say(struct stk_cli *cli, const json_t *answer, const char *done, const char *none)
{
    int64_t changed = stk_answer_int(answer, "changed");
    int64_t asked = stk_answer_int(answer, "asked");
    int64_t skipped = stk_answer_int(answer, "skipped");
    const char *between = "";

    if (changed == 0 && asked == 0) {
        stk_buf_addf(&cli->out, "%s\n", none);
        return;
    }
    if (changed > 0) {
        stk_count_add(&cli->out, changed, "job", "jobs");
        stk_buf_addf(&cli->out, " %s", done);
        between = ", ";
    }
    if (asked > 0) {
        stk_buf_adds(&cli->out, between);
        stk_count_add(&cli->out, asked, "running job", "running jobs");
        stk_buf_adds(&cli->out, " told to stop");
        between = ", ";
    }
    if (skipped > 0) {
        stk_buf_adds(&cli->out, between);
        stk_number_add(&cli->out, skipped);
        stk_buf_adds(&cli->out, " left as they are");
    }
    stk_buf_addc(&cli->out, '\n');
}

static enum stk_rc change(struct stk_cli *cli, const char *path, json_t *body, bool is_retry,
                          const char *none, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *answer = NULL;
    const char *reason = stk_args_text(&cli->args, "reason");
    if (reason != NULL) (void)json_object_set_new(body, "reason", json_string(reason));

    enum stk_rc rc = stk_cli_post(cli, path, body, &answer, err);
    if (rc != STK_OK) return rc;

    if (cli->json) {
        stk_cli_add_json(cli, answer);
    } else if (!cli->quiet) {
        say(cli, answer, is_retry ? "put back" : "cancelled", none);
    }
    return STK_OK;
}

/* The selector is read here too: what is wrong with it is said at once. */
static enum stk_rc change_jobs(struct stk_cli *cli, bool is_retry, struct stk_error *err)
{
    struct stk_selector selector = { .kind = STK_SELECT_IDS };
    enum stk_rc rc = stk_selector_parse(cli->args.words[0], &selector, err);
    if (rc != STK_OK) return rc;

    STK_CLEANUP(stk_json_freep) json_t *body = json_object();
    (void)json_object_set_new(body, "selector", json_string(cli->args.words[0]));
    const char *none = !is_retry                           ? none_to_cancel
                       : selector.kind == STK_SELECT_SWEEP ? no_sweep_to_retry
                                                           : no_job_to_retry;
    return change(cli, is_retry ? "/jobs/retry" : "/jobs/cancel", body, is_retry, none, err);
}

static enum stk_rc change_sweep(struct stk_cli *cli, bool is_retry, struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf path = STK_BUF_INIT;
    STK_CLEANUP(stk_json_freep) json_t *body = json_object();
    stk_buf_adds(&path, "/sweeps/");
    enum stk_rc rc = stk_query_id(&path, "sweep", cli->args.words[0], err);
    if (rc != STK_OK) return rc;

    stk_buf_adds(&path, is_retry ? "/retry" : "/cancel");
    return change(cli, stk_buf_str(&path), body, is_retry,
                  is_retry ? no_sweep_to_retry : none_to_cancel, err);
}

static enum stk_rc run_retry(struct stk_cli *cli, struct stk_error *err)
{
    return change_jobs(cli, true, err);
}

static enum stk_rc run_cancel(struct stk_cli *cli, struct stk_error *err)
{
    return change_jobs(cli, false, err);
}

static enum stk_rc run_sweep_retry(struct stk_cli *cli, struct stk_error *err)
{
    return change_sweep(cli, true, err);
}

static enum stk_rc run_sweep_cancel(struct stk_cli *cli, struct stk_error *err)
{
    return change_sweep(cli, false, err);
}

static const struct stk_example retry_examples[] = {
    { "stoker retry 17", "try job 17 once more, with all its attempts" },
    { "stoker retry 10-20 --reason 'disk was full'", "those of jobs 10 to 20 that have ended" },
    { NULL, NULL },
};

const struct stk_command_info stk_cli_retry = {
    .name = "retry",
    .synopsis = "SELECTOR [--reason TEXT]",
    .summary = "put jobs that have ended back, to be run again",
    .description =
        "SELECTOR says which jobs: an id (5), a range of ids (1-10), last, or the jobs of a sweep "
        "(sweep:3). Jobs that are completed, failed or cancelled become pending with fresh "
        "attempts; what they had stays in the history. Of a sweep only those that failed or were "
        "cancelled are put back.",
    .words_min = 1,
    .words_max = 1,
    .options = options,
    .examples = retry_examples,
    .run = run_retry,
};

static const struct stk_example cancel_examples[] = {
    { "stoker cancel last", "cancel the newest job" },
    { "stoker cancel sweep:3", "cancel what has not ended of sweep 3" },
    { NULL, NULL },
};

const struct stk_command_info stk_cli_cancel = {
    .name = "cancel",
    .synopsis = "SELECTOR [--reason TEXT]",
    .summary = "cancel jobs: pending ones at once, running ones are stopped",
    .description =
        "SELECTOR says which jobs: an id (5), a range of ids (1-10), last, or the jobs of a sweep "
        "(sweep:3). A running job gets SIGTERM, and SIGKILL after its grace.",
    .words_min = 1,
    .words_max = 1,
    .options = options,
    .examples = cancel_examples,
    .run = run_cancel,
};

const struct stk_command_info stk_cli_sweep_retry = {
    .name = "sweep retry",
    .synopsis = "ID [--reason TEXT]",
    .summary = "put the failed and cancelled jobs of a sweep back",
    .description = "ID is the number of a sweep, or last. Completed jobs keep their results.",
    .words_min = 1,
    .words_max = 1,
    .options = options,
    .run = run_sweep_retry,
};

const struct stk_command_info stk_cli_sweep_cancel = {
    .name = "sweep cancel",
    .synopsis = "ID [--reason TEXT]",
    .summary = "cancel what has not ended of a sweep",
    .description = "ID is the number of a sweep, or last. Running jobs are stopped.",
    .words_min = 1,
    .words_max = 1,
    .options = options,
    .run = run_sweep_cancel,
};
