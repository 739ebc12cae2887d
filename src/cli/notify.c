/* SPDX-License-Identifier: MIT
 *
 * stoker notify: how people are reached, and whether that works.
 */
#include <string.h>

#include "base/text.h"
#include "cli/answer.h"
#include "cli/commands.h"
#include "pool/pool.h"

enum { EXIT_NOT_DELIVERED = 69 };

static void add_text(struct stk_cli *cli, const json_t *object, const char *name)
{
    const char *text = stk_answer_text(object, name);
    if (text != NULL) stk_text_add_escaped(&cli->out, text, strlen(text));
}

/* "team      webhook slack". */
static void add_channel(struct stk_cli *cli, const json_t *channel)
{
    add_text(cli, channel, "name");
    if (cli->quiet) {
        stk_buf_addc(&cli->out, '\n');
        return;
    }
    stk_buf_adds(&cli->out, "  ");
    add_text(cli, channel, "kind");
    if (stk_answer_text(channel, "body") != NULL) stk_buf_addc(&cli->out, ' ');
    add_text(cli, channel, "body");
}

static void say_none(struct stk_cli *cli)
{
    if (cli->quiet) return;
    stk_buf_adds(&cli->out, "no channels: stoker.yaml names them under notify:\n");
}

/* --- list ------------------------------------------------------------------- */

static void add_events(struct stk_cli *cli, const json_t *channel)
{
    size_t i = 0;
    const json_t *event = NULL;
    json_array_foreach(json_object_get(channel, "events"), i, event)
    {
        stk_buf_adds(&cli->out, i == 0 ? "  " : ", ");
        stk_value_add(&cli->out, event);
    }
    if (stk_answer_bool(channel, "quiet")) stk_buf_adds(&cli->out, "  (quiet hours)");
    stk_buf_addc(&cli->out, '\n');
}

static enum stk_rc run_list(struct stk_cli *cli, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *answer = NULL;
    enum stk_rc rc = stk_cli_get(cli, "/notify", &answer, err);
    if (rc != STK_OK) return rc;
    if (cli->json) {
        stk_cli_add_json(cli, answer);
        return STK_OK;
    }
    size_t i = 0;
    const json_t *channel = NULL;
    json_array_foreach(json_object_get(answer, "channels"), i, channel)
    {
        add_channel(cli, channel);
        if (!cli->quiet) add_events(cli, channel);
    }
    if (i == 0) say_none(cli);
    return STK_OK;
}

const struct stk_command_info stk_cli_notify_list = {
    .name = "notify list",
    .synopsis = "",
    .summary = "show the channels that bring notices to people",
    .description = "A channel of stoker.yaml is a program, a webhook or a mail. It is told when a "
                   "session ends soon, needs a person or goes on, and when a limit is closed for "
                   "long.",
    .run = run_list,
};

/* --- test ------------------------------------------------------------------- */

static void add_result(struct stk_cli *cli, const json_t *channel)
{
    bool is_ok = stk_answer_bool(channel, "ok");
    if (!is_ok) cli->exit_status = EXIT_NOT_DELIVERED;
    if (cli->json || cli->quiet) return;
    stk_term_add(&cli->term, &cli->out, is_ok ? STK_STYLE_GOOD : STK_STYLE_BAD,
                 is_ok ? "sent    " : "failed  ");
    add_channel(cli, channel);
    if (!is_ok) {
        stk_buf_adds(&cli->out, ": ");
        add_text(cli, channel, "error");
    }
    stk_buf_addc(&cli->out, '\n');
}

/* A program is run by the pool that answers, else here: a shared store's does not. */
static enum stk_rc ask_test(struct stk_cli *cli, json_t *body, json_t **ret, struct stk_error *err)
{
    enum stk_rc rc = stk_spawner_start(true, &cli->spawner, err);
    if (rc != STK_OK) return rc;
    rc = stk_cli_post(cli, "/notify/test", body, ret, err);
    stk_spawner_stop(cli->spawner);
    return rc;
}

static enum stk_rc run_test(struct stk_cli *cli, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *body = json_object();
    STK_CLEANUP(stk_json_freep) json_t *answer = NULL;
    if (cli->args.word_count > 0) {
        (void)json_object_set_new(body, "channel", json_string(cli->args.words[0]));
    }
    cli->may_create = true; /* it may well be tried before the first job */
    enum stk_rc rc = ask_test(cli, body, &answer, err);
    if (rc != STK_OK) return rc;
    size_t i = 0;
    const json_t *channel = NULL;
    json_array_foreach(json_object_get(answer, "channels"), i, channel) add_result(cli, channel);
    if (cli->json) {
        stk_cli_add_json(cli, answer);
    } else if (i == 0) {
        say_none(cli);
    }
    return STK_OK;
}

const struct stk_command_info stk_cli_notify_test = {
    .name = "notify test",
    .synopsis = "[CHANNEL]",
    .summary = "send a test notice, and say what came of it",
    .description = "To one channel, or to all. It is sent at once and waits for the answer: exit "
                   "status 69 when one did not take it. Programs (hook) are run by the pool that "
                   "answers, and by this command when none does.",
    .words_max = 1,
    .run = run_test,
};
