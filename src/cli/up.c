/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/timetext.h"
#include "cli/commands.h"
#include "cli/printer.h"
#include "cli/service.h"
#include "server/server.h"

#define PATIENCE (10 * STK_SECOND)

static const struct stk_option options[] = {
    { .name = "workers",
      .value = "N",
      .is_int = true,
      .min = 1,
      .max = STK_WORKERS_MAX,
      .help = "how many jobs run at the same time (workers in stoker.yaml, 8)" },
    { .name = "drain", .help = "end when nothing is left that could run" },
    { .name = "idle-exit",
      .value = "DURATION",
      .help = "end when no job has run for so long, whatever the others wait for (30m)" },
    { .name = NULL },
};

static const struct stk_example examples[] = {
    { "stoker up", "work until Ctrl-C" },
    { "stoker up --drain", "work off what is there, then end" },
    { "stoker up --idle-exit 30m", "one of a fleet that shrinks by itself" },
    { NULL, NULL },
};

struct up {
    struct stk_cli *cli;
    const struct stk_settings *settings;
    struct stk_spawner *spawner;
    struct stk_pool *pool;
    struct stk_server *server;
    struct stk_printer *printer;
    struct stk_service *service;
    struct stk_api api;
    char *socket;
    uint32_t workers;
    stk_time_ns started_at;
    int stops_asked;
};

/* --- what is said -------------------------------------------------------- */

static void add_tasks(const struct stk_settings *settings, struct stk_buf *out)
{
    if (settings->task_count == 0) stk_buf_adds(out, "none: no job can run");
    for (size_t i = 0; i < settings->task_count; i++) {
        stk_buf_addf(out, "%s%s", i > 0 ? ", " : "", settings->tasks[i].name);
    }
}

static const char *logs_of(const struct up *up)
{
    return stk_consoles_dir(stk_pool_consoles(up->pool));
}

static void add_logs(const struct up *up, struct stk_buf *out)
{
    bool is_usual = strcmp(logs_of(up), up->settings->logs) == 0;
    stk_buf_addf(out, "  logs         %s", logs_of(up));
    if (!is_usual) stk_buf_addf(out, " (another pool writes to %s)", up->settings->logs);
    stk_buf_addc(out, '\n');
}

static void add_head(const struct up *up, struct stk_buf *out)
{
    struct stk_pool_view view;
    stk_pool_view(up->pool, &view);
    stk_buf_addf(out, "stoker %s\n", STK_VERSION);
    stk_buf_addf(out, "  store        %s\n", up->settings->store);
    stk_buf_addf(out, "  pool         p%" PRId64 ", pid %ld, ", view.id, (long)getpid());
    stk_count_add(out, up->workers, "worker", "workers");
    stk_buf_addf(out, "\n  containment  %s\n",
                 view.containment == NULL ? "none" : view.containment);
    stk_buf_adds(out, "  tasks        ");
    add_tasks(up->settings, out);
    stk_buf_addc(out, '\n');
    if (up->socket != NULL) stk_buf_addf(out, "  socket       %s\n", up->socket);
    add_logs(up, out);
    stk_buf_addf(out,
                 "  stop         Ctrl-C, or kill %ld: running jobs are finished first; "
                 "twice: at once\n",
                 (long)getpid());
}

static void add_head_json(const struct up *up, struct stk_buf *out)
{
    struct stk_pool_view view;
    stk_pool_view(up->pool, &view);
    STK_CLEANUP(stk_freep) char *pool = stk_format("p%" PRId64, view.id);
    STK_CLEANUP(stk_json_freep)
    json_t *head = json_pack("{s:{s:s, s:s, s:I, s:I, s:s?, s:s?, s:s}}", "started", "store",
                             up->settings->store, "pool", pool, "pid", (json_int_t)getpid(),
                             "workers", (json_int_t)up->workers, "containment", view.containment,
                             "socket", up->socket, "logs", logs_of(up));
    stk_json_add(out, head);
    stk_buf_addc(out, '\n');
}

static enum stk_rc read_counts(struct stk_store *store, void *arg, struct stk_error *err)
{
    return stk_store_counts(store, 0, arg, err);
}

static void add_summary(const struct up *up, struct stk_buf *out)
{
    struct stk_counts counts = { { 0 } };
    struct stk_access access = stk_pool_access(up->pool);
    char text[STK_DURATION_TEXT];
    stk_duration_text(stk_clock_mono() - up->started_at, text);
    if (stk_read(&access, read_counts, &counts, NULL) != STK_OK) {
        if (!up->cli->json) stk_buf_addf(out, "stopped after %s\n", text);
        return;
    }

    struct stk_pool_view view;
    stk_pool_view(up->pool, &view);
    int64_t pending = counts.of[STK_STATE_PENDING];
    if (up->cli->json) {
        stk_buf_addf(out,
                     "{\"ended\":{\"completed\":%" PRId64 ",\"failed\":%" PRId64
                     ",\"pending\":%" PRId64 "}}\n",
                     view.completed, view.failed, pending);
        return;
    }
    stk_buf_addf(out, "stopped after %s: ", text);
    stk_count_add(out, view.completed, "job completed, ", "jobs completed, ");
    stk_number_add(out, view.failed);
    stk_buf_adds(out, " failed, ");
    stk_number_add(out, pending);
    stk_buf_adds(out, " left pending\n");
}

/* Log lines become lines of the pool's console, which has a time stamp of its
 * own; with --quiet nobody prints that, so what matters goes to stderr too. */
static void log_to_console(void *context, enum stk_log_level level, const char *line)
{
    const struct up *up = context;
    const char *blank = strchr(line, ' ');
    const char *text = blank == NULL ? line : blank + 1;
    stk_console_add(stk_pool_consoles(up->pool), 0, 0, STK_LINE_POOL, text, strlen(text));
    bool matters = level == STK_ERROR || level == STK_WARN;
    if (matters && up->cli->quiet) (void)fprintf(stderr, "%s\n", line);
}

/* --- signals ------------------------------------------------------------- */

static void stop_signals(sigset_t *set)
{
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGTERM);
    (void)sigaddset(set, SIGINT);
    (void)sigaddset(set, SIGHUP);
    (void)sigaddset(set, SIGUSR1);
}

static void ask_to_stop(struct up *up)
{
    struct stk_consoles *consoles = stk_pool_consoles(up->pool);
    struct stk_pool_view view;
    char grace[STK_DURATION_TEXT];
    stk_pool_view(up->pool, &view);
    stk_duration_text(up->settings->grace_ns, grace);

    up->stops_asked++;
    if (up->stops_asked == 1) stk_service_stopping();
    if (up->stops_asked == 1 && view.busy > 0) {
        stk_console_addf(consoles, 0, 0, STK_LINE_POOL,
                         "stopping: %" PRIu32
                         " running job%s may finish, for %s at most; again: at "
                         "once",
                         view.busy, view.busy == 1 ? "" : "s", grace);
    } else if (up->stops_asked == 1) {
        stk_console_addf(consoles, 0, 0, STK_LINE_POOL, "stopping");
    } else if (up->stops_asked == 2) {
        stk_console_addf(consoles, 0, 0, STK_LINE_POOL,
                         "stopping now: running jobs are interrupted and given back");
    }
    if (up->stops_asked <= 2) stk_pool_stop(up->pool);
}

/* A thread of its own, so that neither this nor the wait for the workers has to
 * wake up now and then. SIGUSR1 ends it. */
static void *follow_signals(void *arg)
{
    struct up *up = arg;
    sigset_t set;
    stop_signals(&set);
    for (;;) {
        int signal = 0;
        if (sigwait(&set, &signal) != 0 || signal == SIGUSR1) return NULL;
        if (signal == SIGHUP) {
            stk_console_addf(stk_pool_consoles(up->pool), 0, 0, STK_LINE_POOL,
                             "SIGHUP ignored: the settings are read at the start only");
            continue;
        }
        ask_to_stop(up);
    }
}

/* --- start and end ------------------------------------------------------- */

/* The spawner first: it forks, and must have neither threads nor a store.
 * Signals next: threads inherit what is blocked. */
static enum stk_rc start_spawner(struct up *up, struct stk_error *err)
{
    sigset_t set;
    enum stk_rc rc = stk_spawner_start(true, &up->spawner, err);
    if (rc != STK_OK) return rc;

    stop_signals(&set);
    int code = pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (code != 0)
        return stk_fail(err, STK_INTERNAL, "could not block signals: %s", strerror(code));
    return STK_OK;
}

/* Another command may have the store for a moment, and is waited for; another
 * pool is not. */
static enum stk_rc open_pool(const struct stk_pool_options *pool, struct stk_pool **ret,
                             struct stk_error *err)
{
    stk_time_ns deadline = stk_clock_mono() + PATIENCE;
    for (;;) {
        struct stk_owner owner = { .pid = 0 };
        enum stk_rc rc = stk_pool_start(pool, ret, err);
        if (rc != STK_BUSY || stk_clock_mono() > deadline) return rc;
        if (stk_store_owner(pool->settings->store, &owner, NULL) == STK_OK && owner.serves) {
            return rc;
        }
        stk_clock_pause(20 * STK_MS);
    }
}

static enum stk_rc read_idle_exit(const struct up *up, stk_time_ns *ret, struct stk_error *err)
{
    const char *text = stk_args_text(&up->cli->args, "idle-exit");
    *ret = 0;
    if (text == NULL || (stk_duration_parse(text, ret) && *ret > 0)) return STK_OK;
    return stk_fail(err, STK_INVALID, "--idle-exit %s: give a time like 30m or 90s", text);
}

static enum stk_rc start_pool(struct up *up, struct stk_error *err)
{
    enum stk_rc rc = stk_cli_settings(up->cli, true, &up->settings, err);
    if (rc != STK_OK) return rc;

    up->workers = (uint32_t)stk_args_int(&up->cli->args, "workers", up->settings->workers);
    up->started_at = stk_clock_mono();
    struct stk_pool_options pool = {
        .settings = up->settings,
        .spawner = up->spawner,
        .command = "stoker up",
        .workers = up->workers,
        .serves = !stk_store_is_shared(up->settings->store),
        .drain = stk_args_has(&up->cli->args, "drain"),
        .consoles = true,
    };
    rc = read_idle_exit(up, &pool.idle_exit_ns, err);
    if (rc == STK_OK) rc = open_pool(&pool, &up->pool, err);
    if (rc != STK_OK) return rc;

    stk_log_sink_set(log_to_console, up);
    up->socket = stk_store_socket_path(up->settings->store);
    up->api = (struct stk_api){ .settings = up->settings,
                                .access = stk_pool_access(up->pool),
                                .pool = up->pool };
    /* A shared store is everybody's: who asks, opens it, and needs no server here. */
    if (up->socket == NULL) return STK_OK;
    return stk_server_start(&up->api, up->socket, &up->server, err);
}

static enum stk_rc start_printer(struct up *up, struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf head = STK_BUF_INIT;
    if (up->cli->quiet) return STK_OK;

    if (up->cli->json) add_head_json(up, &head);
    if (!up->cli->json) add_head(up, &head);
    const struct stk_printer_options printer = {
        .pool = up->pool,
        .term = &up->cli->term,
        .json = up->cli->json,
        .head = stk_buf_str(&head),
    };
    return stk_printer_start(&printer, &up->printer, err);
}

/* Also after a start that went wrong half-way. */
static void end(struct up *up)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf summary = STK_BUF_INIT;
    stk_server_stop(up->server);
    if (up->pool != NULL) {
        stk_pool_stop(up->pool);
        stk_pool_stop(up->pool);
        while (!stk_pool_wait(up->pool, STK_SECOND)) {
        }
        if (up->printer != NULL) add_summary(up, &summary);
    }
    stk_printer_stop(up->printer, stk_buf_str(&summary));
    stk_service_stop(up->service); /* as late as this: the end may take its time */
    stk_log_sink_set(NULL, NULL);
    stk_pool_free(up->pool);
    stk_spawner_stop(up->spawner);
    stk_freep(&up->socket);
}

static enum stk_rc work(struct up *up, struct stk_error *err)
{
    pthread_t signals;
    int code = pthread_create(&signals, NULL, follow_signals, up);
    if (code != 0) {
        return stk_fail(err, STK_INTERNAL, "could not start a thread: %s", strerror(code));
    }
    while (!stk_pool_wait(up->pool, -1)) {
    }
    (void)pthread_kill(signals, SIGUSR1);
    (void)pthread_join(signals, NULL);

    struct stk_pool_view view;
    stk_pool_view(up->pool, &view);
    return view.broken ? stk_fail(err, STK_UNAVAILABLE, "%s", view.reason) : STK_OK;
}

static enum stk_rc run(struct stk_cli *cli, struct stk_error *err)
{
    struct up up = { .cli = cli };
    enum stk_rc rc = start_spawner(&up, err);
    if (rc == STK_OK) rc = start_pool(&up, err);
    if (rc == STK_OK) rc = start_printer(&up, err);
    if (rc == STK_OK) rc = stk_service_start(up.pool, &up.service, err);
    if (rc == STK_OK) rc = work(&up, err);
    end(&up);
    return rc;
}

const struct stk_command_info stk_cli_up = {
    .name = "up",
    .synopsis = "[--workers N] [--drain] [--idle-exit DURATION]",
    .summary = "run the workers: the process that works, day and night",
    .description =
        "Opens the database, gives back the jobs of a pool that died, starts the workers, and "
        "answers all other commands on a socket beside the database. What the workers do is "
        "printed line by line, and on a terminal a status line below.\n\n"
        "The first Ctrl-C or SIGTERM takes no more jobs and waits for those that run (grace in "
        "stoker.yaml, 30s), the second interrupts them; what did not finish is given back and "
        "costs no attempt. A closed or slow stdout does not stop the work: the lines are in the "
        "log folder in any case.",
    .options = options,
    .examples = examples,
    .run = run,
};
