/* SPDX-License-Identifier: MIT
 *
 * stoker user, token and audit: people, what they may do, and what they did.
 */
#include <string.h>

#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/query.h"
#include "cli/sign_in.h"
#include "cli/table.h"

/* --- shown -------------------------------------------------------------------- */

static void add_renews(struct stk_buf *out, const json_t *user)
{
    const json_t *renews = json_object_get(user, "renews");
    for (size_t i = 0; i < json_array_size(renews); i++) {
        if (i > 0) stk_buf_adds(out, ", ");
        stk_value_add(out, json_array_get(renews, i));
    }
}

static void add_user(struct stk_table *table, const json_t *user)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf renews = STK_BUF_INIT;
    add_renews(&renews, user);
    stk_table_add(table, STK_STYLE_STRONG, stk_answer_text(user, "name"));
    stk_table_add(table, STK_STYLE_PLAIN, stk_answer_text(user, "role"));
    stk_table_add(table, STK_STYLE_PLAIN, stk_buf_str(&renews));
    stk_table_add(table, STK_STYLE_PLAIN,
                  json_is_true(json_object_get(user, "password")) ? "yes" : "no");
    stk_table_add(table, STK_STYLE_DIM, stk_answer_text(user, "created_at"));
}

static void add_names(struct stk_cli *cli, const json_t *rows, const char *member)
{
    size_t i = 0;
    const json_t *row = NULL;
    json_array_foreach(rows, i, row)
    {
        stk_value_add(&cli->out, json_object_get(row, member));
        stk_buf_addc(&cli->out, '\n');
    }
}

static void show_users(struct stk_cli *cli, const json_t *users)
{
    STK_CLEANUP(stk_table_release) struct stk_table table = STK_TABLE_INIT;
    size_t i = 0;
    const json_t *user = NULL;
    stk_table_column(&table, "user", false, true);
    stk_table_column(&table, "role", false, false);
    stk_table_column(&table, "may renew", false, false);
    stk_table_column(&table, "password", false, false);
    stk_table_column(&table, "since", false, false);
    json_array_foreach(users, i, user)
    {
        add_user(&table, user);
    }
    stk_table_render(&table, &cli->term, 0, &cli->out, NULL);
}

static enum stk_rc list(struct stk_cli *cli, const char *path, const char *rows, const char *id,
                        void (*show)(struct stk_cli *cli, const json_t *rows),
                        struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *answer = NULL;
    enum stk_rc rc = stk_cli_get(cli, path, &answer, err);
    if (rc != STK_OK) return rc;
    if (cli->json) {
        stk_cli_add_json(cli, answer);
    } else if (cli->quiet) {
        add_names(cli, json_object_get(answer, rows), id);
    } else {
        show(cli, json_object_get(answer, rows));
    }
    return STK_OK;
}

/* --- users ---------------------------------------------------------------------- */

static enum stk_rc run_list(struct stk_cli *cli, struct stk_error *err)
{
    return list(cli, "/users", "users", "name", show_users, err);
}

static enum stk_rc post(struct stk_cli *cli, const char *name, const char *verb, json_t *body,
                        const char *said, struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf path = STK_BUF_INIT;
    STK_CLEANUP(stk_json_freep) json_t *answer = NULL;
    stk_buf_adds(&path, "/users");
    if (verb != NULL) {
        stk_buf_addc(&path, '/');
        stk_query_segment(&path, name);
        stk_buf_addf(&path, "/%s", verb);
    }
    cli->may_create = true;
    enum stk_rc rc = stk_cli_post(cli, stk_buf_str(&path), body, &answer, err);
    if (rc != STK_OK) return rc;
    if (cli->json) {
        stk_cli_add_json(cli, answer);
    } else if (cli->quiet) {
        stk_buf_addf(&cli->out, "%s\n", name);
    } else {
        stk_buf_addf(&cli->out, "user %s %s\n", name, said);
    }
    return STK_OK;
}

static enum stk_rc put_password(struct stk_cli *cli, const char *name, json_t *body,
                                struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf what = STK_BUF_INIT;
    struct stk_secret *password = NULL;
    stk_buf_addf(&what, "new password of %.64s", name);
    enum stk_rc rc = stk_password_ask(cli, stk_buf_str(&what), true, &password, err);
    if (rc == STK_OK) {
        (void)json_object_set_new(body, "password", json_string(stk_secret_bytes(password)));
    }
    stk_secret_free(password);
    return rc;
}

/* The signing person's password, if there is one, is the first line of stdin. */
static enum stk_rc run_add(struct stk_cli *cli, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *body = json_object();
    const char *name = cli->args.words[0];
    const char *role = stk_args_text(&cli->args, "role");
    json_t *renews = json_array();
    for (size_t i = 0; stk_args_nth(&cli->args, "renew", i) != NULL; i++) {
        (void)json_array_append_new(renews, json_string(stk_args_nth(&cli->args, "renew", i)));
    }
    (void)json_object_set_new(body, "name", json_string(name));
    (void)json_object_set_new(body, "renews", renews);
    if (role != NULL) (void)json_object_set_new(body, "role", json_string(role));

    enum stk_rc rc = stk_cli_sign_in(cli, err);
    if (rc == STK_OK && !stk_args_has(&cli->args, "no-password")) {
        rc = put_password(cli, name, body, err);
    }
    return rc == STK_OK ? post(cli, name, NULL, body, "made", err) : rc;
}

static enum stk_rc run_password(struct stk_cli *cli, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *body = json_object();
    enum stk_rc rc = stk_cli_sign_in(cli, err);
    if (rc == STK_OK) rc = put_password(cli, cli->args.words[0], body, err);
    if (rc != STK_OK) return rc;
    return post(cli, cli->args.words[0], "password", body, "has a new password", err);
}

static enum stk_rc change_right(struct stk_cli *cli, const char *verb, const char *said,
                                struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *body = json_object();
    const char *renew = stk_args_text(&cli->args, "renew");
    const char *role = stk_args_text(&cli->args, "role");
    if (renew != NULL) (void)json_object_set_new(body, "renew", json_string(renew));
    if (role != NULL) (void)json_object_set_new(body, "role", json_string(role));
    return post(cli, cli->args.words[0], verb, body, said, err);
}

static enum stk_rc run_grant(struct stk_cli *cli, struct stk_error *err)
{
    return change_right(cli, "grant", "has the right", err);
}

static enum stk_rc run_revoke(struct stk_cli *cli, struct stk_error *err)
{
    return change_right(cli, "revoke", "has the right no more", err);
}

static enum stk_rc run_totp(struct stk_cli *cli, struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf path = STK_BUF_INIT;
    STK_CLEANUP(stk_json_freep) json_t *answer = NULL;
    bool off = stk_args_has(&cli->args, "off");
    STK_CLEANUP(stk_json_freep) json_t *body = json_pack("{s:b}", "off", (int)off);
    stk_buf_adds(&path, "/users/");
    stk_query_segment(&path, cli->args.words[0]);
    stk_buf_adds(&path, "/totp");
    enum stk_rc rc = stk_cli_post(cli, stk_buf_str(&path), body, &answer, err);
    if (rc != STK_OK) return rc;
    if (cli->json) {
        stk_cli_add_json(cli, answer);
    } else if (off) {
        stk_buf_addf(&cli->out, "user %s signs in without a code\n", cli->args.words[0]);
    } else {
        stk_value_add(&cli->out, json_object_get(answer, "uri"));
        stk_buf_adds(&cli->out, "\n");
        if (!cli->quiet)
            stk_buf_adds(&cli->out, "it is shown this once: give it to an authenticator app\n");
    }
    return STK_OK;
}

static enum stk_rc run_remove(struct stk_cli *cli, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *body = json_object();
    return post(cli, cli->args.words[0], "remove", body, "removed, with all tokens", err);
}

#define ROLES "viewer|researcher|operator|admin"
static const struct stk_option add_options[] = {
    { .name = "role", .value = ROLES, .help = "what they may do (viewer)" },
    { .name = "renew", .value = "SESSION", .help = "they may renew it; * is all; may be repeated" },
    { .name = "no-password", .help = "they sign in with tokens only" },
    { .name = NULL },
};
static const struct stk_option grant_options[] = {
    { .name = "renew", .value = "SESSION", .help = "they may renew it; * is all" },
    { .name = "role", .value = ROLES, .help = "what they may do" },
    { .name = NULL },
};
static const struct stk_option revoke_options[] = {
    { .name = "renew", .value = "SESSION", .help = "they may not renew it any more" },
    { .name = NULL },
};

const struct stk_command_info stk_cli_user_list = {
    .name = "user list",
    .synopsis = "",
    .summary = "list people, their roles and which sessions they may renew",
    .description = "viewer sees everything; researcher submits, retries and cancels jobs; operator "
                   "pauses queues and sessions and sets limits; admin makes users and tokens. The "
                   "right to renew a session stands beside the roles.",
    .run = run_list,
};
const struct stk_command_info stk_cli_user_add = {
    .name = "user add",
    .synopsis = "NAME [--role ROLE] [--renew SESSION]... [--password-stdin]",
    .summary = "make a user",
    .description = "The password is asked on the terminal, twice, or is a line of stdin with "
                   "--password-stdin (the second one, when --as takes the first).",
    .words_min = 1,
    .words_max = 1,
    .options = add_options,
    .run = run_add,
};
const struct stk_command_info stk_cli_user_grant = {
    .name = "user grant",
    .synopsis = "NAME [--renew SESSION] [--role ROLE]",
    .summary = "give a user the right to renew a session, or another role",
    .description = "It holds at once.",
    .words_min = 1,
    .words_max = 1,
    .options = grant_options,
    .run = run_grant,
};
const struct stk_command_info stk_cli_user_revoke = {
    .name = "user revoke",
    .synopsis = "NAME --renew SESSION",
    .summary = "take the right to renew a session",
    .description = "What was renewed stays open until its end.",
    .words_min = 1,
    .words_max = 1,
    .options = revoke_options,
    .run = run_revoke,
};
const struct stk_command_info stk_cli_user_password = {
    .name = "user password",
    .synopsis = "NAME [--password-stdin]",
    .summary = "set a password; everybody may set their own",
    .description = "It also ends the wait after wrong ones.",
    .words_min = 1,
    .words_max = 1,
    .run = run_password,
};
static const struct stk_option totp_options[] = {
    { .name = "off", .help = "sign in without a code again" },
    { .name = NULL },
};

const struct stk_command_info stk_cli_user_totp = {
    .name = "user totp",
    .synopsis = "NAME [--off]",
    .summary = "sign in with a code too: prints what an authenticator app needs",
    .description = "From then on --as NAME needs --code: six digits that change every 30 seconds, "
                   "each good once. Everybody may do it for themselves.",
    .words_min = 1,
    .words_max = 1,
    .options = totp_options,
    .run = run_totp,
};
const struct stk_command_info stk_cli_user_remove = {
    .name = "user remove",
    .synopsis = "NAME",
    .summary = "remove a user, with all tokens",
    .description = "What they did stays in the audit.",
    .words_min = 1,
    .words_max = 1,
    .run = run_remove,
};

/* --- tokens ------------------------------------------------------------------------ */

static void show_tokens(struct stk_cli *cli, const json_t *tokens)
{
    static const char *const members[] = { "user", "label", "created_at", "expires_at" };
    STK_CLEANUP(stk_table_release) struct stk_table table = STK_TABLE_INIT;
    size_t i = 0;
    const json_t *token = NULL;
    stk_table_column(&table, "id", true, true);
    for (size_t m = 0; m < STK_ARRAY_LEN(members); m++) {
        stk_table_column(&table, members[m], false, false);
    }
    json_array_foreach(tokens, i, token)
    {
        stk_table_number(&table, stk_answer_int(token, "id"));
        for (size_t m = 0; m < STK_ARRAY_LEN(members); m++) {
            const char *text = stk_answer_text(token, members[m]);
            stk_table_add(&table, STK_STYLE_PLAIN, text != NULL ? text : "");
        }
    }
    stk_table_render(&table, &cli->term, 0, &cli->out, NULL);
}

static enum stk_rc run_token_list(struct stk_cli *cli, struct stk_error *err)
{
    return list(cli, "/tokens", "tokens", "id", show_tokens, err);
}

static enum stk_rc run_token_add(struct stk_cli *cli, struct stk_error *err)
{
    static const struct {
        const char *option, *member;
    } names[] = { { "user", "user" }, { "label", "label" }, { "expires", "expires_in" } };
    STK_CLEANUP(stk_json_freep) json_t *body = json_object();
    STK_CLEANUP(stk_json_freep) json_t *answer = NULL;
    for (size_t i = 0; i < STK_ARRAY_LEN(names); i++) {
        const char *text = stk_args_text(&cli->args, names[i].option);
        if (text != NULL) (void)json_object_set_new(body, names[i].member, json_string(text));
    }
    cli->may_create = true;
    enum stk_rc rc = stk_cli_post(cli, "/tokens", body, &answer, err);
    if (rc != STK_OK) return rc;
    if (cli->json) {
        stk_cli_add_json(cli, answer);
        return STK_OK;
    }
    stk_value_add(&cli->out, json_object_get(answer, "token"));
    stk_buf_addc(&cli->out, '\n');
    if (!cli->quiet) stk_buf_adds(&cli->out, "it is shown this once: put it into STOKER_TOKEN\n");
    return STK_OK;
}

static enum stk_rc run_token_remove(struct stk_cli *cli, struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf path = STK_BUF_INIT;
    STK_CLEANUP(stk_json_freep) json_t *answer = NULL;
    stk_buf_adds(&path, "/tokens/");
    stk_query_segment(&path, cli->args.words[0]);
    stk_buf_adds(&path, "/remove");
    enum stk_rc rc = stk_cli_post(cli, stk_buf_str(&path), NULL, &answer, err);
    if (rc != STK_OK) return rc;
    if (cli->json) stk_cli_add_json(cli, answer);
    if (!cli->json && !cli->quiet) {
        stk_buf_addf(&cli->out, "token %s removed\n", cli->args.words[0]);
    }
    return STK_OK;
}

static const struct stk_option token_options[] = {
    { .name = "user", .value = "NAME", .help = "whose it is" },
    { .name = "label", .value = "TEXT", .help = "what it is for" },
    { .name = "expires",
      .value = "DURATION",
      .help = "from now on, such as 90d; else it has no end" },
    { .name = NULL },
};

const struct stk_command_info stk_cli_token_list = {
    .name = "token list",
    .synopsis = "",
    .summary = "list tokens: whose, for what, until when",
    .description = "Not what they are: the database has only their hashes.",
    .run = run_token_list,
};
const struct stk_command_info stk_cli_token_add = {
    .name = "token add",
    .synopsis = "--user NAME [--label TEXT] [--expires DURATION]",
    .summary = "make a token for a program: it acts in the user's name",
    .description = "With --quiet only the token is printed.",
    .options = token_options,
    .run = run_token_add,
};
const struct stk_command_info stk_cli_token_remove = {
    .name = "token remove",
    .synopsis = "ID",
    .summary = "remove a token: it is worth nothing any more",
    .description = "The ids are those of stoker token list.",
    .words_min = 1,
    .words_max = 1,
    .run = run_token_remove,
};

/* --- the audit ------------------------------------------------------------------------ */

static void show_audit(struct stk_cli *cli, const json_t *rows)
{
    static const char *const members[] = { "at", "by", "action", "subject", "reason" };
    STK_CLEANUP(stk_table_release) struct stk_table table = STK_TABLE_INIT;
    size_t i = 0;
    const json_t *row = NULL;
    for (size_t m = 0; m < STK_ARRAY_LEN(members); m++) {
        stk_table_column(&table, members[m], false, m == 4);
    }
    json_array_foreach(rows, i, row)
    {
        for (size_t m = 0; m < STK_ARRAY_LEN(members); m++) {
            const char *text = stk_answer_text(row, members[m]);
            stk_table_add(&table, m == 0 ? STK_STYLE_DIM : STK_STYLE_PLAIN,
                          text != NULL ? text : "");
        }
    }
    stk_table_render(&table, &cli->term, 0, &cli->out, NULL);
}

static enum stk_rc run_audit(struct stk_cli *cli, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *answer = NULL;
    if (!stk_args_has(&cli->args, "verify")) {
        return list(cli, "/audit", "audit", "id", show_audit, err);
    }
    enum stk_rc rc = stk_cli_get(cli, "/audit?verify=true", &answer, err);
    if (rc != STK_OK) return rc;
    if (cli->json) {
        stk_cli_add_json(cli, answer);
        return STK_OK;
    }
    stk_value_add(&cli->out, json_object_get(answer, "verified"));
    stk_buf_adds(&cli->out, cli->quiet ? "\n" : " rows, and each fits the one before it\n");
    return STK_OK;
}

static const struct stk_option audit_options[] = {
    { .name = "verify", .help = "check the chain of hashes instead" },
    { .name = NULL },
};

const struct stk_command_info stk_cli_audit = {
    .name = "audit",
    .synopsis = "[--verify]",
    .summary = "show who did what to sessions and people, newest first",
    .description = "Each row holds a hash of itself and the one before, so that a row that was "
                   "changed or taken out later is found by --verify.",
    .options = audit_options,
    .run = run_audit,
};
