/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/alloc.h"
#include "cli/help.h"

static const char script_begin[] =
    "# bash completion for stoker, made by: stoker help --completion bash\n"
    "_stoker()\n"
    "{\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
    "    local command= word= list= i\n"
    "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
    "        word=${COMP_WORDS[i]}\n"
    "        case $word in -*) continue ;; esac\n"
    "        case \"$command${command:+ }$word\" in\n";

static const char script_middle[] = "            *) break ;;\n"
                                    "        esac\n"
                                    "    done\n"
                                    "\n"
                                    "    case \"$command $prev\" in\n";

static const char script_options[] = "    esac\n"
                                     "\n"
                                     "    case $command in\n";

static const char script_end[] = "    esac\n"
                                 "    COMPREPLY=($(compgen -W \"$list\" -- \"$cur\"))\n"
                                 "}\n"
                                 "complete -o default -F _stoker stoker\n";

/* "queue" of "queue list": no command of its own, yet the way to three. */
static void add_known_words(struct stk_buf *out, const char *name)
{
    const char *blank = strchr(name, ' ');
    if (blank != NULL)
        stk_buf_addf(out, "            '%.*s') command=$word ;;\n", (int)(blank - name), name);
    if (blank == NULL) stk_buf_addf(out, "            '%s') command=$word ;;\n", name);
    if (blank != NULL) stk_buf_addf(out, "            '%s') command+=\" $word\" ;;\n", name);
}

static void add_choices(struct stk_buf *out, const char *choices)
{
    for (; *choices != '\0'; choices++) {
        stk_buf_addc(out, *choices == '|' ? ' ' : *choices);
    }
}

/* What may follow an option that takes a value. */
static void add_values(struct stk_buf *out, const char *command, const struct stk_option *options)
{
    for (; options != NULL && options->name != NULL; options++) {
        if (options->value == NULL) continue;
        if (command != NULL) stk_buf_addf(out, "        '%s --%s') ", command, options->name);
        if (command == NULL) stk_buf_addf(out, "        *' --%s') ", options->name);
        if (strchr(options->value, '|') == NULL) {
            stk_buf_adds(out, "return ;;\n");
            continue;
        }
        stk_buf_adds(out, "COMPREPLY=($(compgen -W '");
        add_choices(out, options->value);
        stk_buf_adds(out, "' -- \"$cur\")); return ;;\n");
    }
}

static void add_option_names(struct stk_buf *out, const struct stk_option *options)
{
    for (; options != NULL && options->name != NULL; options++) {
        stk_buf_addf(out, " --%s", options->name);
    }
}

/* The second words of `first`, or the first words of all when it is NULL. */
static void add_next_words(struct stk_buf *out, const char *first)
{
    const struct stk_command_info *const *commands = NULL;
    size_t count = stk_cli_commands(&commands);
    size_t len = first == NULL ? 0 : strlen(first);
    for (size_t i = 0; i < count; i++) {
        const char *name = commands[i]->name;
        size_t head = strcspn(name, " ");
        if (first == NULL) stk_buf_addf(out, " %.*s", (int)head, name);
        if (first != NULL && head == len && memcmp(name, first, len) == 0 && name[head] == ' ') {
            stk_buf_addf(out, " %s", name + head + 1);
        }
    }
}

static void add_list(struct stk_buf *out, const struct stk_command_info *info)
{
    stk_buf_addf(out, "        '%s') list='", info->name);
    add_next_words(out, info->name);
    add_option_names(out, info->options);
    add_option_names(out, stk_global_options);
    stk_buf_adds(out, "' ;;\n");
}

/* "queue", which is no command: what may follow it. Twice does no harm. */
static void add_head_list(struct stk_buf *out, const char *name)
{
    const char *blank = strchr(name, ' ');
    STK_CLEANUP(stk_freep) char *head = stk_strndup(name, strcspn(name, " "));
    if (blank == NULL || stk_cli_find(head) != NULL) return;

    stk_buf_addf(out, "        '%s') list='", head);
    add_next_words(out, head);
    stk_buf_adds(out, "' ;;\n");
}

void stk_help_bash(struct stk_buf *out)
{
    const struct stk_command_info *const *commands = NULL;
    size_t count = stk_cli_commands(&commands);

    stk_buf_adds(out, script_begin);
    for (size_t i = 0; i < count; i++) {
        add_known_words(out, commands[i]->name);
    }

    stk_buf_adds(out, script_middle);
    for (size_t i = 0; i < count; i++) {
        add_values(out, commands[i]->name, commands[i]->options);
    }
    add_values(out, NULL, stk_global_options);

    stk_buf_adds(out, script_options);
    for (size_t i = 0; i < count; i++) {
        add_list(out, commands[i]);
    }
    for (size_t i = 0; i < count; i++) {
        add_head_list(out, commands[i]->name);
    }
    stk_buf_adds(out, "        *) list='");
    add_next_words(out, NULL);
    add_option_names(out, stk_global_options);
    stk_buf_adds(out, "' ;;\n");
    stk_buf_adds(out, script_end);
}
