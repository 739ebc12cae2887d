/* SPDX-License-Identifier: MIT
 *
 * settings - stoker.yaml, read and checked: where the store is, how many
 * workers, which tasks.
 *
 * Found in this order: --config, ./stoker.yaml, $STOKER_CONFIG,
 * /etc/stoker/stoker.yaml. Precedence of single values: flag > environment
 * (STOKER_STORE, STOKER_WORKERS, STOKER_LISTEN) > file; the caller puts flags
 * over what stk_settings_load gives. Relative paths (the store, `logs`, `dir`)
 * start from the folder of the file, and a program with a '/' in it from the
 * task's `dir`; in STOKER_STORE, from the current folder. A file that somebody
 * named (--config, $STOKER_CONFIG) must be there.
 *
 * Memory:  load makes, free ends; everything in it lives as long.
 * Threads: read-only once made.
 * Errors:  STK_BAD_CONFIG naming FILE:LINE: KEY; an unknown key, a wrong type
 *          or a bad value is never passed over. STK_NOT_FOUND when there is no
 *          file and one was demanded.
 */
#ifndef STK_MODEL_SETTINGS_H
#define STK_MODEL_SETTINGS_H

#include "base/config.h"
#include "model/notify_config.h"
#include "model/task.h"

enum { STK_WORKERS_MAX = 256, STK_TASKS_MAX = 1024 };

struct stk_settings {
    char *file;           /* absolute path of stoker.yaml; NULL when none was found */
    char *dir;            /* its folder; the current folder when none */
    char *store;          /* "sqlite:/abs/path/stoker.db", or "postgresql://..." as it was given */
    char *listen;         /* "127.0.0.1:7077" or NULL; unused until there is a TCP server */
    char *logs;           /* folder of the worker consoles; default: the store's path + ".logs" */
    uint32_t workers;     /* default 8 */
    stk_time_ns lease_ns; /* `lease`: how long a pool of a shared store lives unheard of; 30 s */
    stk_time_ns grace_ns; /* `grace`: how long a stop waits for running jobs; default 30 s */
    uint32_t sweep_points_confirm; /* sweeps above need --yes; default 100,000 */
    struct stk_task *tasks;        /* sorted by name */
    size_t task_count;
    struct stk_limit_spec *limits; /* sorted by name */
    size_t limit_count;
    struct stk_session_spec *sessions; /* sorted by name */
    size_t session_count;
    struct stk_channel *channels; /* `notify`, sorted by name */
    size_t channel_count;
    char *key_file; /* seals the sessions' secrets; NULL: stk_keys_default_path */
};

/* path NULL: look in the places above; when nothing is found and !must_exist,
 * the defaults with no tasks and the store "sqlite:stoker.db" here. */
STK_MUST_USE enum stk_rc stk_settings_load(const char *path, bool must_exist,
                                           struct stk_settings **ret, struct stk_error *err);

/* The same from a tree already read; `dir` is what relative paths start from. */
STK_MUST_USE enum stk_rc stk_settings_read(const struct stk_node *root, const char *dir,
                                           struct stk_settings **ret, struct stk_error *err);
void stk_settings_free(struct stk_settings *settings);
void stk_settings_freep(struct stk_settings **settings);

/* Replaces the store URL, made absolute from the current folder; logs that lie
 * beside the store by default move with it. */
void stk_settings_set_store(struct stk_settings *settings, const char *url);
/* HOST:PORT, [v6]:PORT, or none. False: it is none of these. */
bool stk_settings_set_listen(struct stk_settings *settings, const char *text);

const struct stk_task *stk_settings_task(const struct stk_settings *settings, const char *name);

const struct stk_limit_spec *stk_settings_limit(const struct stk_settings *settings,
                                                const char *name);
const struct stk_session_spec *stk_settings_session(const struct stk_settings *settings,
                                                    const char *name);
const struct stk_channel *stk_settings_channel(const struct stk_settings *settings,
                                               const char *name);
/* What a queue's jobs need: that of the first task in it, since tasks of one
 * queue agree (the file is refused otherwise). NULL: no task goes there. */
const struct stk_task *stk_settings_queue(const struct stk_settings *settings, const char *queue);

/* STK_NOT_FOUND: `unknown task "bactest"; did you mean "backtest"?`, or the
 * list of tasks, or that stoker.yaml has none. */
enum stk_rc stk_settings_fail_unknown_task(const struct stk_settings *settings, const char *name,
                                           struct stk_error *err);

#endif
