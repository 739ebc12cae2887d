/* SPDX-License-Identifier: MIT */
#include "model/settings.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "model/keys.h"
#include "model/named.h"
#include "model/settings_environment.h"
#include "model/settings_file.h"
#include "model/shown.h"
#include "model/store_url.h"
#include "model/task_config.h"
#include "model/tie.h"

#define STORE_DEFAULT "sqlite:stoker.db"

enum { WORKERS_DEFAULT = 8, SWEEP_CONFIRM_DEFAULT = 100 * 1000, PORT_MAX = 65535 };

/* --- the store ------------------------------------------------------------ */

/* Takes `value`; free(*place) before. */
static void replace(char **place, char *value)
{
    free(*place);
    *place = value;
}

/* Logs that lie beside the store by default move with it. */
static void set_store(struct stk_settings *settings, const char *base, const char *url)
{
    STK_CLEANUP(stk_freep) char *usual = stk_store_url_make_logs(settings->store, settings->dir);
    bool is_usual = strcmp(usual, settings->logs) == 0;

    replace(&settings->store, stk_store_url_make(base, url));
    if (is_usual) replace(&settings->logs, stk_store_url_make_logs(settings->store, settings->dir));
}

static char *make_current_dir(void)
{
    char *dir = getcwd(NULL, 0);
    return dir != NULL ? dir : stk_strdup("."); /* the folder was deleted under us */
}

void stk_settings_set_store(struct stk_settings *settings, const char *url)
{
    assert(settings != NULL && url != NULL);
    STK_CLEANUP(stk_freep) char *dir = make_current_dir();
    set_store(settings, dir, url);
}

static bool is_listen(const char *text)
{
    const char *colon = strrchr(text, ':');
    uint32_t port = 0;
    if (strcmp(text, "none") == 0) return true;
    if (colon == NULL || colon == text || !stk_parse_u32(colon + 1, &port)) return false;
    return port > 0 && port <= PORT_MAX;
}

bool stk_settings_set_listen(struct stk_settings *settings, const char *text)
{
    if (!is_listen(text)) return false;
    replace(&settings->listen, strcmp(text, "none") == 0 ? NULL : stk_strdup(text));
    return true;
}

/* --- single keys ---------------------------------------------------------- */

static enum stk_rc read_store(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_settings *settings = into;
    const char *url = NULL;
    enum stk_rc rc = stk_node_text(node, &url, err);
    if (rc != STK_OK) return rc;
    struct stk_error cause = { .rc = STK_OK };
    if (stk_store_url_check(url, &cause) != STK_OK) {
        return stk_node_fail(node, err, "%s", cause.text);
    }
    set_store(settings, settings->dir, url);
    return STK_OK;
}

static enum stk_rc read_workers(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_settings *settings = into;
    return stk_key_u32(node, 1, STK_WORKERS_MAX, &settings->workers, err);
}

static enum stk_rc read_listen(const struct stk_node *node, void *into, struct stk_error *err)
{
    const char *text = NULL;
    enum stk_rc rc = stk_node_text(node, &text, err);
    if (rc != STK_OK) return rc;
    if (stk_settings_set_listen(into, text)) return STK_OK;
    STK_CLEANUP(stk_freep) char *shown = stk_shown(text);
    return stk_node_fail(node, err, "\"%s\" is not HOST:PORT, such as 127.0.0.1:7077, or none",
                         shown);
}

static enum stk_rc read_logs(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_settings *settings = into;
    const char *path = NULL;
    enum stk_rc rc = stk_node_text(node, &path, err);
    if (rc != STK_OK) return rc;
    if (*path == '\0') return stk_node_fail(node, err, "is empty");
    replace(&settings->logs, stk_path_under(settings->dir, path));
    return STK_OK;
}

static enum stk_rc read_lease(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_settings *settings = into;
    return stk_key_duration(node, 3 * STK_SECOND, STK_HOUR, &settings->lease_ns, err);
}

static enum stk_rc read_grace(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_settings *settings = into;
    return stk_key_duration(node, 0, STK_DAY, &settings->grace_ns, err);
}

static enum stk_rc read_sweep_confirm(const struct stk_node *node, void *into,
                                      struct stk_error *err)
{
    struct stk_settings *settings = into;
    return stk_key_u32(node, 1, UINT32_MAX, &settings->sweep_points_confirm, err);
}

/* --- tasks ---------------------------------------------------------------- */

/* `tasks:` with every task commented out. */
static bool is_nothing(const struct stk_node *node)
{
    return node->kind == STK_NODE_SCALAR && !node->quoted && *node->text == '\0';
}

static enum stk_rc read_task(const struct stk_node *node, const char *dir, void *into,
                             struct stk_error *err)
{
    return stk_task_read(node, dir, into, err);
}

static void release_task(void *task)
{
    stk_task_release(task);
}

static const struct stk_named tasks = {
    "task", "tasks", STK_TASKS_MAX, sizeof(struct stk_task), read_task, release_task,
};
_Static_assert(offsetof(struct stk_task, name) == 0, "as stk_named wants it");

static enum stk_rc read_tasks(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_settings *settings = into;
    void *all = NULL;
    if (is_nothing(node)) return STK_OK;
    enum stk_rc rc = stk_named_read(&tasks, node, settings->dir, &all, &settings->task_count, err);
    if (rc == STK_OK) settings->tasks = all;
    return rc;
}

/* --- limits -------------------------------------------------- */

static enum stk_rc read_limits(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_settings *settings = into;
    if (is_nothing(node)) return STK_OK;
    return stk_limit_config_read(node, &settings->limits, &settings->limit_count, err);
}

/* --- sessions ------------------------------------------------------------- */

static enum stk_rc read_sessions(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_settings *settings = into;
    if (is_nothing(node)) return STK_OK;
    return stk_session_config_read(node, settings->dir, &settings->sessions,
                                   &settings->session_count, err);
}

static enum stk_rc read_key_file(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_settings *settings = into;
    const char *path = NULL;
    enum stk_rc rc = stk_node_text(node, &path, err);
    if (rc != STK_OK) return rc;
    if (*path == '\0') return stk_node_fail(node, err, "is empty");
    replace(&settings->key_file, stk_path_under(settings->dir, path));
    return STK_OK;
}

/* --- notify --------------------------------------------------------------- */

static enum stk_rc read_notify(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_settings *settings = into;
    if (is_nothing(node)) return STK_OK;
    return stk_notify_config_read(node, settings->dir, &settings->channels,
                                  &settings->channel_count, err);
}

/* clang-format off */
static const struct stk_key keys[] = {
    { "store",         read_store         },
    { "workers",       read_workers       },
    { "listen",        read_listen        },
    { "logs",          read_logs          },
    { "grace",         read_grace         },
    { "lease",         read_lease         },
    { "sweep_confirm", read_sweep_confirm },
    { "tasks",         read_tasks         },
    { "sessions",      read_sessions      },
    { "key_file",      read_key_file      },
    { "limits",        read_limits        },
    { "users",         NULL               },
    { "notify",        read_notify        },
    { "triggers",      NULL               },
};
/* clang-format on */

static struct stk_settings *make_settings(const char *dir)
{
    struct stk_settings *settings = stk_alloc(sizeof(*settings));
    *settings = (struct stk_settings){
        .dir = stk_strdup(dir),
        .store = stk_store_url_make(dir, STORE_DEFAULT),
        .workers = WORKERS_DEFAULT,
        .grace_ns = 30 * STK_SECOND,
        .lease_ns = 30 * STK_SECOND,
        .sweep_points_confirm = SWEEP_CONFIRM_DEFAULT,
    };
    settings->logs = stk_store_url_make_logs(settings->store, dir);
    return settings;
}

enum stk_rc stk_settings_read(const struct stk_node *root, const char *dir,
                              struct stk_settings **ret, struct stk_error *err)
{
    assert(root != NULL && dir != NULL && ret != NULL);
    STK_CLEANUP(stk_settings_freep) struct stk_settings *settings = make_settings(dir);

    enum stk_rc rc = stk_keys_read(root, keys, STK_ARRAY_LEN(keys), settings, err);
    if (rc == STK_OK) rc = stk_settings_tie(settings, root, err);
    if (rc != STK_OK) return rc;

    *ret = settings;
    settings = NULL;
    return STK_OK;
}

/* --- loading the file ------------------------------------------------------ */

static enum stk_rc load_file(const char *path, struct stk_settings **ret, struct stk_error *err)
{
    STK_CLEANUP(stk_config_closep) struct stk_node *root = NULL;
    enum stk_rc rc = stk_config_open(path, &root, err);
    if (rc != STK_OK) return rc;

    STK_CLEANUP(stk_freep) char *folder = NULL;
    rc = stk_settings_file_folder(path, &folder, err);
    if (rc != STK_OK) return rc;

    struct stk_settings *settings = NULL;
    rc = stk_settings_read(root, folder, &settings, err);
    if (rc != STK_OK) return rc;

    const char *slash = strrchr(path, '/');
    settings->file = stk_path_under(folder, slash == NULL ? path : slash + 1);
    *ret = settings;
    return STK_OK;
}

static struct stk_settings *make_settings_here(void)
{
    STK_CLEANUP(stk_freep) char *dir = make_current_dir();
    return make_settings(dir);
}

enum stk_rc stk_settings_load(const char *path, bool must_exist, struct stk_settings **ret,
                              struct stk_error *err)
{
    assert(ret != NULL);
    const char *file = NULL;
    enum stk_rc rc = stk_settings_file_find(path, &file, err);
    if (rc != STK_OK) return rc;
    if (file == NULL && must_exist) {
        return stk_fail(err, STK_NOT_FOUND,
                        "no " STK_SETTINGS_FILE
                        " in this folder, in $STOKER_CONFIG or in /etc/stoker; "
                        "name one with --config");
    }

    STK_CLEANUP(stk_settings_freep) struct stk_settings *settings = NULL;
    if (file == NULL) {
        settings = make_settings_here();
    } else {
        rc = load_file(file, &settings, err);
        if (rc != STK_OK) return rc;
    }
    rc = stk_settings_environment(settings, err);
    if (rc != STK_OK) return rc;

    *ret = settings;
    settings = NULL;
    return STK_OK;
}

/* --- using them ----------------------------------------------------------- */

static int compare_name(const void *name, const void *task)
{
    return strcmp(name, ((const struct stk_task *)task)->name);
}

const struct stk_task *stk_settings_task(const struct stk_settings *settings, const char *name)
{
    assert(settings != NULL && name != NULL);
    if (settings->task_count == 0) return NULL;
    return bsearch(name, settings->tasks, settings->task_count, sizeof(*settings->tasks),
                   compare_name);
}

const struct stk_session_spec *stk_settings_session(const struct stk_settings *settings,
                                                    const char *name)
{
    for (size_t i = 0; i < settings->session_count; i++) {
        if (strcmp(settings->sessions[i].name, name) == 0) return &settings->sessions[i];
    }
    return NULL;
}

const struct stk_limit_spec *stk_settings_limit(const struct stk_settings *settings,
                                                const char *name)
{
    for (size_t i = 0; i < settings->limit_count; i++) {
        if (strcmp(settings->limits[i].name, name) == 0) return &settings->limits[i];
    }
    return NULL;
}

const struct stk_channel *stk_settings_channel(const struct stk_settings *settings,
                                               const char *name)
{
    for (size_t i = 0; i < settings->channel_count; i++) {
        if (strcmp(settings->channels[i].name, name) == 0) return &settings->channels[i];
    }
    return NULL;
}

const struct stk_task *stk_settings_queue(const struct stk_settings *settings, const char *queue)
{
    for (size_t i = 0; i < settings->task_count; i++) {
        if (strcmp(settings->tasks[i].queue, queue) == 0) return &settings->tasks[i];
    }
    return NULL;
}

static const char *find_near(const struct stk_settings *settings, const char *name)
{
    const char *names[STK_TASKS_MAX] = { 0 };
    for (size_t i = 0; i < settings->task_count; i++) {
        names[i] = settings->tasks[i].name;
    }
    return stk_nearest(name, names, settings->task_count);
}

enum stk_rc stk_settings_fail_unknown_task(const struct stk_settings *settings, const char *name,
                                           struct stk_error *err)
{
    assert(settings != NULL && name != NULL);
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    stk_buf_adds(&text, "unknown task \"");
    stk_shown_add(&text, name, strlen(name), STK_SHOWN_BYTES_MAX);

    const char *near = find_near(settings, name);
    if (near != NULL) {
        stk_buf_addf(&text, "\"; did you mean \"%s\"?", near);
    } else if (settings->task_count > 0) {
        stk_buf_adds(&text, "\"; the tasks are");
        for (size_t i = 0; i < settings->task_count; i++) {
            stk_buf_addf(&text, "%s %s", i > 0 ? "," : "", settings->tasks[i].name);
        }
    } else if (settings->file != NULL) {
        stk_buf_addf(&text, "\"; %s has no tasks", settings->file);
    } else {
        stk_buf_adds(&text, "\"; no " STK_SETTINGS_FILE " was found, so there are no tasks");
    }
    return stk_fail(err, STK_NOT_FOUND, "%s", stk_buf_str(&text));
}

void stk_settings_free(struct stk_settings *settings)
{
    if (settings == NULL) return;
    for (size_t i = 0; i < settings->task_count; i++) {
        stk_task_release(&settings->tasks[i]);
    }
    for (size_t i = 0; i < settings->limit_count; i++) {
        stk_limit_spec_release(&settings->limits[i]);
    }
    free(settings->tasks);
    free(settings->limits);
    for (size_t i = 0; i < settings->session_count; i++) {
        stk_session_spec_release(&settings->sessions[i]);
    }
    free(settings->sessions);
    for (size_t i = 0; i < settings->channel_count; i++) {
        stk_channel_release(&settings->channels[i]);
    }
    free(settings->channels);
    free(settings->key_file);
    free(settings->file);
    free(settings->dir);
    free(settings->store);
    free(settings->listen);
    free(settings->logs);
    free(settings);
}

void stk_settings_freep(struct stk_settings **settings)
{
    stk_settings_free(*settings);
    *settings = NULL;
}
