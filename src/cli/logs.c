/* SPDX-License-Identifier: MIT */
#include "cli/log_files.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/printer.h"
#include "cli/query.h"
#include "model/shown.h"
#include "store/store.h"

enum { FOLLOW_LINES = 1000 };

static const struct stk_option options[] = {
    { .name = "follow", .help = "go on with the lines to come, until Ctrl-C (needs a pool)" },
    { .name = "worker",
      .value = "W",
      .help = "only this worker: 3 or w3, p2/w3 of pool 2; pool is the pool itself" },
    { .name = "job",
      .value = "ID",
      .is_int = true,
      .min = 1,
      .max = INT64_MAX,
      .help = "only lines of this job" },
    { .name = "lines",
      .value = "N",
      .is_int = true,
      .min = 1,
      .max = 1000,
      .help = "the newest N lines (50)" },
    { .name = NULL },
};

static const struct stk_example examples[] = {
    { "stoker logs --follow", "what all workers do, as it happens" },
    { "stoker logs --job 17 --lines 1000", "all that job 17 printed, as far as it is kept" },
    { NULL, NULL },
};

struct reading {
    char *worker;  /* "w3", as files are named; or NULL */
    char *of_pool; /* "p1/w3": of that pool; or NULL */
    int64_t after, limit;
    bool goes_on;
};

static enum stk_rc fail_worker(const char *text, struct stk_error *err)
{
    STK_CLEANUP(stk_freep) char *shown = stk_shown(text);
    return stk_fail(err, STK_INVALID, "\"%s\" is no worker: write 3, w3, p1/w3 or pool", shown);
}

/* "3", "w3", "pool", or one of them behind "p1/". */
static enum stk_rc read_worker(const char *text, struct reading *reading, struct stk_error *err)
{
    uint32_t number = 0;
    int64_t pool_id = 0;
    const char *slash = strrchr(text, '/');
    const char *worker = slash == NULL ? text : slash + 1;
    STK_CLEANUP(stk_freep) char *pool = stk_strndup(text, (size_t)(worker - text));
    if (slash != NULL) pool[slash - text] = '\0';
    bool is_pool = slash == NULL || (pool[0] == 'p' && stk_parse_i64(pool + 1, &pool_id));
    if (!is_pool) return fail_worker(text, err);

    if (strcmp(worker, "pool") == 0) {
        reading->worker = stk_strdup(worker);
    } else if (stk_parse_u32(worker[0] == 'w' ? worker + 1 : worker, &number)) {
        reading->worker = stk_format("w%" PRIu32, number);
    } else {
        return fail_worker(text, err);
    }
    if (pool_id > 0) reading->of_pool = stk_format("%s/%s", pool, reading->worker);
    return STK_OK;
}

/* --- from the pool ------------------------------------------------------- */

static enum stk_line_kind kind_of(const char *name)
{
    static const char *const names[] = {
#define STK_LINE_ROW(name, mark, what) [STK_LINE_##name] = #name,
        STK_LINE_MAP(STK_LINE_ROW)
#undef STK_LINE_ROW
    };
    for (size_t i = 0; name != NULL && i < STK_ARRAY_LEN(names); i++) {
        if (strcasecmp(names[i], name) == 0) return (enum stk_line_kind)i;
    }
    return STK_LINE_POOL;
}

static void add_line(struct stk_cli *cli, const json_t *answer)
{
    const char *worker = stk_answer_text(answer, "worker");
    const char *text = stk_answer_text(answer, "text");
    const char *pool = stk_answer_text(answer, "pool");
    struct stk_line line = {
        .seq = (uint64_t)stk_answer_int(answer, "seq"),
        .at = stk_answer_time(answer, "at"),
        .job_id = stk_answer_int(answer, "job"),
        .kind = kind_of(stk_answer_text(answer, "kind")),
        .text = text == NULL ? "" : text,
        .len = text == NULL ? 0 : strlen(text),
    };
    if (worker != NULL && worker[0] == 'w') (void)stk_parse_u32(worker + 1, &line.worker);
    if (pool != NULL && pool[0] == 'p') (void)stk_parse_i64(pool + 1, &line.pool_id);
    stk_printer_line_add(&cli->term, cli->json, &line, 0, &cli->out);
}

static enum stk_rc read_pool(struct stk_cli *cli, struct reading *reading, const char *wait,
                             struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf path = STK_BUF_INIT;
    STK_CLEANUP(stk_json_freep) json_t *answer = NULL;
    stk_buf_adds(&path, "/logs");
    stk_query_add_int(&path, "limit", reading->limit);
    stk_query_add_int(&path, "after", reading->after);
    stk_query_add(&path, "worker", reading->of_pool != NULL ? reading->of_pool : reading->worker);
    stk_query_add(&path, "job", stk_args_text(&cli->args, "job"));
    stk_query_add(&path, "wait", wait);
    enum stk_rc rc = stk_cli_get(cli, stk_buf_str(&path), &answer, err);
    if (rc != STK_OK) return rc;

    size_t i = 0;
    const json_t *line = NULL;
    json_array_foreach(json_object_get(answer, "lines"), i, line)
    {
        add_line(cli, line);
    }
    if (stk_answer_int(answer, "lost") > 0 && reading->after > 0 && !cli->json) {
        stk_buf_adds(&cli->out, "... some lines were lost in between ...\n");
    }
    reading->after = stk_answer_int(answer, "last");
    return STK_OK;
}

static enum stk_rc follow(struct stk_cli *cli, struct reading *reading, struct stk_error *err)
{
    reading->limit = FOLLOW_LINES;
    for (;;) {
        enum stk_rc rc = stk_cli_flush(cli, err);
        if (rc == STK_OK) rc = read_pool(cli, reading, "15s", err);
        if (rc != STK_OK) return rc;
    }
}

/* --- from files ---------------------------------------------------------- */

static enum stk_rc read_files(struct stk_cli *cli, const struct stk_settings *settings,
                              const struct reading *reading, struct stk_error *err)
{
    if (reading->goes_on) {
        return stk_fail(err, STK_UNAVAILABLE,
                        "no pool is running, so there is nothing to follow: "
                        "start one with: stoker up");
    }
    const struct stk_log_filter filter = {
        .worker = reading->worker,
        .job_id = stk_args_int(&cli->args, "job", 0),
        .limit = (size_t)reading->limit,
    };
    if (!cli->json) return stk_log_files_read(settings->logs, &filter, &cli->out, err);

    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    enum stk_rc rc = stk_log_files_read(settings->logs, &filter, &text, err);
    for (const char *line = stk_buf_str(&text); rc == STK_OK && *line != '\0';) {
        size_t len = strcspn(line, "\n");
        stk_buf_adds(&cli->out, "{\"line\":");
        stk_json_add_string(&cli->out, line, len);
        stk_buf_adds(&cli->out, "}\n");
        line += len + 1;
    }
    return rc;
}

/* *ret: there is a pool that can be asked. */
static enum stk_rc look_for_pool(struct stk_cli *cli, const struct stk_settings *settings,
                                 bool *ret, struct stk_error *err)
{
    struct stk_owner owner = { .pid = 0 };
    STK_CLEANUP(stk_json_freep) json_t *status = NULL;
    *ret = false;
    if (!stk_store_is_shared(settings->store)) {
        *ret = stk_store_owner(settings->store, &owner, NULL) == STK_OK && owner.serves;
        return STK_OK;
    }
    enum stk_rc rc = stk_cli_get(cli, "/status", &status, err);
    if (rc != STK_OK) return rc;
    size_t i = 0;
    const json_t *pool = NULL;
    json_array_foreach(json_object_get(status, "pools"), i, pool)
    {
        const char *state = stk_answer_text(pool, "state");
        *ret = *ret || (state != NULL && strcmp(state, "lost") != 0);
    }
    return STK_OK;
}

static enum stk_rc read_all(struct stk_cli *cli, struct reading *reading, struct stk_error *err)
{
    const struct stk_settings *settings = NULL;
    bool has_pool = false;
    enum stk_rc rc = stk_cli_settings(cli, false, &settings, err);
    if (rc == STK_OK) rc = look_for_pool(cli, settings, &has_pool, err);
    if (rc != STK_OK) return rc;
    if (!has_pool) return read_files(cli, settings, reading, err);

    rc = read_pool(cli, reading, NULL, err);
    return rc == STK_OK && reading->goes_on ? follow(cli, reading, err) : rc;
}

static enum stk_rc run(struct stk_cli *cli, struct stk_error *err)
{
    const char *worker = stk_args_text(&cli->args, "worker");
    struct reading reading = {
        .limit = stk_args_int(&cli->args, "lines", 50),
        .goes_on = stk_args_has(&cli->args, "follow"),
    };
    enum stk_rc rc = worker == NULL ? STK_OK : read_worker(worker, &reading, err);
    if (rc == STK_OK) rc = read_all(cli, &reading, err);
    stk_freep(&reading.worker);
    stk_freep(&reading.of_pool);
    return rc;
}

const struct stk_command_info stk_cli_logs = {
    .name = "logs",
    .synopsis = "[--follow] [--worker W] [--job ID] [--lines N]",
    .summary = "show what the workers did, and what their jobs printed",
    .description =
        "While a pool runs it is asked, on a shared database all of them, which ship their lines "
        "while somebody watches; else the files in the log folder here are read. The mark in "
        "front of a line: * a step, > stdout of the job, ! its stderr, # the pool itself.",
    .options = options,
    .examples = examples,
    .run = run,
};
