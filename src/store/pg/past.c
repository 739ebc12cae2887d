/* SPDX-License-Identifier: MIT */
#include "store/pg/pg.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/timetext.h"

#define KEEP_EVERY_NS STK_MINUTE
#define NEWS_FOR_NS   (24 * STK_HOUR)

/* --- what this store remembers ---------------------------------------------- */

void stk_past_met(struct stk_pg *self, int64_t next_xid)
{
    struct past *past = &self->past;
    if (past->xid >= next_xid) {
        (void)snprintf(past->lost, sizeof(past->lost),
                       "transaction %" PRId64
                       " was committed, and the server's next one is %" PRId64,
                       past->xid, next_xid);
        past->xid = 0;
    }
}

void stk_past_beat(struct stk_pg *self, int64_t pool_id, stk_time_ns was_at, stk_time_ns now)
{
    struct past *past = &self->past;
    char was[STK_TIME_TEXT], is[STK_TIME_TEXT];
    if (past->pool_id == pool_id && was_at < past->beat_at) {
        stk_time_text(past->beat_at, was);
        stk_time_text(was_at, is);
        (void)snprintf(past->lost, sizeof(past->lost),
                       "the beat of p%" PRId64 " at %s was committed, and its row is of %s",
                       pool_id, was, is);
    }
    past->pool_id = pool_id;
    past->beat_at = was_at; /* until this one is committed */
    past->beating_at = now;
    past->beating_xid = self->xid;
}

void stk_past_committed(struct stk_pg *self)
{
    struct past *past = &self->past;
    if (self->xid > past->xid) past->xid = self->xid;
    if (past->beating_xid == self->xid) past->beat_at = past->beating_at;
}

/* --- the row ----------------------------------------------------------------- */

/* 0 where it may not be asked for; that is no reason not to work. */
static int64_t ask_system(struct stk_pg *self)
{
    int64_t system = 0;
    enum stk_rc rc =
        stk_pg_number(self, STMT_PAST_SYSTEM, "ask which server it is", 0, &system, NULL);
    return rc == STK_OK ? system : 0;
}

static enum stk_rc read_row(struct stk_pg *self, enum stmt stmt, struct past_row *ret,
                            struct stk_error *err)
{
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    enum stk_rc rc = stk_pg_run(self, stmt, "read what the server was", &rows, err);
    if (rc != STK_OK) return rc;
    if (rows.count == 0) return stk_fail(err, STK_NOT_FOUND, "no pool has worked here yet");
    ret->system = stk_pg_int(&rows, 0, 0);
    ret->timeline = stk_pg_int(&rows, 0, 1);
    ret->xid = stk_pg_int(&rows, 0, 2);
    ret->seen_at = stk_pg_time(&rows, 0, 3);
    ret->lost_at = stk_pg_time(&rows, 0, 4);
    const char *lost = stk_pg_text(&rows, 0, 5);
    (void)snprintf(ret->lost, sizeof(ret->lost), "%s", lost != NULL ? lost : "");
    ret->next_xid = stk_pg_int(&rows, 0, 6);
    return STK_OK;
}

enum stk_rc stk_past_row(struct stk_pg *self, struct past_row *ret, struct stk_error *err)
{
    *ret = (struct past_row){ .system_now = ask_system(self) };
    return read_row(self, STMT_PAST_LOOK, ret, err);
}

/* --- now and then ------------------------------------------------------------ */

static enum stk_rc add_event(struct stk_pg *self, enum stk_event_kind kind, const char *text,
                             stk_time_ns now, struct stk_error *err)
{
    const struct stk_event event = { .pool_id = self->past.pool_id, .text = text };
    (void)snprintf(self->past.news, sizeof(self->past.news), "%s", text);
    return stk_pg_event_add(self, kind, &event, now, err);
}

/* The numbers in events are of the server that they were written on: whoever
 * follows events would wait until this one has given as many. */
static enum stk_rc note_copy(struct stk_pg *self, const struct past_row *row, stk_time_ns now,
                             struct stk_error *err)
{
    char text[300];
    (void)snprintf(text, sizeof(text),
                   "the database is on another server (%" PRId64 ") than before (%" PRId64
                   "): a dump was restored, or the server was upgraded",
                   row->system_now, row->system);
    enum stk_rc rc = stk_pg_send(self, STMT_PAST_MEND, "renumber the events", NULL, NULL, err);
    return rc == STK_OK ? add_event(self, STK_EVENT_STORE_CHANGED, text, now, err) : rc;
}

static enum stk_rc note_timeline(struct stk_pg *self, const struct past_row *row, stk_time_ns now,
                                 struct stk_error *err)
{
    char text[200];
    (void)snprintf(text, sizeof(text),
                   "the server is on timeline %" PRId64 " and was on %" PRId64
                   ": a standby was promoted, or a backup restored",
                   self->timeline, row->timeline);
    return add_event(self, STK_EVENT_STORE_CHANGED, text, now, err);
}

static enum stk_rc note_loss(struct stk_pg *self, stk_time_ns now, struct stk_error *err)
{
    char text[400];
    if (self->past.lost[0] == '\0') return STK_OK;
    (void)snprintf(text, sizeof(text),
                   "the database went back in time: %s; jobs accepted in between are missing, and "
                   "those that ended then run again",
                   self->past.lost);
    stk_pg_arg_int(self, now);
    stk_pg_arg_text(self, self->past.lost);
    enum stk_rc rc = stk_pg_send(self, STMT_PAST_LOSE, "note a loss", NULL, NULL, err);
    return rc == STK_OK ? add_event(self, STK_EVENT_STORE_LOST, text, now, err) : rc;
}

static enum stk_rc note_changes(struct stk_pg *self, const struct past_row *row, stk_time_ns now,
                                struct stk_error *err)
{
    bool is_known = row->system != 0 && row->system_now != 0;
    if (is_known && row->system != row->system_now) return note_copy(self, row, now, err);
    if (row->timeline != self->timeline) return note_timeline(self, row, now, err);
    return STK_OK;
}

/* For a pool that starts, and was not there when it happened. */
static void tell_old_loss(struct past *past, const struct past_row *row, stk_time_ns now)
{
    char at[STK_TIME_TEXT];
    if (past->kept_at != 0 || row->lost_at == STK_NEVER) return;
    if (now - row->lost_at > NEWS_FOR_NS || past->news[0] != '\0') return;
    stk_time_text(row->lost_at, at);
    (void)snprintf(past->news, sizeof(past->news),
                   "at %s a pool found that the database had gone "
                   "back in time: %s",
                   at, row->lost);
}

static enum stk_rc keep(struct stk_pg *self, int64_t system, stk_time_ns now, struct stk_error *err)
{
    stk_pg_arg_int(self, system);
    stk_pg_arg_int(self, self->timeline);
    stk_pg_arg_int(self, self->xid);
    stk_pg_arg_int(self, now);
    return stk_pg_send(self, STMT_PAST_KEEP, "note what the server is", NULL, NULL, err);
}

static enum stk_rc compare(struct stk_pg *self, int64_t system, struct stk_error *err)
{
    struct past_row row = { .system_now = system };
    enum stk_rc rc = read_row(self, STMT_PAST_TAKE, &row, err);
    bool is_first = rc == STK_NOT_FOUND;
    if (rc != STK_OK && !is_first) return rc;
    stk_time_ns now = stk_pg_now(&self->base);
    rc = is_first ? STK_OK : note_changes(self, &row, now, err);
    if (rc == STK_OK) rc = keep(self, system, now, err);
    if (rc == STK_OK) rc = note_loss(self, now, err);
    if (rc == STK_OK && !is_first) tell_old_loss(&self->past, &row, now);
    return rc;
}

enum stk_rc stk_past_tend(struct stk_pg *self, struct stk_error *err)
{
    struct past *past = &self->past;
    bool is_same = past->connects == self->connects && past->lost[0] == '\0';
    if (is_same && past->kept_at != 0 && stk_clock_mono() - past->kept_at < KEEP_EVERY_NS) {
        return STK_OK;
    }
    int64_t system = ask_system(self);
    enum stk_rc rc = stk_pg_begin(&self->base, err);
    if (rc != STK_OK) return rc;
    rc = compare(self, system, err);
    if (rc != STK_OK) stk_pg_rollback(&self->base);
    if (rc == STK_OK) rc = stk_pg_commit(&self->base, err);
    if (rc != STK_OK) {
        past->news[0] = '\0'; /* found again with the next try */
        return rc;
    }
    past->kept_at = stk_clock_mono();
    past->connects = self->connects;
    past->lost[0] = '\0';
    return STK_OK;
}

const char *stk_pg_news(struct stk_store *store)
{
    struct past *past = &downcast(store)->past;
    if (past->news[0] == '\0') return NULL;
    (void)snprintf(past->told, sizeof(past->told), "%s", past->news);
    past->news[0] = '\0';
    return past->told;
}
