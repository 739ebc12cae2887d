/* SPDX-License-Identifier: MIT
 *
 * task - a named kind of job: how it is executed, and what its parameters are.
 *
 * Memory:  made by model/settings (or a test), freed by stk_task_release.
 *          Read-only once made.
 * Threads: any number may read.
 * Errors:  STK_INVALID naming the parameter; what people typed is quoted.
 *          STK_TOO_LARGE when all parameters together are over the limit.
 */
#ifndef STK_MODEL_TASK_H
#define STK_MODEL_TASK_H

#include "base/json.h"
#include "model/limit_config.h"
#include "model/retry.h"
#include "model/session_config.h"

enum {
    STK_PARAMS_MAX = 64,                /* parameters of a task */
    STK_PARAMS_BYTES_MAX = 64 * 1024,   /* canonical text of one job's parameters */
    STK_RESULT_BYTES_MAX = 1024 * 1024, /* default of `result_limit` */
    STK_ARGV_MAX = 256,
    STK_TEXT_PARAM_BYTES_MAX = 4096
};

enum stk_param_type { STK_PARAM_INT, STK_PARAM_FLOAT, STK_PARAM_TEXT, STK_PARAM_BOOL };

struct stk_param {
    char *name;
    enum stk_param_type type;
    bool has_min, has_max;
    double min, max;  /* int and float: bounds of the value; text: of its length in bytes */
    json_t *choices;  /* array of allowed values, or NULL */
    json_t *fallback; /* `default:`; NULL: the parameter must be given */
    bool dash;        /* text may begin with '-' */
};

enum stk_executor { STK_EXECUTOR_COMMAND, STK_EXECUTOR_NOOP, STK_EXECUTOR_HTTP };

struct stk_http_spec; /* model/http_task.h */

struct stk_task {
    char *name;
    char *queue; /* default: the task's name */
    enum stk_executor executor;
    struct stk_http_spec *http; /* STK_EXECUTOR_HTTP; else NULL */
    char **argv; /* templates, NULL at the end: "{fast}", "--slow={slow}", "{{" is a brace */
    char *dir;   /* working directory, absolute */
    struct stk_param *params;
    size_t param_count;
    struct stk_retry retry;
    stk_time_ns time_limit_ns; /* 0: none */
    stk_time_ns kill_grace_ns; /* between SIGTERM and SIGKILL; 5 s */
    size_t result_bytes_max;
    int32_t priority; /* of jobs that name none */
    int nice;
    uint64_t memory_bytes_max;                                /* RLIMIT_AS; 0: none */
    uint64_t cpu_s_max;                                       /* RLIMIT_CPU */
    uint64_t files_max;                                       /* RLIMIT_NOFILE */
    uint64_t file_bytes_max;                                  /* RLIMIT_FSIZE */
    char **limit_names;                                       /* NULL at the end; or NULL */
    const struct stk_limit_spec *limits[STK_TASK_LIMITS_MAX]; /* the settings' own */
    size_t limit_count;
    char *session_name;                     /* or NULL */
    const struct stk_session_spec *session; /* the settings' own; NULL: it needs none */
    char **env;      /* "NAME=value" added to the small default environment */
    char **env_pass; /* names passed through from the pool's environment */
};

/* Checks `given` (a JSON object) against the task: every parameter there or
 * defaulted, none unknown ("did you mean"), right type, inside bounds and
 * choices. With from_text all values are strings as typed on a command line
 * and are read by type: "5", "0.1", "true". An int parameter takes no 5.0, a
 * float takes 5 (and makes it 5.0). On success *ret is a new object holding
 * exactly the task's parameters, its canonical text at most
 * STK_PARAMS_BYTES_MAX. */
STK_MUST_USE enum stk_rc stk_params_check(const struct stk_task *task, const json_t *given,
                                          bool from_text, json_t **ret, struct stk_error *err);

/* The same for one value of one parameter; *ret is a new reference. */
STK_MUST_USE enum stk_rc stk_param_check(const struct stk_task *task, const struct stk_param *param,
                                         const json_t *value, bool from_text, json_t **ret,
                                         struct stk_error *err);

const struct stk_param *stk_task_param(const struct stk_task *task, const char *name);
/* A job's parameter, borrowed: its own, or the default when it was submitted
 * without (by SQL, or before the task had it); NULL: neither. */
json_t *stk_task_value(const struct stk_task *task, const json_t *params, const char *name);

/* "unknown parameter "fsat" of task "backtest"; did you mean "fast"? it has fast, slow" */
enum stk_rc stk_task_fail_unknown_param(const struct stk_task *task, const char *name,
                                        struct stk_error *err);

/* The argument vector of one job: templates filled with its parameters (text
 * as it is, numbers and bools as JSON writes them). One block, ended by NULL;
 * stk_argv_free ends it. STK_INVALID when a parameter of the template is not
 * in `params` (a task changed since the job was submitted). */
STK_MUST_USE enum stk_rc stk_task_argv(const struct stk_task *task, const json_t *params,
                                       char ***ret, struct stk_error *err);
void stk_argv_free(char **argv);

/* Whether one argument of a command is well formed: braces balanced, and every
 * {name} a parameter of the task, or none at all. */
STK_MUST_USE enum stk_rc stk_task_check_template(const struct stk_task *task, const char *text,
                                                 bool may_have_params, struct stk_error *err);

const char *stk_param_type_name(enum stk_param_type type); /* "int" */
bool stk_param_type_from_name(const char *name, enum stk_param_type *ret);
void stk_task_release(struct stk_task *task);

#endif
