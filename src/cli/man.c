/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/help.h"

char *stk_help_page_name(const struct stk_command_info *info)
{
    char *name = stk_strdup(info->name);
    char *blank = strchr(name, ' ');
    if (blank != NULL) *blank = '-';
    return name;
}

/* A line that begins with a dot or a quote would be a request to roff. */
static void add_roff(struct stk_buf *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        bool at_start = out->len == 0 || out->data[out->len - 1] == '\n';
        if (at_start && (text[i] == '.' || text[i] == '\'')) stk_buf_adds(out, "\\&");
        if (text[i] == '\\') {
            stk_buf_adds(out, "\\e");
        } else if (text[i] == '-') {
            stk_buf_adds(out, "\\-");
        } else {
            stk_buf_addc(out, text[i]);
        }
    }
}

static void add_line(struct stk_buf *out, const char *text)
{
    add_roff(out, text, strlen(text));
    stk_buf_addc(out, '\n');
}

static void add_title(struct stk_buf *out, const char *page)
{
    stk_buf_adds(out, ".\\\" Made from the command's record by tools/make_man.py; do not edit.\n");
    stk_buf_adds(out, ".TH \"");
    for (; *page != '\0'; page++) {
        if (*page == '-') stk_buf_addc(out, '\\');
        stk_buf_addc(out, (char)toupper((unsigned char)*page));
    }
    stk_buf_adds(out, "\" 1 \"\" \"stoker " STK_VERSION "\" \"stoker\"\n");
}

/* Paragraphs; one that begins with a blank is shown as it is. */
static void add_description(struct stk_buf *out, const char *text)
{
    const char *request = ".PP\n";
    while (*text != '\0') {
        const char *end = strstr(text, "\n\n");
        size_t len = end == NULL ? strlen(text) : (size_t)(end - text);
        stk_buf_adds(out, request);
        if (*text == ' ') stk_buf_adds(out, ".nf\n");
        add_roff(out, text, len);
        stk_buf_adds(out, *text == ' ' ? "\n.fi\n" : "\n");
        text += end == NULL ? len : len + 2;
    }
}

static void add_options(struct stk_buf *out, const char *title, const struct stk_option *options)
{
    if (options == NULL || options->name == NULL) return;
    stk_buf_addf(out, ".SH %s\n", title);
    for (; options->name != NULL; options++) {
        stk_buf_adds(out, ".TP\n\\fB");
        if (options->letter != 0) stk_buf_addf(out, "\\-%c\\fR, \\fB", options->letter);
        stk_buf_adds(out, "\\-\\-");
        add_roff(out, options->name, strlen(options->name));
        stk_buf_adds(out, "\\fR");
        if (options->value != NULL) {
            stk_buf_adds(out, " \\fI");
            add_roff(out, options->value, strlen(options->value));
            stk_buf_adds(out, "\\fR");
        }
        stk_buf_addc(out, '\n');
        add_line(out, options->help);
    }
}

/* One entry a status; the error codes that share it are told together. */
static void add_exit_status(struct stk_buf *out)
{
    stk_buf_adds(out, ".SH EXIT STATUS\n.TP\n\\fB0\\fR\nDone.\n");
    for (int status = 1; status < 128; status++) {
        const char *between = NULL;
#define STK_RC_STATUS(name, http, exit, again, text)                         \
    if (exit == status) {                                                    \
        if (between == NULL) stk_buf_addf(out, ".TP\n\\fB%d\\fR\n", status); \
        stk_buf_addf(out, "%s%s", between == NULL ? "" : between, text);     \
        between = "; ";                                                      \
    }
        STK_RC_MAP(STK_RC_STATUS)
#undef STK_RC_STATUS
        if (between != NULL) stk_buf_addc(out, '\n');
    }
}

static void add_examples(struct stk_buf *out, const struct stk_example *examples)
{
    if (examples == NULL || examples->line == NULL) return;
    stk_buf_adds(out, ".SH EXAMPLES\n");
    for (; examples->line != NULL; examples++) {
        stk_buf_adds(out, ".TP\n\\fB");
        add_roff(out, examples->line, strlen(examples->line));
        stk_buf_adds(out, "\\fR\n");
        add_line(out, examples->what);
    }
}

static void man_command(const struct stk_command_info *info, struct stk_buf *out)
{
    STK_CLEANUP(stk_freep) char *page = stk_help_page_name(info);
    STK_CLEANUP(stk_freep) char *title = stk_format("stoker-%s", page);

    add_title(out, title);
    stk_buf_adds(out, ".SH NAME\n");
    add_roff(out, title, strlen(title));
    stk_buf_adds(out, " \\- ");
    add_line(out, info->summary);
    stk_buf_addf(out, ".SH SYNOPSIS\n\\fBstoker %s\\fR ", info->name);
    add_line(out, info->synopsis);
    stk_buf_adds(out, ".SH DESCRIPTION\n");
    add_description(out, info->description);
    add_options(out, "OPTIONS", info->options);
    add_options(out, "OPTIONS OF EVERY COMMAND", stk_global_options);
    add_exit_status(out);
    add_examples(out, info->examples);
    stk_buf_adds(out, ".SH SEE ALSO\n\\fBstoker\\fR(1), \\fBstoker.yaml\\fR(5)\n");
}

static void add_commands(struct stk_buf *out)
{
    const struct stk_command_info *const *commands = NULL;
    size_t count = stk_cli_commands(&commands);
    stk_buf_adds(out, ".SH COMMANDS\n");
    for (size_t i = 0; i < count; i++) {
        STK_CLEANUP(stk_freep) char *page = stk_help_page_name(commands[i]);
        stk_buf_addf(out, ".TP\n\\fB%s\\fR\n", commands[i]->name);
        add_roff(out, commands[i]->summary, strlen(commands[i]->summary));
        stk_buf_adds(out, "; see \\fBstoker\\-");
        add_roff(out, page, strlen(page));
        stk_buf_adds(out, "\\fR(1)\n");
    }
}

static const char man_main[] =
    ".SH NAME\n"
    "stoker \\- a durable queue of jobs for researchers\n"
    ".SH SYNOPSIS\n"
    "\\fBstoker\\fR \\fICOMMAND\\fR [\\fIoptions\\fR]\n"
    ".SH DESCRIPTION\n"
    "stoker keeps jobs and whole sweeps of parameters in a SQL database; workers take them,\n"
    "run them and store each result or error there. The kinds of jobs are described in\n"
    "\\fIstoker.yaml\\fR. \\fBstoker up\\fR is the process that works; all other commands ask it,\n"
    "or open the database themselves while none runs.\n";

static const char man_main_end[] =
    ".SH FILES\n"
    ".TP\n\\fI./stoker.yaml\\fR, \\fI$STOKER_CONFIG\\fR, \\fI/etc/stoker/stoker.yaml\\fR\n"
    "the configuration; the first that exists is read\n"
    ".SH ENVIRONMENT\n"
    ".TP\n\\fBSTOKER_STORE\\fR, \\fBSTOKER_WORKERS\\fR\n"
    "stand above the file; options stand above both\n"
    ".TP\n\\fBNO_COLOR\\fR, \\fBCOLUMNS\\fR\n"
    "no colours; how wide tables and maps are drawn\n";

void stk_help_man(const struct stk_command_info *info, struct stk_buf *out)
{
    if (info != NULL) {
        man_command(info, out);
        return;
    }
    add_title(out, "stoker");
    stk_buf_adds(out, man_main);
    add_commands(out);
    add_options(out, "OPTIONS OF EVERY COMMAND", stk_global_options);
    stk_buf_adds(out, man_main_end);
    add_exit_status(out);
    stk_buf_adds(out, ".SH SEE ALSO\n\\fBstoker.yaml\\fR(5)\n");
}
