/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "base/timetext.h"
#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/counts.h"
#include "cli/query.h"

static const struct stk_example examples[] = {
    { "stoker job 17", "what is known of job 17, and the output of its attempts" },
    { "stoker job last --json", "the newest job as JSON, for a script" },
    { NULL, NULL },
};

enum field_kind { VALUE, COUNTER, OBJECT };

/* What is shown, in this order; a counter of 0 and what is null is left out. */
static const struct {
    const char *member, *title;
    enum field_kind kind;
} fields[] = {
    { "why", "why", VALUE },
    { "task", "task", VALUE },
    { "queue", "queue", VALUE },
    { "sweep_id", "sweep", COUNTER },
    { "params", "params", OBJECT },
    { "result", "result", OBJECT },
    { "error", "error", VALUE },
    { "worker", "worker", VALUE },
    { "priority", "priority", COUNTER },
    { "key", "key", VALUE },
    { "attempt", "attempts", COUNTER },
    { "throttles", "throttled", COUNTER },
    { "session_waits", "session waits", COUNTER },
    { "interruptions", "interrupted", COUNTER },
    { "retries", "retried", COUNTER },
    { "created_at", "created", VALUE },
    { "ready_at", "ready", VALUE },
    { "started_at", "started", VALUE },
    { "finished_at", "finished", VALUE },
};

static void add_title(struct stk_cli *cli, const char *title)
{
    STK_CLEANUP(stk_freep) char *padded = stk_format("  %-14s", title);
    stk_term_add(&cli->term, &cli->out, STK_STYLE_DIM, padded);
}

static void add_field(struct stk_cli *cli, const char *title, enum field_kind kind, json_t *value)
{
    bool is_nothing = value == NULL || json_is_null(value);
    if (is_nothing || (kind == COUNTER && json_integer_value(value) == 0)) return;

    add_title(cli, title);
    if (kind == OBJECT && json_is_object(value)) {
        stk_params_add(&cli->out, value, true);
    } else {
        stk_value_add(&cli->out, value);
    }
    stk_buf_addc(&cli->out, '\n');
}

static void add_tail(struct stk_cli *cli, const char *tail)
{
    const char *mark = cli->term.unicode ? "│" : "|";
    while (tail != NULL && *tail != '\0') {
        size_t len = strcspn(tail, "\n");
        stk_buf_adds(&cli->out, "     ");
        stk_term_add(&cli->term, &cli->out, STK_STYLE_DIM, mark);
        stk_buf_addc(&cli->out, ' ');
        stk_text_add_escaped(&cli->out, tail, len);
        stk_buf_addc(&cli->out, '\n');
        tail += len + (tail[len] == '\n' ? 1 : 0);
    }
}

static enum stk_style outcome_style(const char *outcome)
{
    static const struct {
        const char *outcome;
        enum stk_style style;
    } styles[] = {
        { "completed", STK_STYLE_GOOD }, { "running", STK_STYLE_ACTIVE },
        { "failed", STK_STYLE_BAD },     { "failed_final", STK_STYLE_BAD },
        { "timed_out", STK_STYLE_BAD },
    };
    for (size_t i = 0; outcome != NULL && i < STK_ARRAY_LEN(styles); i++) {
        if (strcmp(styles[i].outcome, outcome) == 0) return styles[i].style;
    }
    return STK_STYLE_WARN;
}

static void add_time_taken(struct stk_cli *cli, const json_t *attempt)
{
    stk_time_ns started = stk_answer_time(attempt, "started_at");
    stk_time_ns finished = stk_answer_time(attempt, "finished_at");
    if (started == STK_NEVER || finished == STK_NEVER || finished < started) return;

    char text[STK_DURATION_TEXT];
    stk_duration_text(finished - started, text);
    stk_buf_addf(&cli->out, " in %s", text);
}

static void add_attempt(struct stk_cli *cli, const json_t *attempt)
{
    const char *outcome = stk_answer_text(attempt, "outcome");
    const char *worker = stk_answer_text(attempt, "worker");

    stk_buf_addf(&cli->out, "  %" PRId64 "  ", stk_answer_int(attempt, "attempt"));
    stk_term_add(&cli->term, &cli->out, outcome_style(outcome), outcome == NULL ? "?" : outcome);
    add_time_taken(cli, attempt);
    if (worker != NULL) stk_buf_addf(&cli->out, " by %s", worker);
    const char *error = stk_answer_text(attempt, "error");
    if (error != NULL) {
        stk_buf_adds(&cli->out, ": ");
        stk_text_add_escaped(&cli->out, error, strlen(error));
    }
    stk_buf_addc(&cli->out, '\n');
    add_tail(cli, stk_answer_text(attempt, "tail"));
}

static void show(struct stk_cli *cli, const json_t *job)
{
    const char *state = stk_answer_text(job, "state");
    const json_t *attempts = json_object_get(job, "attempts");

    stk_buf_addf(&cli->out, "job %" PRId64 "  ", stk_answer_int(job, "id"));
    stk_term_add(&cli->term, &cli->out, stk_state_style(state), state == NULL ? "?" : state);
    stk_buf_addc(&cli->out, '\n');
    for (size_t i = 0; i < STK_ARRAY_LEN(fields); i++) {
        add_field(cli, fields[i].title, fields[i].kind, json_object_get(job, fields[i].member));
    }

    if (json_array_size(attempts) == 0) return;
    stk_buf_adds(&cli->out, "attempts\n");
    size_t i = 0;
    const json_t *attempt = NULL;
    json_array_foreach(attempts, i, attempt)
    {
        add_attempt(cli, attempt);
    }
}

static enum stk_rc run(struct stk_cli *cli, struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf path = STK_BUF_INIT;
    STK_CLEANUP(stk_json_freep) json_t *job = NULL;
    stk_buf_adds(&path, "/jobs/");
    enum stk_rc rc = stk_query_id(&path, "job", cli->args.words[0], err);
    if (rc == STK_OK) rc = stk_cli_get(cli, stk_buf_str(&path), &job, err);
    if (rc != STK_OK) return rc;

    if (cli->json) {
        stk_cli_add_json(cli, job);
    } else if (cli->quiet) {
        stk_buf_addf(&cli->out, "%" PRId64 "\n", stk_answer_int(job, "id"));
    } else {
        show(cli, job);
    }
    return STK_OK;
}

const struct stk_command_info stk_cli_job = {
    .name = "job",
    .synopsis = "ID",
    .summary = "show all of one job: parameters, result, attempts, output",
    .description =
        "ID is the number of a job, or last for the newest one. What is null and counters "
        "that are 0 are left out; --json has them all. Of each attempt the end of its "
        "output is shown.",
    .words_min = 1,
    .words_max = 1,
    .examples = examples,
    .run = run,
};
