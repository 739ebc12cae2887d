/* SPDX-License-Identifier: MIT
 *
 * pg_bare - bare PostgreSQL for pg_loop: a connection in pipeline mode with
 * binary parameters, straight on libpq. Nothing of stoker is in it but the
 * texts of its statements.
 *
 * Errors:  the program ends, with a sentence.
 */
#ifndef STK_BENCH_PG_BARE_H
#define STK_BENCH_PG_BARE_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PG_BARE_ARGS_MAX = 12 };

struct pg_bare_arg {
    char *data; /* on the wire */
    size_t len, size;
    bool is_null;
};

struct pg_bare {
    PGconn *conn;
    struct pg_bare_arg args[PG_BARE_ARGS_MAX]; /* of the next statement */
    int arg_count;
};

void pg_bare_open(struct pg_bare *self, const char *url);
void pg_bare_close(struct pg_bare *self);

/* Outside the pipeline, which it leaves and enters again. */
void pg_bare_exec(struct pg_bare *self, const char *sql);
int64_t pg_bare_number(struct pg_bare *self, const char *sql);
void pg_bare_prepare(struct pg_bare *self, const char *name, const char *sql);

void pg_bare_int(struct pg_bare *self, int64_t value);
void pg_bare_ints(struct pg_bare *self, size_t count, int64_t (*at)(const void *context, size_t i),
                  const void *context);
/* The same text, or NULL, as often. */
void pg_bare_texts(struct pg_bare *self, size_t count, const char *text, bool is_bytea);

/* Into the pipeline; sync makes the server answer. */
void pg_bare_send(struct pg_bare *self, const char *name);
void pg_bare_sync(struct pg_bare *self);
/* The reply of the next statement sent; PQclear ends it. */
PGresult *pg_bare_take(struct pg_bare *self);
void pg_bare_take_sync(struct pg_bare *self);

int64_t pg_bare_int_at(const PGresult *result, int row, int column);

double pg_bare_seconds(void); /* monotonic */
int64_t pg_bare_now_ns(void);
__attribute__((format(printf, 1, 2), noreturn)) void pg_bare_die(const char *fmt, ...);

#endif
