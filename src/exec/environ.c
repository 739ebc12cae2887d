/* SPDX-License-Identifier: MIT */
#include "exec/environ.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "exec/wire.h"

/* Taken from the pool's environment, or this when it has none. */
static const struct {
    const char *name, *fallback;
} defaults[] = {
    { "PATH", "/usr/local/bin:/usr/bin:/bin" },
    { "HOME", NULL },
    { "LANG", NULL },
    { "TZ", NULL },
    { "TMPDIR", NULL },
};

/* ---- the block --------------------------------------------------------- */

static void clear(struct stk_block *block)
{
    if (block->text.len > STK_WIRE_BLOCK_MAX) stk_block_release(block);
    stk_buf_clear(&block->slots);
    stk_buf_clear(&block->text);
    free(block->program);
    block->program = NULL;
}

/* Offsets are counted from the text's start until the table's size is known. */
static void add_slot(struct stk_block *block, uint64_t offset)
{
    stk_buf_add(&block->slots, &offset, sizeof(offset));
}

static void add_null(struct stk_block *block)
{
    add_slot(block, UINT64_MAX);
}

static void add_string(struct stk_block *block, const char *text)
{
    if (text == NULL) {
        add_null(block);
        return;
    }
    add_slot(block, block->text.len);
    stk_buf_add(&block->text, text, strlen(text) + 1);
}

static void shift_slots(struct stk_block *block)
{
    uint64_t *slots = (uint64_t *)(void *)block->slots.data;
    size_t count = block->slots.len / sizeof(*slots);
    for (size_t i = 0; i < count; i++) {
        slots[i] = slots[i] == UINT64_MAX ? 0 : slots[i] + block->slots.len;
    }
}

/* ---- the environment --------------------------------------------------- */

struct env {
    struct stk_block *block;
    size_t first; /* its first slot */
};

/* "NAME=value" replaces an earlier NAME: a task may set its own PATH. */
static void set(struct env *env, const char *name, size_t name_len, const char *value,
                size_t value_len)
{
    struct stk_block *block = env->block;
    uint64_t *slots = (uint64_t *)(void *)block->slots.data;
    size_t count = block->slots.len / sizeof(*slots);
    uint64_t offset = block->text.len;
    size_t i = env->first;
    for (; i < count; i++) {
        const char *old = block->text.data + slots[i];
        if (strncmp(old, name, name_len) == 0 && old[name_len] == '=') break;
    }
    if (i < count) slots[i] = offset;
    if (i == count) add_slot(block, offset);

    stk_buf_add(&block->text, name, name_len);
    stk_buf_addc(&block->text, '=');
    stk_buf_add(&block->text, value, value_len);
    stk_buf_addc(&block->text, '\0');
}

static void set_text(struct env *env, const char *name, const char *value)
{
    if (value != NULL) set(env, name, strlen(name), value, strlen(value));
}

static void set_number(struct env *env, const char *name, int64_t value)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "%" PRId64, value);
    set_text(env, name, text);
}

static void set_defaults(struct env *env)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(defaults); i++) {
        const char *value = getenv(defaults[i].name);
        set_text(env, defaults[i].name, value != NULL ? value : defaults[i].fallback);
    }
}

static void set_pairs(struct env *env, const char *const *pairs)
{
    for (; pairs != NULL && *pairs != NULL; pairs++) {
        const char *equals = strchr(*pairs, '=');
        if (equals == NULL) continue; /* model/settings lets none through */
        set(env, *pairs, (size_t)(equals - *pairs), equals + 1, strlen(equals + 1));
    }
}

static void set_from_task(struct env *env, const struct stk_task *task)
{
    for (char **name = task->env_pass; name != NULL && *name != NULL; name++) {
        set_text(env, *name, getenv(*name));
    }
    set_pairs(env, (const char *const *)task->env);
}

static void set_from_job(struct env *env, const struct stk_exec_job *job)
{
    set_number(env, "STOKER_JOB_ID", job->id);
    set_number(env, "STOKER_ATTEMPT_ID", job->attempt_id);
    set_number(env, "STOKER_ATTEMPT", job->attempt);
    if (job->sweep_id != 0) set_number(env, "STOKER_SWEEP_ID", job->sweep_id);
    set_text(env, "STOKER_TASK", job->task->name);
    set_text(env, "STOKER_WORKER", job->worker);
    if (job->credential != NULL) set_number(env, "STOKER_SESSION_FD", STK_WIRE_SESSION_FD);
}

/* STOKER_PARAM_<NAME>: capitals; what no variable may have becomes '_'. */
static void set_param(struct env *env, const char *name, const json_t *value)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf variable = STK_BUF_INIT;
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    stk_buf_adds(&variable, "STOKER_PARAM_");
    for (const char *c = name; *c != '\0'; c++) {
        int upper = toupper((unsigned char)*c); /* of ASCII only: see base/text.h on locales */
        stk_buf_addc(&variable, isalnum(upper) ? (char)upper : '_');
    }
    if (json_is_string(value)) {
        stk_buf_add(&text, json_string_value(value), json_string_length(value));
    } else {
        stk_json_add(&text, value);
    }
    set(env, variable.data, variable.len, stk_buf_str(&text), text.len);
}

static void set_params(struct env *env, json_t *params)
{
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(params, name, value)
    {
        set_param(env, name, value);
    }
}

/* ---- all of it --------------------------------------------------------- */

static struct env begin(struct stk_block *block, const char *dir, const char *const *argv)
{
    clear(block);
    add_string(block, dir);
    for (block->argc = 0; argv[block->argc] != NULL; block->argc++) {
        add_string(block, argv[block->argc]);
    }
    add_null(block);
    block->program = stk_strdup(argv[0]);

    struct env env = { .block = block, .first = block->slots.len / sizeof(uint64_t) };
    set_defaults(&env);
    return env;
}

static void end(struct stk_block *block)
{
    add_null(block);
    shift_slots(block);
}

static enum stk_rc read_params(const struct stk_exec_job *job, json_t **ret, struct stk_error *err)
{
    if (stk_json_parse(job->params, job->params_len, ret, err) != STK_OK) {
        return stk_fail_at(err, "could not read the job's parameters: ");
    }
    if (json_is_object(*ret)) return STK_OK;
    json_decref(*ret);
    *ret = NULL;
    return stk_fail(err, STK_BAD_DATA, "the job's parameters are not an object");
}

enum stk_rc stk_block_fill(struct stk_block *block, const struct stk_exec_job *job,
                           struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *params = NULL;
    enum stk_rc rc = read_params(job, &params, err);
    if (rc != STK_OK) return rc;
    char **argv = NULL;
    rc = stk_task_argv(job->task, params, &argv, err);
    if (rc != STK_OK) return rc;
    if (argv[0] == NULL) {
        stk_argv_free(argv);
        return stk_fail(err, STK_INVALID, "task %s has no command", job->task->name);
    }

    struct env env = begin(block, job->task->dir, (const char *const *)argv);
    stk_argv_free(argv);
    set_from_task(&env, job->task);
    set_from_job(&env, job);
    set_params(&env, params);
    end(block);
    return STK_OK;
}

void stk_block_fill_words(struct stk_block *block, const char *dir, const char *const *argv,
                          const char *const *env)
{
    struct env all = begin(block, dir, argv);
    set_pairs(&all, env);
    end(block);
}

void stk_block_release(struct stk_block *block)
{
    stk_buf_release(&block->slots);
    stk_buf_release(&block->text);
    free(block->program);
    block->program = NULL;
}
