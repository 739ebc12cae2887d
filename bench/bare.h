/* SPDX-License-Identifier: MIT
 *
 * bare - what the bare loops share: options, a clock, one way to die.
 *
 * These programs are what stoker is measured against. They use no layer of
 * stoker's, only its schema and its statements, so that nothing of it can hide
 * in the yardstick.
 *
 * Errors:  the program ends, with a sentence.
 */
#ifndef STK_BENCH_BARE_H
#define STK_BENCH_BARE_H

#include <sqlite3.h>
#include <stdint.h>

struct bare_options {
    int64_t jobs;
    int64_t batch;   /* --batch, or --workers: as many at a time */
    const char *dir; /* where the store lies while it is measured */
};
struct bare_options bare_options(int argc, char **argv, int64_t jobs, int64_t batch);

double bare_seconds(void); /* monotonic */
__attribute__((format(printf, 1, 2), noreturn)) void bare_die(const char *fmt, ...);

/* A store of stoker's own schema and settings in a new folder below dir, with
 * one queue and one task, both of id 1. */
sqlite3 *bare_open(const char *dir);
void bare_close(sqlite3 *db); /* and removes the folder */

sqlite3_stmt *bare_prepare(sqlite3 *db, const char *sql);
void bare_run(sqlite3 *db, const char *sql);
void bare_step(sqlite3 *db, sqlite3_stmt *stmt); /* to its end, then reset */
int64_t bare_number(sqlite3 *db, const char *sql);

/* After a commit: the checkpoint that stoker would make then. */
void bare_checkpoint(sqlite3 *db);

#endif
