/* SPDX-License-Identifier: MIT */
#include "model/task_config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "base/timetext.h"
#include "model/http_task.h"
#include "model/keys.h"
#include "model/shown.h"

enum {
    IDENTIFIER_BYTES_MAX = 64,
    ATTEMPTS_MAX = 1000,
    INTERRUPTIONS_MAX = 1000,
    FILES_MIN = 16, /* fewer, and most programs do not even start */
    FILES_MAX = 1024 * 1024,
    ENV_MAX = 256
};

/* A year: far from the end of stk_time_ns, also when added to now. */
#define LIMIT_MAX      (365 * STK_DAY)
#define RESULT_MAX     ((uint64_t)64 << 20)
#define SIZE_MAX_BYTES ((uint64_t)INT64_MAX)
#define MEMORY_MIN     ((uint64_t)1 << 20)

static const struct stk_task defaults = {
    .executor = STK_EXECUTOR_COMMAND,
    .retry = STK_RETRY_DEFAULT,
    .kill_grace_ns = 5 * STK_SECOND,
    .result_bytes_max = STK_RESULT_BYTES_MAX,
};

bool stk_identifier_is_valid(const char *text)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    static const char digits[] = "0123456789";
    size_t len = strlen(text);
    if (len == 0 || len > IDENTIFIER_BYTES_MAX || strchr(digits, *text) != NULL) return false;

    for (size_t i = 0; i < len; i++) {
        if (strchr(letters, text[i]) == NULL && strchr(digits, text[i]) == NULL) return false;
    }
    return true;
}

char *stk_path_under(const char *base, const char *path)
{
    if (*path == '/') return stk_strdup(path);
    const char *rest = strncmp(path, "./", 2) == 0 ? path + 2 : path;
    if (*rest == '\0' || strcmp(rest, ".") == 0) return stk_strdup(base);
    return stk_format("%s/%s", strcmp(base, "/") == 0 ? "" : base, rest);
}

static char **make_texts(size_t count)
{
    return stk_alloc((count + 1) * sizeof(char *));
}

/* --- the command ---------------------------------------------------------- */

static enum stk_rc check_command_kind(const struct stk_node *node, struct stk_error *err)
{
    if (node->kind != STK_NODE_LIST) {
        return stk_node_fail(
            node, err, "a command is a list, there is no shell: [./prog, --fast, \"{fast}\"]");
    }
    if (node->count == 0) return stk_node_fail(node, err, "is empty: it needs a program");
    if (node->count > STK_ARGV_MAX) {
        return stk_node_fail(node, err, "has %zu arguments; the limit is %d", node->count,
                             STK_ARGV_MAX);
    }
    return STK_OK;
}

static enum stk_rc read_argument(const struct stk_node *node, char **ret, struct stk_error *err)
{
    if (node->kind == STK_NODE_MAP) {
        return stk_node_fail(node, err, "an argument is text; quote the braces: \"{name}\"");
    }
    if (node->kind == STK_NODE_LIST) return stk_node_fail(node, err, "an argument is text");
    *ret = stk_strdup(node->text);
    return STK_OK;
}

static enum stk_rc read_command(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_task *task = into;
    enum stk_rc rc = check_command_kind(node, err);
    if (rc != STK_OK) return rc;

    task->argv = make_texts(node->count);
    for (size_t i = 0; i < node->count; i++) {
        rc = read_argument(node->children[i], &task->argv[i], err);
        if (rc != STK_OK) return rc;
    }
    if (*task->argv[0] == '\0') return stk_node_fail(node, err, "the program's name is empty");
    return STK_OK;
}

/* Only once the parameters are known. */
static enum stk_rc check_templates(const struct stk_node *command, const struct stk_task *task,
                                   struct stk_error *err)
{
    for (size_t i = 0; i < command->count; i++) {
        struct stk_error cause = { 0 };
        bool may_have_params = i > 0;
        enum stk_rc rc = stk_task_check_template(task, task->argv[i], may_have_params, &cause);
        if (rc != STK_OK) return stk_node_fail(command->children[i], err, "%s", cause.text);
    }
    return STK_OK;
}

/* --- retry ---------------------------------------------------------------- */

static enum stk_rc read_attempts(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_retry *retry = into;
    return stk_key_u32(node, 1, ATTEMPTS_MAX, &retry->attempts_max, err);
}

static enum stk_rc read_interruptions(const struct stk_node *node, void *into,
                                      struct stk_error *err)
{
    struct stk_retry *retry = into;
    return stk_key_u32(node, 0, INTERRUPTIONS_MAX, &retry->interruptions_max, err);
}

/* "1s..5m", or "10s" for both ends. */
static bool parse_backoff(const char *text, stk_time_ns *ret_min, stk_time_ns *ret_max)
{
    const char *dots = strstr(text, "..");
    size_t len = dots == NULL ? strlen(text) : (size_t)(dots - text);
    STK_CLEANUP(stk_freep) char *low = stk_strndup(text, len);
    const char *high = dots == NULL ? low : dots + 2;
    return stk_duration_parse(low, ret_min) && stk_duration_parse(high, ret_max);
}

static enum stk_rc read_backoff(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_retry *retry = into;
    const char *text = NULL;
    enum stk_rc rc = stk_node_text(node, &text, err);
    if (rc != STK_OK) return rc;

    stk_time_ns min = 0;
    stk_time_ns max = 0;
    STK_CLEANUP(stk_freep) char *shown = stk_shown(text);
    if (!parse_backoff(text, &min, &max)) {
        return stk_node_fail(node, err, "\"%s\" is not a range of durations such as 1s..5m", shown);
    }
    if (min > max) {
        return stk_node_fail(node, err, "\"%s\": write the smaller duration first", shown);
    }
    if (max > LIMIT_MAX) return stk_node_fail(node, err, "\"%s\" is longer than 365d", shown);

    retry->backoff_min_ns = min;
    retry->backoff_max_ns = max;
    return STK_OK;
}

static const struct stk_key retry_keys[] = {
    { "attempts", read_attempts },
    { "backoff", read_backoff },
    { "interruptions", read_interruptions },
};

static enum stk_rc read_retry(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_task *task = into;
    return stk_keys_read(node, retry_keys, STK_ARRAY_LEN(retry_keys), &task->retry, err);
}

/* --- the environment ------------------------------------------------------ */

static enum stk_rc check_variable(const struct stk_node *node, const char *name,
                                  struct stk_error *err)
{
    if (!stk_identifier_is_valid(name)) {
        STK_CLEANUP(stk_freep) char *shown = stk_shown(name);
        return stk_node_fail(node, err, "\"%s\" is not the name of a variable", shown);
    }
    if (strncmp(name, "STOKER_", 7) == 0) {
        return stk_node_fail(node, err, "names that begin with STOKER_ belong to stoker");
    }
    return STK_OK;
}

static enum stk_rc check_count(const struct stk_node *node, struct stk_error *err)
{
    if (node->count <= ENV_MAX) return STK_OK;
    return stk_node_fail(node, err, "has %zu variables; the limit is %d", node->count, ENV_MAX);
}

static enum stk_rc read_env(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_task *task = into;
    enum stk_rc rc = stk_node_map_of(node, NULL, err);
    if (rc == STK_OK) rc = check_count(node, err);
    if (rc != STK_OK) return rc;

    task->env = make_texts(node->count);
    for (size_t i = 0; i < node->count; i++) {
        const struct stk_node *member = node->children[i];
        rc = check_variable(member, member->name, err);
        if (rc != STK_OK) return rc;
        const char *value = NULL;
        rc = stk_node_text(member, &value, err);
        if (rc != STK_OK) return rc;
        task->env[i] = stk_format("%s=%s", member->name, value);
    }
    return STK_OK;
}

static enum stk_rc read_env_pass(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_task *task = into;
    if (node->kind != STK_NODE_LIST) {
        return stk_node_fail(node, err, "must be a list of names: [PATH, LANG]");
    }
    enum stk_rc rc = check_count(node, err);
    if (rc != STK_OK) return rc;

    task->env_pass = make_texts(node->count);
    for (size_t i = 0; i < node->count; i++) {
        const char *name = NULL;
        rc = stk_node_text(node->children[i], &name, err);
        if (rc == STK_OK) rc = check_variable(node->children[i], name, err);
        if (rc != STK_OK) return rc;
        task->env_pass[i] = stk_strdup(name);
    }
    return STK_OK;
}

/* --- single values -------------------------------------------------------- */

static enum stk_rc read_params(const struct stk_node *node, void *into, struct stk_error *err)
{
    return stk_task_read_params(node, into, err);
}

static enum stk_rc read_queue(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_task *task = into;
    const char *name = NULL;
    enum stk_rc rc = stk_node_text(node, &name, err);
    if (rc != STK_OK) return rc;
    if (!stk_name_is_valid(name)) {
        STK_CLEANUP(stk_freep) char *shown = stk_shown(name);
        return stk_node_fail(node, err, "\"%s\" is not a name: letters, digits and _-.:/", shown);
    }
    task->queue = stk_strdup(name);
    return STK_OK;
}

static enum stk_rc read_time_limit(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_task *task = into;
    return stk_key_duration(node, 0, LIMIT_MAX, &task->time_limit_ns, err);
}

static enum stk_rc read_kill_grace(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_task *task = into;
    return stk_key_duration(node, 0, STK_HOUR, &task->kill_grace_ns, err);
}

static enum stk_rc read_priority(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_task *task = into;
    int64_t priority = 0;
    enum stk_rc rc = stk_node_int(node, INT32_MIN, INT32_MAX, &priority, err);
    if (rc != STK_OK) return rc;
    task->priority = (int32_t)priority;
    return STK_OK;
}

static enum stk_rc read_result_limit(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_task *task = into;
    uint64_t bytes = 0;
    enum stk_rc rc = stk_key_size(node, 1, RESULT_MAX, &bytes, err);
    if (rc != STK_OK) return rc;
    task->result_bytes_max = (size_t)bytes;
    return STK_OK;
}

static enum stk_rc read_nice(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_task *task = into;
    int64_t nice = 0;
    enum stk_rc rc = stk_node_int(node, -20, 19, &nice, err);
    if (rc != STK_OK) return rc;
    task->nice = (int)nice;
    return STK_OK;
}

static enum stk_rc read_memory(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_task *task = into;
    return stk_key_size(node, MEMORY_MIN, SIZE_MAX_BYTES, &task->memory_bytes_max, err);
}

/* The kernel counts whole seconds: a part of one is one. */
static enum stk_rc read_cpu(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_task *task = into;
    stk_time_ns cpu = 0;
    enum stk_rc rc = stk_key_duration(node, STK_MS, LIMIT_MAX, &cpu, err);
    if (rc != STK_OK) return rc;
    task->cpu_s_max = (uint64_t)((cpu + STK_SECOND - 1) / STK_SECOND);
    return STK_OK;
}

static enum stk_rc read_files(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_task *task = into;
    int64_t files = 0;
    enum stk_rc rc = stk_node_int(node, FILES_MIN, FILES_MAX, &files, err);
    if (rc != STK_OK) return rc;
    task->files_max = (uint64_t)files;
    return STK_OK;
}

static enum stk_rc read_file_size(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_task *task = into;
    return stk_key_size(node, 1, SIZE_MAX_BYTES, &task->file_bytes_max, err);
}

static enum stk_rc read_dir(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_task *task = into;
    const char *path = NULL;
    enum stk_rc rc = stk_node_text(node, &path, err);
    if (rc != STK_OK) return rc;
    if (*path == '\0') return stk_node_fail(node, err, "is empty");

    char *dir = stk_path_under(task->dir, path);
    free(task->dir);
    task->dir = dir;
    return STK_OK;
}

static enum stk_rc read_http(const struct stk_node *node, void *into, struct stk_error *err)
{
    return stk_http_task_read(node, into, err);
}

/* Names only: what they stand for may come later in the file; model/settings
 * ties them together when all is read. */
static enum stk_rc read_limits(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_task *task = into;
    if (node->kind != STK_NODE_LIST) {
        return stk_node_fail(node, err, "must be a list of limits, such as [lab-submit]");
    }
    if (node->count > STK_TASK_LIMITS_MAX) {
        return stk_node_fail(node, err, "has %zu limits; at most %d", node->count,
                             STK_TASK_LIMITS_MAX);
    }

    task->limit_names = make_texts(node->count);
    for (size_t i = 0; i < node->count; i++) {
        const char *name = NULL;
        enum stk_rc rc = stk_node_text(node->children[i], &name, err);
        if (rc != STK_OK) return rc;
        task->limit_names[i] = stk_strdup(name);
    }
    return STK_OK;
}

/* As for the limits: only the name. */
static enum stk_rc read_session(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_task *task = into;
    const char *name = NULL;
    enum stk_rc rc = stk_node_text(node, &name, err);
    if (rc != STK_OK) return rc;
    task->session_name = stk_strdup(name);
    return STK_OK;
}

/* clang-format off */
static const struct stk_key task_keys[] = {
    { "command",      read_command      },
    { "params",       read_params       },
    { "queue",        read_queue        },
    { "time_limit",   read_time_limit   },
    { "kill_grace",   read_kill_grace   },
    { "retry",        read_retry        },
    { "priority",     read_priority     },
    { "result_limit", read_result_limit },
    { "nice",         read_nice         },
    { "memory",       read_memory       },
    { "cpu",          read_cpu          },
    { "files",        read_files        },
    { "file_size",    read_file_size    },
    { "env",          read_env          },
    { "env_pass",     read_env_pass     },
    { "dir",          read_dir          },
    { "http",         read_http         },
    { "session",      read_session      },
    { "limits",       read_limits       },
    { "runner",       NULL              },
    { "native",       NULL              },
};
/* clang-format on */
_Static_assert(STK_ARRAY_LEN(task_keys) <= STK_KEYS_MAX, "stk_keys_read holds them all");

/* Keys that say something of a program on this machine. */
static const char *const command_keys[] = { "kill_grace", "nice",      "memory", "cpu",
                                            "files",      "file_size", "env",    "env_pass" };

static enum stk_rc check_executor(const struct stk_node *node, const struct stk_task *task,
                                  struct stk_error *err)
{
    const struct stk_node *command = stk_node_get(node, "command");
    const struct stk_node *http = stk_node_get(node, "http");
    if (command == NULL && http == NULL) {
        return stk_node_fail(node, err,
                             "needs a command, such as [./prog, --fast, \"{fast}\"], "
                             "or http:");
    }
    if (command != NULL && http != NULL) {
        return stk_node_fail(http, err, "a task has a command or http:, not both");
    }
    if (command != NULL) return check_templates(command, task, err);
    for (size_t i = 0; i < STK_ARRAY_LEN(command_keys); i++) {
        const struct stk_node *stray = stk_node_get(node, command_keys[i]);
        if (stray != NULL) return stk_node_fail(stray, err, "is for commands, not for http:");
    }
    return STK_OK;
}

enum stk_rc stk_task_read(const struct stk_node *node, const char *dir, struct stk_task *task,
                          struct stk_error *err)
{
    *task = defaults;
    task->name = stk_strdup(node->name);
    task->dir = stk_strdup(dir);
    enum stk_rc rc = stk_keys_read(node, task_keys, STK_ARRAY_LEN(task_keys), task, err);
    if (rc != STK_OK) return rc;

    if (task->queue == NULL) task->queue = stk_strdup(task->name);
    return check_executor(node, task, err);
}
