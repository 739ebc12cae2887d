/* SPDX-License-Identifier: MIT */
#include "session/record.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rand.h"
#include "session/vault.h"
#include "store/accounts.h"

enum { SENTENCE_BYTES = 3000, DAY_S = 24 * 60 * 60 };

enum stk_rc stk_session_row(struct stk_store *store, const char *name, struct stk_session *ret,
                            struct stk_error *err)
{
    const struct stk_session *rows = NULL;
    size_t count = 0;
    enum stk_rc rc = stk_store_sessions(store, &rows, &count, err);
    if (rc != STK_OK) return rc;

    stk_session_init(ret, name);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].name, name) == 0) *ret = rows[i];
    }
    return STK_OK;
}

/* --- a deadline by the clock ----------------------------------------------- */

/* The next time that the clocks of the zone show that second of the day. */
static stk_time_ns next_clock(const struct stk_zone *zone, int second, stk_time_ns now)
{
    int64_t utc = now / STK_SECOND;
    int64_t local = utc + stk_zone_offset_s(zone, now);
    int64_t at = local - local % DAY_S + second;
    if (at <= local) at += DAY_S;

    stk_time_ns guess = (at - stk_zone_offset_s(zone, now)) * STK_SECOND;
    return (at - stk_zone_offset_s(zone, guess)) * STK_SECOND; /* the clocks may change before */
}

/* A zone whose rules are gone since the start is UTC: too early or too late by
 * some hours, which is better than no deadline. */
static void set_clock_deadline(const struct stk_session_spec *spec, stk_time_ns now,
                               struct stk_session_news *news)
{
    struct stk_zone *zone = NULL;
    if (spec->deadline_clock_s < 0 || news->deadline_at != 0) return;
    if (spec->zone != NULL && stk_zone_open(spec->zone, &zone, NULL) != STK_OK) zone = NULL;
    news->deadline_at = next_clock(zone, spec->deadline_clock_s, now);
    stk_zone_free(zone);
}

/* --- what is written -------------------------------------------------------- */

static enum stk_rc write_secret(struct stk_store *store, const struct stk_session_change *change,
                                const struct stk_session *row, enum stk_session_secret which,
                                const struct stk_secret *secret, struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf sealed = STK_BUF_INIT;
    if (secret != NULL) {
        STK_CLEANUP(stk_freep)
        char *about = stk_vault_about(row->name, which, row->generation);
        assert(change->keys != NULL);
        stk_seal(change->keys, about, secret, &sealed);
    }
    return stk_store_session_secret_set(store, row->name, which, sealed.data, sealed.len, err);
}

static enum stk_rc write_secrets(struct stk_store *store, const struct stk_session_change *change,
                                 const struct stk_session *row, struct stk_error *err)
{
    enum stk_rc rc = STK_OK;
    bool is_new = change->wish == NULL && change->event == STK_SESSION_ON_CREDENTIAL;
    if (is_new) {
        rc = write_secret(store, change, row, STK_SESSION_CREDENTIAL, change->credential, err);
    }
    if (rc == STK_OK && change->sets_work) {
        rc = write_secret(store, change, row, STK_SESSION_WORK, change->work, err);
    }
    return rc;
}

static enum stk_rc write_history(struct stk_store *store, const struct stk_session_change *change,
                                 const struct stk_session *before, const struct stk_session *after,
                                 stk_time_ns now, struct stk_error *err)
{
    char text[SENTENCE_BYTES];
    bool is_renewed = after->generation != before->generation;
    if (!is_renewed && after->state == before->state) return STK_OK;

    stk_session_open_sentence(after, now, text, sizeof(text));
    const struct stk_event event = { .actor = change->actor, .text = text };
    enum stk_event_kind kind = is_renewed ? STK_EVENT_SESSION_RENEWED : STK_EVENT_SESSION_CHANGED;
    return stk_store_event(store, kind, &event, now, err);
}

static enum stk_rc write_audit(struct stk_store *store, const struct stk_session_change *change,
                               stk_time_ns now, struct stk_error *err)
{
    char action[64], subject[STK_SESSION_NAME_MAX + 16];
    if (change->actor == NULL) return STK_OK;
    const char *what = change->wish != NULL ? change->wish : stk_session_event_name(change->event);
    (void)snprintf(action, sizeof(action), "session.%s", what);
    (void)snprintf(subject, sizeof(subject), "session %s", change->spec->name);
    const struct stk_audit audit = {
        .actor = change->actor, .action = action, .subject = subject, .reason = change->why
    };
    return stk_store_audit_add(store, &audit, now, err);
}

static void set_wish(struct stk_session *row, const struct stk_session_change *change,
                     stk_time_ns now)
{
    (void)snprintf(row->wish, sizeof(row->wish), "%s", change->wish);
    (void)snprintf(row->wish_by, sizeof(row->wish_by), "%s",
                   change->actor != NULL ? change->actor : "");
    row->wish_at = now;
}

/* A new sign-in that a person asked for is theirs; a silent renewal winds up no
 * clock, whoever wished for it. */
static const char *wisher_of(const struct stk_session *row)
{
    bool is_sign_in = strcmp(row->wish, "login") == 0 || strcmp(row->wish, "done") == 0;
    return is_sign_in && row->wish_by[0] != '\0' ? row->wish_by : NULL;
}

static bool apply(const struct stk_session_change *change, struct stk_session *row, stk_time_ns now)
{
    struct stk_session_news news = change->news;
    if (change->wish != NULL) {
        set_wish(row, change, now);
        return true;
    }
    if (news.by == NULL) news.by = change->actor;
    if (change->event == STK_SESSION_ON_CREDENTIAL) {
        if (news.by == NULL) news.by = wisher_of(row);
        set_clock_deadline(change->spec, now, &news);
    }
    return stk_session_next(row, change->spec, change->event, &news, now, stk_rand_u64());
}

enum stk_rc stk_session_record(struct stk_store *store, const struct stk_session_change *change,
                               stk_time_ns now, struct stk_session *ret, bool *ret_applied,
                               struct stk_error *err)
{
    struct stk_session before;
    enum stk_rc rc = stk_session_row(store, change->spec->name, &before, err);
    if (rc != STK_OK) return rc;
    *ret = before;
    *ret_applied = false;
    if (change->epoch != 0 && change->epoch != before.epoch) {
        return stk_fail(err, STK_CONFLICT, "another keeper has taken over session \"%s\"",
                        before.name);
    }
    if (!apply(change, ret, now)) {
        *ret = before;
        return STK_OK;
    }

    *ret_applied = true;
    rc = stk_store_session_set(store, ret, err);
    if (rc == STK_OK) rc = write_secrets(store, change, ret, err);
    if (rc == STK_OK) rc = write_history(store, change, &before, ret, now, err);
    if (rc == STK_OK) rc = write_audit(store, change, now, err);
    return rc;
}
