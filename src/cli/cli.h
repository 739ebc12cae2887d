/* SPDX-License-Identifier: MIT
 *
 * cli - the command line: one const record per command, one table of them.
 *
 * Help, man pages, completion and the check of what was typed are all made from
 * the records. A command asks the API through stk_cli_call and adds what it has
 * to say to cli->out.
 *
 * Memory:  a struct stk_cli lives as long as the command; settings and client
 *          are opened when first asked for and closed by stk_cli_main.
 * Threads: the main thread; `stoker up` starts its own.
 * Errors:  a command returns its first failure; stk_cli_main prints it as
 *          `stoker: SENTENCE` (or JSON) on stderr and makes the exit status.
 */
#ifndef STK_CLI_CLI_H
#define STK_CLI_CLI_H

#include "base/json.h"
#include "cli/args.h"
#include "cli/term.h"
#include "model/settings.h"

struct stk_client;
struct stk_cli;

struct stk_example {
    const char *line; /* what to type; NULL ends the list */
    const char *what; /* what it does */
};

enum { STK_WORDS_ANY = 1000 };

struct stk_command_info {
    const char *name;                   /* "sweep", or two words: "sweep show" */
    const char *synopsis;               /* what follows the name: "TASK NAME=VALUE... [options]" */
    const char *summary;                /* one line, no full stop */
    const char *description;            /* paragraphs, an empty line between two */
    size_t words_min, words_max;        /* how many words it takes behind its name */
    const struct stk_option *options;   /* ended by a NULL name; NULL: none of its own */
    const struct stk_example *examples; /* ended by a NULL line; NULL: none */
    enum stk_rc (*run)(struct stk_cli *cli, struct stk_error *err);
};

struct stk_cli {
    const struct stk_command_info *command;
    struct stk_args args; /* words: those behind the command's name */
    struct stk_term term;
    bool json;          /* --json: the API's objects, one a line */
    bool quiet;         /* --quiet: only ids, one a line */
    bool may_create;    /* set by commands that make the store when it is missing */
    struct stk_buf out; /* goes to stdout at the end, or by stk_cli_flush */
    int exit_status;    /* of a run that returned STK_OK; a command may set it */

    /* For a sweep that is filled in this process; see client.h. */
    bool (*progress)(void *context, int64_t done, int64_t points);
    void *progress_context;
    struct stk_spawner *spawner; /* of a command that may have to run a program itself; or NULL */

    struct stk_settings *settings_;
    struct stk_client *client_;
    struct stk_secret *authorization_;
    char code_[16]; /* of --code; "" none */
    bool is_signed_in_;
    bool reader_left_; /* stdout is closed: end without a word */
};

/* The whole program: argv as main() got it, the exit status back. */
int stk_cli_main(int argc, char **argv);

/* The table, and the options every command has (ended by a NULL name). */
size_t stk_cli_commands(const struct stk_command_info *const **ret);
const struct stk_command_info *stk_cli_find(const char *name);
extern const struct stk_option stk_global_options[];

/* stoker.yaml with --config and --store over it; read once, owned by cli. */
STK_MUST_USE enum stk_rc stk_cli_settings(struct stk_cli *cli, bool must_exist,
                                          const struct stk_settings **ret, struct stk_error *err);

/* Asks for what --as needs, once; calls do it by themselves. First, for a command
 * that reads more from stdin. */
STK_MUST_USE enum stk_rc stk_cli_sign_in(struct stk_cli *cli, struct stk_error *err);

/* One call of the API; *ret is a new reference. `body` is borrowed, may be NULL. */
STK_MUST_USE enum stk_rc stk_cli_get(struct stk_cli *cli, const char *path_query, json_t **ret,
                                     struct stk_error *err);
STK_MUST_USE enum stk_rc stk_cli_post(struct stk_cli *cli, const char *path_query, json_t *body,
                                      json_t **ret, struct stk_error *err);

/* Lets go of a store that this process has opened itself, so that others can
 * have it while this command waits. The next call opens it again. */
void stk_cli_let_go(struct stk_cli *cli);
/* After a call: whether a pool answers, or, on a shared store, one lives. */
bool stk_cli_has_pool(struct stk_cli *cli);

/* Writes cli->out to stdout now. A reader that has left (`| head`) is no error
 * of ours: the command ends quietly. */
STK_MUST_USE enum stk_rc stk_cli_flush(struct stk_cli *cli, struct stk_error *err);

/* The object as one line of JSON. */
void stk_cli_add_json(struct stk_cli *cli, const json_t *value);

#endif
