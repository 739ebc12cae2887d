/* SPDX-License-Identifier: MIT
 *
 * stoker session: how they stand, and what a person does about it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/secret.h"
#include "base/text.h"
#include "base/timetext.h"
#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/query.h"
#include "model/session_verb.h"

/* After sysexits.h, for cron: a person is needed; it goes on by itself. */
enum { EXIT_PERSON = 77, EXIT_WAITING = 75 };

/* --- how it stands ------------------------------------------------------------ */

static bool is_true(const json_t *session, const char *name)
{
    return json_is_true(json_object_get(session, name));
}

static void add_detail(struct stk_cli *cli, const char *name, const json_t *value)
{
    if (value == NULL || json_is_null(value)) return;
    stk_buf_addf(&cli->out, "          %-10s ", name);
    stk_value_add(&cli->out, value);
    stk_buf_addc(&cli->out, '\n');
}

static void add_waiting(struct stk_cli *cli, const json_t *session)
{
    int64_t pending = stk_answer_int(session, "pending");
    int64_t workers = stk_answer_int(session, "waiting_workers");
    if (pending == 0 || is_true(session, "open")) return;
    stk_buf_adds(&cli->out, "          waiting    ");
    stk_count_add(&cli->out, pending, "job", "jobs");
    stk_buf_adds(&cli->out, ", ");
    stk_count_add(&cli->out, workers, "worker", "workers");
    stk_buf_addc(&cli->out, '\n');
}

static void add_session(struct stk_cli *cli, const json_t *session)
{
    const char *text = stk_answer_text(session, "text");
    bool is_open = is_true(session, "open");
    bool is_warning = is_true(session, "warn") || !is_true(session, "needs_person");
    enum stk_style style = is_open && !is_true(session, "warn") ? STK_STYLE_GOOD
                           : is_warning                         ? STK_STYLE_WARN
                                                                : STK_STYLE_BAD;
    if (text == NULL) return;
    stk_term_add(&cli->term, &cli->out, style, is_open ? "open      " : "closed    ");
    stk_text_add_escaped(&cli->out, text, strlen(text));
    stk_buf_addc(&cli->out, '\n');
    add_detail(cli, "renewed", stk_answer_get(session, "renewed_at"));
    add_detail(cli, "by", stk_answer_get(session, "renewed_by"));
    add_detail(cli, "ends", stk_answer_get(session, "expires_at"));
    add_detail(cli, "deadline", stk_answer_get(session, "deadline_at"));
    add_detail(cli, "work", stk_answer_get(session, "projection"));
    add_detail(cli, "link", stk_answer_get(session, "link"));
    add_detail(cli, "code", stk_answer_get(session, "code"));
    add_waiting(cli, session);
}

/* The worst of them. */
static void set_exit(struct stk_cli *cli, const json_t *session)
{
    if (is_true(session, "open")) return;
    bool needs_person = is_true(session, "needs_person");
    if (needs_person) cli->exit_status = EXIT_PERSON;
    if (!needs_person && cli->exit_status == 0) cli->exit_status = EXIT_WAITING;
}

static bool is_asked_for(const struct stk_cli *cli, const json_t *session)
{
    const char *name = stk_answer_text(session, "name");
    return cli->args.word_count == 0 || (name != NULL && strcmp(name, cli->args.words[0]) == 0);
}

static void add_one(struct stk_cli *cli, const json_t *session)
{
    if (cli->json) {
        stk_cli_add_json(cli, session);
    } else if (cli->quiet) {
        stk_value_add(&cli->out, json_object_get(session, "name"));
        stk_buf_addc(&cli->out, '\n');
    } else {
        add_session(cli, session);
    }
}

static enum stk_rc run_status(struct stk_cli *cli, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *answer = NULL;
    enum stk_rc rc = stk_cli_get(cli, "/sessions", &answer, err);
    if (rc != STK_OK) return rc;

    const json_t *sessions = json_object_get(answer, "sessions");
    size_t i = 0, found = 0;
    const json_t *session = NULL;
    json_array_foreach(sessions, i, session)
    {
        if (!is_asked_for(cli, session)) continue;
        found++;
        add_one(cli, session);
        set_exit(cli, session);
    }
    if (found > 0) return STK_OK;
    if (cli->args.word_count > 0) {
        return stk_fail(err, STK_NOT_FOUND, "stoker.yaml has no session \"%s\"",
                        cli->args.words[0]);
    }
    if (!cli->json && !cli->quiet) {
        stk_buf_adds(&cli->out, "no sessions: stoker.yaml names them under sessions:\n");
    }
    return STK_OK;
}

const struct stk_command_info stk_cli_session_status = {
    .name = "session status",
    .synopsis = "[NAME]",
    .summary = "say how the sessions stand, and when they end",
    .description = "The exit status is for cron: 0 all are open, 77 a person is needed, 75 closed "
                   "and going on by itself.",
    .words_max = 1,
    .run = run_status,
};

/* --- what a person does --------------------------------------------------------- */

static enum stk_rc post(struct stk_cli *cli, json_t *body, struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf path = STK_BUF_INIT;
    STK_CLEANUP(stk_json_freep) json_t *answer = NULL;
    const char *reason = stk_args_text(&cli->args, "reason");

    stk_buf_adds(&path, "/sessions/");
    stk_query_segment(&path, cli->args.words[0]);
    stk_buf_addf(&path, "/%s", cli->command->name + strlen("session "));
    cli->may_create = true;
    if (reason != NULL) (void)json_object_set_new(body, "reason", json_string(reason));
    enum stk_rc rc = stk_cli_post(cli, stk_buf_str(&path), body, &answer, err);
    if (rc == STK_OK && (cli->json || !cli->quiet)) add_one(cli, answer);
    return rc;
}

static enum stk_rc run_act(struct stk_cli *cli, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *body = json_object();
    return post(cli, body, err);
}

/* The credential on stdin: never in argv, where every user of a machine reads it. */
static enum stk_rc read_stdin(struct stk_buf *secret, struct stk_error *err)
{
    char chunk[4096];
    for (;;) {
        ssize_t got = read(STDIN_FILENO, chunk, sizeof(chunk));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return stk_fail(err, STK_INVALID, "could not read the credential from stdin");
        if (got == 0) break;
        stk_buf_add(secret, chunk, (size_t)got);
        explicit_bzero(chunk, sizeof(chunk));
        if (secret->len > STK_SECRET_BYTES_MAX) {
            return stk_fail(err, STK_TOO_LARGE, "a credential has at most %d bytes",
                            STK_SECRET_BYTES_MAX);
        }
    }
    while (secret->len > 0 && strchr("\r\n", secret->data[secret->len - 1]) != NULL) {
        secret->data[--secret->len] = '\0';
    }
    if (secret->len == 0) return stk_fail(err, STK_INVALID, "there is no credential on stdin");
    if (memchr(secret->data, '\0', secret->len) != NULL ||
        !stk_utf8_is_valid(secret->data, secret->len)) {
        return stk_fail(err, STK_INVALID, "the credential on stdin is no text");
    }
    return STK_OK;
}

static enum stk_rc run_import(struct stk_cli *cli, struct stk_error *err)
{
    STK_CLEANUP(stk_buf_wipep) struct stk_buf secret = STK_BUF_INIT;
    STK_CLEANUP(stk_json_freep) json_t *body = json_object();
    if (isatty(STDIN_FILENO)) {
        (void)fprintf(stderr, "paste the credential, then a new line and Ctrl-D\n");
    }
    enum stk_rc rc = read_stdin(&secret, err);
    if (rc != STK_OK) return rc;
    (void)json_object_set_new(body, "secret", json_stringn(secret.data, secret.len));
    return post(cli, body, err);
}

static const struct stk_option options[] = {
    { .name = "reason", .value = "TEXT", .help = "why; it is kept in the audit" },
    { .name = NULL },
};

#define VERB_COMMAND(verb, how, right, text, more)           \
    const struct stk_command_info stk_cli_session_##verb = { \
        .name = "session " #verb,                            \
        .synopsis = "NAME [--reason TEXT]",                  \
        .summary = text,                                     \
        .description = more,                                 \
        .words_min = 1,                                      \
        .words_max = 1,                                      \
        .options = options,                                  \
        .run = run_##how,                                    \
    };
STK_SESSION_VERB_MAP(VERB_COMMAND)
