/* SPDX-License-Identifier: MIT
 *
 * command - helper programs check, renew and sign in; docs/sessions.md says what
 * they are given and what they may answer (session/helper.h the form).
 */
#include <string.h>

#include "base/text.h"
#include "base/timetext.h"
#include "session/credential.h"
#include "session/helper.h"

/* --- exit statuses ---------------------------------------------------------- */

/* Poll is finish too. Any status that is not here: no answer. */
#define ON(event) STK_SESSION_ON_##event
/* clang-format off */
static const struct exit_row {
    int status;
    enum stk_session_event check, renew, begin, poll;
} exit_rows[] = {
    /*     check           renew          begin          poll               */
    { 64,  ON(CHECK_LOST), ON(DENIED),    ON(DENIED),    ON(DENIED)         },
    { 65,  ON(CHECK_LOST), ON(DENIED),    ON(DENIED),    ON(DENIED)         },
    { 75,  ON(NO_ANSWER),  ON(NO_ANSWER), ON(NO_ANSWER), ON(CHECK_LOST)     },
    { 77,  ON(CHECK_LOST), ON(REFUSED),   ON(DENIED),    ON(CHALLENGE_OVER) },
};
/* clang-format on */
enum { EXIT_AGAIN = 75 };

static enum stk_session_event event_in(const struct exit_row *row, enum stk_session_act act)
{
    switch ((int)act) {
    case STK_SESSION_ACT_RENEW: return row->renew;
    case STK_SESSION_ACT_BEGIN: return row->begin;
    case STK_SESSION_ACT_POLL:
    case STK_SESSION_ACT_FINISH: return row->poll;
    default: return row->check;
    }
}

static enum stk_session_event event_of(const struct stk_helper *helper, enum stk_session_act act)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(exit_rows); i++) {
        if (helper->end != STK_PROGRAM_EXITED) break;
        if (exit_rows[i].status == helper->exit_status) return event_in(&exit_rows[i], act);
    }
    return STK_SESSION_ON_NO_ANSWER;
}

static bool is_poll(enum stk_session_act act)
{
    return act == STK_SESSION_ACT_POLL || act == STK_SESSION_ACT_FINISH;
}

static void answer_failure(const struct stk_ask *ask, const struct stk_helper *helper,
                           enum stk_session_act act, struct stk_answer *answer)
{
    stk_time_ns wait = 0;
    stk_answer_say(answer, event_of(helper, act), "%s", helper->reason);
    if (helper->exit_status != EXIT_AGAIN) return;
    if (!stk_helper_seconds(helper, "retry_after", &wait)) return;
    if (is_poll(act)) {
        answer->news.poll_every_ns = wait;
    } else {
        answer->event = STK_SESSION_ON_LOCKED;
        answer->news.until = ask->now + wait;
    }
}

/* --- what it says besides --------------------------------------------------- */

static void take_work(const struct stk_helper *helper, struct stk_answer *answer)
{
    const json_t *work = json_object_get(helper->reply, "work");
    if (work == NULL) return;
    struct stk_buf text = STK_BUF_INIT;
    answer->sets_work = true;
    if (json_is_null(work)) return;
    stk_json_add(&text, work);
    answer->work = stk_secret_take(&text);
}

/* `in`: seconds from now on; `at`: a time. Otherwise nothing is changed. */
static void take_time(const struct stk_ask *ask, const struct stk_helper *helper, const char *in,
                      const char *at, stk_time_ns *ret)
{
    stk_time_ns span = 0, time = 0;
    const char *text = json_string_value(json_object_get(helper->reply, at));
    if (text != NULL && stk_time_parse(text, &time)) *ret = time;
    if (stk_helper_seconds(helper, in, &span)) *ret = ask->now + span;
}

static void take_times(const struct stk_ask *ask, const struct stk_helper *helper,
                       struct stk_answer *answer)
{
    take_time(ask, helper, "expires_in", "expires_at", &answer->news.expires_at);
    take_time(ask, helper, "deadline_in", "deadline_at", &answer->news.deadline_at);
}

/* --- credentials ------------------------------------------------------------ */

static bool says_none_needed(const json_t *value)
{
    return json_is_string(value) && json_string_length(value) == 0;
}

/* NULL: it is neither a text nor an object, or too long. */
static struct stk_secret *make_credential(const json_t *value)
{
    size_t len = json_string_length(value);
    if (json_is_object(value)) {
        struct stk_secret *secret = stk_credential_from(value);
        if (stk_secret_len(secret) <= STK_SECRET_BYTES_MAX) return secret;
        stk_secret_free(secret);
    }
    return len > 0 ? stk_secret_new(json_string_value(value), len) : NULL;
}

/* False: it gave none. An empty text is a session that needs no secret; null is
 * "none yet", as programs write it. */
static bool take_credential(const struct stk_ask *ask, const struct stk_helper *helper,
                            struct stk_answer *answer)
{
    const json_t *value = json_object_get(helper->reply, "credential");
    struct stk_secret *secret = make_credential(value);
    if (secret == NULL && !says_none_needed(value)) return false;

    stk_answer_say(answer, STK_SESSION_ON_CREDENTIAL, NULL);
    answer->credential = secret;
    answer->news.expires_at = secret != NULL ? stk_credential_jwt_expiry(secret) : STK_NEVER;
    take_times(ask, helper, answer);
    return true;
}

/* The same one goes on for a new time: what a tool does that "touches". */
static bool keep_credential(const struct stk_ask *ask, const struct stk_helper *helper,
                            struct stk_answer *answer)
{
    const json_t *value = json_object_get(helper->reply, "credential");
    if (ask->credential == NULL || (value != NULL && !json_is_null(value))) return false;
    take_times(ask, helper, answer);
    if (answer->news.expires_at == 0) return false;

    stk_answer_say(answer, STK_SESSION_ON_CREDENTIAL, NULL);
    answer->credential =
        stk_secret_new(stk_secret_bytes(ask->credential), stk_secret_len(ask->credential));
    return true;
}

/* --- challenges ------------------------------------------------------------- */

static bool is_shown_whole(const char *text, size_t size)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f) return false;
    }
    return len > 0 && len < size && stk_utf8_is_valid(text, len);
}

static bool take_challenge(const struct stk_ask *ask, const struct stk_helper *helper,
                           struct stk_answer *answer)
{
    const char *link = json_string_value(json_object_get(helper->reply, "link"));
    const char *code = json_string_value(json_object_get(helper->reply, "code"));
    stk_time_ns span = 0;
    if (link == NULL || !is_shown_whole(link, sizeof(answer->link))) return false;
    if (code != NULL && !is_shown_whole(code, sizeof(answer->code))) return false;

    stk_answer_say(answer, STK_SESSION_ON_CHALLENGE, helper->reason[0] != '\0' ? "%s" : NULL,
                   helper->reason);
    stk_answer_link(answer, link, code);
    if (stk_helper_seconds(helper, "challenge_expires_in", &span)) {
        answer->news.until = ask->now + span;
    }
    if (stk_helper_seconds(helper, "poll_in", &span)) answer->news.poll_every_ns = span;
    return true;
}

/* --- questions -------------------------------------------------------------- */

/* False: it failed, and the answer is complete. */
static bool run(const struct stk_ask *ask, char *const *argv, enum stk_session_act act,
                struct stk_helper *helper, struct stk_answer *answer)
{
    stk_helper_run(ask, argv, act, helper);
    take_work(helper, answer);
    bool succeeds = helper->end == STK_PROGRAM_EXITED && helper->exit_status == 0;
    if (!succeeds) answer_failure(ask, helper, act, answer);
    return succeeds;
}

static void say_useless(const struct stk_helper *helper, char *const *argv, const char *wanted,
                        struct stk_answer *answer)
{
    const char *slash = strrchr(argv[0], '/');
    stk_answer_say(answer, STK_SESSION_ON_NO_ANSWER, "%s", helper->reason);
    if (helper->reason[0] != '\0') return;
    stk_answer_say(answer, STK_SESSION_ON_NO_ANSWER, "%s: succeeded, but gave no %s",
                   slash != NULL ? slash + 1 : argv[0], wanted);
}

/* Without a program to ask, a job that was refused is believed. */
static void check(const struct stk_ask *ask, struct stk_answer *answer)
{
    STK_CLEANUP(stk_helper_release) struct stk_helper helper = { .reply = NULL };
    if (ask->spec->probe == NULL) {
        bool is_open = stk_session_is_runnable(ask->session->state);
        stk_answer_say(answer, is_open ? STK_SESSION_ON_CHECK_OK : STK_SESSION_ON_CHECK_LOST, NULL);
        return;
    }
    if (!run(ask, ask->spec->probe, STK_SESSION_ACT_CHECK, &helper, answer)) return;
    stk_answer_say(answer, STK_SESSION_ON_CHECK_OK, NULL);
    take_times(ask, &helper, answer);
}

static void renew(const struct stk_ask *ask, struct stk_answer *answer)
{
    STK_CLEANUP(stk_helper_release) struct stk_helper helper = { .reply = NULL };
    char *const *argv = ask->spec->renew;
    if (argv == NULL || !run(ask, argv, STK_SESSION_ACT_RENEW, &helper, answer)) return;
    if (take_credential(ask, &helper, answer) || keep_credential(ask, &helper, answer)) return;
    say_useless(&helper, argv, "credential and no \"expires_in\"", answer);
}

static void begin(const struct stk_ask *ask, struct stk_answer *answer)
{
    STK_CLEANUP(stk_helper_release) struct stk_helper helper = { .reply = NULL };
    char *const *argv = ask->spec->sign_in;
    if (argv == NULL || !run(ask, argv, STK_SESSION_ACT_BEGIN, &helper, answer)) return;
    if (take_credential(ask, &helper, answer) || take_challenge(ask, &helper, answer)) return;
    say_useless(&helper, argv, "credential and no link that can be shown", answer);
}

static void ask_after_challenge(const struct stk_ask *ask, enum stk_session_act act,
                                struct stk_answer *answer)
{
    STK_CLEANUP(stk_helper_release) struct stk_helper helper = { .reply = NULL };
    char *const *argv = ask->spec->sign_in;
    if (argv == NULL || !run(ask, argv, act, &helper, answer)) return;
    if (take_credential(ask, &helper, answer)) return;
    stk_answer_say(answer, STK_SESSION_ON_CHECK_LOST, helper.reason[0] != '\0' ? "%s" : NULL,
                   helper.reason);
    stk_time_ns pace = 0;
    if (stk_helper_seconds(&helper, "poll_in", &pace)) answer->news.poll_every_ns = pace;
}

static void poll(const struct stk_ask *ask, struct stk_answer *answer)
{
    ask_after_challenge(ask, STK_SESSION_ACT_POLL, answer);
}

static void finish(const struct stk_ask *ask, struct stk_answer *answer)
{
    ask_after_challenge(ask, STK_SESSION_ACT_FINISH, answer);
}

const struct stk_provider_ops stk_provider_command = {
    .check = check,
    .renew = renew,
    .begin = begin,
    .poll = poll,
    .finish = finish,
};
