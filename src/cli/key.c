/* SPDX-License-Identifier: MIT */
#include "cli/answer.h"
#include "cli/commands.h"

static enum stk_rc run(struct stk_cli *cli, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *answer = NULL;
    enum stk_rc rc = stk_cli_post(cli, "/keys/rotate", NULL, &answer, err);
    if (rc != STK_OK) return rc;
    if (cli->json) {
        stk_cli_add_json(cli, answer);
    } else if (!cli->quiet) {
        stk_buf_adds(&cli->out, "a new key; sealed anew: ");
        stk_value_add(&cli->out, json_object_get(answer, "sealed"));
        stk_buf_addc(&cli->out, '\n');
    }
    return STK_OK;
}

const struct stk_command_info stk_cli_key_rotate = {
    .name = "key rotate",
    .synopsis = "",
    .summary = "make a new key and seal all secrets in the database with it",
    .description =
        "The key file (key_file in stoker.yaml) gets a new line on top; the old keys stay "
        "in it for older backups of the database, until you take them out. Nothing has "
        "to be signed in again.",
    .run = run,
};
