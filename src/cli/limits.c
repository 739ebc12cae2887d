/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/text.h"
#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/query.h"

static void add_limit(struct stk_cli *cli, const json_t *limit)
{
    const char *text = stk_answer_text(limit, "text");
    const char *state = stk_answer_text(limit, "state");
    bool is_open = state != NULL && strcmp(state, "open") == 0;
    if (text == NULL) return;
    stk_term_add(&cli->term, &cli->out, is_open ? STK_STYLE_GOOD : STK_STYLE_WARN,
                 is_open ? "open    " : "closed  ");
    stk_text_add_escaped(&cli->out, text, strlen(text));
    stk_buf_addc(&cli->out, '\n');
}

static enum stk_rc run_list(struct stk_cli *cli, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *answer = NULL;
    enum stk_rc rc = stk_cli_get(cli, "/limits", &answer, err);
    if (rc != STK_OK) return rc;

    const json_t *limits = json_object_get(answer, "limits");
    size_t i = 0;
    const json_t *limit = NULL;
    if (cli->json) {
        stk_cli_add_json(cli, answer);
        return STK_OK;
    }
    if (json_array_size(limits) == 0 && !cli->quiet) {
        stk_buf_adds(&cli->out, "no limits: stoker.yaml names them under limits:\n");
    }
    json_array_foreach(limits, i, limit)
    {
        if (!cli->quiet) {
            add_limit(cli, limit);
            continue;
        }
        stk_value_add(&cli->out, json_object_get(limit, "name"));
        stk_buf_addc(&cli->out, '\n');
    }
    return STK_OK;
}

static enum stk_rc change(struct stk_cli *cli, const char *verb, json_t *body,
                          struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf path = STK_BUF_INIT;
    STK_CLEANUP(stk_json_freep) json_t *answer = NULL;
    const char *reason = stk_args_text(&cli->args, "reason");

    stk_buf_adds(&path, "/limits/");
    stk_query_segment(&path, cli->args.words[0]);
    stk_buf_adds(&path, verb);
    cli->may_create = true;
    if (reason != NULL) (void)json_object_set_new(body, "reason", json_string(reason));
    enum stk_rc rc = stk_cli_post(cli, stk_buf_str(&path), body, &answer, err);
    if (rc != STK_OK) return rc;

    if (cli->json) {
        stk_cli_add_json(cli, answer);
    } else if (!cli->quiet) {
        add_limit(cli, answer);
    }
    return STK_OK;
}

static enum stk_rc put_number(struct stk_cli *cli, const char *option, const char *member,
                              json_t *body, struct stk_error *err)
{
    const char *text = stk_args_text(&cli->args, option);
    int64_t number = 0;
    if (text == NULL) return STK_OK;
    if (!stk_parse_i64(text, &number) || number < 0) {
        return stk_fail(err, STK_INVALID, "--%s takes a number, 0 or more: 0 lifts it", option);
    }
    (void)json_object_set_new(body, member, json_integer(number));
    return STK_OK;
}

static enum stk_rc run_set(struct stk_cli *cli, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *body = json_object();
    enum stk_rc rc = put_number(cli, "per-window", "per_window", body, err);
    if (rc == STK_OK) rc = put_number(cli, "concurrency", "concurrency", body, err);
    if (rc != STK_OK) return rc;
    if (json_object_size(body) == 0) {
        return stk_fail(err, STK_INVALID, "say what to set: --per-window N, --concurrency N");
    }
    return change(cli, "/set", body, err);
}

static enum stk_rc run_clear(struct stk_cli *cli, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *body = json_object();
    return change(cli, "/clear", body, err);
}

const struct stk_command_info stk_cli_limits = {
    .name = "limits",
    .synopsis = "",
    .summary = "show the limits: open or closed, until when, what is in use",
    .description =
        "A limit of stoker.yaml (rate, concurrency, quota) is shared by all workers. A job that "
        "exits with status 75 closes it for everybody, for as long as it says.",
    .run = run_list,
};

static const struct stk_option set_options[] = {
    { .name = "per-window",
      .value = "N",
      .help = "so many in the rate's window of stoker.yaml (or the quota's); 0: no such limit" },
    { .name = "concurrency", .value = "N", .help = "so many at a time; 0: no such limit" },
    { .name = "reason", .value = "TEXT", .help = "why; it is kept in the events" },
    { .name = NULL },
};

const struct stk_command_info stk_cli_limits_set = {
    .name = "limits set",
    .synopsis = "NAME [--per-window N] [--concurrency N] [--reason TEXT]",
    .summary = "change a limit now, until it is cleared",
    .description = "What a person sets goes before stoker.yaml and before what was learned from "
                   "the authority. It is kept in the database: it survives a restart.",
    .words_min = 1,
    .words_max = 1,
    .options = set_options,
    .run = run_set,
};

static const struct stk_option clear_options[] = {
    { .name = "reason", .value = "TEXT", .help = "why; it is kept in the events" },
    { .name = NULL },
};

const struct stk_command_info stk_cli_limits_clear = {
    .name = "limits clear",
    .synopsis = "NAME [--reason TEXT]",
    .summary = "open a limit that is closed, and go back to what stoker.yaml says",
    .description = "Ends its cooldown, and forgets what was learned and what was set. If the "
                   "authority still says no, the next answer closes it again.",
    .words_min = 1,
    .words_max = 1,
    .options = clear_options,
    .run = run_clear,
};
