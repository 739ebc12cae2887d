/* SPDX-License-Identifier: MIT
 *
 * Two sets of keepers on one store, as two machines have them: one keeps the
 * session, the other follows and takes over.
 */
#include "support/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "model/settings.h"
#include "session/keeper.h"
#include "session/record.h"

#define LEASE    (2 * STK_SECOND) /* short, and long enough for a busy machine */
#define OK(call) check((call), &err, #call, __LINE__)

struct machine {
    const char *owner;
    _Atomic bool is_cut_off; /* the store cannot be reached from there */
    _Atomic int looks;       /* that got through */
    struct stk_keepers *keepers;
    struct stk_vault *vault;
};

static struct stk_error err;
static char folder[64];
static struct stk_store *store;
static struct stk_settings *settings;
static pthread_mutex_t store_lock = PTHREAD_MUTEX_INITIALIZER; /* one store for all threads */
static struct machine a, b;

static void check(enum stk_rc rc, const struct stk_error *error, const char *call, int line)
{
    if (rc != STK_OK) fail_msg("line %d: %s: %s: %s", line, call, stk_rc_name(rc), error->text);
}

/* --- the stage ------------------------------------------------------------ */

static enum stk_rc write_from(void *context, stk_write_fn fn, void *arg, struct stk_error *error)
{
    struct machine *machine = context;
    struct stk_access direct = stk_access_direct(store);
    if (atomic_load(&machine->is_cut_off)) return stk_fail(error, STK_UNAVAILABLE, "cut off");
    (void)pthread_mutex_lock(&store_lock);
    enum stk_rc rc = stk_write(&direct, fn, arg, error);
    (void)pthread_mutex_unlock(&store_lock);
    return rc;
}

static enum stk_rc read_from(void *context, stk_read_fn fn, void *arg, struct stk_error *error)
{
    struct machine *machine = context;
    if (atomic_load(&machine->is_cut_off)) return stk_fail(error, STK_UNAVAILABLE, "cut off");
    (void)pthread_mutex_lock(&store_lock);
    enum stk_rc rc = fn(store, arg, error);
    (void)pthread_mutex_unlock(&store_lock);
    (void)atomic_fetch_add(&machine->looks, 1);
    return rc;
}

static void start(struct machine *machine)
{
    const struct stk_access access = { .write = write_from, .read = read_from, .context = machine };
    machine->vault = stk_vault_open(settings, &access);
    const struct stk_keepers_options options = { .settings = settings,
                                                 .access = access,
                                                 .vault = machine->vault,
                                                 .owner = machine->owner,
                                                 .lease_ns = LEASE };
    OK(stk_keepers_start(&options, &machine->keepers, &err));
}

static void stop(struct machine *machine)
{
    stk_keepers_stop(machine->keepers);
    stk_vault_close(machine->vault);
    machine->keepers = NULL;
    machine->vault = NULL;
}

static void read_settings(void)
{
    STK_CLEANUP(stk_config_closep) struct stk_node *root = NULL;
    const char *yaml = "tasks:\n  t: {command: [x], session: lab}\n"
                       "sessions:\n  lab: {provider: operator, lifetime: 12h}\n";
    OK(stk_config_parse("stoker.yaml", yaml, strlen(yaml), &root, &err));
    OK(stk_settings_read(root, folder, &settings, &err));
}

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/stk_keepers_XXXXXX");
    if (mkdtemp(folder) == NULL) return -1;
    STK_CLEANUP(stk_freep) char *url = stk_format("sqlite:%s/t.db", folder);
    const struct stk_store_options options = { .command = "test" };
    OK(stk_store_open(url, &options, &store, &err));
    read_settings();
    a = (struct machine){ .owner = "p1 on a" };
    b = (struct machine){ .owner = "p2 on b" };
    return 0;
}

static int tear_down(void **state)
{
    static const char *const suffixes[] = { "", "-wal", "-shm", ".lock", ".sock" };
    (void)state;
    stop(&a);
    stop(&b);
    stk_settings_freep(&settings);
    stk_store_close(store);
    for (size_t i = 0; i < STK_ARRAY_LEN(suffixes); i++) {
        STK_CLEANUP(stk_freep) char *path = stk_format("%s/t.db%s", folder, suffixes[i]);
        (void)unlink(path);
    }
    return rmdir(folder);
}

static struct stk_session row_now(void)
{
    struct stk_session row;
    (void)pthread_mutex_lock(&store_lock);
    enum stk_rc rc = stk_session_row(store, "lab", &row, &err);
    (void)pthread_mutex_unlock(&store_lock);
    OK(rc);
    return row;
}

/* `poked` is told again and again that something has changed. */
static struct stk_session eventually_kept_by(const char *owner, struct machine *poked)
{
    stk_time_ns end = stk_clock_mono() + 60 * STK_SECOND;
    struct stk_session row = row_now();
    while (strcmp(row.keeper, owner) != 0 && stk_clock_mono() < end) {
        stk_keepers_poke(poked->keepers, "lab");
        stk_clock_pause(5 * STK_MS);
        row = row_now();
    }
    assert_string_equal(row.keeper, owner);
    return row;
}

static void eventually_looks(struct machine *machine, int times)
{
    stk_time_ns end = stk_clock_mono() + 60 * STK_SECOND;
    int until = atomic_load(&machine->looks) + times;
    while (atomic_load(&machine->looks) < until && stk_clock_mono() < end) {
        stk_keepers_poke(machine->keepers, NULL);
        stk_clock_pause(5 * STK_MS);
    }
    assert_true(atomic_load(&machine->looks) >= until);
}

/* --- tests --------------------------------------------------------------- */

static void of_two_keepers__one_has_the_lease_for_as_long_as_it_lives(void **state)
{
    (void)state;
    start(&a);
    int64_t epoch = eventually_kept_by("p1 on a", &a).epoch;
    start(&b);
    stk_time_ns first_end = row_now().lease_until;
    while (stk_clock_now() < first_end + LEASE) {
        eventually_looks(&b, 1);
        assert_string_equal(row_now().keeper, "p1 on a");
    }
    assert_int_equal(row_now().epoch, epoch);
    assert_true(row_now().lease_until > first_end);
}

static void when_the_holder_is_cut_off__the_other_takes_over_once_its_lease_is_over(void **state)
{
    (void)state;
    start(&a);
    int64_t epoch = eventually_kept_by("p1 on a", &a).epoch;
    start(&b);
    eventually_looks(&b, 2);

    atomic_store(&a.is_cut_off, true);
    stk_time_ns ends_at = row_now().lease_until + stk_lease_grace(LEASE);
    struct stk_session row = eventually_kept_by("p2 on b", &b);
    assert_true(stk_clock_now() >= ends_at);
    assert_int_equal(row.epoch, epoch + 1);

    atomic_store(&a.is_cut_off, false);
    eventually_looks(&a, 5);
    row = row_now();
    assert_string_equal(row.keeper, "p2 on b");
    assert_int_equal(row.epoch, epoch + 1);
}

static void when_the_holder_stops__the_other_goes_on_at_once(void **state)
{
    (void)state;
    start(&a);
    int64_t epoch = eventually_kept_by("p1 on a", &a).epoch;
    start(&b);
    stop(&a);
    assert_int_equal(eventually_kept_by("p2 on b", &b).epoch, epoch + 1);
}

static void a_holder_with_a_new_name__keeps_what_it_has(void **state)
{
    (void)state;
    start(&a);
    int64_t epoch = eventually_kept_by("p1 on a", &a).epoch;
    stk_keepers_rename(a.keepers, "p3 on a");
    assert_int_equal(eventually_kept_by("p3 on a", &a).epoch, epoch);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(of_two_keepers__one_has_the_lease_for_as_long_as_it_lives),
        TEST(when_the_holder_is_cut_off__the_other_takes_over_once_its_lease_is_over),
        TEST(when_the_holder_stops__the_other_goes_on_at_once),
        TEST(a_holder_with_a_new_name__keeps_what_it_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
