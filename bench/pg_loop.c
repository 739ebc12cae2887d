/* SPDX-License-Identifier: MIT
 *
 * The bare loop that `stoker bench noop` on PostgreSQL is measured against: one
 * connection, the statements and the schema of stoker's own store, one pipeline
 * and one durable transaction a batch: end the attempts of the last batch, claim
 * the next, write the counters and the log of claims, commit. No threads, no
 * hand-over, no executor. A claim begins behind the last job of the one before, as
 * src/store/pg/claim.c has it.
 *
 * usage: pg_loop --url URL [--jobs N] [--workers N]   one line of JSON
 *        pg_loop --url URL --commit [--jobs N]        times of a durable one-row commit
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "migrations_pg.h"
#include "pg_bare.h"
#include "sql_pg.h"

static const char params[] = "{\"a\":1,\"b\":2}", result[] = "{\"ok\":true}";
enum { CHUNK = 1000, RANK = ~0, PAUSE_NS = 4000000 };

struct options {
    const char *url;
    int64_t jobs;
    size_t batch;
    bool commit;
};

struct job {
    int64_t id, attempt_id;
    char params[64];
};

struct loop {
    struct pg_bare pg;
    struct job *jobs; /* of the batch in hand */
    size_t batch, held;
    int64_t pool_id, next_id, next_attempt;
    int64_t claimed, completed; /* in the last round: its counters are not written yet */
    int64_t now;
};

static const struct {
    const char *name, *text;
} statements[] = {
    { "begin", SQL_PG_TXN_BEGIN },        { "commit", SQL_PG_TXN_COMMIT },
    { "submit", SQL_PG_JOB_SUBMIT },      { "claim", SQL_PG_JOB_CLAIM },
    { "complete", SQL_PG_JOBS_COMPLETE }, { "count", SQL_PG_COUNT_ADD },
    { "log", SQL_PG_CLAIM_LOG },
};

static int64_t number(const char *text)
{
    char *end = NULL;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || value < 1) pg_bare_die("not a number from 1: %s", text);
    return value;
}

static struct options read_options(int argc, char **argv)
{
    static const struct option longs[] = {
        { "url", required_argument, NULL, 'u' },
        { "jobs", required_argument, NULL, 'j' },
        { "workers", required_argument, NULL, 'w' },
        { "commit", no_argument, NULL, 'c' },
        { NULL, 0, NULL, 0 },
    };
    struct options options = { .jobs = 0, .batch = 32 };
    int option = 0;
    while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (option) {
        case 'u': options.url = optarg; break;
        case 'j': options.jobs = number(optarg); break;
        case 'w': options.batch = (size_t)number(optarg); break;
        case 'c': options.commit = true; break;
        default: options.url = NULL; break;
        }
    }
    if (options.url == NULL) {
        pg_bare_die("usage: %s --url URL [--jobs N] [--workers N | --commit]", argv[0]);
    }
    if (options.jobs == 0) options.jobs = options.commit ? 500 : 200000;
    return options;
}

/* --- the store ----------------------------------------------------------- */

static void make_store(struct loop *loop)
{
    /* The engine makes the schema, the migrations what is in it. */
    pg_bare_exec(&loop->pg, "CREATE SCHEMA IF NOT EXISTS stoker");
    for (size_t i = 0; i < sizeof(MIGRATION_PG_ALL) / sizeof(*MIGRATION_PG_ALL); i++) {
        pg_bare_exec(&loop->pg, MIGRATION_PG_ALL[i].text);
    }
    pg_bare_exec(&loop->pg, "INSERT INTO stoker.queue (name) VALUES ('bench');"
                            "INSERT INTO stoker.task (name, queue_id) VALUES ('bench', 1);");
    loop->pool_id = pg_bare_number(
        &loop->pg, "INSERT INTO stoker.pool (host, pid, workers, started_at, beat_at, lease_until)"
                   "VALUES ('bench', 1, 1, 0, 0, 0) RETURNING id");
    for (size_t i = 0; i < sizeof(statements) / sizeof(*statements); i++) {
        pg_bare_prepare(&loop->pg, statements[i].name, statements[i].text);
    }
}

static int64_t constant(const void *context, size_t i)
{
    (void)i;
    return *(const int64_t *)context;
}

static void send_count(struct loop *loop, int64_t pending, int64_t running, int64_t completed)
{
    const int64_t row[] = { 0,         1, 1, completed > 0 ? loop->now : 0, pending, running,
                            completed, 0, 0 };
    for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
        pg_bare_ints(&loop->pg, 1, constant, &row[i]);
    }
    pg_bare_send(&loop->pg, "count");
}

static void send_submit(struct loop *loop, size_t count)
{
    static const int64_t one = 1, rank = RANK;
    struct pg_bare *pg = &loop->pg;
    pg_bare_int(pg, loop->now);
    pg_bare_ints(pg, count, NULL, NULL); /* id */
    pg_bare_ints(pg, count, constant, &one);
    pg_bare_ints(pg, count, constant, &one);
    pg_bare_ints(pg, count, NULL, NULL); /* sweep */
    pg_bare_ints(pg, count, constant, &rank);
    pg_bare_ints(pg, count, constant, &loop->now);
    pg_bare_texts(pg, count, NULL, false);
    pg_bare_texts(pg, count, params, false);
    pg_bare_texts(pg, count, NULL, true);
    pg_bare_send(pg, "submit");
}

/* Replies that nobody looks into, then the end of the pipeline. */
static void take(struct loop *loop, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        PQclear(pg_bare_take(&loop->pg));
    }
    pg_bare_take_sync(&loop->pg);
}

static void fill(struct loop *loop, int64_t jobs)
{
    for (int64_t left = jobs; left > 0; left -= CHUNK) {
        size_t count = left < CHUNK ? (size_t)left : CHUNK;
        loop->now = pg_bare_now_ns();
        pg_bare_send(&loop->pg, "begin");
        send_submit(loop, count);
        send_count(loop, (int64_t)count, 0, 0);
        pg_bare_send(&loop->pg, "commit");
        pg_bare_sync(&loop->pg);
        take(loop, 4);
    }
}

/* --- a round ------------------------------------------------------------- */

static int64_t job_id(const void *context, size_t i)
{
    return ((const struct job *)context)[i].id;
}

static int64_t attempt_id(const void *context, size_t i)
{
    return ((const struct job *)context)[i].attempt_id;
}

static int64_t from(const void *context, size_t i)
{
    return *(const int64_t *)context + (int64_t)i;
}

static void send_complete(struct loop *loop)
{
    pg_bare_int(&loop->pg, loop->now);
    pg_bare_ints(&loop->pg, loop->held, job_id, loop->jobs);
    pg_bare_ints(&loop->pg, loop->held, attempt_id, loop->jobs);
    pg_bare_texts(&loop->pg, loop->held, result, false);
    pg_bare_send(&loop->pg, "complete");
}

static void send_claim(struct loop *loop)
{
    static const int64_t first_worker = 1;
    pg_bare_int(&loop->pg, 1);
    pg_bare_int(&loop->pg, loop->pool_id);
    pg_bare_int(&loop->pg, RANK);
    pg_bare_int(&loop->pg, loop->next_id);
    pg_bare_int(&loop->pg, (int64_t)loop->batch);
    pg_bare_ints(&loop->pg, loop->batch, from, &loop->next_attempt);
    pg_bare_ints(&loop->pg, loop->batch, from, &first_worker);
    pg_bare_int(&loop->pg, loop->now);
    pg_bare_send(&loop->pg, "claim");
    loop->next_attempt += (int64_t)loop->batch;
}

static void take_complete(struct loop *loop)
{
    PGresult *reply = pg_bare_take(&loop->pg);
    if ((size_t)PQntuples(reply) != loop->held) pg_bare_die("an attempt did not hold its job");
    PQclear(reply);
}

static void take_claim(struct loop *loop)
{
    PGresult *reply = pg_bare_take(&loop->pg);
    loop->held = (size_t)PQntuples(reply);
    for (size_t i = 0; i < loop->held; i++) {
        struct job *job = &loop->jobs[i];
        job->id = pg_bare_int_at(reply, (int)i, 0);
        job->attempt_id = pg_bare_int_at(reply, (int)i, 6);
        (void)snprintf(job->params, sizeof(job->params), "%s", PQgetvalue(reply, (int)i, 5));
        if (job->id >= loop->next_id) loop->next_id = job->id + 1;
    }
    PQclear(reply);
}

static void send_log(struct loop *loop)
{
    pg_bare_int(&loop->pg, loop->pool_id);
    pg_bare_ints(&loop->pg, loop->held, job_id, loop->jobs);
    pg_bare_send(&loop->pg, "log");
}

/* What a claim finds is known when the pipeline is over: the counters and the
 * log of claims are those of the round before. */
static void play_round(struct loop *loop)
{
    size_t ending = loop->held;
    loop->now = pg_bare_now_ns();
    pg_bare_send(&loop->pg, "begin");
    send_complete(loop);
    send_claim(loop);
    send_log(loop);
    send_count(loop, -loop->claimed, loop->claimed - loop->completed, loop->completed);
    pg_bare_send(&loop->pg, "commit");
    pg_bare_sync(&loop->pg);

    PQclear(pg_bare_take(&loop->pg));
    take_complete(loop);
    take_claim(loop);
    take(loop, 3);
    loop->completed = (int64_t)ending;
    loop->claimed = (int64_t)loop->held;
}

static double drain(struct loop *loop)
{
    double start = pg_bare_seconds();
    do {
        play_round(loop);
    } while (loop->held > 0);
    return pg_bare_seconds() - start;
}

static void measure_drain(struct loop *loop, const struct options *options)
{
    make_store(loop);
    fill(loop, options->jobs);
    double seconds = drain(loop);

    int64_t completed = pg_bare_number(
        &loop->pg,
        "SELECT count(*) FROM stoker.job WHERE state = 'completed' AND result IS NOT NULL");
    if (completed != options->jobs) pg_bare_die("%lld are completed", (long long)completed);
    printf("{\"bench\":\"pg-loop\",\"jobs\":%lld,\"workers\":%zu,\"jobs_per_s\":%.0f}\n",
           (long long)options->jobs, options->batch, (double)options->jobs / seconds);
}

/* --- one commit ---------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return left < right ? -1 : left > right;
}

static double commit_one(struct loop *loop)
{
    double start = pg_bare_seconds();
    pg_bare_send(&loop->pg, "add");
    pg_bare_sync(&loop->pg);
    take(loop, 1);
    return pg_bare_seconds() - start;
}

static void measure_commits(struct loop *loop, const struct options *options)
{
    const struct timespec pause = { .tv_nsec = PAUSE_NS };
    size_t count = (size_t)options->jobs;
    double *times = calloc(count, sizeof(*times));
    if (times == NULL) pg_bare_die("out of memory");
    pg_bare_exec(&loop->pg, "CREATE TABLE bare (n bigint)");
    pg_bare_prepare(&loop->pg, "add", "INSERT INTO bare VALUES (1)");
    for (size_t i = 0; i < count; i++) {
        (void)nanosleep(&pause, NULL);
        times[i] = commit_one(loop);
    }
    qsort(times, count, sizeof(*times), compare);
    printf("{\"bench\":\"pg-commit\",\"jobs\":%zu,\"commit_p50_us\":%.0f,\"commit_p99_us\":%.0f}\n",
           count, times[(count - 1) / 2] * 1e6, times[(count - 1) * 99 / 100] * 1e6);
    free(times);
}

int main(int argc, char **argv)
{
    struct options options = read_options(argc, argv);
    struct loop loop = {
        .batch = options.batch,
        .next_attempt = 1,
        .jobs = calloc(options.batch, sizeof(struct job)),
    };
    pg_bare_open(&loop.pg, options.url);
    if (options.commit) {
        measure_commits(&loop, &options);
    } else {
        measure_drain(&loop, &options);
    }
    free(loop.jobs);
    pg_bare_close(&loop.pg);
    return 0;
}
