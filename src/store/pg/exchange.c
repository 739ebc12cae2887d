/* SPDX-License-Identifier: MIT
 *
 * Statements and their replies. Everything goes through a pipeline: what is
 * sent waits in libpq's buffer until somebody runs a statement and so asks for
 * all replies at once: one round trip.
 */
#include "store/pg/pg.h"

#include <assert.h>
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "sql_pg.h"

static const char *const texts[] = {
#define STMT_TEXT(name) [STMT_##name] = SQL_PG_##name,
    SQL_PG_MAP(STMT_TEXT)
#undef STMT_TEXT
};
_Static_assert(STK_ARRAY_LEN(texts) == STMT_COUNT_, "one text per statement");

/* Types of array elements, as pg_type has them. */
enum { OID_BOOL = 16, OID_BYTEA = 17, OID_INT8 = 20, OID_TEXT = 25 };

/* --- parameters ------------------------------------------------------------ */

static struct arg *next_arg(struct stk_pg *self)
{
    assert(self->arg_count < STK_PG_ARGS_MAX);
    struct arg *arg = &self->args[self->arg_count++];
    if (self->arg_count == 1) stk_buf_clear(&self->scratch);
    *arg = (struct arg){ .at = self->scratch.len };
    return arg;
}

static void arg_copy(struct stk_pg *self, const void *data, size_t len)
{
    struct arg *arg = next_arg(self);
    stk_buf_add(&self->scratch, data, len);
    arg->len = len;
}

static void arg_null(struct stk_pg *self)
{
    next_arg(self)->is_null = true;
}

void stk_pg_arg_int(struct stk_pg *self, int64_t value)
{
    uint64_t wire = htobe64((uint64_t)value);
    arg_copy(self, &wire, sizeof(wire));
}

void stk_pg_arg_id(struct stk_pg *self, int64_t id)
{
    if (id == 0) {
        arg_null(self);
    } else {
        stk_pg_arg_int(self, id);
    }
}

void stk_pg_arg_time(struct stk_pg *self, stk_time_ns time)
{
    if (time == STK_NEVER) {
        arg_null(self);
    } else {
        stk_pg_arg_int(self, time);
    }
}

void stk_pg_arg_bool(struct stk_pg *self, bool value)
{
    char wire = value ? 1 : 0;
    arg_copy(self, &wire, sizeof(wire));
}

void stk_pg_arg_real(struct stk_pg *self, double value)
{
    uint64_t wire = 0;
    _Static_assert(sizeof(value) == sizeof(wire), "IEEE 754 double");
    memcpy(&wire, &value, sizeof(wire));
    wire = htobe64(wire);
    arg_copy(self, &wire, sizeof(wire));
}

void stk_pg_arg_bytes(struct stk_pg *self, const void *bytes, size_t len)
{
    struct arg *arg = next_arg(self);
    arg->data = bytes;
    arg->len = len;
    arg->is_null = bytes == NULL;
}

void stk_pg_arg_text(struct stk_pg *self, const char *text)
{
    stk_pg_arg_bytes(self, text, text != NULL ? strlen(text) : 0);
}

void stk_pg_arg_text_len(struct stk_pg *self, const char *text, size_t len)
{
    stk_pg_arg_bytes(self, text != NULL ? text : "", len);
}

static void add_int32(struct stk_buf *buf, int32_t value)
{
    uint32_t wire = htobe32((uint32_t)value);
    stk_buf_add(buf, &wire, sizeof(wire));
}

/* The wire's array: dimensions, a flag nobody reads, the type; of each dimension
 * its length and first index; the elements with their lengths. */
static void array_begin(struct stk_pg *self, int32_t type, size_t count)
{
    (void)next_arg(self);
    add_int32(&self->scratch, count > 0 ? 1 : 0);
    add_int32(&self->scratch, 0);
    add_int32(&self->scratch, type);
    if (count == 0) return;
    add_int32(&self->scratch, (int32_t)count);
    add_int32(&self->scratch, 1);
}

void stk_pg_array_ints(struct stk_pg *self, size_t count)
{
    array_begin(self, OID_INT8, count);
}

void stk_pg_array_texts(struct stk_pg *self, size_t count)
{
    array_begin(self, OID_TEXT, count);
}

void stk_pg_array_bytes(struct stk_pg *self, size_t count)
{
    array_begin(self, OID_BYTEA, count);
}

void stk_pg_array_bools(struct stk_pg *self, size_t count)
{
    array_begin(self, OID_BOOL, count);
}

void stk_pg_item(struct stk_pg *self, const void *data, size_t len)
{
    add_int32(&self->scratch, data != NULL ? (int32_t)len : -1);
    if (data != NULL) stk_buf_add(&self->scratch, data, len);
}

void stk_pg_item_int(struct stk_pg *self, int64_t value)
{
    uint64_t wire = htobe64((uint64_t)value);
    stk_pg_item(self, &wire, sizeof(wire));
}

void stk_pg_item_id(struct stk_pg *self, int64_t id)
{
    if (id == 0) {
        stk_pg_item(self, NULL, 0);
    } else {
        stk_pg_item_int(self, id);
    }
}

void stk_pg_item_bool(struct stk_pg *self, bool value)
{
    char wire = value ? 1 : 0;
    stk_pg_item(self, &wire, sizeof(wire));
}

void stk_pg_array_end(struct stk_pg *self)
{
    struct arg *arg = &self->args[self->arg_count - 1];
    arg->len = self->scratch.len - arg->at;
}

/* --- sending --------------------------------------------------------------- */

static enum stk_rc fail_send(struct stk_pg *self, const char *what, struct stk_error *err)
{
    enum stk_rc rc = stk_pg_fail(self, NULL, what, err);
    stk_pg_disconnect(self);
    self->failed = true;
    return rc;
}

static void note_sent(struct stk_pg *self, struct sent sent)
{
    assert(self->sent_count < STK_PG_SENT_MAX);
    self->sent[self->sent_count++] = sent;
}

static void name_of(const struct stk_pg *self, enum stmt stmt, char ret[STK_PG_NAME_BYTES])
{
    (void)snprintf(ret, STK_PG_NAME_BYTES, "%s%d", self->prefix, (int)stmt);
}

enum stk_rc stk_pg_prepare(struct stk_pg *self, enum stmt stmt, struct stk_error *err)
{
    char name[STK_PG_NAME_BYTES];
    if (self->prepared[stmt] || self->unnamed) return STK_OK;
    name_of(self, stmt, name);
    if (self->pq->PQsendPrepare(self->conn, name, texts[stmt], 0, NULL) != 1) {
        return fail_send(self, "prepare a statement", err);
    }
    self->prepared[stmt] = true;
    note_sent(self,
              (struct sent){ .stmt = stmt, .is_prepare = true, .what = "prepare a statement" });
    return STK_OK;
}

static int send_args(struct stk_pg *self, enum stmt stmt)
{
    const char *values[STK_PG_ARGS_MAX];
    int lengths[STK_PG_ARGS_MAX], formats[STK_PG_ARGS_MAX];
    for (int i = 0; i < self->arg_count; i++) {
        const struct arg *arg = &self->args[i];
        values[i] = arg->data != NULL ? arg->data : self->scratch.data + arg->at;
        if (arg->is_null) values[i] = NULL;
        lengths[i] = (int)arg->len;
        formats[i] = 1;
    }
    if (self->unnamed) {
        return self->pq->PQsendQueryParams(self->conn, texts[stmt], self->arg_count, NULL, values,
                                           lengths, formats, 1);
    }
    char name[STK_PG_NAME_BYTES];
    name_of(self, stmt, name);
    return self->pq->PQsendQueryPrepared(self->conn, name, self->arg_count, values, lengths,
                                         formats, 1);
}

/* Room for this statement, its preparation and the commit. */
static enum stk_rc make_room(struct stk_pg *self, struct stk_error *err)
{
    return self->sent_count + 4 < STK_PG_SENT_MAX ? STK_OK : stk_pg_collect(self, NULL, err);
}

/* A new connection is greeted by statements with parameters of their own: those
 * of this one are kept aside. */
static enum stk_rc be_connected(struct stk_pg *self, struct stk_error *err)
{
    struct arg args[STK_PG_ARGS_MAX];
    struct stk_buf scratch = self->scratch;
    int count = self->arg_count;
    memcpy(args, self->args, sizeof(args));
    self->scratch = (struct stk_buf)STK_BUF_INIT;
    self->arg_count = 0;
    enum stk_rc rc = stk_pg_be_connected(self, err);
    stk_buf_release(&self->scratch);
    self->scratch = scratch;
    self->arg_count = count;
    memcpy(self->args, args, sizeof(args));
    return rc;
}

enum stk_rc stk_pg_send(struct stk_pg *self, enum stmt stmt, const char *what, stk_pg_take_fn take,
                        void *context, struct stk_error *err)
{
    enum stk_rc rc = self->in_txn ? STK_OK : be_connected(self, err);
    if (rc == STK_OK && self->conn == NULL) rc = fail_send(self, what, err);
    if (rc == STK_OK) rc = make_room(self, err);
    if (rc == STK_OK) rc = stk_pg_prepare(self, stmt, err);
    if (rc == STK_OK && send_args(self, stmt) != 1) rc = fail_send(self, what, err);
    self->arg_count = 0;
    if (rc != STK_OK) return rc;
    note_sent(self, (struct sent){ .stmt = stmt, .what = what, .take = take, .context = context });
    return STK_OK;
}

/* --- replies --------------------------------------------------------------- */

static enum stk_rc flush(struct stk_pg *self, stk_time_ns deadline)
{
    int left = self->pq->PQflush(self->conn);
    while (left > 0) {
        if (stk_pg_wait(self->pq, self->conn, true, deadline, NULL, NULL) != STK_OK)
            return STK_TIMEOUT;
        if (self->pq->PQconsumeInput(self->conn) != 1) return STK_UNAVAILABLE;
        left = self->pq->PQflush(self->conn);
    }
    return left == 0 ? STK_OK : STK_UNAVAILABLE;
}

/* The next result, NULL where the pipeline has its gaps. */
static enum stk_rc next_result(struct stk_pg *self, stk_time_ns deadline, PGresult **ret)
{
    while (self->pq->PQisBusy(self->conn) == 1) {
        if (stk_pg_wait(self->pq, self->conn, false, deadline, NULL, NULL) != STK_OK)
            return STK_TIMEOUT;
        if (self->pq->PQconsumeInput(self->conn) != 1) return STK_UNAVAILABLE;
    }
    *ret = self->pq->PQgetResult(self->conn);
    return STK_OK;
}

static bool is_good(struct stk_pg *self, const PGresult *result)
{
    ExecStatusType status = self->pq->PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

/* The server closes a connection with a last error: that one says why. */
static bool is_fatal(struct stk_pg *self)
{
    return self->pq->PQstatus(self->conn) != CONNECTION_OK;
}

struct collecting {
    stk_time_ns deadline;
    struct stk_pg_rows *last; /* or NULL */
    enum stk_rc rc;           /* of the first that failed */
    struct stk_error *err;
};

static void take_reply(struct stk_pg *self, const struct sent *sent, bool is_last, PGresult *result,
                       struct collecting *now)
{
    struct stk_pg_rows rows = { .pq = self->pq, .result = result };
    if (!is_good(self, result)) {
        bool skipped = self->pq->PQresultStatus(result) == PGRES_PIPELINE_ABORTED;
        if (sent->is_prepare) self->prepared[sent->stmt] = false;
        if (!skipped && now->rc == STK_OK) {
            now->rc = stk_pg_fail(self, result, sent->what, now->err);
        }
        stk_pg_rows_release(&rows);
        return;
    }
    rows.count = self->pq->PQntuples(result);
    if (is_last && now->last != NULL) {
        *now->last = rows;
        return;
    }
    if (sent->take != NULL && now->rc == STK_OK) {
        now->rc = sent->take(self, sent->context, &rows, now->err);
    }
    stk_pg_rows_release(&rows);
}

/* One reply and the gap behind it. */
static enum stk_rc collect_one(struct stk_pg *self, size_t at, struct collecting *now)
{
    PGresult *result = NULL, *gap = NULL;
    enum stk_rc rc = next_result(self, now->deadline, &result);
    if (rc != STK_OK || result == NULL) return STK_UNAVAILABLE;
    take_reply(self, &self->sent[at], at + 1 == self->sent_count, result, now);
    if (is_fatal(self)) return STK_UNAVAILABLE;
    rc = next_result(self, now->deadline, &gap);
    self->pq->PQclear(gap);
    return rc == STK_OK && gap == NULL ? STK_OK : STK_UNAVAILABLE;
}

static enum stk_rc collect_sync(struct stk_pg *self, struct collecting *now)
{
    PGresult *result = NULL;
    enum stk_rc rc = next_result(self, now->deadline, &result);
    bool is_sync =
        rc == STK_OK && result != NULL && self->pq->PQresultStatus(result) == PGRES_PIPELINE_SYNC;
    self->pq->PQclear(result);
    return is_sync ? STK_OK : STK_UNAVAILABLE;
}

static enum stk_rc lose(struct stk_pg *self, struct collecting *now)
{
    const char *what = self->sent_count > 0 ? self->sent[self->sent_count - 1].what : "go on";
    if (now->rc == STK_OK || now->rc == STK_INTERNAL) {
        now->rc = stk_pg_fail(self, NULL, what, now->err);
    }
    if (now->last != NULL) stk_pg_rows_release(now->last);
    stk_pg_disconnect(self);
    self->failed = true;
    return now->rc;
}

enum stk_rc stk_pg_collect(struct stk_pg *self, struct stk_pg_rows *ret_last, struct stk_error *err)
{
    struct stk_error own = { 0 };
    struct collecting now = { .deadline = stk_clock_mono() + STK_PG_ANSWER_NS,
                              .last = ret_last,
                              .err = &own };
    enum stk_rc rc = self->pq->PQpipelineSync(self->conn) == 1 ? STK_OK : STK_UNAVAILABLE;
    if (rc == STK_OK) rc = flush(self, now.deadline);
    for (size_t i = 0; rc == STK_OK && i < self->sent_count; i++) {
        rc = collect_one(self, i, &now);
    }
    if (rc == STK_OK) rc = collect_sync(self, &now);
    if (rc != STK_OK) (void)lose(self, &now);
    self->sent_count = 0;
    if (now.rc == STK_OK) return STK_OK;
    self->failed = true;
    return stk_fail(err, now.rc, "%s", own.text);
}

enum stk_rc stk_pg_run(struct stk_pg *self, enum stmt stmt, const char *what,
                       struct stk_pg_rows *ret, struct stk_error *err)
{
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows unwanted = STK_PG_ROWS_INIT;
    enum stk_rc rc = stk_pg_send(self, stmt, what, NULL, NULL, err);
    return rc == STK_OK ? stk_pg_collect(self, ret != NULL ? ret : &unwanted, err) : rc;
}

enum stk_rc stk_pg_change(struct stk_pg *self, enum stmt stmt, const char *what,
                          int64_t *ret_changed, struct stk_error *err)
{
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    enum stk_rc rc = stk_pg_run(self, stmt, what, &rows, err);
    if (rc == STK_OK) *ret_changed = stk_pg_affected(&rows);
    return rc;
}

enum stk_rc stk_pg_number(struct stk_pg *self, enum stmt stmt, const char *what, int64_t none,
                          int64_t *ret, struct stk_error *err)
{
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    enum stk_rc rc = stk_pg_run(self, stmt, what, &rows, err);
    if (rc != STK_OK) return rc;
    bool is_none = rows.count == 0 || stk_pg_is_null(&rows, 0, 0);
    *ret = is_none ? none : stk_pg_int(&rows, 0, 0);
    return STK_OK;
}

/* --- rows ------------------------------------------------------------------ */

void stk_pg_rows_release(struct stk_pg_rows *rows)
{
    if (rows->result != NULL) rows->pq->PQclear(rows->result);
    rows->result = NULL;
    rows->count = 0;
}

bool stk_pg_is_null(const struct stk_pg_rows *rows, int row, int column)
{
    return rows->pq->PQgetisnull(rows->result, row, column) == 1;
}

size_t stk_pg_len(const struct stk_pg_rows *rows, int row, int column)
{
    return (size_t)rows->pq->PQgetlength(rows->result, row, column);
}

int64_t stk_pg_int(const struct stk_pg_rows *rows, int row, int column)
{
    const char *wire = rows->pq->PQgetvalue(rows->result, row, column);
    uint64_t eight = 0;
    uint32_t four = 0;
    uint16_t two = 0;
    if (stk_pg_is_null(rows, row, column)) return 0;
    switch (stk_pg_len(rows, row, column)) {
    case sizeof(eight): memcpy(&eight, wire, sizeof(eight)); return (int64_t)be64toh(eight);
    case sizeof(four): memcpy(&four, wire, sizeof(four)); return (int32_t)be32toh(four);
    case sizeof(two): memcpy(&two, wire, sizeof(two)); return (int16_t)be16toh(two);
    default: break;
    }
    assert(false); /* a column that is no integer: the statement is wrong */
    return 0;
}

stk_time_ns stk_pg_time(const struct stk_pg_rows *rows, int row, int column)
{
    return stk_pg_is_null(rows, row, column) ? STK_NEVER : stk_pg_int(rows, row, column);
}

bool stk_pg_bool(const struct stk_pg_rows *rows, int row, int column)
{
    return !stk_pg_is_null(rows, row, column) &&
           *rows->pq->PQgetvalue(rows->result, row, column) == 1;
}

double stk_pg_real(const struct stk_pg_rows *rows, int row, int column)
{
    uint64_t wire = 0;
    double value = 0;
    assert(stk_pg_len(rows, row, column) == sizeof(wire));
    memcpy(&wire, rows->pq->PQgetvalue(rows->result, row, column), sizeof(wire));
    wire = be64toh(wire);
    memcpy(&value, &wire, sizeof(value));
    return value;
}

const char *stk_pg_text(const struct stk_pg_rows *rows, int row, int column)
{
    if (stk_pg_is_null(rows, row, column)) return NULL;
    return rows->pq->PQgetvalue(rows->result, row, column);
}

enum stk_state stk_pg_state(const struct stk_pg_rows *rows, int row, int column)
{
    enum stk_state state = STK_STATE_FAILED;
    bool known = stk_state_from_name(stk_pg_text(rows, row, column), &state);
    assert(known); /* an enum type of the schema; a test compares */
    (void)known;
    return state;
}

int64_t stk_pg_affected(const struct stk_pg_rows *rows)
{
    return strtoll(rows->pq->PQcmdTuples(rows->result), NULL, 10);
}
