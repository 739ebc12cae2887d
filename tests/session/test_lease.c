/* SPDX-License-Identifier: MIT
 *
 * Two that could keep the same session: the row decides, by its own time.
 */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "session/lease.h"
#include "session/record.h"

#define NOW      (1000 * STK_DAY)
#define LEASE    (30 * STK_SECOND)
#define OK(call) check((call), &err, #call, __LINE__)

static struct stk_error err;
static char folder[64];
static struct stk_store *store;
static const struct stk_lease first = { .session = "lab", .owner = "p1 on a", .lease_ns = LEASE };
static const struct stk_lease second = { .session = "lab", .owner = "p2 on b", .lease_ns = LEASE };

static void check(enum stk_rc rc, const struct stk_error *error, const char *call, int line)
{
    if (rc != STK_OK) fail_msg("line %d: %s: %s: %s", line, call, stk_rc_name(rc), error->text);
}

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/stk_lease_XXXXXX");
    if (mkdtemp(folder) == NULL) return -1;
    STK_CLEANUP(stk_freep) char *url = stk_format("sqlite:%s/t.db", folder);
    const struct stk_store_options options = { .command = "test" };
    OK(stk_store_open(url, &options, &store, &err));
    return 0;
}

static int tear_down(void **state)
{
    static const char *const suffixes[] = { "", "-wal", "-shm", ".lock", ".sock" };
    (void)state;
    stk_store_close(store);
    for (size_t i = 0; i < STK_ARRAY_LEN(suffixes); i++) {
        STK_CLEANUP(stk_freep) char *path = stk_format("%s/t.db%s", folder, suffixes[i]);
        (void)unlink(path);
    }
    return rmdir(folder);
}

/* --- steps --------------------------------------------------------------- */

static bool take(const struct stk_lease *lease, stk_time_ns now, struct stk_session *ret_row)
{
    bool taken = false;
    OK(stk_store_begin(store, &err));
    OK(stk_lease_take(store, lease, now, ret_row, &taken, &err));
    OK(stk_store_commit(store, &err));
    return taken;
}

static bool extend(const struct stk_lease *lease, int64_t epoch, stk_time_ns now)
{
    bool held = false;
    OK(stk_store_begin(store, &err));
    OK(stk_lease_extend(store, lease, epoch, now, &held, &err));
    OK(stk_store_commit(store, &err));
    return held;
}

static void end(const struct stk_lease *lease, int64_t epoch)
{
    OK(stk_store_begin(store, &err));
    OK(stk_lease_end(store, lease, epoch, &err));
    OK(stk_store_commit(store, &err));
}

static struct stk_session row_now(void)
{
    struct stk_session row;
    OK(stk_session_row(store, "lab", &row, &err));
    return row;
}

/* --- tests --------------------------------------------------------------- */

static void a_lease_that_nobody_has__is_taken(void **state)
{
    (void)state;
    struct stk_session row;
    assert_true(take(&first, NOW, &row));
    assert_int_equal(row.epoch, 1);
    assert_string_equal(row_now().keeper, "p1 on a");
    assert_int_equal(row_now().lease_until, NOW + LEASE);
}

static void a_lease_of_another__is_left_alone(void **state)
{
    (void)state;
    struct stk_session row;
    assert_true(take(&first, NOW, &row));
    assert_false(take(&second, NOW + LEASE, &row));
    assert_false(take(&second, NOW + LEASE + stk_lease_grace(LEASE) - 1, &row));
    assert_int_equal(row_now().epoch, 1);
}

static void a_lease_that_ran_out_a_grace_ago__passes_on_with_a_higher_epoch(void **state)
{
    (void)state;
    struct stk_session row;
    assert_true(take(&first, NOW, &row));
    assert_true(take(&second, NOW + LEASE + stk_lease_grace(LEASE), &row));
    assert_int_equal(row.epoch, 2);
    assert_string_equal(row_now().keeper, "p2 on b");
}

static void a_lease_that_is_extended__does_not_run_out(void **state)
{
    (void)state;
    struct stk_session row;
    assert_true(take(&first, NOW, &row));
    assert_true(extend(&first, 1, NOW + LEASE / 3));
    assert_false(take(&second, NOW + LEASE + stk_lease_grace(LEASE), &row));
    assert_int_equal(row_now().epoch, 1);
}

static void a_holder_that_comes_back_late__writes_nothing(void **state)
{
    (void)state;
    const struct stk_session_spec spec = { .name = (char *)(uintptr_t) "lab" };
    struct stk_session row;
    assert_true(take(&first, NOW, &row));
    assert_true(take(&second, NOW + 2 * LEASE, &row));

    assert_false(extend(&first, 1, NOW + 2 * LEASE));
    const struct stk_session_change late = { .spec = &spec,
                                             .event = STK_SESSION_ON_PAUSE,
                                             .epoch = 1 };
    bool applied = true;
    OK(stk_store_begin(store, &err));
    assert_int_equal(stk_session_record(store, &late, NOW + 2 * LEASE, &row, &applied, &err),
                     STK_CONFLICT);
    OK(stk_store_commit(store, &err));
    end(&first, 1);

    assert_int_equal(row_now().state, STK_SESSION_NONE);
    assert_string_equal(row_now().keeper, "p2 on b");
    assert_int_equal(row_now().lease_until, NOW + 3 * LEASE);
}

static void a_lease_that_is_given_back__may_be_taken_at_once(void **state)
{
    (void)state;
    struct stk_session row;
    assert_true(take(&first, NOW, &row));
    end(&first, 1);
    assert_true(take(&second, NOW + 1, &row));
    assert_int_equal(row.epoch, 2);
}

static void an_owner_that_has_forgotten__takes_its_own_again(void **state)
{
    (void)state;
    struct stk_session row;
    assert_true(take(&first, NOW, &row));
    assert_true(take(&first, NOW + 1, &row));
    assert_int_equal(row.epoch, 2);
}

static void a_store_of_one__is_taken_over_always_and_for_ever(void **state)
{
    (void)state;
    const struct stk_lease alone = { .session = "lab", .owner = "p9 on a" };
    struct stk_session row;
    assert_true(take(&first, NOW, &row));
    assert_true(take(&alone, NOW, &row));
    assert_int_equal(row_now().lease_until, STK_NEVER);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_lease_that_nobody_has__is_taken),
        TEST(a_lease_of_another__is_left_alone),
        TEST(a_lease_that_ran_out_a_grace_ago__passes_on_with_a_higher_epoch),
        TEST(a_lease_that_is_extended__does_not_run_out),
        TEST(a_holder_that_comes_back_late__writes_nothing),
        TEST(a_lease_that_is_given_back__may_be_taken_at_once),
        TEST(an_owner_that_has_forgotten__takes_its_own_again),
        TEST(a_store_of_one__is_taken_over_always_and_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
