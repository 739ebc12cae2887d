/* SPDX-License-Identifier: MIT */
#include "session/watched.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/timetext.h"
#include "session/authority.h"

enum { WAIT_TRIES = 2 }; /* for a writer to finish, when there is nothing else to go by */

static const stk_time_ns SETTLED_NS = STK_SECOND;

/* --- what was taken last ---------------------------------------------------- */

struct taken {
    json_t *work; /* or NULL */
    const char *hash;
    uint64_t inode; /* 0: not known */
};

static struct taken read_work(const struct stk_secret *work)
{
    struct taken taken = { 0 };
    if (work == NULL) return taken;
    const char *text = stk_secret_bytes(work);
    if (stk_json_parse(text, stk_secret_len(work), &taken.work, NULL) != STK_OK) return taken;
    taken.hash = json_string_value(json_object_get(taken.work, "hash"));
    taken.inode = (uint64_t)json_integer_value(json_object_get(taken.work, "inode"));
    return taken;
}

static struct stk_secret *make_work(const struct stk_filecred *cred)
{
    struct stk_buf text = STK_BUF_INIT;
    stk_buf_addf(&text, "{\"hash\":\"%s\",\"inode\":%lld}", cred->hash, (long long)cred->inode);
    return stk_secret_take(&text);
}

static bool is_same(const struct stk_ask *ask, const struct taken *taken,
                    const struct stk_filecred *cred)
{
    bool has_one = ask->credential != NULL && ask->session->generation > 0;
    return has_one && taken->hash != NULL && strcmp(taken->hash, cred->hash) == 0;
}

/* Put there by rename, as it should be, a file is whole; one that is written in
 * place may be half of it, where the format does not tell. */
static bool may_be_half(const struct stk_ask *ask, const struct taken *taken,
                        const struct stk_filecred *cred)
{
    stk_time_ns age = ask->now - cred->written_at;
    bool was_renamed = taken->inode != 0 && taken->inode != cred->inode;
    return stk_filecred_is_open_ended(ask->spec) && !was_renamed && age >= 0 && age < SETTLED_NS;
}

/* --- looking ---------------------------------------------------------------- */

static void say_ended(const struct stk_ask *ask, struct stk_watched *watched)
{
    char text[STK_TIME_TEXT];
    stk_time_text(watched->cred.expires_at, text);
    watched->is = STK_WATCHED_ENDED;
    (void)stk_fail(&watched->err, STK_BAD_DATA,
                   "what is in %s ended at %s: sign in with the program that writes it",
                   ask->spec->file, text);
}

static void compare(const struct stk_ask *ask, bool is_settled, struct stk_watched *watched)
{
    const struct stk_filecred *cred = &watched->cred;
    struct taken taken = read_work(ask->work);
    if (cred->expires_at != STK_NEVER && cred->expires_at <= ask->now) {
        say_ended(ask, watched);
    } else if (is_same(ask, &taken, cred)) {
        watched->is = STK_WATCHED_SAME;
    } else if (!is_settled && may_be_half(ask, &taken, cred)) {
        watched->is = STK_WATCHED_NOT_YET;
        (void)stk_fail(&watched->err, STK_BUSY, "%s is being written", ask->spec->file);
    } else {
        watched->is = STK_WATCHED_NEW;
    }
    json_decref(taken.work);
}

void stk_watched_look(const struct stk_ask *ask, bool is_settled, struct stk_watched *ret)
{
    *ret = (struct stk_watched){ .is = STK_WATCHED_UNUSABLE };
    enum stk_rc rc = stk_filecred_read(ask->spec, &ret->cred, &ret->err);
    if (rc == STK_BUSY) ret->is = STK_WATCHED_NOT_YET;
    if (rc == STK_OK) compare(ask, is_settled, ret);
}

void stk_watched_release(struct stk_watched *watched)
{
    stk_filecred_release(&watched->cred);
}

/* --- answers ---------------------------------------------------------------- */

/* Where they lead back tells: after a loss, nowhere good (model/session). */
bool stk_watched_is_trusted(const struct stk_session *session)
{
    bool waits =
        session->state == STK_SESSION_RENEWING || session->state == STK_SESSION_UNREACHABLE;
    return stk_session_is_runnable(waits ? session->resume_state : session->state);
}

void stk_watched_take(struct stk_watched *watched, struct stk_answer *answer)
{
    stk_answer_say(answer, STK_SESSION_ON_CREDENTIAL, NULL);
    answer->credential = watched->cred.credential;
    answer->news.expires_at = watched->cred.expires_at;
    answer->news.deadline_at = watched->cred.deadline_at;
    answer->work = make_work(&watched->cred);
    answer->sets_work = true;
    watched->cred.credential = NULL;
}

void stk_watched_keep(const struct stk_watched *watched, struct stk_answer *answer)
{
    stk_answer_say(answer, STK_SESSION_ON_CHECK_OK, NULL);
    if (watched->cred.expires_at == STK_NEVER) return;
    answer->news.expires_at = watched->cred.expires_at;
    answer->news.deadline_at = watched->cred.deadline_at;
}

/* While a person is waited for, the reason stays what it was. */
static void lose(const struct stk_ask *ask, struct stk_answer *answer)
{
    bool is_known = stk_session_needs_person(ask->session->state);
    stk_answer_say(answer, STK_SESSION_ON_CHECK_LOST,
                   is_known ? NULL : "%s still has what was refused: put a new one there",
                   ask->spec->file);
}

bool stk_watched_is_asked(const struct stk_ask *ask, const struct stk_watched *watched)
{
    const struct stk_session *session = ask->session;
    if (watched->is == STK_WATCHED_NEW || session->wish[0] != '\0') return true;
    if (stk_session_needs_person(session->state)) return false;
    return !stk_session_is_runnable(session->state) || ask->spec->check_every_ns > 0;
}

void stk_watched_answer(const struct stk_ask *ask, struct stk_watched *watched,
                        struct stk_answer *answer)
{
    const char *ref = ask->spec->check;
    bool is_asked = ref != NULL && stk_watched_is_asked(ask, watched);
    if (watched->is == STK_WATCHED_NEW) {
        stk_watched_take(watched, answer);
        if (is_asked) (void)stk_authority_confirm(ask, ref, answer);
    } else if (is_asked) {
        stk_authority_check(ask, ref, watched->cred.credential, answer);
    } else if (stk_watched_is_trusted(ask->session)) {
        stk_watched_keep(watched, answer);
    } else {
        lose(ask, answer);
    }
}

static void wait_for_writer(const struct stk_ask *ask, const struct stk_watched *watched,
                            struct stk_answer *answer)
{
    bool gives_up = ask->session->tries >= WAIT_TRIES;
    if (stk_watched_is_trusted(ask->session)) {
        stk_answer_say(answer, STK_SESSION_ON_CHECK_OK, NULL);
    } else {
        stk_answer_say(answer, gives_up ? STK_SESSION_ON_CHECK_LOST : STK_SESSION_ON_NO_ANSWER,
                       "%s", watched->err.text);
    }
}

void stk_watched_refuse(const struct stk_ask *ask, const struct stk_watched *watched,
                        struct stk_answer *answer)
{
    bool waits = stk_session_needs_person(ask->session->state);
    if (waits || watched->is == STK_WATCHED_ENDED) {
        stk_answer_say(answer, STK_SESSION_ON_CHECK_LOST, "%s", watched->err.text);
    } else if (watched->is == STK_WATCHED_NOT_YET) {
        wait_for_writer(ask, watched, answer);
    } else {
        stk_answer_say(answer, STK_SESSION_ON_NO_ANSWER, "%s", watched->err.text);
    }
}

void stk_watched_begin(const struct stk_ask *ask, struct stk_answer *answer)
{
    STK_CLEANUP(stk_watched_release) struct stk_watched watched;
    stk_watched_look(ask, false, &watched);
    switch (watched.is) {
    case STK_WATCHED_NEW:
    case STK_WATCHED_SAME: stk_watched_take(&watched, answer); return;
    case STK_WATCHED_NOT_YET:
        stk_answer_say(answer, STK_SESSION_ON_NO_ANSWER, "%s", watched.err.text);
        return;
    case STK_WATCHED_ENDED:
    case STK_WATCHED_UNUSABLE:
        stk_answer_say(answer, STK_SESSION_ON_REFUSED, "%s", watched.err.text);
        return;
    }
}
