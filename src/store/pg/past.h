/* SPDX-License-Identifier: MIT
 *
 * past - whether the database is still the one that it was, and lacks nothing.
 *
 * What a store has been told is committed it remembers: the number of the last
 * transaction, and the time of its pool's last beat. A server whose next number
 * is not above the first, or whose row of the pool is older than the second, has
 * gone back: a standby that was behind was promoted, or a backup was restored.
 * Nobody else can tell, since all that is in the database went back with it;
 * so each pool looks for itself, and writes down what it has found.
 *
 * In a row are server and timeline as last seen by any pool: they say of a change
 * that nobody lived through that there was one, not what it cost.
 *
 * Private to src/store/pg.
 */
#ifndef STK_STORE_PG_PAST_H
#define STK_STORE_PG_PAST_H

#include "base/err.h"

struct stk_pg;

struct past {
    int64_t xid;                     /* the highest that was committed here; 0: none yet */
    int64_t pool_id;                 /* whose beat that is; 0: none */
    stk_time_ns beat_at, beating_at; /* committed; written by beating_xid */
    int64_t beating_xid;
    unsigned connects;         /* of the connection that was looked at */
    stk_time_ns kept_at;       /* mono: when the row was written last */
    char lost[240];            /* found, and not yet written; or "" */
    char news[400], told[400]; /* for stk_store_news, or ""; what it gave out last */
};

/* A connection is new: the number that its server gives next. */
void stk_past_met(struct stk_pg *self, int64_t next_xid);
/* In a transaction: what the pool's row had before this beat. */
void stk_past_beat(struct stk_pg *self, int64_t pool_id, stk_time_ns was_at, stk_time_ns now);
void stk_past_committed(struct stk_pg *self);

/* Now and then, between transactions: compares the row, writes what was found. */
STK_MUST_USE enum stk_rc stk_past_tend(struct stk_pg *self, struct stk_error *err);

/* The row, for doctor. STK_NOT_FOUND: no pool has worked here yet. */
struct past_row {
    int64_t system, timeline, xid; /* system 0: nobody may ask for it */
    int64_t system_now, next_xid;
    stk_time_ns seen_at, lost_at; /* lost_at STK_NEVER: never */
    char lost[240];
};
STK_MUST_USE enum stk_rc stk_past_row(struct stk_pg *self, struct past_row *ret,
                                      struct stk_error *err);

#endif
