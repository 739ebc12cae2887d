/* SPDX-License-Identifier: MIT
 *
 * What only a PostgreSQL store has: a schema that somebody else may have made,
 * hints between processes, rows that two take at once, a doctor for a server.
 */
#include "store/pg/pg.h"

#include "store/run.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"

#define PATIENCE_NS (30 * STK_SECOND)

enum { ALL_HINTS = (1 << STK_HINT_COUNT_) - 1 };

static struct stk_store *other;
static PGconn *by_hand; /* what an administrator does with psql */
static const struct stk_pq *pq;

static const char *url(void)
{
    return getenv("STK_TEST_STORE");
}

static char *sql(const char *text)
{
    PGresult *result = pq->PQexec(by_hand, text);
    ExecStatusType status = pq->PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        fail_msg("%s: %s", text, pq->PQerrorMessage(by_hand));
    }
    bool has_value = pq->PQntuples(result) > 0;
    char *value = stk_strdup(has_value ? pq->PQgetvalue(result, 0, 0) : "");
    pq->PQclear(result);
    return value;
}

static void run_sql(const char *text)
{
    free(sql(text));
}

static void expect(const char *text, const char *value)
{
    STK_CLEANUP(stk_freep) char *found = sql(text);
    assert_string_equal(found, value);
}

static struct stk_store *open_store(void)
{
    const struct stk_store_options options = { .command = "test_pg" };
    struct stk_store *made = NULL;
    OK(stk_store_open(url(), &options, &made, &err));
    return made;
}

static void expect_refused(bool read_only, enum stk_rc rc, const char *part)
{
    const struct stk_store_options options = { .command = "test_pg", .read_only = read_only };
    STK_CLEANUP(stk_store_closep) struct stk_store *made = NULL;
    assert_int_equal(stk_store_open(url(), &options, &made, &err), rc);
    if (strstr(err.text, part) == NULL) fail_msg("no \"%s\" in: %s", part, err.text);
}

static int open_both(void **state)
{
    run_sql("DROP SCHEMA IF EXISTS stoker CASCADE");
    OK(stk_store_open(url(), &(struct stk_store_options){ .command = "test_pg" }, &other, &err));
    return run_open(state);
}

static int close_both(void **state)
{
    stk_store_close(other);
    return run_close(state);
}

/* --- migrations --------------------------------------------------------------- */

static void open__makes_the_schema_once(void **state)
{
    (void)state;
    int found = -1, have = -1, newest = -1;
    run_sql("DROP SCHEMA IF EXISTS stoker CASCADE");
    for (int round = 0; round < 2; round++) {
        STK_CLEANUP(stk_store_closep) struct stk_store *made = open_store();
        OK(stk_store_versions(made, &found, &have, &newest, &err));
        assert_int_equal(found, round == 0 ? 0 : newest);
        assert_int_equal(have, newest);
    }
    expect("SELECT count(*) FROM stoker.event WHERE kind = 'store.migrated'", "1");
}

static char waited_for[256];

static void let_go(const char *sentence)
{
    (void)snprintf(waited_for, sizeof(waited_for), "%s", sentence);
    run_sql("COMMIT");
}

static void open__waits_for_another_that_migrates_and_says_for_whom(void **state)
{
    (void)state;
    run_sql("DROP SCHEMA IF EXISTS stoker CASCADE");
    run_sql("BEGIN");
    run_sql("SELECT pg_advisory_xact_lock(7370, 2)");
    stk_store_on_wait(let_go);
    stk_store_close(open_store());
    stk_store_on_wait(NULL);
    if (strstr(waited_for, "waiting for \"by hand\" (process ") == NULL) fail_msg("%s", waited_for);
    expect("SELECT count(*) FROM stoker.migration", "1");
}

static void open__of_a_newer_schema_is_a_conflict(void **state)
{
    (void)state;
    run_sql("INSERT INTO stoker.migration VALUES (99, 'later', 'x', 0)");
    expect_refused(false, STK_CONFLICT, "use a newer stoker");
    expect_refused(true, STK_CONFLICT, "use a newer stoker");
    run_sql("DELETE FROM stoker.migration WHERE version = 99");
}

static void open__of_a_schema_with_another_checksum_is_a_conflict(void **state)
{
    (void)state;
    run_sql("UPDATE stoker.migration SET checksum = 'abc' WHERE version = 1");
    expect_refused(false, STK_CONFLICT, "made by another build");
}

static void open__leaves_a_foreign_schema_of_that_name_alone(void **state)
{
    (void)state;
    run_sql(
        "DROP SCHEMA stoker CASCADE; CREATE SCHEMA stoker; CREATE TABLE stoker.pantry (jam text)");
    expect_refused(false, STK_BAD_DATA, "not stoker's");
    expect("SELECT count(*) FROM pg_tables WHERE schemaname = 'stoker'", "1");
    run_sql("DROP SCHEMA stoker CASCADE");
}

static void open__of_a_reader_makes_nothing(void **state)
{
    (void)state;
    expect_refused(true, STK_CONFLICT, "stoker migrate");
    expect("SELECT count(*) FROM pg_namespace WHERE nspname = 'stoker'", "0");
}

static void open__of_a_url_with_a_password_is_refused_and_does_not_repeat_it(void **state)
{
    (void)state;
    struct stk_store *made = NULL;
    const struct stk_store_options options = { .command = "test_pg" };
    assert_int_equal(
        stk_store_open("postgresql://me:kept-secret@localhost/x", &options, &made, &err),
        STK_BAD_CONFIG);
    assert_null(strstr(err.text, "kept-secret"));
}

/* --- two at once --------------------------------------------------------------- */

static void begin_both(void)
{
    begin();
    OK(stk_store_begin(other, &err));
}

static struct stk_session session_of(struct stk_store *which, const char *name)
{
    const struct stk_session *rows = NULL;
    size_t count = 0;
    OK(stk_store_sessions(which, &rows, &count, &err));
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].name, name) == 0) return rows[i];
    }
    return (struct stk_session){ 0 };
}

static void session__decided_on_an_old_row_is_not_written(void **state)
{
    (void)state;
    struct stk_session lab = { .name = "lab", .generation = 1 };
    begin();
    OK(stk_store_session_set(store, &lab, &err));
    commit();

    begin_both();
    struct stk_session mine = session_of(store, "lab"), theirs = session_of(other, "lab");
    theirs.generation = 2;
    OK(stk_store_session_set(other, &theirs, &err));
    OK(stk_store_commit(other, &err));
    mine.generation = 7;
    assert_int_equal(stk_store_session_set(store, &mine, &err), STK_BUSY);
    stk_store_rollback(store);
    assert_int_equal(session_of(store, "lab").generation, 2);
}

static void session__that_both_make_is_made_by_the_first(void **state)
{
    (void)state;
    struct stk_session duty = { .name = "duty", .generation = 1 };
    begin_both();
    (void)session_of(store, "duty");
    OK(stk_store_session_set(other, &duty, &err));
    OK(stk_store_commit(other, &err));
    assert_int_equal(stk_store_session_set(store, &duty, &err), STK_BUSY);
    stk_store_rollback(store);
}

/* Written twice, another made between: each time against its own last version. */
static void session__is_written_twice_in_one_transaction(void **state)
{
    (void)state;
    struct stk_session twice = { .name = "twice", .generation = 1 };
    const struct stk_session another = { .name = "another" };
    begin();
    OK(stk_store_session_set(store, &twice, &err));
    OK(stk_store_session_set(store, &another, &err));
    twice.generation = 2;
    OK(stk_store_session_set(store, &twice, &err));
    commit();
    assert_int_equal(session_of(other, "twice").generation, 2);
    assert_true(stk_store_hints(store) & (1U << STK_HINT_SESSIONS));
}

static void limit__that_both_take_from_first_is_made_by_one(void **state)
{
    (void)state;
    const struct stk_limit *rows = NULL;
    size_t count = 0;
    const struct stk_limit limit = { .name = "fresh", .used = 1 };
    begin_both();
    OK(stk_store_limits(store, &rows, &count, &err));
    OK(stk_store_limits(other, &rows, &count, &err));
    OK(stk_store_limit_set(other, &limit, &err));
    OK(stk_store_commit(other, &err));
    assert_int_equal(stk_store_limit_set(store, &limit, &err), STK_BUSY);
    stk_store_rollback(store);
}

struct seen_notices {
    int64_t ids[4];
    size_t count;
};

static void note_id(void *context, const struct stk_notice *notice)
{
    struct seen_notices *seen = context;
    if (seen->count < STK_ARRAY_LEN(seen->ids)) seen->ids[seen->count++] = notice->id;
}

static struct seen_notices take_notices(struct stk_store *which, stk_time_ns now)
{
    struct seen_notices seen = { 0 };
    stk_time_ns next = 0;
    OK(stk_store_notices_due(which, now, 2, note_id, &seen, &next, &err));
    return seen;
}

static void notices__that_both_take_are_handed_out_once(void **state)
{
    (void)state;
    bool fresh = false;
    begin();
    for (int i = 0; i < 4; i++) {
        STK_CLEANUP(stk_freep) char *key = stk_format("key/%d", i);
        const struct stk_notice notice = { .event = "e", .key = key, .text = "t", .next_at = NOW };
        OK(stk_store_notice_add(store, &notice, NOW, &fresh, &err));
    }
    commit();

    begin_both();
    struct seen_notices mine = take_notices(store, NOW), theirs = take_notices(other, NOW);
    assert_int_equal(mine.count, 2);
    assert_int_equal(theirs.count, 2);
    assert_true(mine.ids[1] < theirs.ids[0]);
    commit();
    OK(stk_store_commit(other, &err));
    begin();
    assert_int_equal(take_notices(store, NOW).count, 0);
    commit();
}

/* --- hints ------------------------------------------------------------------------ */

struct ear {
    atomic_uint hints;
    atomic_int all; /* times it may have missed some */
};

static void hear(void *context, unsigned hints)
{
    struct ear *ear = context;
    if (hints == ALL_HINTS) {
        (void)atomic_fetch_add(&ear->all, 1);
    } else {
        (void)atomic_fetch_or(&ear->hints, hints);
    }
}

static struct stk_listener *listen_with(struct ear *ear)
{
    struct stk_listener *listener = NULL;
    OK(stk_store_listen(url(), hear, ear, &listener, &err));
    return listener;
}

#define WAIT_FOR(condition)                                              \
    do {                                                                 \
        const struct timespec pause_ = { .tv_nsec = 2 * 1000 * 1000 };   \
        stk_time_ns until_ = stk_clock_mono() + PATIENCE_NS;             \
        while (!(condition)) {                                           \
            if (stk_clock_mono() > until_) fail_msg("not: " #condition); \
            (void)nanosleep(&pause_, NULL);                              \
        }                                                                \
    } while (0)

static void hints__told_are_heard_by_all(void **state)
{
    (void)state;
    struct ear here = { 0 }, there = { 0 };
    struct stk_listener *a = listen_with(&here), *b = listen_with(&there);
    WAIT_FOR(stk_listener_hears(a) && stk_listener_hears(b));
    stk_listener_tell(a, 1U << STK_HINT_JOBS);
    WAIT_FOR(atomic_load(&there.hints) == 1U << STK_HINT_JOBS);
    WAIT_FOR(atomic_load(&here.hints) == 1U << STK_HINT_JOBS);
    stk_store_tell(store, 1U << STK_HINT_SWEEPS);
    WAIT_FOR(atomic_load(&there.hints) & (1U << STK_HINT_SWEEPS));
    stk_listener_close(a);
    stk_listener_close(b);
}

/* Told just before the end, also by who has not connected yet. */
static void hints__told_last_are_said_by_close(void **state)
{
    (void)state;
    struct ear here = { 0 }, there = { 0 };
    struct stk_listener *b = listen_with(&there);
    WAIT_FOR(stk_listener_hears(b));
    struct stk_listener *a = listen_with(&here);
    stk_listener_tell(a, 1U << STK_HINT_CANCELS);
    stk_listener_close(a);
    WAIT_FOR(atomic_load(&there.hints) & (1U << STK_HINT_CANCELS));
    stk_listener_close(b);
}

static void expect_setting(const char *ask, const char *wanted)
{
    struct stk_pg *self = downcast(store);
    assert_int_equal(pq->PQexitPipelineMode(self->conn), 1);
    PGresult *result = pq->PQexec(self->conn, ask);
    assert_string_equal(pq->PQgetvalue(result, 0, 0), wanted);
    pq->PQclear(result);
    assert_int_equal(pq->PQenterPipelineMode(self->conn), 1);
}

static void questions__have_a_limit_and_compile_nothing(void **state)
{
    (void)state;
    {
        STK_CLEANUP(stk_pg_read_endp) struct read_txn txn = READ_TXN_INIT;
        OK(stk_pg_read_begin(downcast(store), &txn, &err));
        OK(stk_pg_collect(downcast(store), NULL, &err));
        expect_setting("SHOW statement_timeout", "2s");
        expect_setting("SHOW jit", "off");
    }
    expect_setting("SHOW statement_timeout", "0");
}

static void cancels__for_pools_that_are_gone_are_forgotten(void **state)
{
    (void)state;
    char ask[160];
    (void)snprintf(ask, sizeof(ask),
                   "DELETE FROM stoker.cancel_ask; INSERT INTO stoker.cancel_ask (job_id, pool_id)"
                   " VALUES (1, %lld), (2, 999999)",
                   (long long)pool);
    run_sql(ask);
    downcast(store)->swept_at = downcast(store)->folded_at = 0;
    OK(stk_store_tend(store, true, &err));
    expect("SELECT count(*) || ' ' || min(job_id) FROM stoker.cancel_ask", "1 1");
    run_sql("DELETE FROM stoker.cancel_ask");
}

/* A server that takes connections and says nothing. */
static int hang_at(char *ret_url, size_t size)
{
    struct sockaddr_in place = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof(place);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&place, sizeof(place)), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&place, &len), 0);
    (void)snprintf(ret_url, size, "postgresql://stoker@127.0.0.1:%d/none", ntohs(place.sin_port));
    return fd;
}

static void listener__that_waits_for_a_server_is_closed_within_a_second(void **state)
{
    (void)state;
    char place[64];
    struct ear ear = { 0 };
    struct stk_listener *listener = NULL;
    int fd = hang_at(place, sizeof(place));
    OK(stk_store_listen(place, hear, &ear, &listener, &err));
    int conn = accept(fd, NULL, NULL); /* now it waits for the first answer */
    assert_true(conn >= 0);
    stk_listener_tell(listener, 1U << STK_HINT_JOBS);
    stk_time_ns before = stk_clock_mono();
    stk_listener_close(listener);
    assert_true(stk_clock_mono() - before < STK_SECOND);
    (void)close(conn);
    (void)close(fd);
}

static void listener__connects_anew_and_says_that_it_may_have_missed_some(void **state)
{
    (void)state;
    struct ear ear = { 0 };
    struct stk_listener *listener = listen_with(&ear);
    WAIT_FOR(stk_listener_hears(listener) && atomic_load(&ear.all) == 1);
    run_sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'stoker listener'");
    WAIT_FOR(atomic_load(&ear.all) == 2);
    WAIT_FOR(stk_listener_hears(listener));
    stk_listener_tell(listener, 1U << STK_HINT_NOTICES);
    WAIT_FOR(atomic_load(&ear.hints) & (1U << STK_HINT_NOTICES));
    stk_listener_close(listener);
}

static void listener__takes_no_rubbish_for_hints(void **state)
{
    (void)state;
    struct ear ear = { 0 };
    struct stk_listener *listener = listen_with(&ear);
    WAIT_FOR(stk_listener_hears(listener));
    run_sql(
        "NOTIFY stoker, 'rubbish'; NOTIFY stoker, '4096'; NOTIFY stoker, ''; NOTIFY stoker, '8x'");
    stk_listener_tell(listener, 1U << STK_HINT_WATCH);
    WAIT_FOR(atomic_load(&ear.hints) != 0);
    assert_int_equal(atomic_load(&ear.hints), 1U << STK_HINT_WATCH);
    stk_listener_close(listener);
}

/* --- doctor ------------------------------------------------------------------------ */

struct findings {
    enum stk_finding level;
    const char *part;
    int count;
};

static void find(void *context, enum stk_finding level, const char *text)
{
    struct findings *wanted = context;
    if (level == wanted->level && strstr(text, wanted->part) != NULL) wanted->count++;
}

static int doctor_says(enum stk_finding level, const char *part)
{
    struct findings wanted = { .level = level, .part = part };
    OK(stk_store_doctor(store, true, find, &wanted, &err));
    return wanted.count;
}

static void doctor__names_an_index_that_is_missing(void **state)
{
    (void)state;
    assert_int_equal(doctor_says(STK_FINDING_BAD, ""), 0);
    run_sql("ALTER INDEX stoker.job_due RENAME TO job_due_away");
    assert_int_equal(doctor_says(STK_FINDING_BAD, "index stoker.job_due is missing"), 1);
    run_sql("ALTER INDEX stoker.job_due_away RENAME TO job_due");
}

static void doctor__names_a_table_that_autovacuum_leaves_alone(void **state)
{
    (void)state;
    run_sql("ALTER TABLE stoker.pool SET (autovacuum_enabled = off)");
    assert_int_equal(doctor_says(STK_FINDING_WARN, "autovacuum is off for stoker.pool"), 1);
    run_sql("ALTER TABLE stoker.pool RESET (autovacuum_enabled)");
    assert_int_equal(doctor_says(STK_FINDING_WARN, "autovacuum is off for"), 0);
}

static void doctor__counts_what_the_counters_count(void **state)
{
    (void)state;
    int64_t task = make_task("counted");
    (void)submit(task);
    assert_int_equal(doctor_says(STK_FINDING_OK, "counters agree"), 1);
    run_sql("UPDATE stoker.job_delta SET pending = pending + 1");
    run_sql("UPDATE stoker.job_count SET pending = pending + 1");
    assert_int_equal(doctor_says(STK_FINDING_BAD, "counters differ"), 1);
}

static void doctor__says_that_a_lost_machine_may_cost_jobs(void **state)
{
    (void)state;
    STK_CLEANUP(stk_freep) char *fsync = sql("SHOW fsync");
    bool is_off = strcmp(fsync, "off") == 0;
    assert_int_equal(doctor_says(STK_FINDING_WARN, "fsync"), is_off ? 1 : 0);
}

/* --- the run ------------------------------------------------------------------------- */

static int connect_by_hand(void)
{
    if (stk_pq_load(&pq, &err) != STK_OK) return -1;
    return stk_pg_connect(pq, url(), "by hand", NULL, &by_hand, &err) == STK_OK ? 0 : -1;
}

static int rollback_both(void **state)
{
    stk_store_rollback(other);
    return run_rollback(state);
}

#define SHARED(name) cmocka_unit_test_teardown(name, rollback_both)

int main(void)
{
    const struct CMUnitTest migrations[] = {
        cmocka_unit_test(open__makes_the_schema_once),
        cmocka_unit_test(open__waits_for_another_that_migrates_and_says_for_whom),
        cmocka_unit_test(open__of_a_newer_schema_is_a_conflict),
        cmocka_unit_test(open__of_a_schema_with_another_checksum_is_a_conflict),
        cmocka_unit_test(open__leaves_a_foreign_schema_of_that_name_alone),
        cmocka_unit_test(open__of_a_reader_makes_nothing),
        cmocka_unit_test(open__of_a_url_with_a_password_is_refused_and_does_not_repeat_it),
    };
    const struct CMUnitTest shared[] = {
        SHARED(session__decided_on_an_old_row_is_not_written),
        SHARED(session__that_both_make_is_made_by_the_first),
        SHARED(session__is_written_twice_in_one_transaction),
        SHARED(limit__that_both_take_from_first_is_made_by_one),
        SHARED(notices__that_both_take_are_handed_out_once),
        SHARED(questions__have_a_limit_and_compile_nothing),
        SHARED(cancels__for_pools_that_are_gone_are_forgotten),
        SHARED(hints__told_are_heard_by_all),
        SHARED(hints__told_last_are_said_by_close),
        SHARED(listener__connects_anew_and_says_that_it_may_have_missed_some),
        SHARED(listener__takes_no_rubbish_for_hints),
        SHARED(listener__that_waits_for_a_server_is_closed_within_a_second),
        SHARED(doctor__names_an_index_that_is_missing),
        SHARED(doctor__names_a_table_that_autovacuum_leaves_alone),
        SHARED(doctor__counts_what_the_counters_count),
        SHARED(doctor__says_that_a_lost_machine_may_cost_jobs),
    };
    if (connect_by_hand() != 0) {
        (void)fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    int failed = cmocka_run_group_tests_name("schema", migrations, NULL, NULL);
    failed += cmocka_run_group_tests_name("shared", shared, open_both, close_both);
    pq->PQfinish(by_hand);
    return failed;
}
