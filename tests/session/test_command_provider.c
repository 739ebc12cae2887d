/* SPDX-License-Identifier: MIT */
#include "support/spawner.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/json.h"
#include "session/provider.h"

#define NOW (1000 * STK_HOUR)

struct house {
    struct stk_session_spec spec;
    struct stk_session session;
    struct stk_ask ask;
    struct stk_answer answer;
    char *argv[5];
    char *said; /* for reading the question with: what a script has copied to its answer */
};

static int set_up(void **state)
{
    struct house *h = stk_alloc(sizeof(*h));
    static char name[] = "lab";
    h->spec = (struct stk_session_spec){ .name = name,
                                         .provider = STK_PROVIDER_COMMAND,
                                         .timeout_ns = 20 * STK_SECOND };
    stk_session_init(&h->session, "lab");
    h->session.state = STK_SESSION_VALID;
    h->session.generation = 7;
    h->ask = (struct stk_ask){ .spec = &h->spec,
                               .session = &h->session,
                               .http = stk_http_new(),
                               .spawner = spawner,
                               .now = NOW };
    *state = h;
    return 0;
}

static void free_secret(const struct stk_secret *secret)
{
    stk_secret_free((struct stk_secret *)(uintptr_t)secret);
}

static int tear_down(void **state)
{
    struct house *h = *state;
    stk_answer_release(&h->answer);
    stk_http_free(h->ask.http);
    free_secret(h->ask.credential);
    free_secret(h->ask.work);
    for (size_t i = 0; i < STK_ARRAY_LEN(h->argv); i++) {
        free(h->argv[i]);
    }
    free(h);
    return 0;
}

static struct stk_secret *secret(const char *text)
{
    return stk_secret_new(text, strlen(text));
}

/* Every helper is this script, asked for that. */
static void ask(struct house *h, enum stk_session_act act, const char *script)
{
    const char *const words[] = { "/bin/sh", "-c", script, "helper" };
    for (size_t i = 0; i < STK_ARRAY_LEN(words); i++) {
        free(h->argv[i]);
        h->argv[i] = stk_strdup(words[i]);
    }
    h->spec.probe = h->spec.renew = h->spec.sign_in = h->argv;
    stk_answer_release(&h->answer);
    stk_provider_ask(act, &h->ask, &h->answer);
}

static void assert_event(const struct house *h, enum stk_session_event event, const char *reason)
{
    assert_string_equal(stk_session_event_name(h->answer.event), stk_session_event_name(event));
    assert_string_equal(h->answer.news.reason != NULL ? h->answer.news.reason : "", reason);
}

static void assert_credential(const struct house *h, const char *text)
{
    assert_event(h, STK_SESSION_ON_CREDENTIAL, "");
    assert_non_null(h->answer.credential);
    assert_string_equal(stk_secret_bytes(h->answer.credential), text);
}

/* ---- the question ------------------------------------------------------ */

static void question__has_the_session_its_credential_and_its_work(void **state)
{
    struct house *h = *state;
    h->ask.credential = secret("{\"access_token\":\"abcdef-1\"}");
    h->ask.work = secret("{\"refresh\":\"r-1\"}");
    ask(h, STK_SESSION_ACT_RENEW, "printf '{\"credential\":%s}' \"$(cat)\"");
    assert_credential(h, "{\"act\":\"renew\",\"credential\":{\"access_token\":\"abcdef-1\"},"
                         "\"generation\":7,\"session\":\"lab\",\"work\":{\"refresh\":\"r-1\"}}");
}

static void question__without_credential_and_work_has_null(void **state)
{
    struct house *h = *state;
    ask(h, STK_SESSION_ACT_BEGIN, "printf '{\"credential\":%s}' \"$(cat)\"");
    assert_credential(h, "{\"act\":\"begin\",\"credential\":null,\"generation\":7,"
                         "\"session\":\"lab\",\"work\":null}");
}

static void question__of_a_text_credential_has_a_text(void **state)
{
    struct house *h = *state;
    h->ask.credential = secret("to\"ken");
    ask(h, STK_SESSION_ACT_RENEW,
        "grep -c '\"credential\":\"to[\\]\"ken\"' >/dev/null && "
        "echo '{\"credential\":\"seen\"}'");
    assert_credential(h, "seen");
}

static void question__is_in_no_argument_and_no_variable(void **state)
{
    struct house *h = *state;
    h->ask.credential = secret("hidden-token");
    ask(h, STK_SESSION_ACT_CHECK,
        "cat >/dev/null; tr '\\0' '\\n' </proc/$$/environ | grep hidde[n] && exit 77; "
        "tr '\\0' '\\n' </proc/$$/cmdline | grep hidden-[t] && exit 77; "
        "[ \"$STOKER_SESSION $STOKER_SESSION_ACT\" = 'lab check' ]");
    assert_event(h, STK_SESSION_ON_CHECK_OK, "");
}

/* ---- exit statuses ----------------------------------------------------- */

static void exit_status__decides_the_answer(void **state)
{
    struct house *h = *state;
    static const struct {
        int status;
        enum stk_session_event check, renew, begin, poll;
    } rows[] = {
        { 77, STK_SESSION_ON_CHECK_LOST, STK_SESSION_ON_REFUSED, STK_SESSION_ON_DENIED,
          STK_SESSION_ON_CHALLENGE_OVER },
        { 75, STK_SESSION_ON_NO_ANSWER, STK_SESSION_ON_NO_ANSWER, STK_SESSION_ON_NO_ANSWER,
          STK_SESSION_ON_CHECK_LOST },
        { 65, STK_SESSION_ON_CHECK_LOST, STK_SESSION_ON_DENIED, STK_SESSION_ON_DENIED,
          STK_SESSION_ON_DENIED },
        { 64, STK_SESSION_ON_CHECK_LOST, STK_SESSION_ON_DENIED, STK_SESSION_ON_DENIED,
          STK_SESSION_ON_DENIED },
        { 1, STK_SESSION_ON_NO_ANSWER, STK_SESSION_ON_NO_ANSWER, STK_SESSION_ON_NO_ANSWER,
          STK_SESSION_ON_NO_ANSWER },
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(rows); i++) {
        char script[80];
        (void)snprintf(script, sizeof(script), "echo '{\"reason\":\"so it is\"}'; exit %d",
                       rows[i].status);
        const char *reason = "sh: so it is";
        ask(h, STK_SESSION_ACT_CHECK, script);
        assert_event(h, rows[i].check, reason);
        ask(h, STK_SESSION_ACT_RENEW, script);
        assert_event(h, rows[i].renew, reason);
        ask(h, STK_SESSION_ACT_BEGIN, script);
        assert_event(h, rows[i].begin, reason);
        ask(h, STK_SESSION_ACT_POLL, script);
        assert_event(h, rows[i].poll, reason);
        ask(h, STK_SESSION_ACT_FINISH, script);
        assert_event(h, rows[i].poll, reason);
    }
}

static void exit_status__75_with_retry_after_is_a_lock_or_another_pace(void **state)
{
    struct house *h = *state;
    const char *script = "echo '{\"retry_after\": 90.5}'; exit 75";
    ask(h, STK_SESSION_ACT_RENEW, script);
    assert_event(h, STK_SESSION_ON_LOCKED, "sh: exit status 75 (try again later)");
    assert_int_equal(h->answer.news.until, NOW + 90 * STK_SECOND + 500 * STK_MS);
    ask(h, STK_SESSION_ACT_POLL, script);
    assert_int_equal(h->answer.event, STK_SESSION_ON_CHECK_LOST);
    assert_int_equal(h->answer.news.poll_every_ns, 90 * STK_SECOND + 500 * STK_MS);
    ask(h, STK_SESSION_ACT_RENEW, "echo '{\"retry_after\": 1e300}'; exit 75");
    assert_int_equal(h->answer.event, STK_SESSION_ON_NO_ANSWER);
}

static void reason__is_the_last_complaint_without_secrets(void **state)
{
    struct house *h = *state;
    h->ask.credential = secret("known-secret");
    ask(h, STK_SESSION_ACT_CHECK, "echo 'lab.example: \x1b[1mno route' >&2; exit 3");
    assert_event(h, STK_SESSION_ON_NO_ANSWER, "sh: exit status 3: lab.example: \\x1b[1mno route");
    ask(h, STK_SESSION_ACT_RENEW,
        "echo '{\"credential\":{\"t\":\"fresh-secret\"},\"work\":\"work-secret\"}'; "
        "echo got fresh-secret and work-secret >&2; exit 1");
    assert_null(strstr(h->answer.reason, "-secret"));
}

static void helper__that_cannot_run_or_takes_too_long_is_no_answer(void **state)
{
    struct house *h = *state;
    char missing[] = "/nowhere/probe";
    char *argv[] = { missing, NULL };
    h->spec.probe = argv;
    stk_provider_ask(STK_SESSION_ACT_CHECK, &h->ask, &h->answer);
    assert_event(h, STK_SESSION_ON_NO_ANSWER,
                 "probe: could not start /nowhere/probe: No such file or directory");
    h->spec.timeout_ns = 100 * STK_MS;
    ask(h, STK_SESSION_ACT_CHECK, "sleep 86400");
    assert_event(h, STK_SESSION_ON_NO_ANSWER, "sh: over its time limit of 100ms");
    h->ask.spawner = NULL;
    ask(h, STK_SESSION_ACT_CHECK, ":");
    assert_event(h, STK_SESSION_ON_NO_ANSWER, "sh: no program can be started here");
}

static void *cancel_when_there(void *context)
{
    struct house *h = context;
    stk_time_ns until = stk_clock_mono() + 20 * STK_SECOND;
    while (access(h->said, F_OK) != 0 && stk_clock_mono() < until) {
        (void)poll(NULL, 0, 2);
    }
    stk_http_cancel(h->ask.http);
    return NULL;
}

static void helper__is_ended_when_the_question_is_cancelled(void **state)
{
    struct house *h = *state;
    char dir[] = "/tmp/stoker-test-XXXXXX";
    assert_non_null(mkdtemp(dir));
    STK_CLEANUP(stk_freep) char *flag = stk_format("%s/running", dir);
    STK_CLEANUP(stk_freep) char *script = stk_format(": >%s; sleep 86400", flag);
    pthread_t thread;
    h->said = flag;
    assert_int_equal(pthread_create(&thread, NULL, cancel_when_there, h), 0);
    ask(h, STK_SESSION_ACT_RENEW, script);
    (void)pthread_join(thread, NULL);
    assert_event(h, STK_SESSION_ON_NO_ANSWER, "sh: cancelled");
    (void)unlink(flag);
    (void)rmdir(dir);
}

/* ---- credentials ------------------------------------------------------- */

static void credential__comes_as_text_or_object_with_its_times(void **state)
{
    struct house *h = *state;
    ask(h, STK_SESSION_ACT_RENEW,
        "echo noise; echo '{\"credential\":\"abc\",\"expires_in\":60,\"deadline_in\":3600}'");
    assert_credential(h, "abc");
    assert_int_equal(h->answer.news.expires_at, NOW + STK_MINUTE);
    assert_int_equal(h->answer.news.deadline_at, NOW + STK_HOUR);
    assert_false(h->answer.sets_work);
    ask(h, STK_SESSION_ACT_RENEW,
        "echo '{\"credential\":{\"cookies\":{\"t\":\"x\"}},"
        "\"expires_at\":\"1970-02-11T17:00:00Z\",\"work\":[1]}' >&3");
    assert_credential(h, "{\"cookies\":{\"t\":\"x\"}}");
    assert_int_equal(h->answer.news.expires_at, NOW + STK_HOUR);
    assert_int_equal(h->answer.news.deadline_at, 0);
    assert_true(h->answer.sets_work);
    assert_string_equal(stk_secret_bytes(h->answer.work), "[1]");
}

static void credential__that_says_nothing_of_its_end_has_none_known(void **state)
{
    struct house *h = *state;
    ask(h, STK_SESSION_ACT_RENEW, "echo '{\"credential\":\"abc\",\"work\":null}'");
    assert_int_equal(h->answer.news.expires_at, STK_NEVER);
    assert_true(h->answer.sets_work);
    assert_null(h->answer.work);
    /* {"exp":3603600} */
    ask(h, STK_SESSION_ACT_RENEW, "echo '{\"credential\":\"e30.eyJleHAiOjM2MDM2MDB9.x\"}'");
    assert_int_equal(h->answer.news.expires_at, NOW + STK_HOUR);
}

static void credential__may_be_kept_for_a_new_time(void **state)
{
    struct house *h = *state;
    h->ask.credential = secret("kept");
    ask(h, STK_SESSION_ACT_RENEW, "echo '{\"credential\":null,\"expires_in\":60}'");
    assert_credential(h, "kept");
    assert_int_equal(h->answer.news.expires_at, NOW + STK_MINUTE);
}

static void credential__that_is_empty_is_a_session_without_a_secret(void **state)
{
    struct house *h = *state;
    ask(h, STK_SESSION_ACT_RENEW, "echo '{\"credential\":\"\"}'");
    assert_event(h, STK_SESSION_ON_CREDENTIAL, "");
    assert_null(h->answer.credential);
}

static void credential__of_no_use_is_no_answer(void **state)
{
    struct house *h = *state;
    static const char *const useless[] = { "echo plain", "echo '[1]'", "echo '{\"credential\":17}'",
                                           "echo '{\"credential\":null}'", ":" };
    for (size_t i = 0; i < STK_ARRAY_LEN(useless); i++) {
        ask(h, STK_SESSION_ACT_RENEW, useless[i]);
        assert_int_equal(h->answer.event, STK_SESSION_ON_NO_ANSWER);
        ask(h, STK_SESSION_ACT_BEGIN, useless[i]);
        assert_event(h, STK_SESSION_ON_NO_ANSWER,
                     "sh: succeeded, but gave no credential and no link that can be shown");
    }
    ask(h, STK_SESSION_ACT_RENEW, "head -c 300000 /dev/zero | tr '\\0' x");
    assert_event(h, STK_SESSION_ON_NO_ANSWER, "sh: answered with more than a credential may have");
}

/* ---- checks ------------------------------------------------------------ */

static void check__that_succeeds_may_say_when_it_ends(void **state)
{
    struct house *h = *state;
    ask(h, STK_SESSION_ACT_CHECK, "echo welcome");
    assert_event(h, STK_SESSION_ON_CHECK_OK, "");
    assert_int_equal(h->answer.news.expires_at, 0);
    ask(h, STK_SESSION_ACT_CHECK, "echo '{\"expires_in\":30}'");
    assert_int_equal(h->answer.news.expires_at, NOW + 30 * STK_SECOND);
    assert_null(h->answer.credential);
}

static void check__without_a_probe_believes_the_job_that_was_refused(void **state)
{
    struct house *h = *state;
    stk_provider_ask(STK_SESSION_ACT_CHECK, &h->ask, &h->answer);
    assert_int_equal(h->answer.event, STK_SESSION_ON_CHECK_OK);
    h->session.state = STK_SESSION_SUSPECT;
    stk_provider_ask(STK_SESSION_ACT_CHECK, &h->ask, &h->answer);
    assert_int_equal(h->answer.event, STK_SESSION_ON_CHECK_LOST);
    stk_provider_ask(STK_SESSION_ACT_RENEW, &h->ask, &h->answer);
    assert_int_equal(h->answer.event, STK_SESSION_ON_REFUSED);
}

/* ---- challenges -------------------------------------------------------- */

static void challenge__comes_with_link_code_and_its_clocks(void **state)
{
    struct house *h = *state;
    ask(h, STK_SESSION_ACT_BEGIN,
        "echo '{\"link\":\"https://lab.example/go\",\"code\":\"AB-12\",\"work\":{\"id\":3},"
        "\"challenge_expires_in\":600,\"poll_in\":5}'");
    assert_event(h, STK_SESSION_ON_CHALLENGE, "");
    assert_string_equal(h->answer.news.link, "https://lab.example/go");
    assert_string_equal(h->answer.news.code, "AB-12");
    assert_int_equal(h->answer.news.until, NOW + 10 * STK_MINUTE);
    assert_int_equal(h->answer.news.poll_every_ns, 5 * STK_SECOND);
    assert_string_equal(stk_secret_bytes(h->answer.work), "{\"id\":3}");
}

static void challenge__that_cannot_be_shown_is_no_answer(void **state)
{
    struct house *h = *state;
    ask(h, STK_SESSION_ACT_BEGIN, "echo '{\"link\":\"https://lab\\u001b[2J\"}'");
    assert_int_equal(h->answer.event, STK_SESSION_ON_NO_ANSWER);
    ask(h, STK_SESSION_ACT_BEGIN, "printf '{\"link\":\"%02048d\"}' 0");
    assert_int_equal(h->answer.event, STK_SESSION_ON_NO_ANSWER);
    ask(h, STK_SESSION_ACT_BEGIN, "printf '{\"link\":\"%02047d\"}' 0");
    assert_int_equal(h->answer.event, STK_SESSION_ON_CHALLENGE);
}

static void challenge__is_polled_with_the_work_of_its_begin(void **state)
{
    struct house *h = *state;
    h->ask.work = secret("{\"id\":3}");
    const char *script = "read -r q; case \"$q\" in *'\"act\":\"poll\"'*'\"work\":{\"id\":3}'*) "
                         "echo '{\"credential\":null,\"poll_in\":9}';; "
                         "*'\"act\":\"finish\"'*) echo '{\"credential\":\"done-it\"}';; esac";
    ask(h, STK_SESSION_ACT_POLL, script);
    assert_event(h, STK_SESSION_ON_CHECK_LOST, "");
    assert_int_equal(h->answer.news.poll_every_ns, 9 * STK_SECOND);
    ask(h, STK_SESSION_ACT_FINISH, script);
    assert_credential(h, "done-it");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(question__has_the_session_its_credential_and_its_work),
        CASE(question__without_credential_and_work_has_null),
        CASE(question__of_a_text_credential_has_a_text),
        CASE(question__is_in_no_argument_and_no_variable),
        CASE(exit_status__decides_the_answer),
        CASE(exit_status__75_with_retry_after_is_a_lock_or_another_pace),
        CASE(reason__is_the_last_complaint_without_secrets),
        CASE(helper__that_cannot_run_or_takes_too_long_is_no_answer),
        CASE(helper__is_ended_when_the_question_is_cancelled),
        CASE(credential__comes_as_text_or_object_with_its_times),
        CASE(credential__that_says_nothing_of_its_end_has_none_known),
        CASE(credential__may_be_kept_for_a_new_time),
        CASE(credential__that_is_empty_is_a_session_without_a_secret),
        CASE(credential__of_no_use_is_no_answer),
        CASE(check__that_succeeds_may_say_when_it_ends),
        CASE(check__without_a_probe_believes_the_job_that_was_refused),
        CASE(challenge__comes_with_link_code_and_its_clocks),
        CASE(challenge__that_cannot_be_shown_is_no_answer),
        CASE(challenge__is_polled_with_the_work_of_its_begin),
    };
    return cmocka_run_group_tests(tests, start_spawner, stop_spawner);
}
