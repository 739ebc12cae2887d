/* SPDX-License-Identifier: MIT */
#include <gnu/libc-version.h>
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cli/answer.h"
#include "cli/commands.h"
#include "pool/pool.h"

enum { FILES_WANTED = 1024 };

static const struct stk_option options[] = {
    { .name = "deep", .help = "read every page of the database, compare counters with rows" },
    { .name = NULL },
};

static const struct stk_example examples[] = {
    { "stoker doctor", "look at the database, stoker.yaml and this machine" },
    { "stoker doctor --deep", "and at every page of the database; takes its time" },
    { NULL, NULL },
};

/* clang-format off */
static const struct level {
    const char *name, *mark, *ascii;
    enum stk_style style;
} levels[] = {
    { "ok",   "✓", "+", STK_STYLE_GOOD },
    { "warn", "!", "!", STK_STYLE_WARN },
    { "bad",  "✗", "x", STK_STYLE_BAD  },
};
/* clang-format on */
enum { OK, WARN, BAD };

static STK_PRINTF(3, 4) void add(json_t *findings, int level, const char *fmt, ...)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    va_list args;
    va_start(args, fmt);
    stk_buf_addfv(&text, fmt, args);
    va_end(args);

    json_t *finding = json_object();
    (void)json_object_set_new(finding, "level", json_string(levels[level].name));
    (void)json_object_set_new(finding, "text", json_stringn_nocheck(stk_buf_str(&text), text.len));
    (void)json_array_append_new(findings, finding);
}

/* --- this machine -------------------------------------------------------- */

/* Before anything that starts threads: the spawner forks. */
static void look_at_containment(json_t *findings)
{
    struct stk_spawner *spawner = NULL;
    struct stk_error err;
    if (stk_spawner_start(true, &spawner, &err) != STK_OK) {
        add(findings, BAD, "no program can be started: %s", err.text);
        return;
    }
    const char *layer = stk_spawner_containment(spawner);
    bool is_best = strcmp(layer, "pid namespace") == 0;
    if (is_best) add(findings, OK, "this host contains a job and all it starts in a %s", layer);
    if (!is_best) {
        add(findings, WARN,
            "no pid namespace on this host: what a job leaves behind is found by "
            "looking for its descendants (%s)",
            layer);
    }
    stk_spawner_stop(spawner);
}

static void look_at_limits(json_t *findings)
{
    struct rlimit files = { 0 };
    if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
    bool is_enough = files.rlim_cur >= FILES_WANTED;
    add(findings, is_enough ? OK : WARN, "open files: at most %" PRIu64 "%s",
        (uint64_t)files.rlim_cur, is_enough ? "" : "; many workers need more (ulimit -n 1024)");
}

static void look_at_versions(json_t *findings)
{
    struct utsname host = { 0 };
    if (uname(&host) != 0) return;
    add(findings, OK, "stoker %s, jansson %s, glibc %s, %s %s", STK_VERSION, JANSSON_VERSION,
        gnu_get_libc_version(), host.sysname, host.release);
}

/* --- settings, store, pool ----------------------------------------------- */

static bool look_at_settings(struct stk_cli *cli, json_t *findings)
{
    const struct stk_settings *settings = NULL;
    struct stk_error err;
    if (stk_cli_settings(cli, false, &settings, &err) != STK_OK) {
        add(findings, BAD, "%s", err.text);
        return false;
    }
    if (settings->file != NULL) {
        add(findings, OK, "settings: %s", settings->file);
    } else {
        add(findings, WARN,
            "no stoker.yaml here, in $STOKER_CONFIG or in /etc/stoker: no task is "
            "known");
    }
    add(findings, OK, "database: %s", settings->store);
    return true;
}

static void look_at_store(struct stk_cli *cli, json_t *findings)
{
    STK_CLEANUP(stk_json_freep) json_t *answer = NULL;
    struct stk_error err = { .rc = STK_OK };
    bool is_deep = stk_args_has(&cli->args, "deep");
    enum stk_rc rc = stk_cli_get(cli, is_deep ? "/doctor?deep=true" : "/doctor", &answer, &err);
    if (rc == STK_OK) {
        (void)json_array_extend(findings, json_object_get(answer, "findings"));
    } else {
        add(findings, rc == STK_NOT_FOUND ? WARN : BAD, "%s", err.text);
    }
}

/* --- the list ------------------------------------------------------------ */

static const struct level *level_of(const json_t *finding)
{
    const char *name = stk_answer_text(finding, "level");
    for (size_t i = 0; name != NULL && i < STK_ARRAY_LEN(levels); i++) {
        if (strcmp(levels[i].name, name) == 0) return &levels[i];
    }
    return &levels[BAD];
}

static void show(struct stk_cli *cli, const json_t *findings)
{
    size_t i = 0;
    const json_t *finding = NULL;
    json_array_foreach(findings, i, finding)
    {
        const struct level *level = level_of(finding);
        if (level == &levels[BAD]) cli->exit_status = stk_rc_exit_status(STK_UNAVAILABLE);
        if (cli->json || cli->quiet) continue;

        stk_term_add(&cli->term, &cli->out, level->style,
                     cli->term.unicode ? level->mark : level->ascii);
        stk_buf_addc(&cli->out, ' ');
        stk_value_add(&cli->out, json_object_get(finding, "text"));
        stk_buf_addc(&cli->out, '\n');
    }
}

static enum stk_rc run(struct stk_cli *cli, struct stk_error *err)
{
    (void)err; /* what is wrong is a finding */
    STK_CLEANUP(stk_json_freep) json_t *answer = json_object();
    json_t *findings = json_array();
    (void)json_object_set_new(answer, "findings", findings);

    look_at_containment(findings);
    look_at_limits(findings);
    look_at_versions(findings);
    if (look_at_settings(cli, findings)) look_at_store(cli, findings);

    show(cli, findings);
    if (cli->json) stk_cli_add_json(cli, answer);
    return STK_OK;
}

const struct stk_command_info stk_cli_doctor = {
    .name = "doctor",
    .synopsis = "[--deep]",
    .summary = "look for what is wrong with database, settings and machine",
    .description = "Exit status 0 when nothing is bad, 69 when something is.",
    .options = options,
    .examples = examples,
    .run = run,
};
