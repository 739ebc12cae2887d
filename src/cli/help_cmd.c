/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "model/shown.h"

static const struct stk_option options[] = {
    { .name = "man", .help = "print the man page, as roff" },
    { .name = "completion",
      .value = "SHELL",
      .help = "print the completion script of this shell: bash" },
    { .name = NULL },
};

static const struct stk_example examples[] = {
    { "stoker help sweep show", "how stoker sweep show is used" },
    { "stoker help --man sweep | man -l -", "the man page of stoker sweep" },
    { "source <(stoker help --completion bash)", "completion in this shell" },
    { NULL, NULL },
};

/* "sweep show", "sweep-show" and "sweep" "show" are the same. */
static enum stk_rc find(struct stk_cli *cli, const struct stk_command_info **ret,
                        struct stk_error *err)
{
    if (cli->args.word_count == 0) return STK_OK;

    const char *second = cli->args.word_count > 1 ? cli->args.words[1] : NULL;
    STK_CLEANUP(stk_freep)
    char *name = stk_format("%s%s%s", cli->args.words[0], second == NULL ? "" : " ",
                            second == NULL ? "" : second);
    char *dash = strchr(name, '-');
    if (dash != NULL) *dash = ' ';

    *ret = stk_cli_find(name);
    if (*ret != NULL) return STK_OK;
    STK_CLEANUP(stk_freep) char *shown = stk_shown(name);
    return stk_fail(err, STK_NOT_FOUND, "there is no command \"%s\"; stoker help lists them all",
                    shown);
}

static json_t *options_json(const struct stk_option *list)
{
    json_t *array = json_array();
    for (; list != NULL && list->name != NULL; list++) {
        (void)json_array_append_new(array, json_pack("{s:s, s:s?, s:s}", "name", list->name,
                                                     "value", list->value, "help", list->help));
    }
    return array;
}

/* What tools and tests read: every command with its options. */
static void add_commands_json(struct stk_cli *cli)
{
    STK_CLEANUP(stk_json_freep) json_t *all = json_object();
    json_t *array = json_array();
    const struct stk_command_info *const *commands = NULL;
    size_t count = stk_cli_commands(&commands);
    for (size_t i = 0; i < count; i++) {
        (void)json_array_append_new(
            array, json_pack("{s:s, s:s, s:s, s:o}", "name", commands[i]->name, "synopsis",
                             commands[i]->synopsis, "summary", commands[i]->summary, "options",
                             options_json(commands[i]->options)));
    }
    (void)json_object_set_new(all, "commands", array);
    (void)json_object_set_new(all, "options", options_json(stk_global_options));
    stk_cli_add_json(cli, all);
}

static enum stk_rc run(struct stk_cli *cli, struct stk_error *err)
{
    const struct stk_command_info *info = NULL;
    const char *shell = stk_args_text(&cli->args, "completion");
    enum stk_rc rc = find(cli, &info, err);
    if (rc != STK_OK) return rc;

    if (shell != NULL && strcmp(shell, "bash") != 0) {
        return stk_fail(err, STK_INVALID, "there is completion for bash only");
    }
    if (shell != NULL) {
        stk_help_bash(&cli->out);
    } else if (stk_args_has(&cli->args, "man")) {
        stk_help_man(info, &cli->out);
    } else if (cli->json) {
        add_commands_json(cli);
    } else if (info != NULL) {
        stk_help_command(&cli->term, info, &cli->out);
    } else {
        stk_help_overview(&cli->term, &cli->out);
    }
    return STK_OK;
}

const struct stk_command_info stk_cli_help = {
    .name = "help",
    .synopsis = "[COMMAND] [--man] [--completion SHELL]",
    .summary = "say how a command is used; print man pages and shell completion",
    .description = "All three are made from the same table. With --json: all commands and their "
                   "options, for tools.",
    .words_max = 2,
    .options = options,
    .examples = examples,
    .run = run,
};
