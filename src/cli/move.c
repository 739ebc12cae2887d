/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "api/peer.h"
#include "base/alloc.h"
#include "cli/commands.h"
#include "cli/meter.h"
#include "model/store_url.h"
#include "store/move/move.h"

static const struct stk_example examples[] = {
    { "stoker move sqlite:stoker.db postgresql://lab@db.example/jobs",
      "all of stoker.db into an empty database" },
    { NULL, NULL },
};

static void draw(void *context, const char *what, int64_t done, int64_t of)
{
    STK_CLEANUP(stk_freep) char *text = stk_format("rows of %s", what);
    stk_meter_draw(context, done, of, text);
}

static void show(struct stk_cli *cli, const struct stk_moved *moved, const char *to)
{
    if (cli->json) {
        stk_buf_addf(&cli->out,
                     "{\"jobs\":%" PRId64 ",\"rows\":%" PRId64 ",\"tables\":%" PRId64
                     ",\"mended\":%" PRId64 "}\n",
                     moved->jobs, moved->rows, moved->tables, moved->mended);
        return;
    }
    if (cli->quiet) return;
    stk_count_add(&cli->out, moved->jobs, "job moved", "jobs moved");
    stk_buf_adds(&cli->out, ", ");
    stk_count_add(&cli->out, moved->rows, "row", "rows");
    stk_buf_addf(&cli->out, " of %" PRId64 " tables, each read back and found the same\n",
                 moved->tables);
    if (moved->mended > 0) {
        stk_count_add(&cli->out, moved->mended, "byte", "bytes");
        stk_buf_adds(&cli->out, " of output that were no UTF-8 are U+FFFD now\n");
    }
    stk_buf_addf(&cli->out, "the queues here are paused; put this into stoker.yaml:\nstore: %s\n",
                 to);
}

static enum stk_rc run(struct stk_cli *cli, struct stk_error *err)
{
    const char *from = cli->args.words[0], *to = cli->args.words[1];
    char actor[STK_PEER_NAME];
    struct stk_meter meter;
    struct stk_moved moved = { .rows = 0 };

    enum stk_rc rc = stk_store_url_check(from, err);
    if (rc == STK_OK) rc = stk_store_url_check(to, err);
    if (rc != STK_OK) return rc;

    stk_peer_name(getuid(), actor);
    stk_meter_init(&meter, &cli->term);
    const struct stk_move_options options = { .from = from,
                                              .to = to,
                                              .command = "stoker move",
                                              .actor = actor,
                                              .progress = draw,
                                              .context = &meter };
    rc = stk_store_move(&options, &moved, err);
    stk_meter_erase(&meter);
    if (rc == STK_OK) show(cli, &moved, to);
    return rc;
}

const struct stk_command_info stk_cli_move = {
    .name = "move",
    .synopsis = "FROM TO",
    .summary = "copy a database from SQLite into PostgreSQL, ids and history too",
    .description =
        "FROM is sqlite:PATH, that no pool works on; TO is postgresql://USER@HOST/DATABASE, a "
        "database that holds no store yet (createdb). All of it goes over in one transaction: "
        "queues, tasks, sweeps, jobs with results and history, sessions with their sealed "
        "secrets, limits, users, tokens, audit, events, notices. Each table is read back and "
        "compared before the commit; when anything differs nothing was moved. Afterwards the "
        "queues of FROM are paused, so that a pool started there by mistake does nothing. The "
        "secrets are sealed with the key file: take it along (key_file in stoker.yaml).",
    .words_min = 2,
    .words_max = 2,
    .examples = examples,
    .run = run,
};
