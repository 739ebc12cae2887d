/* SPDX-License-Identifier: MIT */
#include "cli/help.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { HELP_WIDTH_MAX = 80, NAME_CELLS = 15 };

static const char what_stoker_is[] =
    "stoker - a durable queue of jobs for researchers: sweeps of parameters, many\n"
    "workers, results in SQL\n";

static int help_width(const struct stk_term *term)
{
    return term->width > 0 && term->width < HELP_WIDTH_MAX ? term->width : HELP_WIDTH_MAX;
}

static void add_blanks(struct stk_buf *out, int count)
{
    stk_buf_addf(out, "%*s", count > 0 ? count : 0, "");
}

/* Words of text up to `len`, wrapped; the first line begins at column `at`. */
static void add_wrapped(struct stk_buf *out, const char *text, size_t len, int indent, int at,
                        int width)
{
    STK_CLEANUP(stk_freep) char *copy = stk_strndup(text, len);
    char *rest = NULL;
    bool is_first = true;

    for (char *word = strtok_r(copy, " \n", &rest); word != NULL;
         word = strtok_r(NULL, " \n", &rest)) {
        int cells = stk_text_cells(word);
        if (!is_first && at + 1 + cells > width) {
            stk_buf_addc(out, '\n');
            add_blanks(out, indent);
            at = indent;
        } else if (!is_first) {
            stk_buf_addc(out, ' ');
            at++;
        }
        stk_buf_adds(out, word);
        at += cells;
        is_first = false;
    }
    stk_buf_addc(out, '\n');
}

/* Paragraphs; one that begins with a blank is shown as it is. */
static void add_description(struct stk_buf *out, const char *text, int width)
{
    while (*text != '\0') {
        const char *end = strstr(text, "\n\n");
        size_t len = end == NULL ? strlen(text) : (size_t)(end - text);
        stk_buf_addc(out, '\n');
        if (*text == ' ') {
            stk_buf_add(out, text, len);
            stk_buf_addc(out, '\n');
        } else {
            add_wrapped(out, text, len, 0, 0, width);
        }
        text += end == NULL ? len : len + 2;
    }
}

static void add_option_name(struct stk_buf *out, const struct stk_option *option)
{
    if (option->letter != 0) stk_buf_addf(out, "-%c, ", option->letter);
    stk_buf_addf(out, "--%s", option->name);
    if (option->value != NULL) stk_buf_addf(out, " %s", option->value);
}

static int options_indent(const struct stk_option *options)
{
    int widest = 0;
    for (; options->name != NULL; options++) {
        STK_CLEANUP(stk_buf_release) struct stk_buf name = STK_BUF_INIT;
        add_option_name(&name, options);
        if ((int)name.len > widest && name.len <= 26) widest = (int)name.len;
    }
    return 2 + widest + 2;
}

static void add_options(const struct stk_term *term, struct stk_buf *out, const char *title,
                        const struct stk_option *options)
{
    if (options == NULL || options->name == NULL) return;

    int indent = options_indent(options);
    stk_buf_addc(out, '\n');
    stk_term_add(term, out, STK_STYLE_STRONG, title);
    stk_buf_addc(out, '\n');
    for (; options->name != NULL; options++) {
        size_t before = out->len;
        add_blanks(out, 2);
        add_option_name(out, options);
        int at = (int)(out->len - before);
        if (at + 2 > indent) {
            stk_buf_addc(out, '\n');
            at = 0;
        }
        add_blanks(out, indent - at);
        add_wrapped(out, options->help, strlen(options->help), indent, indent, help_width(term));
    }
}

static void add_examples(const struct stk_term *term, struct stk_buf *out,
                         const struct stk_example *examples)
{
    if (examples == NULL || examples->line == NULL) return;

    stk_buf_addc(out, '\n');
    stk_term_add(term, out, STK_STYLE_STRONG, "examples:");
    stk_buf_addc(out, '\n');
    for (; examples->line != NULL; examples++) {
        stk_buf_addf(out, "  %s\n      ", examples->line);
        add_wrapped(out, examples->what, strlen(examples->what), 6, 6, help_width(term));
    }
}

static const char *blank_if(const char *text)
{
    return *text == '\0' ? "" : " ";
}

void stk_help_command(const struct stk_term *term, const struct stk_command_info *info,
                      struct stk_buf *out)
{
    stk_buf_addf(out, "stoker %s - %s\n\n", info->name, info->summary);
    stk_term_add(term, out, STK_STYLE_STRONG, "usage:");
    stk_buf_addf(out, " stoker %s%s%s\n", info->name, blank_if(info->synopsis), info->synopsis);

    add_description(out, info->description, help_width(term));
    add_options(term, out, "options:", info->options);
    add_options(term, out, "options of every command:", stk_global_options);
    add_examples(term, out, info->examples);
}

void stk_help_overview(const struct stk_term *term, struct stk_buf *out)
{
    const struct stk_command_info *const *commands = NULL;
    size_t count = stk_cli_commands(&commands);

    stk_buf_adds(out, what_stoker_is);
    stk_buf_addc(out, '\n');
    stk_term_add(term, out, STK_STYLE_STRONG, "usage:");
    stk_buf_adds(out, " stoker COMMAND [options]\n\n");
    stk_term_add(term, out, STK_STYLE_STRONG, "commands:");
    stk_buf_addc(out, '\n');
    for (size_t i = 0; i < count; i++) {
        stk_buf_addf(out, "  %-*s ", NAME_CELLS - 1, commands[i]->name);
        add_wrapped(out, commands[i]->summary, strlen(commands[i]->summary), NAME_CELLS + 2,
                    NAME_CELLS + 2, help_width(term));
    }
    add_options(term, out, "options of every command:", stk_global_options);
    stk_buf_adds(out, "\nstoker help COMMAND says more. Jobs are described in ./stoker.yaml; "
                      "see stoker.yaml(5).\n");
}
