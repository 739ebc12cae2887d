/* SPDX-License-Identifier: MIT
 *
 * bench - how fast this program is on this machine, in a store of its own.
 *
 * One number in one run says little, as machines are noisy: bench/run of the
 * source tree runs each of these beside its yardstick and compares ratios.
 */
#include "cli/bench.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "cli/commands.h"
#include "cli/table.h"

static const struct {
    const char *name, *what;
    enum stk_executor executor;
    int64_t jobs;
    uint32_t workers;
    enum stk_rc (*run)(struct stk_bench *bench, struct stk_error *err);
} benches[] = {
#define BENCH_ROW(name, executor, jobs, workers, what) \
    { #name, what, STK_EXECUTOR_##executor, jobs, workers, stk_bench_##name },
    STK_BENCH_MAP(BENCH_ROW)
#undef BENCH_ROW
};

static const struct stk_option options[] = {
    { .name = "jobs",
      .value = "N",
      .is_int = true,
      .min = 1,
      .max = 100 * 1000 * 1000,
      .help = "how many jobs, submits, renewals or points" },
    { .name = "workers",
      .value = "N",
      .is_int = true,
      .min = 1,
      .max = STK_WORKERS_MAX,
      .help = "how many workers, of each pool; submit: clients" },
    { .name = "pools",
      .value = "N",
      .is_int = true,
      .min = 1,
      .max = 64,
      .help = "noop, wake, steady: how many pools of the store of --store (1)" },
    { .name = "seconds",
      .value = "N",
      .is_int = true,
      .min = 1,
      .max = 3600,
      .help = "idle, steady: how long to watch (10)" },
    { .name = "silent", .help = "submit: no pool is told of new jobs" },
    { .name = "beside", .value = "URL", .help = "scale with --store: the other, small store" },
    { .name = "dir",
      .value = "FOLDER",
      .help = "where the store lies meanwhile; its disk is what is measured (here)" },
    { .name = NULL },
};

static const struct stk_example examples[] = {
    { "stoker bench noop --jobs 100000 --workers 32", "no-op jobs a second with 32 workers" },
    { "stoker bench latency --json", "from a submit to the start of its attempt, as JSON" },
    { "stoker bench noop --store 'postgresql:///bench?host=/run/postgresql'",
      "the same in an empty PostgreSQL database" },
    { NULL, NULL },
};

/* --- a place of its own -------------------------------------------------- */

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *place)
{
    (void)info, (void)type, (void)place;
    return remove(path);
}

/* What cannot be removed is left lying: the measurement stands all the same. */
static void release(struct stk_bench *bench)
{
    if (bench->dir != NULL) (void)nftw(bench->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(bench->dir);
    stk_settings_free(bench->settings);
    json_decref(bench->answer);
}

static enum stk_rc make_dir(struct stk_bench *bench, const char *parent, struct stk_error *err)
{
    char resolved[PATH_MAX];
    if (realpath(parent, resolved) == NULL) {
        return stk_fail(err, STK_NOT_FOUND, "could not use the folder %s: %s", parent,
                        strerror(errno));
    }
    STK_CLEANUP(stk_freep) char *path = stk_format("%s/stoker-bench-XXXXXX", resolved);
    if (mkdtemp(path) == NULL) {
        return stk_fail(err, STK_UNAVAILABLE, "could not make a folder in %s: %s", resolved,
                        strerror(errno));
    }
    bench->dir = path;
    path = NULL;
    return STK_OK;
}

/* No stoker.yaml can name the no-op executor: it is put in afterwards. */
static enum stk_rc make_settings(struct stk_bench *bench, enum stk_executor executor,
                                 struct stk_error *err)
{
    static const char text[] = "tasks:\n"
                               "  bench:\n"
                               "    command: [/bin/true]\n"
                               "    params: {a: int, b: int}\n"
                               "sessions:\n"
                               "  duty: {provider: operator, lifetime: 300ms}\n";
    STK_CLEANUP(stk_config_closep) struct stk_node *root = NULL;
    enum stk_rc rc = stk_config_parse("bench", text, sizeof(text) - 1, &root, err);
    if (rc == STK_OK) rc = stk_settings_read(root, bench->dir, &bench->settings, err);
    if (rc != STK_OK) return rc;

    STK_CLEANUP(stk_freep)
    char *url = bench->store != NULL ? stk_strdup(bench->store) : stk_bench_url(bench, "stoker");
    stk_settings_set_store(bench->settings, url);
    bench->settings->tasks[0].executor = executor;
    return STK_OK;
}

static enum stk_rc check_place(const char *url, struct stk_error *err)
{
    if (!stk_store_is_shared(url)) {
        return stk_fail(err, STK_INVALID,
                        "a benchmark makes an SQLite file of its own: say with --dir where");
    }
    return stk_bench_must_be_empty(url, err);
}

static enum stk_rc check_places(const struct stk_bench *bench, struct stk_error *err)
{
    if (bench->store == NULL && (bench->pools > 1 || bench->beside != NULL)) {
        return stk_fail(err, STK_INVALID,
                        "--pools and --beside go with a PostgreSQL database: --store");
    }
    enum stk_rc rc = bench->store != NULL ? check_place(bench->store, err) : STK_OK;
    if (rc == STK_OK && bench->beside != NULL) rc = check_place(bench->beside, err);
    return rc;
}

/* --- the command --------------------------------------------------------- */

static enum stk_rc find(const char *name, size_t *ret, struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf names = STK_BUF_INIT;
    for (size_t i = 0; i < STK_ARRAY_LEN(benches); i++) {
        stk_buf_addf(&names, "%s%s", i > 0 ? ", " : "", benches[i].name);
        if (strcmp(benches[i].name, name) != 0) continue;
        *ret = i;
        return STK_OK;
    }
    return stk_fail(err, STK_INVALID, "there is no such benchmark; there are %s",
                    stk_buf_str(&names));
}

static void show_answer(struct stk_cli *cli, json_t *answer)
{
    STK_CLEANUP(stk_table_release) struct stk_table table = STK_TABLE_INIT;
    const char *name = NULL;
    json_t *value = NULL;
    stk_table_column(&table, "measured", false, false);
    stk_table_column(&table, "", true, false);
    json_object_foreach(answer, name, value)
    {
        STK_CLEANUP(stk_freep) char *text = stk_json_text(value);
        stk_table_add(&table, STK_STYLE_PLAIN, name);
        stk_table_add(&table, STK_STYLE_STRONG,
                      json_is_string(value) ? json_string_value(value) : text);
    }
    stk_table_render(&table, &cli->term, 0, &cli->out, NULL);
}

static enum stk_rc run(struct stk_cli *cli, struct stk_error *err)
{
    size_t which = 0;
    enum stk_rc rc = find(cli->args.words[0], &which, err);
    if (rc != STK_OK) return rc;

    STK_CLEANUP(release)
    struct stk_bench bench = {
        .jobs = stk_args_int(&cli->args, "jobs", benches[which].jobs),
        .workers = (uint32_t)stk_args_int(&cli->args, "workers", benches[which].workers),
        .pools = (uint32_t)stk_args_int(&cli->args, "pools", 1),
        .store = stk_args_text(&cli->args, "store"),
        .beside = stk_args_text(&cli->args, "beside"),
        .silent = stk_args_has(&cli->args, "silent"),
        .span_ns = stk_args_int(&cli->args, "seconds", 10) * STK_SECOND,
        .answer = json_object(),
    };
    (void)json_object_set_new(bench.answer, "bench", json_string(benches[which].name));
    stk_bench_add_int(&bench, "jobs", bench.jobs);
    stk_bench_add_int(&bench, "workers", bench.workers);
    stk_bench_add_int(&bench, "pools", bench.pools);

    stk_log_level_set(STK_WARN); /* the server's coming and going is of no interest here */
    const char *parent = stk_args_text(&cli->args, "dir");
    rc = check_places(&bench, err);
    if (rc == STK_OK) rc = make_dir(&bench, parent != NULL ? parent : ".", err);
    if (rc == STK_OK) rc = make_settings(&bench, benches[which].executor, err);
    if (rc == STK_OK) rc = benches[which].run(&bench, err);
    if (rc != STK_OK) return rc;

    if (cli->json) {
        stk_cli_add_json(cli, bench.answer);
    } else {
        show_answer(cli, bench.answer);
    }
    return STK_OK;
}

const struct stk_command_info stk_cli_bench = {
    .name = "bench",
    .synopsis = "noop|spawn|latency|wake|sweep|scale|idle|submit|steady [--jobs N] [--workers N] "
                "[--dir FOLDER | --store URL]",
    .summary = "measure how fast stoker is on this machine",
    .description = "Makes a store of its own in a fresh folder, measures, and removes it. With "
                   "--store it measures in that PostgreSQL database, which must hold no jobs yet, "
                   "and leaves them there.\n\n"
                   "noop: no-op jobs drained a second, results kept. spawn: jobs that run "
                   "/bin/true. latency: from "
                   "a submit over the socket to the start of its attempt, beside the time of one "
                   "durable commit. wake: from the renewal of a session (as many as --jobs) to the "
                   "start of the last of all workers that waited for it. "
                   "sweep: points submitted a second. scale: what a claim, stoker status and "
                   "stoker jobs cost with "
                   "ten million jobs pending (some minutes, some 4 GB). idle: memory and CPU of a "
                   "pool without "
                   "work, fresh and after some jobs. submit: jobs submitted one by one by many "
                   "clients of a PostgreSQL database. steady: no-op jobs a second while new ones "
                   "come, at the beginning and at the end of --seconds.\n\n"
                   "The worker consoles are off but in idle. One number says little on a machine "
                   "that does other "
                   "things: bench/run in the source tree compares ratios over several rounds.",
    .words_min = 1,
    .words_max = 1,
    .options = options,
    .examples = examples,
    .run = run,
};
