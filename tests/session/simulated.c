/* SPDX-License-Identifier: MIT */
#include "session/simulated.h"

#include "support/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "session/credential.h"
#include "session/expiry.h"

/* --- the process ---------------------------------------------------------- */

static void become_simulator(int in, int out)
{
    (void)dup2(in, STDIN_FILENO);
    (void)dup2(out, STDOUT_FILENO);
    (void)execl("/usr/bin/python3", "python3", "-B", STK_TEST_SIMULATOR, (char *)NULL);
    _exit(127);
}

/* Its first line is its URL; that it has none is the end of the test. */
static void read_url(struct sim *sim, int from)
{
    size_t len = 0;
    while (len + 1 < sizeof(sim->url) && read(from, sim->url + len, 1) == 1) {
        if (sim->url[len] == '\n') break;
        len++;
    }
    sim->url[len] = '\0';
    if (strncmp(sim->url, "http://", 7) != 0) fail_msg("the simulator did not start");
}

int sim_start(void **state)
{
    int in[2], out[2];
    struct sim *sim = stk_alloc(sizeof(*sim));
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) abort();
    sim->pid = fork();
    if (sim->pid == 0) become_simulator(in[0], out[1]);
    (void)close(in[0]);
    (void)close(out[1]);
    sim->in = in[1];
    read_url(sim, out[0]);
    (void)close(out[0]);

    (void)snprintf(sim->folder, sizeof(sim->folder), "/tmp/stk-sim-XXXXXX");
    if (mkdtemp(sim->folder) == NULL) abort();
    sim->http = stk_http_new();
    *state = sim;
    return 0;
}

static void forget(struct sim *sim)
{
    stk_answer_release(&sim->answer);
    stk_secret_free(sim->credential);
    stk_secret_free(sim->work);
    sim->credential = sim->work = NULL;
    if (sim->spec != NULL) stk_session_spec_release(sim->spec);
    free(sim->spec);
    sim->spec = NULL;
}

int sim_stop(void **state)
{
    static const char *const files[] = { "password", "secret" };
    struct sim *sim = *state;
    forget(sim);
    stk_http_free(sim->http);
    (void)close(sim->in);
    (void)waitpid(sim->pid, NULL, 0);
    for (size_t i = 0; i < STK_ARRAY_LEN(files); i++) {
        STK_CLEANUP(stk_freep) char *path = stk_format("%s/%s", sim->folder, files[i]);
        (void)remove(path);
    }
    (void)remove(sim->folder);
    free(sim);
    return 0;
}

/* --- its controls --------------------------------------------------------- */

static int control(struct sim *sim, const char *path, const char *body, struct stk_buf *ret)
{
    struct stk_http_reply reply = { 0 };
    struct stk_error err = { 0 };
    STK_CLEANUP(stk_freep) char *url = stk_format("%s%s", sim->url, path);
    const struct stk_http_request request = { .method = body != NULL ? "POST" : "GET",
                                              .url = url,
                                              .body = body,
                                              .body_len = body != NULL ? strlen(body) : 0 };
    if (stk_http_run(sim->http, &request, &reply, &err) != STK_OK) fail_msg("%s", err.text);
    if (ret != NULL) stk_buf_add(ret, stk_buf_str(&reply.body), reply.body.len);
    int status = reply.status;
    stk_http_reply_release(&reply);
    return status;
}

int sim_fresh(void **state)
{
    struct sim *sim = *state;
    forget(sim);
    stk_session_init(&sim->session, "lab");
    sim->now = stk_clock_now();
    stk_http_arm(sim->http);
    return control(sim, "/_sim/reset", "{}", NULL) == 200 ? 0 : -1;
}

void sim_set(struct sim *sim, const char *knobs)
{
    if (control(sim, "/_sim/set", knobs, NULL) != 200) fail_msg("no such knob: %s", knobs);
}

bool sim_person(struct sim *sim, const char *act)
{
    return control(sim, "/_sim/person", act, NULL) == 200;
}

json_t *sim_state(struct sim *sim)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    json_t *state = NULL;
    (void)control(sim, "/_sim/state", NULL, &text);
    assert_int_equal(stk_json_parse(stk_buf_str(&text), text.len, &state, NULL), STK_OK);
    return state;
}

int64_t sim_counter(struct sim *sim, const char *name)
{
    STK_CLEANUP(stk_json_freep) json_t *state = sim_state(sim);
    return json_integer_value(json_object_get(json_object_get(state, "counters"), name));
}

/* --- the provider --------------------------------------------------------- */

const char *sim_file(struct sim *sim, const char *name, const char *text)
{
    static char path[96];
    (void)snprintf(path, sizeof(path), "%s/%s", sim->folder, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    (void)close(fd);
    return path;
}

void sim_spec(struct sim *sim, const char *keys)
{
    struct stk_error err = { 0 };
    STK_CLEANUP(stk_config_closep) struct stk_node *root = NULL;
    STK_CLEANUP(stk_freep) char *yaml = stk_format("lab: {url: '%s', %s}\n", sim->url, keys);
    size_t count = 0;
    forget(sim);
    enum stk_rc rc = stk_config_parse("stoker.yaml", yaml, strlen(yaml), &root, &err);
    if (rc == STK_OK) rc = stk_session_config_read(root, sim->folder, &sim->spec, &count, &err);
    if (rc != STK_OK) fail_msg("%s", err.text);
}

static void keep(struct sim *sim)
{
    struct stk_answer *answer = &sim->answer;
    if (answer->event == STK_SESSION_ON_CREDENTIAL) {
        stk_secret_free(sim->credential);
        sim->credential = answer->credential != NULL ? stk_secret_ref(answer->credential) : NULL;
    }
    if (!answer->sets_work) return;
    stk_secret_free(sim->work);
    sim->work = answer->work != NULL ? stk_secret_ref(answer->work) : NULL;
}

enum stk_session_event sim_ask(struct sim *sim, enum stk_session_act act)
{
    const struct stk_ask ask = { .spec = sim->spec,
                                 .session = &sim->session,
                                 .credential = sim->credential,
                                 .work = sim->work,
                                 .http = sim->http,
                                 .now = sim->now };
    stk_answer_release(&sim->answer);
    stk_provider_ask(act, &ask, &sim->answer);
    keep(sim);
    return sim->answer.event;
}

void sim_must_at(struct sim *sim, enum stk_session_act act, enum stk_session_event event, int line)
{
    enum stk_session_event got = sim_ask(sim, act);
    if (got == event) return;
    fail_msg("line %d: %s, not %s: %s", line, stk_session_event_name(got),
             stk_session_event_name(event), sim->answer.reason);
}

const char *sim_secret(struct sim *sim, const char *path)
{
    static char text[1024];
    if (sim->credential == NULL) return NULL;
    STK_CLEANUP(stk_freep) char *pointer = stk_format("/%s", path);
    STK_CLEANUP(stk_json_freep) json_t *object = stk_credential_object(sim->credential);
    const char *value = json_string_value(stk_expiry_at(object, pointer));
    if (value == NULL) return NULL;
    (void)snprintf(text, sizeof(text), "%s", value);
    return text;
}
