/* SPDX-License-Identifier: MIT */
#include "pg_bare.h"

#include <endian.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { OID_BYTEA = 17, OID_INT8 = 20, OID_TEXT = 25 };

void pg_bare_die(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vfprintf(stderr, fmt, args);
    va_end(args);
    (void)fputc('\n', stderr);
    exit(1);
}

double pg_bare_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int64_t pg_bare_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* --- connection ---------------------------------------------------------- */

void pg_bare_open(struct pg_bare *self, const char *url)
{
    *self = (struct pg_bare){ .conn = PQconnectdb(url) };
    if (PQstatus(self->conn) != CONNECTION_OK) pg_bare_die("%s", PQerrorMessage(self->conn));
    if (PQenterPipelineMode(self->conn) != 1) pg_bare_die("no pipeline");
}

void pg_bare_close(struct pg_bare *self)
{
    PQfinish(self->conn);
    for (size_t i = 0; i < PG_BARE_ARGS_MAX; i++) {
        free(self->args[i].data);
    }
}

static PGresult *run(struct pg_bare *self, const char *sql)
{
    if (PQexitPipelineMode(self->conn) != 1) pg_bare_die("%s", PQerrorMessage(self->conn));
    PGresult *result = PQexec(self->conn, sql);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        pg_bare_die("%s: %.60s", PQresultErrorMessage(result), sql);
    }
    (void)PQenterPipelineMode(self->conn);
    return result;
}

void pg_bare_exec(struct pg_bare *self, const char *sql)
{
    PQclear(run(self, sql));
}

int64_t pg_bare_number(struct pg_bare *self, const char *sql)
{
    PGresult *result = run(self, sql);
    if (PQntuples(result) != 1) pg_bare_die("no number: %.60s", sql);
    int64_t value = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    return value;
}

void pg_bare_prepare(struct pg_bare *self, const char *name, const char *sql)
{
    if (PQsendPrepare(self->conn, name, sql, 0, NULL) != 1) {
        pg_bare_die("%s", PQerrorMessage(self->conn));
    }
    pg_bare_sync(self);
    PQclear(pg_bare_take(self));
    pg_bare_take_sync(self);
}

/* --- parameters ---------------------------------------------------------- */

static struct pg_bare_arg *next_arg(struct pg_bare *self)
{
    if (self->arg_count == PG_BARE_ARGS_MAX) pg_bare_die("too many parameters");
    struct pg_bare_arg *arg = &self->args[self->arg_count++];
    arg->len = 0;
    arg->is_null = false;
    return arg;
}

static void add(struct pg_bare_arg *arg, const void *data, size_t len)
{
    if (arg->len + len > arg->size) {
        arg->size = 2 * (arg->len + len);
        arg->data = realloc(arg->data, arg->size);
        if (arg->data == NULL) pg_bare_die("out of memory");
    }
    memcpy(arg->data + arg->len, data, len);
    arg->len += len;
}

static void add_int32(struct pg_bare_arg *arg, int64_t value)
{
    uint32_t wire = htobe32((uint32_t)(int32_t)value);
    add(arg, &wire, sizeof(wire));
}

static void add_int64(struct pg_bare_arg *arg, int64_t value)
{
    uint64_t wire = htobe64((uint64_t)value);
    add(arg, &wire, sizeof(wire));
}

void pg_bare_int(struct pg_bare *self, int64_t value)
{
    add_int64(next_arg(self), value);
}

static struct pg_bare_arg *begin_array(struct pg_bare *self, int32_t type, size_t count)
{
    struct pg_bare_arg *arg = next_arg(self);
    const int64_t head[] = { count > 0 ? 1 : 0, 0, type, (int64_t)count, 1 };
    size_t words = count > 0 ? sizeof(head) / sizeof(*head) : 3;
    for (size_t i = 0; i < words; i++) {
        add_int32(arg, head[i]);
    }
    return arg;
}

void pg_bare_ints(struct pg_bare *self, size_t count, int64_t (*at)(const void *context, size_t i),
                  const void *context)
{
    struct pg_bare_arg *arg = begin_array(self, OID_INT8, count);
    for (size_t i = 0; i < count; i++) {
        int64_t value = at != NULL ? at(context, i) : 0;
        add_int32(arg, at != NULL ? (int64_t)sizeof(value) : -1); /* -1: NULL */
        if (at != NULL) add_int64(arg, value);
    }
}

void pg_bare_texts(struct pg_bare *self, size_t count, const char *text, bool is_bytea)
{
    struct pg_bare_arg *arg = begin_array(self, is_bytea ? OID_BYTEA : OID_TEXT, count);
    size_t len = text != NULL ? strlen(text) : 0;
    for (size_t i = 0; i < count; i++) {
        add_int32(arg, text != NULL ? (int64_t)len : -1);
        if (text != NULL) add(arg, text, len);
    }
}

/* --- pipeline ------------------------------------------------------------ */

void pg_bare_send(struct pg_bare *self, const char *name)
{
    const char *values[PG_BARE_ARGS_MAX] = { 0 };
    int lengths[PG_BARE_ARGS_MAX] = { 0 };
    int formats[PG_BARE_ARGS_MAX] = { 0 };
    for (int i = 0; i < self->arg_count; i++) {
        values[i] = self->args[i].data;
        lengths[i] = (int)self->args[i].len;
        formats[i] = 1;
    }
    if (PQsendQueryPrepared(self->conn, name, self->arg_count, values, lengths, formats, 1) != 1) {
        pg_bare_die("%s", PQerrorMessage(self->conn));
    }
    self->arg_count = 0;
}

void pg_bare_sync(struct pg_bare *self)
{
    if (PQpipelineSync(self->conn) != 1) pg_bare_die("%s", PQerrorMessage(self->conn));
}

PGresult *pg_bare_take(struct pg_bare *self)
{
    PGresult *result = PQgetResult(self->conn);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        pg_bare_die("%s", PQresultErrorMessage(result));
    }
    if (PQgetResult(self->conn) != NULL) pg_bare_die("a statement with two replies");
    return result;
}

void pg_bare_take_sync(struct pg_bare *self)
{
    PGresult *result = PQgetResult(self->conn);
    if (PQresultStatus(result) != PGRES_PIPELINE_SYNC) pg_bare_die("the pipeline is out of step");
    PQclear(result);
}

int64_t pg_bare_int_at(const PGresult *result, int row, int column)
{
    uint64_t wide = 0;
    uint32_t narrow = 0;
    const char *data = PQgetvalue(result, row, column);
    if (PQgetlength(result, row, column) == (int)sizeof(narrow)) {
        memcpy(&narrow, data, sizeof(narrow));
        return (int32_t)be32toh(narrow);
    }
    memcpy(&wide, data, sizeof(wide));
    return (int64_t)be64toh(wide);
}
