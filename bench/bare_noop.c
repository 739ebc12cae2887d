/* SPDX-License-Identifier: MIT
 *
 * The bare loop that `stoker bench noop` is measured against: one thread, the
 * statements and the schema of stoker's own store, one durable transaction a
 * batch: end the attempts of the last batch, claim the next, write the
 * counters, commit. No threads, no hand-over, no executor. A pool that keeps up
 * with it gives away nothing but what SQLite costs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bare.h"
#include "sql_sqlite.h"

static const char params[] = "{\"a\":1,\"b\":2}", result[] = "{\"ok\":true}";
enum { CHUNK = 1000 };

struct job {
    int64_t id, attempt_id;
    char params[64];
};

struct loop {
    sqlite3 *db;
    sqlite3_stmt *begin, *commit, *pick, *claim, *running, *complete, *count, *count_add;
    struct job *jobs; /* of the batch in hand */
    size_t batch, held;
    int64_t next_attempt;
};

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void count(struct loop *loop, const char *state, int64_t by)
{
    if (by == 0) return;
    sqlite3_stmt *stmts[] = { loop->count, loop->count_add };
    for (size_t i = 0; i < 2; i++) {
        (void)sqlite3_bind_int64(stmts[i], 1, 0);
        (void)sqlite3_bind_int64(stmts[i], 2, 1);
        (void)sqlite3_bind_int64(stmts[i], 3, 1);
        (void)sqlite3_bind_text(stmts[i], 4, state, -1, SQLITE_STATIC);
        (void)sqlite3_bind_int64(stmts[i], 5, by);
        bare_step(loop->db, stmts[i]);
        if (sqlite3_changes(loop->db) == 1) return;
    }
}

static void fill(struct loop *loop, int64_t jobs)
{
    sqlite3_stmt *submit = bare_prepare(loop->db, SQL_SQLITE_JOB_SUBMIT);
    int64_t now = now_ns();
    for (int64_t done = 0; done < jobs;) {
        bare_step(loop->db, loop->begin);
        int64_t first = done;
        for (; done < jobs && done < first + CHUNK; done++) {
            (void)sqlite3_bind_int64(submit, 1, 1);
            (void)sqlite3_bind_int64(submit, 2, 1);
            (void)sqlite3_bind_int64(submit, 4, 1);
            (void)sqlite3_bind_int64(submit, 5, 0);
            (void)sqlite3_bind_int64(submit, 6, now);
            (void)sqlite3_bind_int64(submit, 7, now);
            (void)sqlite3_bind_text(submit, 10, params, -1, SQLITE_STATIC);
            bare_step(loop->db, submit);
        }
        count(loop, "pending", done - first);
        bare_step(loop->db, loop->commit);
        bare_checkpoint(loop->db);
    }
}

static void settle(struct loop *loop, int64_t now)
{
    for (size_t i = 0; i < loop->held; i++) {
        const struct job *job = &loop->jobs[i];
        (void)sqlite3_bind_int64(loop->running, 1, job->id);
        (void)sqlite3_bind_int64(loop->running, 2, job->attempt_id);
        bare_step(loop->db, loop->running);

        (void)sqlite3_bind_int64(loop->complete, 1, job->id);
        (void)sqlite3_bind_int64(loop->complete, 2, job->attempt_id);
        (void)sqlite3_bind_int64(loop->complete, 3, now);
        (void)sqlite3_bind_text(loop->complete, 4, result, sizeof(result) - 1, SQLITE_STATIC);
        bare_step(loop->db, loop->complete);
        if (sqlite3_changes(loop->db) != 1) bare_die("an attempt did not hold its job");
    }
}

static size_t pick(struct loop *loop)
{
    (void)sqlite3_bind_int64(loop->pick, 1, 1);
    (void)sqlite3_bind_int64(loop->pick, 2, (int64_t)loop->batch);
    size_t picked = 0;
    int code = SQLITE_ROW;
    while ((code = sqlite3_step(loop->pick)) == SQLITE_ROW) {
        struct job *job = &loop->jobs[picked++];
        job->id = sqlite3_column_int64(loop->pick, 0);
        (void)snprintf(job->params, sizeof(job->params), "%s",
                       (const char *)sqlite3_column_text(loop->pick, 5));
    }
    if (code != SQLITE_DONE) bare_die("%s", sqlite3_errmsg(loop->db));
    (void)sqlite3_reset(loop->pick);
    return picked;
}

static void claim(struct loop *loop, int64_t now)
{
    size_t picked = pick(loop);
    for (size_t i = 0; i < picked; i++) {
        struct job *job = &loop->jobs[i];
        job->attempt_id = ++loop->next_attempt;
        (void)sqlite3_bind_int64(loop->claim, 1, job->id);
        (void)sqlite3_bind_int64(loop->claim, 2, job->attempt_id);
        (void)sqlite3_bind_int64(loop->claim, 3, 1);
        (void)sqlite3_bind_int64(loop->claim, 4, (int64_t)i + 1);
        (void)sqlite3_bind_int64(loop->claim, 5, now);
        bare_step(loop->db, loop->claim);
    }
    count(loop, "running", (int64_t)picked - (int64_t)loop->held);
    count(loop, "pending", -(int64_t)picked);
    count(loop, "completed", (int64_t)loop->held);
    loop->held = picked;
}

static double drain(struct loop *loop)
{
    double start = bare_seconds();
    do {
        int64_t now = now_ns();
        bare_step(loop->db, loop->begin);
        settle(loop, now);
        claim(loop, now);
        bare_step(loop->db, loop->commit);
        bare_checkpoint(loop->db);
    } while (loop->held > 0);
    return bare_seconds() - start;
}

int main(int argc, char **argv)
{
    struct bare_options options = bare_options(argc, argv, 200000, 32);
    sqlite3 *db = bare_open(options.dir);
    struct loop loop = {
        .db = db,
        .begin = bare_prepare(db, SQL_SQLITE_TXN_BEGIN),
        .commit = bare_prepare(db, SQL_SQLITE_TXN_COMMIT),
        .pick = bare_prepare(db, SQL_SQLITE_JOB_PICK),
        .claim = bare_prepare(db, SQL_SQLITE_JOB_CLAIM),
        .running = bare_prepare(db, SQL_SQLITE_JOB_RUNNING),
        .complete = bare_prepare(db, SQL_SQLITE_JOB_COMPLETE),
        .count = bare_prepare(db, SQL_SQLITE_COUNT_CHANGE),
        .count_add = bare_prepare(db, SQL_SQLITE_COUNT_ADD),
        .batch = (size_t)options.batch,
        .jobs = calloc((size_t)options.batch, sizeof(struct job)),
    };
    fill(&loop, options.jobs);
    double seconds = drain(&loop);

    int64_t completed = bare_number(
        db, "SELECT count(*) FROM job WHERE state = 'completed' AND result IS NOT NULL");
    if (completed != options.jobs) bare_die("%lld are completed", (long long)completed);
    free(loop.jobs);
    bare_close(db);
    printf("{\"bench\":\"bare_noop\",\"jobs\":%lld,\"batch\":%lld,\"jobs_per_s\":%.0f}\n",
           (long long)options.jobs, (long long)options.batch, (double)options.jobs / seconds);
    return 0;
}
