/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/query.h"

static const struct stk_option options[] = {
    { .name = "follow", .help = "go on with what happens, until Ctrl-C" },
    { .name = "job",
      .value = "ID",
      .is_int = true,
      .min = 1,
      .max = INT64_MAX,
      .help = "only events of this job" },
    { .name = "limit",
      .value = "N",
      .is_int = true,
      .min = 1,
      .max = 1000,
      .help = "the newest N events (50)" },
    { .name = NULL },
};

static const struct stk_example examples[] = {
    { "stoker events", "the newest fifty events, oldest first" },
    { "stoker events --follow", "and those to come" },
    { NULL, NULL },
};

static enum stk_style kind_style(const char *kind)
{
    static const struct {
        const char *kind;
        enum stk_style style;
    } styles[] = {
        { "attempt.failed", STK_STYLE_BAD }, { "job.quarantined", STK_STYLE_BAD },
        { "pool.lost", STK_STYLE_BAD },      { "pool.paused", STK_STYLE_WARN },
        { "attempt.late", STK_STYLE_WARN },  { "job.held", STK_STYLE_WARN },
        { "queue.paused", STK_STYLE_WARN },
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(styles); i++) {
        if (strcmp(styles[i].kind, kind) == 0) return styles[i].style;
    }
    return STK_STYLE_PLAIN;
}

/* One line; of a text of several (the tail of an output) each is indented. */
static void add_text(struct stk_cli *cli, const char *text)
{
    for (;;) {
        size_t len = strcspn(text, "\n");
        stk_text_add_escaped(&cli->out, text, len);
        stk_buf_addc(&cli->out, '\n');
        if (text[len] == '\0' || text[len + 1] == '\0') return;
        text += len + 1;
        stk_buf_adds(&cli->out, "    ");
    }
}

static void add_place(struct stk_cli *cli, const json_t *event, const char *member)
{
    if (stk_answer_get(event, member) == NULL) return;
    stk_buf_addf(&cli->out, "%s ", member);
    stk_value_add(&cli->out, json_object_get(event, member));
    stk_buf_adds(&cli->out, "  ");
}

static void add_event(struct stk_cli *cli, const json_t *event)
{
    const char *at = stk_answer_text(event, "at");
    const char *kind = stk_answer_text(event, "kind");
    const char *text = stk_answer_text(event, "text");
    if (cli->quiet) {
        stk_buf_addf(&cli->out, "%" PRId64 "\n", stk_answer_int(event, "id"));
        return;
    }
    if (cli->json) {
        stk_cli_add_json(cli, event);
        return;
    }

    stk_term_add(&cli->term, &cli->out, STK_STYLE_DIM, at == NULL ? "?" : at);
    stk_buf_adds(&cli->out, "  ");
    stk_term_add(&cli->term, &cli->out, kind == NULL ? STK_STYLE_PLAIN : kind_style(kind),
                 kind == NULL ? "?" : kind);
    stk_buf_adds(&cli->out, "  ");
    add_place(cli, event, "job");
    add_place(cli, event, "sweep");
    add_place(cli, event, "queue");
    add_place(cli, event, "by");
    add_text(cli, text == NULL ? "" : text);
}

static enum stk_rc look(struct stk_cli *cli, int64_t limit, int64_t *after, json_t **ret,
                        struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf path = STK_BUF_INIT;
    stk_buf_adds(&path, "/events");
    stk_query_add_int(&path, "after", *after);
    stk_query_add_int(&path, "limit", limit);
    stk_query_add(&path, "job", stk_args_text(&cli->args, "job"));
    enum stk_rc rc = stk_cli_get(cli, stk_buf_str(&path), ret, err);
    if (rc == STK_OK) *after = stk_answer_int(*ret, "next");
    return rc;
}

/* Who goes on leaves out those behind `next`: they come again. */
static void add_events(struct stk_cli *cli, const json_t *answer, bool goes_on)
{
    size_t i = 0;
    const json_t *event = NULL;
    int64_t next = stk_answer_int(answer, "next");
    if (goes_on && next == 0) return;
    json_array_foreach(json_object_get(answer, "events"), i, event)
    {
        add_event(cli, event);
        if (goes_on && stk_answer_int(event, "id") == next) return;
    }
}

/* A store opened in this process is let go between two looks. */
static enum stk_rc follow(struct stk_cli *cli, int64_t after, struct stk_error *err)
{
    for (;;) {
        enum stk_rc rc = stk_cli_flush(cli, err);
        if (rc != STK_OK) return rc;
        stk_cli_let_go(cli);
        stk_clock_pause(STK_SECOND);

        STK_CLEANUP(stk_json_freep) json_t *answer = NULL;
        rc = look(cli, 1000, &after, &answer, err);
        bool pool_left = rc == STK_UNAVAILABLE || rc == STK_BUSY;
        if (rc != STK_OK && !pool_left) return rc;
        if (rc == STK_OK) add_events(cli, answer, true);
    }
}

static enum stk_rc run(struct stk_cli *cli, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *answer = NULL;
    int64_t after = 0;
    bool goes_on = stk_args_has(&cli->args, "follow");
    enum stk_rc rc = look(cli, stk_args_int(&cli->args, "limit", 50), &after, &answer, err);
    if (rc != STK_OK) return rc;

    if (cli->json && !goes_on) {
        stk_cli_add_json(cli, answer);
        return STK_OK;
    }
    add_events(cli, answer, goes_on);
    return goes_on ? follow(cli, after, err) : STK_OK;
}

const struct stk_command_info stk_cli_events = {
    .name = "events",
    .synopsis = "[--follow] [--job ID] [--limit N]",
    .summary = "show the history: pools, failed attempts, what people did",
    .description = "Oldest first. With --json the answer of the API, with --json --follow one "
                   "object a line.",
    .options = options,
    .examples = examples,
    .run = run,
};
