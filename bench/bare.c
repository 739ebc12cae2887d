/* SPDX-License-Identifier: MIT */
#include "bare.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "migrations_sqlite.h"
#include "sql_sqlite.h"

enum { CHECKPOINT_FRAMES = 4000 }; /* as src/store/sqlite/txn.c */

static char folder[4096], file[4200];
static int wal_frames, wal_frames_checkpoint = CHECKPOINT_FRAMES;

void bare_die(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    (void)vfprintf(stderr, fmt, args);
    va_end(args);
    (void)fputc('\n', stderr);
    exit(1);
}

double bare_seconds(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int64_t number(const char *text)
{
    char *end = NULL;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || value < 1) bare_die("not a number from 1: %s", text);
    return value;
}

struct bare_options bare_options(int argc, char **argv, int64_t jobs, int64_t batch)
{
    static const struct option longs[] = {
        { "jobs", required_argument, NULL, 'j' },
        { "batch", required_argument, NULL, 'b' },
        { "workers", required_argument, NULL, 'b' },
        { "dir", required_argument, NULL, 'd' },
        { NULL, 0, NULL, 0 },
    };
    struct bare_options options = { .jobs = jobs, .batch = batch, .dir = "." };
    int option = 0;
    while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (option) {
        case 'j': options.jobs = number(optarg); break;
        case 'b': options.batch = number(optarg); break;
        case 'd': options.dir = optarg; break;
        default: bare_die("usage: %s [--jobs N] [--batch N] [--dir FOLDER]", argv[0]);
        }
    }
    return options;
}

/* --- the store ----------------------------------------------------------- */

static int note_frames(void *context, sqlite3 *db, const char *name, int frames)
{
    (void)context, (void)db, (void)name;
    wal_frames = frames;
    return SQLITE_OK;
}

void bare_checkpoint(sqlite3 *db)
{
    if (wal_frames < wal_frames_checkpoint) return;
    int left = 0;
    int done = 0;
    int code = sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, &left, &done);
    bool whole = code == SQLITE_OK && left == done;
    wal_frames_checkpoint = (whole ? 0 : wal_frames) + CHECKPOINT_FRAMES;
}

void bare_run(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        bare_die("%s: %.60s", sqlite3_errmsg(db), sql);
    }
}

sqlite3_stmt *bare_prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
    if (code != SQLITE_OK) bare_die("%s: %.60s", sqlite3_errmsg(db), sql);
    return stmt;
}

void bare_step(sqlite3 *db, sqlite3_stmt *stmt)
{
    int code = SQLITE_ROW;
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
    }
    if (code != SQLITE_DONE || sqlite3_reset(stmt) != SQLITE_OK) {
        bare_die("%s: %.60s", sqlite3_errmsg(db), sqlite3_sql(stmt));
    }
}

int64_t bare_number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt = bare_prepare(db, sql);
    if (sqlite3_step(stmt) != SQLITE_ROW) bare_die("%s: %.60s", sqlite3_errmsg(db), sql);
    int64_t value = sqlite3_column_int64(stmt, 0);
    (void)sqlite3_finalize(stmt);
    return value;
}

sqlite3 *bare_open(const char *dir)
{
    (void)snprintf(folder, sizeof(folder), "%s/bare-XXXXXX", dir);
    if (mkdtemp(folder) == NULL) bare_die("could not make a folder in %s", dir);
    (void)snprintf(file, sizeof(file), "%s/stoker.db", folder);

    sqlite3 *db = NULL;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(file, &db, flags, NULL) != SQLITE_OK) bare_die("could not open %s", file);
    bare_run(db, SQL_SQLITE_SETUP_WRITER);
    bare_run(db, SQL_SQLITE_SETUP_JOURNAL);
    (void)sqlite3_wal_hook(db, note_frames, NULL);
    for (size_t i = 0; i < sizeof(MIGRATION_SQLITE_ALL) / sizeof(*MIGRATION_SQLITE_ALL); i++) {
        bare_run(db, MIGRATION_SQLITE_ALL[i].text);
    }
    bare_run(db, "INSERT INTO queue (name) VALUES ('bench');"
                 "INSERT INTO task (name, queue_id) VALUES ('bench', 1);");
    return db;
}

void bare_close(sqlite3 *db)
{
    sqlite3_stmt *stmt = NULL;
    while ((stmt = sqlite3_next_stmt(db, NULL)) != NULL) {
        (void)sqlite3_finalize(stmt);
    }
    (void)sqlite3_close(db);
    (void)unlink(file);
    (void)rmdir(folder);
}
