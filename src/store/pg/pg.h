/* SPDX-License-Identifier: MIT
 *
 * pg - the PostgreSQL engine's own things; private to src/store/pg.
 *
 * One file each: connect (connections, deadlines), exchange (statements and
 * their replies), open, migrate, txn (and what becomes of a lost commit), words
 * (tasks, queues), submit, claim, settle, complete (settling many at once),
 * people (cancel, retry), rescue, remote (jobs elsewhere), counts, sweeps, read
 * (jobs, attempts), rows (pools, events), gates (sessions, limits), accounts
 * (users, tokens), audit, notices, consoles, listen, past (a
 * database that went back), health.
 *
 * A statement is a file of sql/pg; every object is written stoker.NAME, since a
 * pooler keeps no search_path. All parameters and results travel in binary:
 * every parameter has its type written behind it, $1::bigint.
 *
 * Threads: a store belongs to one thread.
 */
#ifndef STK_STORE_PG_H
#define STK_STORE_PG_H

#include <sys/types.h>

#include "base/buf.h"
#include "store/engine.h"
#include "store/pg/libpq.h"
#include "store/pg/past.h"
#include "store/pg/stmts.h"
#include "store/tally.h"
#include "store/words.h"

/* The longest that a call waits for the server's answer; then the connection is
 * given up, and with it its transaction. */
#define STK_PG_CONNECT_NS (5 * STK_SECOND) /* to each host */
#define STK_PG_ANSWER_NS  (20 * STK_SECOND)
#define STK_PG_READ_NS    (2 * STK_SECOND) /* of one question of people, as on SQLite */
#define STK_PG_DOUBT_NS   (10 * STK_SECOND)

enum { STK_PG_ARGS_MAX = 40, STK_PG_SENT_MAX = 64, STK_PG_NAME_BYTES = 24 };

struct stk_pg;

/* --- what is kept in memory ----------------------------------------------- */

/* Sessions and limits, as this transaction has read them: others write, too.
 * versions: of the rows, for session_set. */
struct kept_sessions {
    struct stk_session *rows;
    int64_t *versions;
    size_t count;
    bool known; /* false: read again before use */
};
struct kept_limits {
    struct stk_limit *rows;
    size_t count;
    bool known;
};

/* A job that this store has claimed and not settled. Found by its id (open
 * addressing); see claim.c. */
struct live {
    int64_t id, attempt_id; /* id 0: a free place */
    int64_t task_id, queue_id, sweep_id;
    bool is_remote;
};
struct live_set {
    struct live *places;
    size_t count, size; /* size: a power of two */
};

/* Where claims of a queue begin; see claim.c. */
struct floor {
    int64_t queue_id;
    int64_t rank, id;
    int64_t old_rank, old_id; /* before this transaction raised it */
    bool is_raised;
    stk_time_ns whole_at, whole_every; /* mono: when the next walk from the start may be */
    bool put_off;                      /* one is wanted, and not yet its time */
};

/* --- statements and their replies (exchange.c) ----------------------------- */

struct stk_pg_rows {
    const struct stk_pq *pq;
    PGresult *result; /* NULL: none */
    int count;
};
#define STK_PG_ROWS_INIT \
    {                    \
        0                \
    }

/* A reply that nobody waits for yet is given to `take` when it is there.
 * `rows` is NULL when the statement failed or was never run. */
typedef enum stk_rc (*stk_pg_take_fn)(struct stk_pg *self, void *context,
                                      const struct stk_pg_rows *rows, struct stk_error *err);

struct sent {
    enum stmt stmt;
    bool is_prepare;
    const char *what;
    stk_pg_take_fn take;
    void *context;
};

struct arg {
    const char *data; /* borrowed, or NULL: at `at` of the scratch */
    size_t at, len;
    bool is_null;
};

/* A completed job that was written with others, until it is known that it was. */
struct late {
    struct stk_settle *settle;
    stk_time_ns now;
    bool is_known; /* the reply is there: it was refused */
};

/* What a transaction has claimed and settled. */
struct job_attempt {
    int64_t id, attempt_id;
};
struct doings {
    struct live *claims;
    size_t claim_count, claim_size;
    struct job_attempt *settles;
    size_t settle_count, settle_size;
};

/* A commit whose answer was lost. OPEN: what became of it is not known yet;
 * KNOWN: it is, and claims of it are still to be given back. */
enum doubt_state { DOUBT_NONE, DOUBT_OPEN, DOUBT_KNOWN };
struct doubt {
    enum doubt_state state;
    bool committed;
    int64_t xid, timeline;
    struct doings doings;
};

struct stk_pg {
    struct stk_store base;
    const struct stk_pq *pq;
    char *url;     /* as it was given; holds no secret */
    char *place;   /* "stoker on db.example:5432", for messages */
    char *command; /* application_name */
    bool read_only;
    stk_time_ns lease_ns;
    PGconn *conn; /* NULL: lost; begin and reads connect anew */
    unsigned connects;
    int server_version;
    int64_t timeline;
    int version, version_found; /* of the schema; when it was opened */
    bool stale;                 /* of a server that takes no writes any more: connect anew */
    char prefix[12];            /* of the names of prepared statements: no other connection's */

    /* exchange */
    bool prepared[STMT_COUNT_];
    bool unnamed; /* a pooler gives each transaction another server: nothing stays prepared */
    struct arg args[STK_PG_ARGS_MAX];
    int arg_count;
    struct stk_buf scratch;
    struct sent sent[STK_PG_SENT_MAX];
    size_t sent_count;
    bool failed; /* a statement of this transaction has failed */

    /* time */
    stk_time_ns clock_db, clock_mono, clock_last;
    stk_time_ns clock_step,
        clock_step_mono; /* the last leap of the database's clock, and when (mono; 0: none) */

    /* transaction */
    bool in_txn, in_savepoint;
    int64_t xid;
    unsigned hints, hints_saved, hints_done; /* of this transaction; at its savepoint; committed */
    struct doings doings;                    /* of this transaction */
    struct doubt doubt;
    int64_t claim_pool, claim_log_from; /* of the claims; where its log begins */
    struct late *late;                  /* settles whose reply is out; see complete.c */
    size_t late_count, late_size;
    size_t mark_claims, mark_settles; /* of doings, at the savepoint */

    struct past past;
    struct stk_words words;
    bool words_in_use;                     /* by this transaction: they stay as they are */
    stk_time_ns words_read_at;             /* mono */
    struct stk_tally counts, counts_saved; /* of this transaction; at its savepoint */
    struct kept_sessions sessions;
    struct kept_limits limits;
    stk_time_ns next_due, next_poll; /* as last read; STK_NEVER: none */
    stk_time_ns due_read_at;         /* mono */
    stk_time_ns swept_at;            /* mono: when what nobody asks for was removed */
    stk_time_ns folded_at;           /* mono: when the counters were added up */
    bool has_remote;                 /* there may be rows in remote; once true it stays so */

    struct live_set live;
    struct floor *floors;
    size_t floor_count;
    struct stk_buf text;
};

static inline struct stk_pg *downcast(struct stk_store *store)
{
    return (struct stk_pg *)(void *)store;
}

#define STK_PG_DECLARE(name) __typeof__(stk_store_##name) stk_pg_##name;
STK_ENGINE_MAP(STK_PG_DECLARE)
#undef STK_PG_DECLARE

/* Parameters of the next statement, in their order. Texts and bytes are
 * borrowed until it is run or sent; numbers and arrays are copied. */
void stk_pg_arg_int(struct stk_pg *self, int64_t value);     /* ::bigint */
void stk_pg_arg_id(struct stk_pg *self, int64_t id);         /* ::bigint, 0: NULL */
void stk_pg_arg_time(struct stk_pg *self, stk_time_ns time); /* ::bigint, STK_NEVER: NULL */
void stk_pg_arg_bool(struct stk_pg *self, bool value);       /* ::boolean */
void stk_pg_arg_real(struct stk_pg *self, double value);     /* ::double precision */
void stk_pg_arg_text(struct stk_pg *self, const char *text); /* ::text, NULL: NULL */
void stk_pg_arg_text_len(struct stk_pg *self, const char *text, size_t len); /* not NULL */
void stk_pg_arg_bytes(struct stk_pg *self, const void *bytes, size_t len); /* ::bytea; NULL: NULL */

/* An array parameter: begin, then each of its elements, then end. */
void stk_pg_array_ints(struct stk_pg *self, size_t count);  /* ::bigint[] */
void stk_pg_array_texts(struct stk_pg *self, size_t count); /* ::text[] */
void stk_pg_array_bytes(struct stk_pg *self, size_t count); /* ::bytea[] */
void stk_pg_array_bools(struct stk_pg *self, size_t count); /* ::boolean[] */
void stk_pg_item_int(struct stk_pg *self, int64_t value);
void stk_pg_item_id(struct stk_pg *self, int64_t id); /* 0: NULL */
void stk_pg_item_bool(struct stk_pg *self, bool value);
void stk_pg_item(struct stk_pg *self, const void *data, size_t len); /* text, bytes; NULL: NULL */
void stk_pg_array_end(struct stk_pg *self);

/* Sends the statement with its parameters; `what` is the middle of an error:
 * "could not WHAT". Its reply, and what was sent before it, is there when run
 * returns. ret may be NULL. In a write transaction the statement is part of it,
 * else it is a transaction by itself. */
STK_MUST_USE enum stk_rc stk_pg_run(struct stk_pg *self, enum stmt stmt, const char *what,
                                    struct stk_pg_rows *ret, struct stk_error *err);
/* The same; how many rows it changed. */
STK_MUST_USE enum stk_rc stk_pg_change(struct stk_pg *self, enum stmt stmt, const char *what,
                                       int64_t *ret_changed, struct stk_error *err);
/* The same; the one integer it hands out, `none` when it is NULL or there is no row. */
STK_MUST_USE enum stk_rc stk_pg_number(struct stk_pg *self, enum stmt stmt, const char *what,
                                       int64_t none, int64_t *ret, struct stk_error *err);
/* Only sends. The reply goes to `take` (NULL: only its errors matter) within the
 * next run or the commit. */
STK_MUST_USE enum stk_rc stk_pg_send(struct stk_pg *self, enum stmt stmt, const char *what,
                                     stk_pg_take_fn take, void *context, struct stk_error *err);

/* All replies that are still out; of the last one its rows (ret_last may be NULL). */
STK_MUST_USE enum stk_rc stk_pg_collect(struct stk_pg *self, struct stk_pg_rows *ret_last,
                                        struct stk_error *err);
STK_MUST_USE enum stk_rc stk_pg_prepare(struct stk_pg *self, enum stmt stmt, struct stk_error *err);

void stk_pg_rows_release(struct stk_pg_rows *rows); /* for STK_CLEANUP */
bool stk_pg_is_null(const struct stk_pg_rows *rows, int row, int column);
int64_t stk_pg_int(const struct stk_pg_rows *rows, int row,
                   int column); /* smallint to bigint; NULL: 0 */
stk_time_ns stk_pg_time(const struct stk_pg_rows *rows, int row, int column); /* NULL: STK_NEVER */
bool stk_pg_bool(const struct stk_pg_rows *rows, int row, int column);
double stk_pg_real(const struct stk_pg_rows *rows, int row, int column);
const char *stk_pg_text(const struct stk_pg_rows *rows, int row,
                        int column);                                    /* NULL: NULL; NUL-ended */
size_t stk_pg_len(const struct stk_pg_rows *rows, int row, int column); /* of text, bytes */
enum stk_state stk_pg_state(const struct stk_pg_rows *rows, int row, int column); /* state::text */
int64_t stk_pg_affected(const struct stk_pg_rows *rows);

/* --- connections (connect.c) ------------------------------------------------ */

/* Another thread may cut waits short: it sets `until`, then rings. */
struct stk_pg_hurry {
    int bell;                  /* eventfd */
    _Atomic stk_time_ns until; /* mono; 0: take your time */
};
/* Tries each host that the URL names for STK_PG_CONNECT_NS; an own connection of a
 * listener as well. hurry may be NULL. */
STK_MUST_USE enum stk_rc stk_pg_connect(const struct stk_pq *pq, const char *url, const char *name,
                                        struct stk_pg_hurry *hurry, PGconn **ret,
                                        struct stk_error *err);
/* Waits until the socket can be read (or written) or the deadline is over (mono): STK_TIMEOUT. */
STK_MUST_USE enum stk_rc stk_pg_wait(const struct stk_pq *pq, PGconn *conn, bool to_write,
                                     stk_time_ns deadline, struct stk_pg_hurry *hurry,
                                     struct stk_error *err);
/* Refuses a URL that holds a password: it would be seen in files, lists and errors. */
STK_MUST_USE enum stk_rc stk_pg_check_url(const struct stk_pq *pq, const char *url,
                                          struct stk_error *err);
/* Connected, or connects anew and finds out about an open doubt. */
STK_MUST_USE enum stk_rc stk_pg_be_connected(struct stk_pg *self, struct stk_error *err);
/* The connection is no good any more; whatever was sent is gone. */
void stk_pg_disconnect(struct stk_pg *self);

/* What an error of the server means; message may be NULL. */
enum stk_rc stk_pg_fail(struct stk_pg *self, const PGresult *result, const char *what,
                        struct stk_error *err);

/* --- transactions (txn.c) --------------------------------------------------- */

/* The database's clock, just heard. */
void stk_pg_clock_set(struct stk_pg *self, stk_time_ns db);
/* Finds out what became of a commit whose answer was lost, if there is one. */
STK_MUST_USE enum stk_rc stk_pg_doubt_resolve(struct stk_pg *self, struct stk_error *err);
/* Whether that settle was accepted in a commit whose answer was lost. */
bool stk_pg_settled_lately(const struct stk_pg *self, int64_t job_id, int64_t attempt_id);
/* For the commit: these are claimed, this has ended. */
void stk_pg_txn_claim(struct stk_pg *self, const struct live *claim);
void stk_pg_txn_settle(struct stk_pg *self, int64_t job_id, int64_t attempt_id);
/* Writes those that go the common way together, and marks them as accepted. */
STK_MUST_USE enum stk_rc stk_pg_complete(struct stk_pg *self, struct stk_settle *settles,
                                         size_t count, stk_time_ns now, struct stk_error *err);
/* Settles that the common way refused: for what reason, by the long way. */
STK_MUST_USE enum stk_rc stk_pg_settle_late(struct stk_pg *self, struct stk_error *err);
/* Jobs claimed in a commit whose answer was lost: nobody runs them. */
STK_MUST_USE enum stk_rc stk_pg_claims_back(struct stk_pg *self, const struct live *claims,
                                            size_t count, struct stk_error *err);

/* At the start of every write: a transaction is open and has not failed. */
STK_MUST_USE enum stk_rc stk_pg_writing(const struct stk_pg *self, struct stk_error *err);
static inline void stk_pg_hint(struct stk_pg *self, enum stk_hint hint)
{
    self->hints |= 1U << hint;
}

/* One moment for several reads (REPEATABLE READ, READ ONLY), inside a write
 * transaction nothing; each question of at most STK_PG_READ_NS. */
struct read_txn {
    struct stk_pg *self;
    bool began;
};
#define READ_TXN_INIT \
    {                 \
        0             \
    }
STK_MUST_USE enum stk_rc stk_pg_read_begin(struct stk_pg *self, struct read_txn *ret,
                                           struct stk_error *err);
void stk_pg_read_endp(struct read_txn *txn); /* for STK_CLEANUP */

/* --- words, counts, due times ------------------------------------------------ */

/* They are known from here on. */
STK_MUST_USE enum stk_rc stk_pg_words(struct stk_pg *self, struct stk_error *err);

/* One job moves from a state to another; STK_STATE_COUNT_: from nowhere. */
void stk_pg_count(struct stk_pg *self, int64_t sweep_id, int64_t queue_id, int64_t task_id,
                  enum stk_state from, enum stk_state to, stk_time_ns now);
/* Sends the changes gathered so far: before a read that sums them, and at commit. */
STK_MUST_USE enum stk_rc stk_pg_counts_write(struct stk_pg *self, struct stk_error *err);
/* Adds up changes into the counters; by itself, between transactions. */
STK_MUST_USE enum stk_rc stk_pg_counts_fold(struct stk_pg *self, struct stk_error *err);

static inline void stk_pg_due_by(struct stk_pg *self, stk_time_ns ready_at)
{
    if (self->next_due == STK_NEVER || ready_at < self->next_due) self->next_due = ready_at;
}
static inline void stk_pg_poll_by(struct stk_pg *self, stk_time_ns poll_at)
{
    if (self->next_poll == STK_NEVER || poll_at < self->next_poll) self->next_poll = poll_at;
}
/* next_due and next_poll are read again with the next begin: others may have
 * written earlier ones. */
static inline void stk_pg_due_doubt(struct stk_pg *self)
{
    self->due_read_at = 0;
}

/* Reads them again, with the next question. */
STK_MUST_USE enum stk_rc stk_pg_due_send(struct stk_pg *self, struct stk_error *err);

/* At once, if they are in doubt. */
void stk_pg_due_sure(struct stk_pg *self);

/* --- claimed jobs (live.c, claim.c) --------------------------------------------------- */

struct live *stk_pg_live_find(struct stk_pg *self, int64_t id); /* NULL: not claimed here */
void stk_pg_live_add(struct stk_pg *self, const struct live *live);
void stk_pg_live_remove(struct stk_pg *self, int64_t id);
/* Claims of the queue begin at this job at the latest: it has become due. */
void stk_pg_floor_lower(struct stk_pg *self, int64_t queue_id, int64_t rank, int64_t id);
void stk_pg_floors_keep(struct stk_pg *self); /* the transaction is committed */
void stk_pg_floors_undo(struct stk_pg *self); /* what it has claimed is there again */

/* --- jobs elsewhere (remote.c): as in sqlite/sqlite.h -------------------------- */

STK_MUST_USE enum stk_rc stk_pg_remote_park(struct stk_pg *self, const struct stk_settle *settle,
                                            int64_t queue_id, bool cancel, stk_time_ns now,
                                            struct stk_error *err);
STK_MUST_USE enum stk_rc stk_pg_remote_forget(struct stk_pg *self, int64_t job_id,
                                              struct stk_error *err);
/* next_poll is read again, with the next question. */
STK_MUST_USE enum stk_rc stk_pg_poll_reread(struct stk_pg *self, struct stk_error *err);
/* A stk_pg_take_fn: rows of poll_at, of jobs that are parked. */
STK_MUST_USE enum stk_rc stk_pg_take_polls(struct stk_pg *self, void *context,
                                           const struct stk_pg_rows *rows, struct stk_error *err);
/* A cancel is to be sent: the parked ones are polled at once. */
STK_MUST_USE enum stk_rc stk_pg_remote_hurry(struct stk_pg *self, const int64_t *job_ids,
                                             size_t count, stk_time_ns now, struct stk_error *err);

/* --- sessions and limits (gates.c) ---------------------------------------------- */

void stk_pg_gates_doubt(struct stk_pg *self);
void stk_pg_gates_release(struct stk_pg *self);

/* --- shared --------------------------------------------------------------------- */

/* Ids of jobs (read.c): of a state (-1: any), a task or a sweep (0: any). */
struct stk_pg_listing {
    int state;
    int64_t task_id, sweep_id;
    int64_t first, last; /* ids, both ends */
    bool ascending;
    size_t limit;
};
STK_MUST_USE enum stk_rc stk_pg_list_ids(struct stk_pg *self, const struct stk_pg_listing *listing,
                                         struct stk_pg_rows *ret, struct stk_error *err);

/* Whether a text is JSON, and UTF-8 without NUL, so that the server takes it. */
bool stk_pg_is_json(const char *text, size_t len);
bool stk_pg_is_bad_result(const struct stk_settle *settle); /* says it is JSON, and is not */
STK_MUST_USE enum stk_rc stk_pg_event_add(struct stk_pg *self, enum stk_event_kind kind,
                                          const struct stk_event *event, stk_time_ns now,
                                          struct stk_error *err);
STK_MUST_USE enum stk_rc stk_pg_migrate(struct stk_pg *self, struct stk_error *err);
STK_MUST_USE enum stk_rc stk_pg_version_check(struct stk_pg *self, struct stk_error *err);
const char *stk_pg_migration_text(int version); /* NULL: there is no such version */

#endif
