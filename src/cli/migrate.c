/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "cli/commands.h"
#include "store/store.h"

static const struct stk_example examples[] = {
    { "stoker migrate", "bring the database to the schema of this stoker" },
    { NULL, NULL },
};

static enum stk_rc fail_owned(const struct stk_owner *owner, struct stk_error *err)
{
    return stk_fail(err, STK_BUSY,
                    "%s (pid %" PRId64 " on %s) has the database open, and has migrated it when it "
                    "started",
                    owner->command, owner->pid, owner->host);
}

static enum stk_rc run(struct stk_cli *cli, struct stk_error *err)
{
    const struct stk_store_options options = { .command = "stoker migrate" };
    const struct stk_settings *settings = NULL;
    STK_CLEANUP(stk_store_closep) struct stk_store *store = NULL;
    struct stk_owner owner = { .pid = 0 };
    int before = 0;
    int have = 0;
    int newest = 0;

    enum stk_rc rc = stk_cli_settings(cli, false, &settings, err);
    if (rc != STK_OK) return rc;
    if (stk_store_owner(settings->store, &owner, NULL) == STK_OK) return fail_owned(&owner, err);
    rc = stk_store_open(settings->store, &options, &store, err);
    if (rc == STK_OK) rc = stk_store_versions(store, &before, &have, &newest, err);
    if (rc != STK_OK) return rc;

    if (cli->json) {
        stk_buf_addf(&cli->out, "{\"before\":%d,\"have\":%d,\"newest\":%d}\n", before, have,
                     newest);
    } else if (!cli->quiet && before == have) {
        stk_buf_addf(&cli->out,
                     "the schema is version %d, the newest of this stoker: nothing to "
                     "do\n",
                     have);
    } else if (!cli->quiet) {
        stk_buf_addf(&cli->out,
                     "the schema was version %d and is now %d, the newest of this "
                     "stoker\n",
                     before, have);
    }
    return STK_OK;
}

const struct stk_command_info stk_cli_migrate = {
    .name = "migrate",
    .synopsis = "",
    .summary = "bring the schema of the database to the newest version",
    .description = "Every command that opens the database does so; this one only says what it was. "
                   "There is no way back to an older stoker: keep a copy of the file.",
    .examples = examples,
    .run = run,
};
