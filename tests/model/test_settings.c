/* SPDX-License-Identifier: MIT */
#include "support/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "model/store_url.h"

/* One parameter, so that commands have something to name. */
#define TASK "tasks:\n  t:\n    command: [./run, \"{x}\"]\n    params: {x: int}\n"

/* Refused on the one line added to the task t, whose key is `key`. */
static void assert_task_refused(const char *line, const char *key, const char *part)
{
    STK_CLEANUP(stk_freep) char *yaml = stk_format(TASK "    %s\n", line);
    STK_CLEANUP(stk_freep) char *place = stk_format("stoker.yaml:5: tasks.t.%s: ", key);
    assert_refused(yaml, place, part);
}

/* Refused as the form of the parameter p. */
static void assert_param_refused(const char *form, const char *key, const char *part)
{
    STK_CLEANUP(stk_freep)
    char *yaml = stk_format("tasks:\n  t:\n    command: [./run]\n    params:\n      p: %s\n", form);
    STK_CLEANUP(stk_freep) char *place = stk_format("stoker.yaml:5: tasks.t.params.%s: ", key);
    assert_refused(yaml, place, part);
}

/* --- what is right -------------------------------------------------------- */

static void settings__an_empty_file_gives_the_defaults(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_settings_freep) struct stk_settings *settings = must_read("# nothing yet\n");
    assert_string_equal(settings->store, "sqlite:/srv/lab/stoker.db");
    assert_string_equal(settings->logs, "/srv/lab/stoker.db.logs");
    assert_string_equal(settings->dir, "/srv/lab");
    assert_null(settings->listen);
    assert_int_equal(settings->workers, 8);
    assert_int_equal(settings->grace_ns, 30 * STK_SECOND);
    assert_int_equal(settings->sweep_points_confirm, 100000);
    assert_int_equal(settings->task_count, 0);
}

static void settings__takes_every_key_at_the_top(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_settings_freep)
    struct stk_settings *settings =
        must_read("store: sqlite:data/jobs.db\nworkers: 256\nlisten: 127.0.0.1:7077\n"
                  "logs: logs\ngrace: 1m\nsweep_confirm: 5\ntasks:\n");
    assert_string_equal(settings->store, "sqlite:/srv/lab/data/jobs.db");
    assert_string_equal(settings->logs, "/srv/lab/logs");
    assert_string_equal(settings->listen, "127.0.0.1:7077");
    assert_int_equal(settings->workers, 256);
    assert_int_equal(settings->grace_ns, STK_MINUTE);
    assert_int_equal(settings->sweep_points_confirm, 5);
}

static void settings__leaves_absolute_paths_alone(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_settings_freep)
    struct stk_settings *settings = must_read("store: sqlite:/var/lib/jobs.db\nlisten: none\n");
    assert_string_equal(settings->store, "sqlite:/var/lib/jobs.db");
    assert_string_equal(settings->logs, "/var/lib/jobs.db.logs");
    assert_null(settings->listen);
}

static void task__has_defaults_for_all_but_its_command(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_settings_freep) struct stk_settings *settings = must_read(TASK);
    const struct stk_task *task = stk_settings_task(settings, "t");
    assert_non_null(task);
    assert_string_equal(task->queue, "t");
    assert_string_equal(task->dir, "/srv/lab");
    assert_string_equal(task->argv[0], "./run");
    assert_string_equal(task->argv[1], "{x}");
    assert_null(task->argv[2]);
    assert_int_equal(task->executor, STK_EXECUTOR_COMMAND);
    assert_int_equal(task->retry.attempts_max, 3);
    assert_int_equal(task->retry.interruptions_max, 10);
    assert_int_equal(task->time_limit_ns, 0);
    assert_int_equal(task->kill_grace_ns, 5 * STK_SECOND);
    assert_int_equal(task->result_bytes_max, STK_RESULT_BYTES_MAX);
}

static void task__takes_every_key(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_settings_freep)
    struct stk_settings *settings = must_read(
        "tasks:\n  backtest:\n    command: [sleep, 5, \"--x={{{fast}}}\"]\n"
        "    params: {fast: int}\n    queue: lab\n    time_limit: 60s\n"
        "    kill_grace: 2s\n    retry: {attempts: 5, backoff: 2s..10m, interruptions: 3}\n"
        "    priority: -7\n    result_limit: 64KiB\n    nice: -20\n    memory: 512MiB\n"
        "    cpu: 1500ms\n    files: 256\n    file_size: 1GB\n"
        "    env: {LANG: C, N: 5}\n    env_pass: [HOME]\n    dir: work\n");
    const struct stk_task *task = stk_settings_task(settings, "backtest");
    assert_string_equal(task->argv[1], "5");
    assert_string_equal(task->queue, "lab");
    assert_int_equal(task->time_limit_ns, STK_MINUTE);
    assert_int_equal(task->kill_grace_ns, 2 * STK_SECOND);
    assert_int_equal(task->retry.attempts_max, 5);
    assert_int_equal(task->retry.backoff_min_ns, 2 * STK_SECOND);
    assert_int_equal(task->retry.backoff_max_ns, 10 * STK_MINUTE);
    assert_int_equal(task->retry.interruptions_max, 3);
    assert_int_equal(task->priority, -7);
    assert_int_equal(task->result_bytes_max, 65536);
    assert_int_equal(task->nice, -20);
    assert_int_equal(task->memory_bytes_max, 512 << 20);
    assert_int_equal(task->cpu_s_max, 2); /* whole seconds, upwards */
    assert_int_equal(task->files_max, 256);
    assert_int_equal(task->file_bytes_max, 1000000000);
    assert_string_equal(task->env[0], "LANG=C");
    assert_string_equal(task->env[1], "N=5");
    assert_null(task->env[2]);
    assert_string_equal(task->env_pass[0], "HOME");
    assert_null(task->env_pass[1]);
    assert_string_equal(task->dir, "/srv/lab/work");
}

static void tasks__are_found_by_name_whatever_their_order(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_settings_freep)
    struct stk_settings *settings =
        must_read("tasks:\n  c: {command: [c]}\n  a: {command: [a]}\n  b: {command: [b]}\n");
    assert_int_equal(settings->task_count, 3);
    assert_string_equal(settings->tasks[0].name, "a");
    assert_string_equal(stk_settings_task(settings, "c")->argv[0], "c");
    assert_null(stk_settings_task(settings, "d"));
}

static void params__take_all_their_forms(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_settings_freep)
    struct stk_settings *settings = must_read(
        "tasks:\n  t:\n    command: [./run]\n    params:\n      a: float\n"
        "      b: {type: int, min: 1, max: 500, default: 10}\n      c: {enum: [open, close]}\n"
        "      d: {enum: [1, 2.5]}\n      e: {type: text, enum: [1, 2], default: 2}\n"
        "      f: {type: text, dash: true, max: 200, default: \"-\"}\n"
        "      g: {enum: [true, false]}\n      h: {type: float, min: -0.5}\n");
    const struct stk_task *task = stk_settings_task(settings, "t");
    STK_CLEANUP(stk_freep) char *d = stk_json_text(stk_task_param(task, "d")->choices);
    STK_CLEANUP(stk_freep) char *e = stk_json_text(stk_task_param(task, "e")->choices);

    assert_int_equal(task->param_count, 8);
    assert_int_equal(task->params[0].type, STK_PARAM_FLOAT);
    assert_int_equal(json_integer_value(stk_task_param(task, "b")->fallback), 10);
    assert_int_equal(stk_task_param(task, "c")->type, STK_PARAM_TEXT);
    assert_int_equal(stk_task_param(task, "d")->type, STK_PARAM_FLOAT);
    assert_string_equal(d, "[1.0,2.5]");
    assert_string_equal(e, "[\"1\",\"2\"]");
    assert_true(stk_task_param(task, "f")->dash);
    assert_int_equal(stk_task_param(task, "g")->type, STK_PARAM_BOOL);
    assert_true(stk_task_param(task, "h")->min < -0.4);
}

/* --- what is wrong -------------------------------------------------------- */

static void settings__refuses_unknown_keys_and_names_the_nearest(void **unused)
{
    (void)unused;
    assert_refused("worker: 5\n", "stoker.yaml:1: worker: ", "did you mean \"workers\"");
    assert_refused("\n\nfoo: 5\n", "stoker.yaml:3: foo: ", "unknown key");
    assert_task_refused("comand: [x]", "comand", "did you mean \"command\"");
    assert_task_refused("retry: {tries: 5}", "retry.tries", "unknown key");
    assert_param_refused("{type: int, maximum: 5}", "p.maximum", "unknown key");
}

static void settings__refuses_keys_of_later_versions(void **unused)
{
    (void)unused;
    static const char *const top[] = { "users", "triggers" };
    static const char *const of_task[] = { "runner", "native" };
    for (size_t i = 0; i < STK_ARRAY_LEN(top); i++) {
        STK_CLEANUP(stk_freep) char *yaml = stk_format("%s: {}\n", top[i]);
        STK_CLEANUP(stk_freep) char *place = stk_format("stoker.yaml:1: %s: ", top[i]);
        assert_refused(yaml, place, "not supported by this version");
    }
    for (size_t i = 0; i < STK_ARRAY_LEN(of_task); i++) {
        STK_CLEANUP(stk_freep) char *line = stk_format("%s: {}", of_task[i]);
        assert_task_refused(line, of_task[i], "not supported by this version");
    }
}

static void settings__refuses_bad_values_at_the_top(void **unused)
{
    (void)unused;
    assert_refused("workers: 0\n", "stoker.yaml:1: workers: ", "from 1 to 256");
    assert_refused("workers: 257\n", "stoker.yaml:1: workers: ", "from 1 to 256");
    assert_refused("workers: many\n", "stoker.yaml:1: workers: ", "whole number");
    assert_refused("store: stoker.db\n", "stoker.yaml:1: store: ", "write sqlite:PATH");
    assert_refused("store: \"sqlite:\"\n", "stoker.yaml:1: store: ", "write sqlite:PATH");
    assert_refused("store: [a]\n", "stoker.yaml:1: store: ", "text");
    assert_refused("listen: 7077\n", "stoker.yaml:1: listen: ", "HOST:PORT");
    assert_refused("listen: a:70777\n", "stoker.yaml:1: listen: ", "HOST:PORT");
    assert_refused("logs: \"\"\n", "stoker.yaml:1: logs: ", "empty");
    assert_refused("grace: 30\n", "stoker.yaml:1: grace: ", "duration");
    assert_refused("grace: 3d\n", "stoker.yaml:1: grace: ", "must be from");
    assert_refused("sweep_confirm: 0\n", "stoker.yaml:1: sweep_confirm: ", "from 1 to");
    assert_refused("tasks: [a]\n", "stoker.yaml:1: tasks: ", "map");
    assert_refused("[a]\n", "stoker.yaml:1: ", "map");
}

static void task__refuses_a_bad_name_and_a_missing_command(void **unused)
{
    (void)unused;
    assert_refused("tasks:\n  \"a b\": {command: [x]}\n",
                   "stoker.yaml:2: tasks.a b: ", "not a name");
    assert_refused("tasks:\n  t: {queue: q}\n", "stoker.yaml:2: tasks.t: ", "needs a command");
    assert_refused("tasks:\n  t: x\n", "stoker.yaml:2: tasks.t: ", "map");
    assert_refused("tasks:\n  t: {command: [x]}\n  t: {command: [x]}\n",
                   "stoker.yaml:3: tasks.t: ", "twice");
}

static void command__is_a_list_because_there_is_no_shell(void **unused)
{
    (void)unused;
    assert_refused("tasks:\n  t: {command: ./run --fast}\n",
                   "stoker.yaml:2: tasks.t.command: ", "a command is a list, there is no shell");
}

static void command__refuses_what_could_not_be_run(void **unused)
{
    (void)unused;
    const char *place = "stoker.yaml:2: tasks.t.command";
    assert_refused("tasks:\n  t: {command: []}\n", place, "empty");
    assert_refused("tasks:\n  t: {command: [\"\"]}\n", place, "empty");
    assert_refused("tasks:\n  t: {command: [./run, [a]]}\n", place, "text");
    assert_refused("tasks:\n  t: {command: [./run, {x: y}]}\n", place, "quote the braces");
    assert_refused("tasks:\n  t: {command: [./run, \"{x}\"]}\n", place,
                   "unknown parameter \"x\" of task \"t\"; it has no parameters");
    assert_refused("tasks:\n  t: {command: [./run, \"{x\"]}\n", place, "unbalanced brace");
    assert_refused("tasks:\n  t: {command: [./run, \"x}\"]}\n", place, "unbalanced brace");
    assert_refused("tasks:\n  t: {command: [\"{x}\"], params: {x: text}}\n", place,
                   "cannot come from a parameter");
}

static void task__refuses_bad_values(void **unused)
{
    (void)unused;
    assert_task_refused("queue: \"a b\"", "queue", "is not a name");
    assert_task_refused("time_limit: 60", "time_limit", "duration");
    assert_task_refused("time_limit: 400d", "time_limit", "must be from");
    assert_task_refused("kill_grace: -1s", "kill_grace", "duration");
    assert_task_refused("priority: 2147483648", "priority", "must be from");
    assert_task_refused("priority: high", "priority", "whole number");
    assert_task_refused("nice: 20", "nice", "from -20 to 19");
    assert_task_refused("nice: -21", "nice", "from -20 to 19");
    assert_task_refused("result_limit: 0", "result_limit", "must be from");
    assert_task_refused("result_limit: 1TiB", "result_limit", "must be from");
    assert_task_refused("memory: lots", "memory", "is not a size");
    assert_task_refused("memory: 1.5GiB", "memory", "is not a size");
    assert_task_refused("memory: 512 MiB", "memory", "is not a size");
    assert_task_refused("memory: -1", "memory", "is not a size");
    assert_task_refused("memory: 99999999TiB", "memory", "is not a size");
    assert_task_refused("memory: 5", "memory", "must be from");
    assert_task_refused("cpu: 5", "cpu", "duration");
    assert_task_refused("files: 3", "files", "must be from");
    assert_task_refused("file_size: [1]", "file_size", "text");
    assert_task_refused("dir: \"\"", "dir", "empty");
}

static void retry__refuses_bad_values(void **unused)
{
    (void)unused;
    assert_task_refused("retry: 5", "retry", "map");
    assert_task_refused("retry: {attempts: 0}", "retry.attempts", "from 1 to");
    assert_task_refused("retry: {interruptions: -1}", "retry.interruptions", "from 0 to");
    assert_task_refused("retry: {backoff: 5m..1s}", "retry.backoff", "smaller duration first");
    assert_task_refused("retry: {backoff: 5}", "retry.backoff", "is not a range of durations");
    assert_task_refused("retry: {backoff: 1s..}", "retry.backoff", "is not a range of durations");
    assert_task_refused("retry: {backoff: 1s..500d}", "retry.backoff", "longer than 365d");
}

static void env__refuses_bad_names_and_those_of_stoker(void **unused)
{
    (void)unused;
    assert_task_refused("env: [A]", "env", "map");
    assert_task_refused("env: {\"A-B\": x}", "env.A-B", "not the name of a variable");
    assert_task_refused("env: {STOKER_JOB: x}", "env.STOKER_JOB", "belong to stoker");
    assert_task_refused("env: {A: [x]}", "env.A", "text");
    assert_task_refused("env_pass: HOME", "env_pass", "list of names");
    assert_task_refused("env_pass: [\"A=B\"]", "env_pass[0]", "not the name of a variable");
    assert_task_refused("env_pass: [STOKER_TOKEN]", "env_pass[0]", "belong to stoker");
}

static void params__refuse_bad_names(void **unused)
{
    (void)unused;
    static const char *const wrong[] = {
        "1a",       "a-b",
        "a.b",      "\"a b\"",
        "\xc3\xa4", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" /* 65 */
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(wrong); i++) {
        STK_CLEANUP(stk_freep)
        char *yaml =
            stk_format("tasks:\n  t:\n    command: [x]\n    params:\n      %s: int\n", wrong[i]);
        assert_refused(yaml, "stoker.yaml:5: tasks.t.params.", "not a name for a parameter");
    }
    assert_refused("tasks:\n  t: {command: [x], params: [a]}\n",
                   "stoker.yaml:2: tasks.t.params: ", "map");
}

static void params__refuse_bad_types(void **unused)
{
    (void)unused;
    assert_param_refused("integer", "p", "unknown type \"integer\": int, float, text or bool");
    assert_param_refused("{type: string}", "p.type", "unknown type \"string\"");
    assert_param_refused("[int]", "p", "map");
    assert_param_refused("{dash: true}", "p", "needs a type");
    assert_param_refused("{type: int, dash: true}", "p", "dash belongs to parameters of type text");
}

static void params__refuse_bad_bounds(void **unused)
{
    (void)unused;
    assert_param_refused("{type: int, min: 5, max: 4}", "p.max", "is below min");
    assert_param_refused("{type: int, min: 0.5}", "p.min", "whole number");
    assert_param_refused("{type: int, max: 9007199254740992}", "p.max", "must be from");
    assert_param_refused("{type: float, min: x}", "p.min", "must be a number");
    assert_param_refused("{type: text, max: 5000}", "p.max", "from 0 to 4096");
    assert_param_refused("{type: text, min: -1}", "p.min", "from 0 to 4096");
    assert_param_refused("{type: bool, min: 0}", "p.min", "no bounds");
    assert_param_refused("{min: 1}", "p.min", "needs a type");
    assert_param_refused("{enum: [1, 2], min: 1}", "p.min", "no meaning beside enum");
}

static void params__refuse_bad_choices(void **unused)
{
    (void)unused;
    assert_param_refused("{enum: []}", "p.enum", "is empty");
    assert_param_refused("{enum: a}", "p.enum", "must be a list");
    assert_param_refused("{enum: [1, a]}", "p.enum[1]", "is text among values that are int");
    assert_param_refused("{enum: [true, 1]}", "p.enum[1]", "is int among values that are bool");
    assert_param_refused("{enum: [a, b, a]}", "p.enum[2]", "twice");
    assert_param_refused("{enum: [1, 1.0]}", "p.enum[1]", "twice");
    assert_param_refused("{enum: [[a]]}", "p.enum[0]", "must be text, a number");
    assert_param_refused("{type: int, enum: [a]}", "p.enum[0]", "not a whole number");
    assert_param_refused("{enum: [\"-a\"]}", "p.enum[0]", "begins with '-'");
}

static void params__refuse_bad_defaults(void **unused)
{
    (void)unused;
    assert_param_refused("{type: int, max: 5, default: 6}", "p.default", "above the maximum of 5");
    assert_param_refused("{type: int, default: 1.5}", "p.default", "not a whole number");
    assert_param_refused("{type: int, default: \"5\"}", "p.default", "because of its quotes");
    assert_param_refused("{type: int, default: [5]}", "p.default", "must be one int");
    assert_param_refused("{type: bool, default: yes}", "p.default", "neither true nor false");
    assert_param_refused("{enum: [a, b], default: c}", "p.default", "is not one of \"a\", \"b\"");
    assert_param_refused("{type: int, default: 9223372036854775808}", "p.default", "64 bits");
    assert_param_refused("{default: 5}", "p.default", "needs a type");
}

static void params__refuse_more_than_the_limit(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_buf_release) struct stk_buf yaml = STK_BUF_INIT;
    stk_buf_adds(&yaml, "tasks:\n  t:\n    command: [x]\n    params:\n");
    for (int i = 0; i <= STK_PARAMS_MAX; i++) {
        stk_buf_addf(&yaml, "      p%d: int\n", i);
    }
    assert_refused(stk_buf_str(&yaml), "stoker.yaml:4: tasks.t.params: ", "the limit is 64");
}

/* --- finding the file, the environment ------------------------------------ */

static char *folder; /* temporary, and the current one while a test runs */

static int enter_folder(void **unused)
{
    (void)unused;
    char template[] = "/tmp/stk-settings-XXXXXX";
    if (mkdtemp(template) == NULL || chdir(template) != 0) return -1;
    folder = getcwd(NULL, 0);
    (void)unsetenv("STOKER_CONFIG");
    (void)unsetenv("STOKER_STORE");
    (void)unsetenv("STOKER_WORKERS");
    (void)unsetenv("STOKER_LISTEN");
    return 0;
}

static int leave_folder(void **unused)
{
    (void)unused;
    (void)unlink("stoker.yaml");
    (void)unlink("other.yaml");
    if (chdir("/") != 0 || rmdir(folder) != 0) return -1;
    free(folder);
    folder = NULL;
    (void)unsetenv("STOKER_CONFIG");
    (void)unsetenv("STOKER_STORE");
    (void)unsetenv("STOKER_WORKERS");
    (void)unsetenv("STOKER_LISTEN");
    return 0;
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void assert_load_fails(const char *path, enum stk_rc wanted, const char *part)
{
    struct stk_settings *settings = NULL;
    struct stk_error err = { 0 };
    assert_int_equal(stk_settings_load(path, true, &settings, &err), wanted);
    assert_null(settings);
    if (strstr(err.text, part) == NULL) assert_string_equal(err.text, part);
}

static void assert_in_folder(const char *text, const char *before, const char *name)
{
    STK_CLEANUP(stk_freep) char *wanted = stk_format("%s%s/%s", before, folder, name);
    assert_string_equal(text, wanted);
}

static void load__finds_the_file_in_the_current_folder(void **unused)
{
    (void)unused;
    write_file("stoker.yaml", TASK);
    STK_CLEANUP(stk_settings_freep) struct stk_settings *settings = NULL;
    assert_int_equal(stk_settings_load(NULL, true, &settings, NULL), STK_OK);
    assert_in_folder(settings->file, "", "stoker.yaml");
    assert_in_folder(settings->store, "sqlite:", "stoker.db");
    assert_string_equal(settings->dir, folder);
    assert_non_null(stk_settings_task(settings, "t"));
}

static void load__takes_the_named_file_before_all_others(void **unused)
{
    (void)unused;
    write_file("stoker.yaml", "workers: 1\n");
    write_file("other.yaml", "workers: 2\n");
    STK_CLEANUP(stk_settings_freep) struct stk_settings *settings = NULL;
    assert_int_equal(stk_settings_load("other.yaml", true, &settings, NULL), STK_OK);
    assert_int_equal(settings->workers, 2);
    assert_in_folder(settings->file, "", "other.yaml");
}

static void load__takes_stoker_config_only_without_a_file_here(void **unused)
{
    (void)unused;
    write_file("other.yaml", "workers: 2\n");
    assert_int_equal(setenv("STOKER_CONFIG", "other.yaml", 1), 0);
    STK_CLEANUP(stk_settings_freep) struct stk_settings *named = NULL;
    assert_int_equal(stk_settings_load(NULL, true, &named, NULL), STK_OK);
    assert_int_equal(named->workers, 2);

    write_file("stoker.yaml", "workers: 1\n");
    STK_CLEANUP(stk_settings_freep) struct stk_settings *here = NULL;
    assert_int_equal(stk_settings_load(NULL, true, &here, NULL), STK_OK);
    assert_int_equal(here->workers, 1);
}

static void load__a_named_file_that_is_missing_is_not_found(void **unused)
{
    (void)unused;
    assert_load_fails("nope.yaml", STK_NOT_FOUND, "nope.yaml: no such file");
    assert_int_equal(setenv("STOKER_CONFIG", "nope.yaml", 1), 0);
    assert_load_fails(NULL, STK_NOT_FOUND, "STOKER_CONFIG: nope.yaml: no such file");
}

static void load__without_any_file_is_not_found_or_the_defaults(void **unused)
{
    (void)unused;
    if (access("/etc/stoker/stoker.yaml", F_OK) == 0) skip();
    assert_load_fails(NULL, STK_NOT_FOUND, "no stoker.yaml in this folder");

    STK_CLEANUP(stk_settings_freep) struct stk_settings *settings = NULL;
    assert_int_equal(stk_settings_load(NULL, false, &settings, NULL), STK_OK);
    assert_null(settings->file);
    assert_in_folder(settings->store, "sqlite:", "stoker.db");
}

static void load__a_bad_file_names_its_line(void **unused)
{
    (void)unused;
    write_file("stoker.yaml", "store: sqlite:a.db\nworkers: 0\n");
    assert_load_fails(NULL, STK_BAD_CONFIG, "stoker.yaml:2: workers: ");
}

static void environment__goes_before_the_file(void **unused)
{
    (void)unused;
    write_file("stoker.yaml", "store: sqlite:/file.db\nworkers: 2\nlisten: 127.0.0.1:1\n");
    assert_int_equal(setenv("STOKER_STORE", "sqlite:env.db", 1), 0);
    assert_int_equal(setenv("STOKER_WORKERS", "3", 1), 0);
    assert_int_equal(setenv("STOKER_LISTEN", "none", 1), 0);
    STK_CLEANUP(stk_settings_freep) struct stk_settings *settings = NULL;
    assert_int_equal(stk_settings_load(NULL, true, &settings, NULL), STK_OK);
    assert_in_folder(settings->store, "sqlite:", "env.db");
    assert_in_folder(settings->logs, "", "env.db.logs");
    assert_int_equal(settings->workers, 3);
    assert_null(settings->listen);
}

static void environment__is_checked_as_the_file_is(void **unused)
{
    (void)unused;
    write_file("stoker.yaml", "workers: 2\n");
    assert_int_equal(setenv("STOKER_WORKERS", "0", 1), 0);
    assert_load_fails(NULL, STK_BAD_CONFIG, "STOKER_WORKERS: must be from 1 to 256, not \"0\"");
    assert_int_equal(setenv("STOKER_WORKERS", "", 1), 0); /* as good as none */
    assert_int_equal(setenv("STOKER_STORE", "x.db", 1), 0);
    assert_load_fails(NULL, STK_BAD_CONFIG, "STOKER_STORE: \"x.db\" is not a store");
    assert_int_equal(setenv("STOKER_STORE", "", 1), 0);
    assert_int_equal(setenv("STOKER_LISTEN", "7077", 1), 0);
    assert_load_fails(NULL, STK_BAD_CONFIG, "STOKER_LISTEN: \"7077\" is not HOST:PORT");
}

static void set_store__starts_from_the_current_folder_and_takes_its_logs_along(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_settings_freep) struct stk_settings *usual = must_read("workers: 1\n");
    stk_settings_set_store(usual, "sqlite:./new.db");
    assert_in_folder(usual->store, "sqlite:", "new.db");
    assert_in_folder(usual->logs, "", "new.db.logs");

    STK_CLEANUP(stk_settings_freep)
    struct stk_settings *named = must_read("logs: /var/log/stoker\n");
    stk_settings_set_store(named, "sqlite:new.db");
    assert_string_equal(named->logs, "/var/log/stoker");
}

static void store__on_a_server_is_kept_as_it_is_and_has_its_logs_in_the_folder(void **unused)
{
    (void)unused;
    static const char *const urls[] = { "postgresql://lab@db/jobs?passfile=/etc/lab.pgpass",
                                        "postgres:///jobs", "postgresql://db:5432/jobs" };
    for (size_t i = 0; i < STK_ARRAY_LEN(urls); i++) {
        STK_CLEANUP(stk_freep) char *yaml = stk_format("store: \"%s\"\n", urls[i]);
        STK_CLEANUP(stk_settings_freep) struct stk_settings *settings = must_read(yaml);
        assert_string_equal(settings->store, urls[i]);
        assert_string_equal(strrchr(settings->logs, '/'), "/stoker.logs");
    }
}

static void store__with_a_password_is_refused_and_not_quoted(void **unused)
{
    (void)unused;
    static const char *const urls[] = { "postgresql://lab:hunter2@db/jobs",
                                        "postgres://db/jobs?password=hunter2",
                                        "postgresql://db/jobs?sslmode=require&password=hunter2",
                                        "mysql://lab:hunter2@db/jobs" };
    for (size_t i = 0; i < STK_ARRAY_LEN(urls); i++) {
        struct stk_error err = { .rc = STK_OK };
        assert_int_equal(stk_store_url_check(urls[i], &err), STK_BAD_CONFIG);
        assert_non_null(strstr(err.text, "~/.pgpass"));
        assert_null(strstr(err.text, "hunter2"));
    }
}

/* --- the sentence --------------------------------------------------------- */

static void assert_unknown(const char *yaml, const char *name, const char *wanted)
{
    STK_CLEANUP(stk_settings_freep) struct stk_settings *settings = must_read(yaml);
    struct stk_error err = { 0 };
    assert_int_equal(stk_settings_fail_unknown_task(settings, name, &err), STK_NOT_FOUND);
    assert_string_equal(err.text, wanted);
}

static void unknown_task__names_the_nearest_or_all_or_says_there_is_none(void **unused)
{
    (void)unused;
    const char *two = "tasks:\n  backtest: {command: [x]}\n  simulate: {command: [x]}\n";
    assert_unknown(two, "bactest", "unknown task \"bactest\"; did you mean \"backtest\"?");
    assert_unknown(two, "x", "unknown task \"x\"; the tasks are backtest, simulate");
    assert_unknown("", "x", "unknown task \"x\"; no stoker.yaml was found, so there are no tasks");
}

static void free__takes_null(void **unused)
{
    (void)unused;
    stk_settings_free(NULL);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, enter_folder, leave_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings__an_empty_file_gives_the_defaults),
        cmocka_unit_test(settings__takes_every_key_at_the_top),
        cmocka_unit_test(settings__leaves_absolute_paths_alone),
        cmocka_unit_test(task__has_defaults_for_all_but_its_command),
        cmocka_unit_test(task__takes_every_key),
        cmocka_unit_test(tasks__are_found_by_name_whatever_their_order),
        cmocka_unit_test(params__take_all_their_forms),
        cmocka_unit_test(settings__refuses_unknown_keys_and_names_the_nearest),
        cmocka_unit_test(settings__refuses_keys_of_later_versions),
        cmocka_unit_test(settings__refuses_bad_values_at_the_top),
        cmocka_unit_test(task__refuses_a_bad_name_and_a_missing_command),
        cmocka_unit_test(command__is_a_list_because_there_is_no_shell),
        cmocka_unit_test(command__refuses_what_could_not_be_run),
        cmocka_unit_test(task__refuses_bad_values),
        cmocka_unit_test(retry__refuses_bad_values),
        cmocka_unit_test(env__refuses_bad_names_and_those_of_stoker),
        cmocka_unit_test(params__refuse_bad_names),
        cmocka_unit_test(params__refuse_bad_types),
        cmocka_unit_test(params__refuse_bad_bounds),
        cmocka_unit_test(params__refuse_bad_choices),
        cmocka_unit_test(params__refuse_bad_defaults),
        cmocka_unit_test(params__refuse_more_than_the_limit),
        IN_FOLDER(load__finds_the_file_in_the_current_folder),
        IN_FOLDER(load__takes_the_named_file_before_all_others),
        IN_FOLDER(load__takes_stoker_config_only_without_a_file_here),
        IN_FOLDER(load__a_named_file_that_is_missing_is_not_found),
        IN_FOLDER(load__without_any_file_is_not_found_or_the_defaults),
        IN_FOLDER(load__a_bad_file_names_its_line),
        IN_FOLDER(environment__goes_before_the_file),
        IN_FOLDER(environment__is_checked_as_the_file_is),
        IN_FOLDER(set_store__starts_from_the_current_folder_and_takes_its_logs_along),
        cmocka_unit_test(store__with_a_password_is_refused_and_not_quoted),
        IN_FOLDER(store__on_a_server_is_kept_as_it_is_and_has_its_logs_in_the_folder),
        cmocka_unit_test(unknown_task__names_the_nearest_or_all_or_says_there_is_none),
        cmocka_unit_test(free__takes_null),
    };
    return cmocka_run_group_tests_name("model/settings", tests, NULL, NULL);
}
