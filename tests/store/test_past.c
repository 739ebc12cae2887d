/* SPDX-License-Identifier: MIT
 *
 * A PostgreSQL database that has gone back in time, or came to another server: by
 * hand, as a restored backup or a promoted standby would leave it.
 */
#include "store/pg/pg.h"

#include "store/run.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static struct stk_store *other;
static PGconn *by_hand;

static int open_both(void **state)
{
    struct stk_store_options options = { .command = "test_past" };
    (void)run_open(state);
    OK(stk_store_open(getenv("STK_TEST_STORE"), &options, &other, &err));
    OK(stk_pg_connect(downcast(other)->pq, getenv("STK_TEST_STORE"), "by hand", NULL, &by_hand,
                      &err));
    return 0;
}

static int close_both(void **state)
{
    downcast(other)->pq->PQfinish(by_hand);
    stk_store_close(other);
    return run_close(state);
}

static void run_sql(const char *text)
{
    const struct stk_pq *pq = downcast(other)->pq;
    PGresult *result = pq->PQexec(by_hand, text);
    if (pq->PQresultStatus(result) != PGRES_COMMAND_OK) fail_msg("%s", pq->PQerrorMessage(by_hand));
    pq->PQclear(result);
}

static void keep_id(void *context, const struct stk_event *event)
{
    *(int64_t *)context = event->id;
}

static void find_text(void *context, enum stk_finding level, const char *text)
{
    struct stk_buf *found = context;
    stk_buf_addf(found, "%d %s\n", (int)level, text);
}

static void expect_said(const char *news, const char *in_doctor)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf found = STK_BUF_INIT;
    OK(stk_store_tend(store, true, &err));
    const char *said = stk_store_news(store);
    if (said == NULL || strstr(said, news) == NULL) fail_msg("said: %s", said ? said : "nothing");
    assert_null(stk_store_news(store));
    OK(stk_store_doctor(other, false, find_text, &found, &err));
    if (strstr(stk_buf_str(&found), in_doctor) == NULL) fail_msg("%s", stk_buf_str(&found));
}

static void beat(stk_time_ns now)
{
    const struct stk_pool_said said = { .state = STK_POOL_RUNNING };
    begin();
    OK(stk_store_pool_beat(store, pool, &said, now, &err));
    commit();
}

static void set_pool_beat(stk_time_ns at)
{
    STK_CLEANUP(stk_freep)
    char *sql = stk_format("UPDATE stoker.pool SET beat_at = %lld WHERE id = %lld", (long long)at,
                           (long long)pool);
    run_sql(sql);
}

static void tend_at_once(void)
{
    downcast(store)->folded_at = 0;
    downcast(store)->past.kept_at = 0;
}

static void database__that_is_as_it_was_is_nothing_to_speak_of(void **state)
{
    (void)state;
    beat(NOW);
    OK(stk_store_tend(store, true, &err));
    (void)stk_store_news(store);
    stk_pg_disconnect(downcast(store));
    beat(NOW + 1);
    tend_at_once();
    OK(stk_store_tend(store, true, &err));
    assert_null(stk_store_news(store));
}

static void database__whose_numbers_went_back_has_lost_commits(void **state)
{
    (void)state;
    beat(NOW);
    downcast(store)->past.xid += 1000000;
    tend_at_once();
    stk_pg_disconnect(downcast(store));
    expect_said("went back in time: transaction 1", "1 at 2");
}

static void database__without_the_last_beat_has_lost_commits(void **state)
{
    (void)state;
    beat(NOW);
    beat(NOW + 10 * STK_SECOND);
    set_pool_beat(NOW);
    beat(NOW + 20 * STK_SECOND);
    tend_at_once();
    expect_said("went back in time: the beat of p", "submit again what matters");
}

static void see_kind(void *context, const struct stk_event *event)
{
    bool *seen = context;
    *seen = *seen || strcmp(event->kind, "store.changed") == 0;
}

static void database__on_another_server_is_noticed_and_its_events_are_followed(void **state)
{
    (void)state;
    bool seen = false;
    int64_t last = 0;
    OK(stk_store_events(other, 0, 0, 1, keep_id, &last, &err));
    tend_at_once();
    OK(stk_store_tend(store, true, &err));
    run_sql("UPDATE stoker.past SET system = 1; UPDATE stoker.event SET xid = xid + 1000000");
    tend_at_once();
    expect_said("a dump was restored", "timeline");
    OK(stk_store_events(other, last - 1, 0, 100, see_kind, &seen, &err));
    assert_true(seen);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, run_rollback)
    const struct CMUnitTest tests[] = {
        TEST(database__that_is_as_it_was_is_nothing_to_speak_of),
        TEST(database__whose_numbers_went_back_has_lost_commits),
        TEST(database__without_the_last_beat_has_lost_commits),
        TEST(database__on_another_server_is_noticed_and_its_events_are_followed),
    };
    return cmocka_run_group_tests(tests, open_both, close_both);
}
