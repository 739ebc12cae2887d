/* SPDX-License-Identifier: MIT */
#include "cli/commands.h"

static enum stk_rc run(struct stk_cli *cli, struct stk_error *err)
{
    (void)err;
    stk_buf_adds(&cli->out, cli->json    ? "{\"version\":\"" STK_VERSION "\"}\n"
                            : cli->quiet ? STK_VERSION "\n"
                                         : "stoker " STK_VERSION "\n");
    return STK_OK;
}

const struct stk_command_info stk_cli_version = {
    .name = "version",
    .synopsis = "",
    .summary = "print the version",
    .description = "stoker doctor says more about this machine.",
    .run = run,
};
