/* SPDX-License-Identifier: MIT
 *
 * The bare bulk insert that a sweep is measured against: the rows that
 * `stoker bench sweep` makes, into the same table with the same indexes, as many
 * a transaction. Their parameters come from two loops, their identities from the
 * same hash; there is nothing else.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "bare.h"
#include "sql_sqlite.h"

enum { CHUNK = 1000, INNER = 1000, IDENTITY_BYTES = 16 };

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void insert(sqlite3 *db, sqlite3_stmt *submit, int64_t n, int64_t now)
{
    char params[64];
    unsigned char identity[IDENTITY_BYTES];
    int len = snprintf(params, sizeof(params), "{\"a\":%lld,\"b\":%lld}",
                       (long long)(n / INNER + 1), (long long)(n % INNER + 1));
    (void)crypto_generichash(identity, sizeof(identity), (const unsigned char *)params,
                             (unsigned long long)len, NULL, 0);
    (void)sqlite3_bind_int64(submit, 6, now);
    (void)sqlite3_bind_int64(submit, 7, now);
    (void)sqlite3_bind_blob(submit, 9, identity, sizeof(identity), SQLITE_STATIC);
    (void)sqlite3_bind_text(submit, 10, params, len, SQLITE_STATIC);
    bare_step(db, submit);
}

int main(int argc, char **argv)
{
    struct bare_options options = bare_options(argc, argv, 1000000, CHUNK);
    if (sodium_init() < 0) bare_die("could not start libsodium");
    sqlite3 *db = bare_open(options.dir);
    sqlite3_stmt *begin = bare_prepare(db, SQL_SQLITE_TXN_BEGIN);
    sqlite3_stmt *commit = bare_prepare(db, SQL_SQLITE_TXN_COMMIT);
    sqlite3_stmt *submit = bare_prepare(db, SQL_SQLITE_JOB_SUBMIT);
    for (int i = 1; i <= 4; i++) {
        (void)sqlite3_bind_int64(submit, i, 1); /* task, queue, sweep, due */
    }
    (void)sqlite3_bind_int64(submit, 5, 0);

    double start = bare_seconds();
    for (int64_t n = 0; n < options.jobs;) {
        int64_t now = now_ns();
        bare_step(db, begin);
        for (int64_t end = n + options.batch; n < options.jobs && n < end; n++) {
            insert(db, submit, n, now);
        }
        bare_step(db, commit);
        bare_checkpoint(db);
    }
    double seconds = bare_seconds() - start;

    if (bare_number(db, "SELECT count(*) FROM job") != options.jobs) bare_die("rows are missing");
    bare_close(db);
    printf("{\"bench\":\"bare_insert\",\"jobs\":%lld,\"batch\":%lld,\"jobs_per_s\":%.0f}\n",
           (long long)options.jobs, (long long)options.batch, (double)options.jobs / seconds);
    return 0;
}
