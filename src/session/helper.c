/* SPDX-License-Identifier: MIT */
#include "session/helper.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/redact.h"
#include "base/text.h"
#include "session/credential.h"

static const double SECONDS_MAX = 10.0 * 366 * 24 * 60 * 60;

/* --- the question ----------------------------------------------------------- */

/* NULL is null: json_stringn refuses what is not UTF-8. */
static json_t *or_null(json_t *value)
{
    return value != NULL ? value : json_null();
}

static json_t *make_credential(const struct stk_secret *credential)
{
    if (credential == NULL) return json_null();
    json_t *object = stk_credential_object(credential);
    if (object != NULL) return object;
    return or_null(json_stringn(stk_secret_bytes(credential), stk_secret_len(credential)));
}

static json_t *make_work(const struct stk_secret *work)
{
    json_t *value = NULL;
    if (work == NULL) return json_null();
    if (stk_json_parse(stk_secret_bytes(work), stk_secret_len(work), &value, NULL) != STK_OK) {
        return json_null();
    }
    return value;
}

static size_t len_of(const struct stk_secret *secret)
{
    return secret != NULL ? stk_secret_len(secret) : 0;
}

/* Room for all at once: a buffer that grows leaves copies behind. */
static void add_question(struct stk_buf *buf, const struct stk_ask *ask, enum stk_session_act act)
{
    STK_CLEANUP(stk_json_freep) json_t *question = json_object();
    stk_buf_reserve(buf, 6 * (len_of(ask->credential) + len_of(ask->work)) + 1024);
    (void)json_object_set_new(question, "session", json_string(ask->session->name));
    (void)json_object_set_new(question, "generation", json_integer(ask->session->generation));
    (void)json_object_set_new(question, "act", json_string(stk_session_act_name(act)));
    (void)json_object_set_new(question, "credential", make_credential(ask->credential));
    (void)json_object_set_new(question, "work", make_work(ask->work));
    stk_json_add(buf, question);
    stk_buf_addc(buf, '\n');
}

/* --- its environment -------------------------------------------------------- */

enum { ENV_MAX = 4 };

struct env {
    char *pairs[ENV_MAX + 1];
    size_t count;
};

static void env_release(struct env *env)
{
    for (size_t i = 0; i < env->count; i++) {
        free(env->pairs[i]);
    }
}

static void env_add(struct env *env, const char *name, const char *value)
{
    env->pairs[env->count++] = stk_format("%s=%s", name, value);
}

static void fill_env(struct env *env, const struct stk_ask *ask, enum stk_session_act act)
{
    const struct stk_session_spec *spec = ask->spec;
    bool is_kerberos = spec->format != NULL && strcmp(spec->format, "kerberos") == 0;
    env_add(env, "STOKER_SESSION", ask->session->name);
    env_add(env, "STOKER_SESSION_ACT", stk_session_act_name(act));
    if (spec->file != NULL) env_add(env, "STOKER_SESSION_FILE", spec->file);
    if (!is_kerberos || spec->file == NULL) return;
    env->pairs[env->count++] = stk_format("KRB5CCNAME=FILE:%s", spec->file);
}

/* --- the answer ------------------------------------------------------------- */

static void read_reply(struct stk_helper *helper, const struct stk_secret *output)
{
    json_t *value = NULL;
    if (output == NULL) return;
    const char *text = stk_secret_bytes(output);
    if (stk_json_parse(text, stk_secret_len(output), &value, NULL) != STK_OK) return;
    if (json_is_object(value)) {
        helper->reply = value;
    } else {
        json_decref(value);
    }
}

static void say(struct stk_helper *helper, const char *program, const char *why)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    const char *slash = strrchr(program, '/');
    const char *name = slash != NULL ? slash + 1 : program;
    stk_text_add_escaped(&text, name, strlen(name));
    stk_buf_adds(&text, ": ");
    size_t start = text.len;
    stk_text_add_escaped(&text, why, strlen(why));
    (void)stk_redact(text.data + start, text.len - start);

    size_t len = text.len;
    if (len >= sizeof(helper->reason)) len = stk_utf8_cut(text.data, sizeof(helper->reason) - 1);
    memcpy(helper->reason, text.data, len);
    helper->reason[len] = '\0';
}

/* A new credential is known to nobody yet, and programs complain with what they
 * have at hand. */
static void take_result(struct stk_helper *helper, const char *program,
                        const struct stk_program_result *result)
{
    helper->end = result->end;
    helper->exit_status = result->exit_status;
    read_reply(helper, result->output);
    stk_credential_redact(json_object_get(helper->reply, "credential"));
    stk_credential_redact(json_object_get(helper->reply, "work"));

    const char *own = json_string_value(json_object_get(helper->reply, "reason"));
    if (result->output_is_too_long) {
        say(helper, program, "answered with more than a credential may have");
    } else if (own != NULL && *own != '\0') {
        say(helper, program, own);
    } else if (result->error[0] != '\0') {
        say(helper, program, result->error);
    }
}

void stk_helper_run(const struct stk_ask *ask, char *const *argv, enum stk_session_act act,
                    struct stk_helper *ret)
{
    *ret = (struct stk_helper){ .end = STK_PROGRAM_LOST, .exit_status = -1 };
    if (ask->spawner == NULL) {
        say(ret, argv[0], "no program can be started here");
        return;
    }

    STK_CLEANUP(stk_buf_wipep) struct stk_buf question = STK_BUF_INIT;
    STK_CLEANUP(env_release) struct env env = { .count = 0 };
    add_question(&question, ask, act);
    fill_env(&env, ask, act);
    const struct stk_program_order order = {
        .argv = (const char *const *)argv,
        .env = (const char *const *)env.pairs,
        .dir = ask->spec->dir,
        .input = question.data,
        .input_len = question.len,
        .time_limit_ns = ask->spec->timeout_ns,
        .cancel_fd = ask->http != NULL ? stk_http_cancel_fd(ask->http) : 0,
    };
    struct stk_program *program = stk_program_new(ask->spawner);
    struct stk_program_result result;
    stk_program_run(program, &order, &result);
    take_result(ret, argv[0], &result);
    stk_program_result_release(&result);
    stk_program_free(program);
}

void stk_helper_release(struct stk_helper *helper)
{
    json_decref(helper->reply);
    *helper = (struct stk_helper){ .exit_status = -1 };
}

bool stk_helper_seconds(const struct stk_helper *helper, const char *name, stk_time_ns *ret)
{
    const json_t *value = json_object_get(helper->reply, name);
    if (!json_is_number(value)) return false;
    double seconds = json_number_value(value);
    if (!isfinite(seconds) || seconds < 0 || seconds > SECONDS_MAX) return false;
    *ret = (stk_time_ns)(seconds * (double)STK_SECOND);
    return true;
}
