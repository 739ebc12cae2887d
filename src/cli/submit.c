/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/input.h"
#include "model/shown.h"

static const struct stk_option options[] = {
    { .name = "file",
      .value = "FILE",
      .help = "one job a line: a JSON object of parameters each; - is stdin" },
    { .name = "priority",
      .value = "N",
      .is_int = true,
      .min = INT32_MIN,
      .max = INT32_MAX,
      .help = "larger runs first (0, or what the task says)" },
    { .name = "at",
      .value = "TIME",
      .help = "not before: 2026-11-24T03:10:00Z, or +1h30m from now" },
    { .name = "key",
      .value = "KEY",
      .help = "submitting again under the same key makes no second job" },
    { .name = NULL },
};

static const struct stk_example examples[] = {
    { "stoker submit backtest fast=20 slow=100 cost_bps=1", "one job" },
    { "stoker submit backtest --file points.jsonl --priority 5",
      "one job for each line of the file; one bad line and none is stored" },
    { NULL, NULL },
};

static enum stk_rc take_params(const struct stk_args *args, json_t *body, struct stk_error *err)
{
    json_t *params = json_object();
    (void)json_object_set_new(body, "text_params", params);
    for (size_t i = 1; i < args->word_count; i++) {
        STK_CLEANUP(stk_freep) char *name = NULL;
        const char *value = NULL;
        enum stk_rc rc = stk_input_pair(args->words[i], "NAME=VALUE", &name, &value, err);
        if (rc != STK_OK) return rc;

        STK_CLEANUP(stk_freep) char *shown = stk_shown(name);
        if (json_object_get(params, name) != NULL) {
            return stk_fail(err, STK_INVALID, "parameter \"%s\" is given twice", shown);
        }
        if (json_object_set_new(params, name, json_string(value)) != 0) {
            return stk_fail(err, STK_INVALID, "parameter \"%s\" is not UTF-8 text", shown);
        }
    }
    return STK_OK;
}

static enum stk_rc take_file(const struct stk_args *args, json_t *body, struct stk_error *err)
{
    const char *path = stk_args_text(args, "file");
    json_t *text = NULL;
    if (args->word_count > 1) {
        return stk_fail(err, STK_INVALID, "either NAME=VALUE words or --file, not both");
    }
    enum stk_rc rc = stk_input_read(path, &text, err);
    if (rc != STK_OK) return rc;

    json_t *file = json_object();
    (void)json_object_set_new(file, "name", json_string(strcmp(path, "-") == 0 ? "stdin" : path));
    (void)json_object_set_new(file, "text", text);
    (void)json_object_set_new(body, "file", file);
    return STK_OK;
}

static void take_options(const struct stk_args *args, json_t *body)
{
    const char *at = stk_args_text(args, "at");
    const char *key = stk_args_text(args, "key");
    if (at != NULL) (void)json_object_set_new(body, "at", json_string(at));
    if (key != NULL) (void)json_object_set_new(body, "key", json_string(key));
    if (stk_args_has(args, "priority")) {
        (void)json_object_set_new(body, "priority",
                                  json_integer(stk_args_int(args, "priority", 0)));
    }
}

static void say(struct stk_cli *cli, const json_t *answer)
{
    int64_t first = stk_answer_int(answer, "first_id");
    int64_t last = stk_answer_int(answer, "last_id");
    int64_t count = stk_answer_int(answer, "count");
    int64_t existing = stk_answer_int(answer, "existing");

    if (count == 1) {
        stk_buf_addf(&cli->out, "job %" PRId64 " %s\n", first,
                     existing > 0 ? "is there already, under this key" : "submitted");
    } else {
        stk_count_add(&cli->out, count, "job", "jobs");
        stk_buf_addf(&cli->out, " submitted: %" PRId64 " to %" PRId64 "\n", first, last);
    }
    if (!stk_cli_has_pool(cli)) {
        stk_buf_adds(&cli->out, "no pool is running: start one with: stoker up\n");
    } else if (count == 1) {
        stk_buf_addf(&cli->out, "look at it with stoker job %" PRId64 "\n", first);
    } else {
        stk_buf_adds(&cli->out, "see how it stands with stoker status\n");
    }
}

static void add_ids(struct stk_cli *cli, const json_t *answer)
{
    int64_t first = stk_answer_int(answer, "first_id");
    int64_t last = stk_answer_int(answer, "last_id");
    for (int64_t id = first; id <= last && stk_answer_int(answer, "count") > 0; id++) {
        stk_buf_addf(&cli->out, "%" PRId64 "\n", id);
    }
}

static enum stk_rc run(struct stk_cli *cli, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *body = json_object();
    STK_CLEANUP(stk_json_freep) json_t *answer = NULL;
    json_t *task = json_string(cli->args.words[0]);
    if (task == NULL) return stk_fail(err, STK_INVALID, "the task's name is not UTF-8 text");

    (void)json_object_set_new(body, "task", task);
    take_options(&cli->args, body);
    enum stk_rc rc = stk_args_has(&cli->args, "file") ? take_file(&cli->args, body, err)
                                                      : take_params(&cli->args, body, err);
    if (rc != STK_OK) return rc;

    cli->may_create = true;
    rc = stk_cli_post(cli, "/jobs", body, &answer, err);
    if (rc != STK_OK) return rc;

    if (cli->json) {
        stk_cli_add_json(cli, answer);
    } else if (cli->quiet) {
        add_ids(cli, answer);
    } else {
        say(cli, answer);
    }
    return STK_OK;
}

const struct stk_command_info stk_cli_submit = {
    .name = "submit",
    .synopsis = "TASK [NAME=VALUE...] [--file FILE] [--priority N] [--at TIME] [--key KEY]",
    .summary = "submit one job, or one for each line of a file",
    .description =
        "TASK is one of stoker.yaml. Its parameters are given as words and read by their types. "
        "When the command has ended well, the job is on the disk and survives a power cut; a "
        "pool runs it as soon as a worker is free.",
    .words_min = 1,
    .words_max = STK_WORDS_ANY,
    .options = options,
    .examples = examples,
    .run = run,
};
