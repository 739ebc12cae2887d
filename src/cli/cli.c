/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/sign_in.h"
#include "client/client.h"
#include "model/shown.h"
#include "model/store_url.h"
#include "store/store.h"

static const struct stk_command_info *const commands[] = {
#define STK_COMMAND_ROW(name) &stk_cli_##name,
    STK_COMMAND_MAP(STK_COMMAND_ROW)
#undef STK_COMMAND_ROW
};

const struct stk_option stk_global_options[] = {
    { .name = "config", .value = "FILE", .help = "read this file instead of stoker.yaml" },
    { .name = "store",
      .value = "URL",
      .help = "the jobs database: sqlite:PATH or postgresql://USER@HOST/DATABASE" },
    { .name = "as", .value = "NAME", .help = "act as this user: stoker asks for the password" },
    { .name = "password-stdin", .help = "read the password from a line of stdin instead" },
    { .name = "code",
      .help = "ask for the six digits of an authenticator too (next line of stdin)" },
    { .name = "json", .help = "print JSON, errors too" },
    { .name = "quiet", .help = "print only ids, one a line" },
    { .name = "color", .value = "auto|always|never", .help = "colours; NO_COLOR is honoured" },
    { .name = "help", .letter = 'h', .help = "say how it is used" },
    { .name = "version", .help = "print the version" },
    { .name = NULL },
};

size_t stk_cli_commands(const struct stk_command_info *const **ret)
{
    *ret = commands;
    return STK_ARRAY_LEN(commands);
}

const struct stk_command_info *stk_cli_find(const char *name)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(commands); i++) {
        if (strcmp(commands[i]->name, name) == 0) return commands[i];
    }
    return NULL;
}

/* --- which command ------------------------------------------------------- */

/* "list, pause, resume" of "queue"; "" when no command begins with that word. */
static void add_verbs(struct stk_buf *out, const char *noun)
{
    size_t len = strlen(noun);
    for (size_t i = 0; i < STK_ARRAY_LEN(commands); i++) {
        const char *name = commands[i]->name;
        if (strncmp(name, noun, len) != 0 || name[len] != ' ') continue;
        stk_buf_addf(out, "%s%s", out->len > 0 ? ", " : "", name + len + 1);
    }
}

static enum stk_rc fail_unknown_command(const char *word, struct stk_error *err)
{
    const char *names[STK_ARRAY_LEN(commands)];
    for (size_t i = 0; i < STK_ARRAY_LEN(commands); i++) {
        names[i] = commands[i]->name;
    }
    STK_CLEANUP(stk_buf_release) struct stk_buf verbs = STK_BUF_INIT;
    add_verbs(&verbs, word);
    if (verbs.len > 0) {
        return stk_fail(err, STK_INVALID, "which one? stoker %s is followed by one of %s", word,
                        stk_buf_str(&verbs));
    }

    STK_CLEANUP(stk_freep) char *shown = stk_shown(word);
    const char *near = stk_nearest(word, names, STK_ARRAY_LEN(names));
    if (near == NULL) {
        return stk_fail(err, STK_INVALID, "unknown command \"%s\"; stoker --help lists them all",
                        shown);
    }
    return stk_fail(err, STK_INVALID, "unknown command \"%s\"; did you mean stoker %s?", shown,
                    near);
}

/* The next word of argv from *i on, past global options; NULL when there is
 * none, or an option of the command's own stands before it. */
static const char *next_word(char *const *argv, size_t count, size_t *i)
{
    const struct stk_option *tables[] = { stk_global_options, NULL };
    for (; *i < count; (*i)++) {
        const char *text = argv[*i];
        if (text[0] != '-') return argv[(*i)++];
        if (strcmp(text, "-h") == 0) continue;
        if (text[1] != '-' || text[2] == '\0') return NULL;

        size_t len = strcspn(text + 2, "=");
        const struct stk_option *option = stk_option_find(tables, text + 2, len);
        if (option == NULL) return NULL;
        if (option->value != NULL && text[2 + len] == '\0') (*i)++;
    }
    return NULL;
}

/* "sweep show" before "sweep". *ret stays NULL when argv names none. */
static enum stk_rc find_command(char *const *argv, size_t count,
                                const struct stk_command_info **ret, struct stk_error *err)
{
    size_t i = 0;
    const char *first = next_word(argv, count, &i);
    if (first == NULL) return STK_OK;

    const char *second = next_word(argv, count, &i);
    STK_CLEANUP(stk_freep) char *both = stk_format("%s %s", first, second == NULL ? "" : second);
    *ret = stk_cli_find(both);
    if (*ret == NULL) *ret = stk_cli_find(first);
    return *ret == NULL ? fail_unknown_command(first, err) : STK_OK;
}

static size_t count_words(const char *name)
{
    return strchr(name, ' ') == NULL ? 1 : 2;
}

static enum stk_rc check_words(const struct stk_cli *cli, struct stk_error *err)
{
    const struct stk_command_info *info = cli->command;
    size_t count = cli->args.word_count;
    if (count < info->words_min) {
        return stk_fail(err, STK_INVALID, "something is missing; usage: stoker %s %s", info->name,
                        info->synopsis);
    }
    if (count > info->words_max) {
        STK_CLEANUP(stk_freep) char *shown = stk_shown(cli->args.words[info->words_max]);
        return stk_fail(err, STK_INVALID, "\"%s\" is one word too many; usage: stoker %s%s%s",
                        shown, info->name, *info->synopsis == '\0' ? "" : " ", info->synopsis);
    }
    return STK_OK;
}

static enum stk_rc parse(struct stk_cli *cli, char *const *argv, size_t count,
                         struct stk_error *err)
{
    enum stk_rc rc = find_command(argv, count, &cli->command, err);
    if (rc != STK_OK) return rc;

    const struct stk_option *own = cli->command == NULL ? NULL : cli->command->options;
    const struct stk_option *tables[] = { stk_global_options, own, NULL };
    rc = stk_args_parse(tables, argv, count, &cli->args, err);
    if (rc != STK_OK) return rc;

    size_t named = cli->command == NULL ? 0 : count_words(cli->command->name);
    cli->args.word_count -= named;
    if (cli->args.words != NULL) {
        memmove(cli->args.words, cli->args.words + named,
                cli->args.word_count * sizeof(*cli->args.words));
    }
    cli->json = stk_args_has(&cli->args, "json");
    cli->quiet = stk_args_has(&cli->args, "quiet");
    stk_term_init(&cli->term, stk_args_text(&cli->args, "color"));
    return STK_OK;
}

/* --- settings and client ------------------------------------------------- */

enum stk_rc stk_cli_settings(struct stk_cli *cli, bool must_exist, const struct stk_settings **ret,
                             struct stk_error *err)
{
    if (cli->settings_ == NULL) {
        const char *file = stk_args_text(&cli->args, "config");
        const char *store = stk_args_text(&cli->args, "store");
        enum stk_rc rc = stk_settings_load(file, must_exist || file != NULL, &cli->settings_, err);
        if (rc != STK_OK) return rc;
        if (store != NULL) rc = stk_store_url_check_secret(store, err);
        if (rc != STK_OK) return rc;
        if (store != NULL) stk_settings_set_store(cli->settings_, store);
    }
    *ret = cli->settings_;
    return STK_OK;
}

enum stk_rc stk_cli_sign_in(struct stk_cli *cli, struct stk_error *err)
{
    if (cli->is_signed_in_) return STK_OK;
    enum stk_rc rc = stk_sign_in(cli, &cli->authorization_, cli->code_, sizeof(cli->code_), err);
    cli->is_signed_in_ = rc == STK_OK;
    return rc;
}

static enum stk_rc call(struct stk_cli *cli, const char *method, const char *path_query,
                        json_t *body, json_t **ret, struct stk_error *err)
{
    if (cli->client_ == NULL) {
        const struct stk_settings *settings = NULL;
        enum stk_rc rc = stk_cli_settings(cli, false, &settings, err);
        if (rc == STK_OK) rc = stk_cli_sign_in(cli, err);
        if (rc != STK_OK) return rc;

        STK_CLEANUP(stk_freep) char *command = stk_format("stoker %s", cli->command->name);
        const struct stk_client_options options = {
            .settings = settings,
            .command = command,
            .must_exist = !cli->may_create || settings->task_count == 0,
            .authorization = cli->authorization_,
            .code = cli->code_[0] != '\0' ? cli->code_ : NULL,
            .progress = cli->progress,
            .context = cli->progress_context,
            .spawner = cli->spawner,
        };
        rc = stk_client_open(&options, &cli->client_, err);
        bool has_nothing = rc == STK_NOT_FOUND && cli->may_create && settings->task_count == 0;
        if (has_nothing && settings->file == NULL) {
            return stk_fail(err, rc,
                            "no stoker.yaml in this folder, in $STOKER_CONFIG or in /etc/stoker, "
                            "so there are no tasks; name one with --config");
        }
        if (has_nothing) return stk_fail(err, rc, "%s has no tasks", settings->file);
        if (rc != STK_OK) return rc;
    }
    return stk_client_call(cli->client_, method, path_query, body, ret, err);
}

enum stk_rc stk_cli_get(struct stk_cli *cli, const char *path_query, json_t **ret,
                        struct stk_error *err)
{
    return call(cli, "GET", path_query, NULL, ret, err);
}

enum stk_rc stk_cli_post(struct stk_cli *cli, const char *path_query, json_t *body, json_t **ret,
                         struct stk_error *err)
{
    return call(cli, "POST", path_query, body, ret, err);
}

static bool has_living_pool(struct stk_cli *cli)
{
    STK_CLEANUP(stk_json_freep) json_t *status = NULL;
    bool lives = false;
    size_t i = 0;
    const json_t *pool = NULL;
    if (stk_cli_get(cli, "/status", &status, NULL) != STK_OK) return false;
    json_array_foreach(json_object_get(status, "pools"), i, pool)
    {
        const char *state = stk_answer_text(pool, "state");
        lives = lives || (state != NULL && strcmp(state, "lost") != 0);
    }
    return lives;
}

bool stk_cli_has_pool(struct stk_cli *cli)
{
    if (cli->settings_ != NULL && stk_store_is_shared(cli->settings_->store)) {
        return has_living_pool(cli);
    }
    return cli->client_ != NULL && stk_client_is_remote(cli->client_);
}

void stk_cli_let_go(struct stk_cli *cli)
{
    if (cli->client_ != NULL) stk_client_rest(cli->client_);
}

/* --- output -------------------------------------------------------------- */

void stk_cli_add_json(struct stk_cli *cli, const json_t *value)
{
    stk_json_add(&cli->out, value);
    stk_buf_addc(&cli->out, '\n');
}

enum stk_rc stk_cli_flush(struct stk_cli *cli, struct stk_error *err)
{
    size_t at = 0;
    while (at < cli->out.len) {
        ssize_t wrote = write(STDOUT_FILENO, cli->out.data + at, cli->out.len - at);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) {
            int code = errno;
            cli->reader_left_ = code == EPIPE;
            stk_buf_clear(&cli->out);
            return stk_fail(err, code == ENOSPC ? STK_FULL : STK_UNAVAILABLE,
                            "could not write to stdout: %s", strerror(code));
        }
        at += (size_t)wrote;
    }
    stk_buf_clear(&cli->out);
    return STK_OK;
}

static void print_error(const struct stk_error *err, bool as_json)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    if (as_json) {
        stk_buf_adds(&text, "{\"error\":{\"code\":\"");
        stk_buf_adds(&text, stk_rc_name(err->rc));
        stk_buf_adds(&text, "\",\"message\":");
        stk_json_add_string(&text, err->text, strlen(err->text));
        stk_buf_adds(&text, "}}\n");
    } else {
        stk_buf_adds(&text, "stoker: ");
        stk_text_add_escaped(&text, err->text, strlen(err->text));
        stk_buf_addc(&text, '\n');
    }
    (void)fputs(stk_buf_str(&text), stderr); /* to whom should a failure be told? */
}

/* What is waited for takes minutes: a silent command would look stuck. */
static void say_wait(const char *sentence)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    stk_buf_adds(&text, "stoker: ");
    stk_text_add_escaped(&text, sentence, strlen(sentence));
    stk_buf_addc(&text, '\n');
    (void)fputs(stk_buf_str(&text), stderr);
}

/* --- main ---------------------------------------------------------------- */

static enum stk_rc run(struct stk_cli *cli, char *const *argv, size_t count, struct stk_error *err)
{
    enum stk_rc rc = parse(cli, argv, count, err);
    if (rc != STK_OK) return rc;

    if (stk_args_has(&cli->args, "help") || (cli->command == NULL && count == 0)) {
        if (cli->command == NULL) stk_help_overview(&cli->term, &cli->out);
        if (cli->command != NULL) stk_help_command(&cli->term, cli->command, &cli->out);
        return STK_OK;
    }
    if (stk_args_has(&cli->args, "version")) return stk_cli_version.run(cli, err);
    if (cli->command == NULL) {
        return stk_fail(err, STK_INVALID, "which command? stoker --help lists them all");
    }

    rc = check_words(cli, err);
    return rc == STK_OK ? cli->command->run(cli, err) : rc;
}

/* Also when the arguments could not be read. */
static bool asks_for_json(char *const *argv, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(argv[i], "--json") == 0) return true;
    }
    return false;
}

static void release(struct stk_cli *cli)
{
    stk_client_closep(&cli->client_);
    stk_settings_freep(&cli->settings_);
    stk_secret_freep(&cli->authorization_);
    stk_args_release(&cli->args);
    stk_buf_release(&cli->out);
}

int stk_cli_main(int argc, char **argv)
{
    struct stk_cli cli = { .exit_status = 0 };
    struct stk_error err = { .rc = STK_OK };
    char *const *words = argv + (argc > 0 ? 1 : 0);
    size_t count = argc > 0 ? (size_t)argc - 1 : 0;

    /* `stoker jobs | head` must end by itself, and close its store in order. */
    (void)signal(SIGPIPE, SIG_IGN);
    stk_store_on_wait(say_wait);

    enum stk_rc rc = run(&cli, words, count, &err);
    enum stk_rc flushed = stk_cli_flush(&cli, rc == STK_OK ? &err : NULL);
    if (rc == STK_OK) rc = flushed; /* else: what was found before the failure */

    bool is_quiet_end = cli.reader_left_;
    if (rc != STK_OK && !is_quiet_end) print_error(&err, asks_for_json(words, count));
    int status = rc == STK_OK || is_quiet_end ? cli.exit_status : stk_rc_exit_status(rc);
    release(&cli);
    return status;
}
