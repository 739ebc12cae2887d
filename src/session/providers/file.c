/* SPDX-License-Identifier: MIT
 *
 * file - a credential that another program writes and renews: a Kerberos cache,
 * a single sign-on's cache, exported cookies.
 *
 * `probe` and `renew` are other people's programs (klist -s, kinit -R), which
 * know nothing of our exit statuses: 0 is yes, 75 is "not now", all others no.
 */
#include "session/helper.h"
#include "session/watched.h"

enum { EXIT_AGAIN = 75 };

/* What a helper said; anything but `no` and CHECK_OK is NO_ANSWER. */
static enum stk_session_event verdict(const struct stk_helper *helper, enum stk_session_event no)
{
    if (helper->end != STK_PROGRAM_EXITED || helper->exit_status == EXIT_AGAIN) {
        return STK_SESSION_ON_NO_ANSWER;
    }
    return helper->exit_status == 0 ? STK_SESSION_ON_CHECK_OK : no;
}

/* --- check ------------------------------------------------------------------ */

static void check_probed(const struct stk_ask *ask, struct stk_watched *watched,
                         struct stk_answer *answer)
{
    STK_CLEANUP(stk_helper_release) struct stk_helper helper;
    stk_helper_run(ask, ask->spec->probe, STK_SESSION_ACT_CHECK, &helper);
    enum stk_session_event said = verdict(&helper, STK_SESSION_ON_CHECK_LOST);
    if (said != STK_SESSION_ON_CHECK_OK) {
        stk_answer_say(answer, said, "%s", helper.reason);
    } else if (watched->is == STK_WATCHED_NEW) {
        stk_watched_take(watched, answer);
    } else {
        stk_watched_keep(watched, answer);
    }
}

static void check(const struct stk_ask *ask, struct stk_answer *answer)
{
    STK_CLEANUP(stk_watched_release) struct stk_watched watched;
    stk_watched_look(ask, false, &watched);
    bool is_there = watched.is == STK_WATCHED_NEW || watched.is == STK_WATCHED_SAME;
    if (!is_there) {
        stk_watched_refuse(ask, &watched, answer);
    } else if (ask->spec->probe != NULL && stk_watched_is_asked(ask, &watched)) {
        check_probed(ask, &watched, answer);
    } else {
        stk_watched_answer(ask, &watched, answer);
    }
}

/* --- renew ------------------------------------------------------------------ */

/* A tool that says yes and has written nothing may have wound up a clock at the
 * authority; but not for what a job was refused with. */
static void take_renewed(const struct stk_ask *ask, struct stk_answer *answer)
{
    STK_CLEANUP(stk_watched_release) struct stk_watched watched;
    stk_watched_look(ask, true, &watched);
    bool goes_on = stk_watched_is_trusted(ask->session) && watched.cred.expires_at == STK_NEVER;
    if (watched.is == STK_WATCHED_NEW || (watched.is == STK_WATCHED_SAME && goes_on)) {
        stk_watched_take(&watched, answer);
    } else if (watched.is == STK_WATCHED_SAME) {
        stk_answer_say(answer, STK_SESSION_ON_REFUSED, "`renew` succeeded, but %s is as it was",
                       ask->spec->file);
    } else if (watched.is == STK_WATCHED_NOT_YET) {
        stk_answer_say(answer, STK_SESSION_ON_NO_ANSWER, "%s", watched.err.text);
    } else {
        stk_answer_say(answer, STK_SESSION_ON_REFUSED, "%s", watched.err.text);
    }
}

static void renew(const struct stk_ask *ask, struct stk_answer *answer)
{
    STK_CLEANUP(stk_helper_release) struct stk_helper helper = { .reply = NULL };
    if (ask->spec->renew == NULL) return;
    stk_helper_run(ask, ask->spec->renew, STK_SESSION_ACT_RENEW, &helper);
    enum stk_session_event said = verdict(&helper, STK_SESSION_ON_REFUSED);
    if (said == STK_SESSION_ON_CHECK_OK) {
        take_renewed(ask, answer);
    } else {
        stk_answer_say(answer, said, "%s", helper.reason);
    }
}

const struct stk_provider_ops stk_provider_file = {
    .check = check,
    .renew = renew,
    .begin = stk_watched_begin,
};
