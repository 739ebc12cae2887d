/* SPDX-License-Identifier: MIT
 *
 * Consoles on their way to other machines: what is shipped, when, and how often.
 */
#include "support/test.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "pool/shipper.h"
#include "store/engine.h"

enum { LINES_MAX = 1000, LINE_MAX_ = 120 };

/* Stands for a store: its watches, and what has come to it. */
static struct {
    struct stk_engine engine;
    struct stk_store store;
    pthread_mutex_t lock; /* of all below */
    struct stk_watch watch;
    char lines[LINES_MAX][LINE_MAX_];
    size_t count, batch_max;
    int looks;
    int64_t answered; /* the newest watch that was */
    size_t count_then;
    bool is_away;
} stage;

static struct stk_consoles *consoles;
static struct stk_shipper *shipper;

static stk_time_ns now_here(struct stk_store *store)
{
    (void)store;
    return stk_clock_now();
}

static enum stk_rc watched(struct stk_store *store, int64_t pool_id, int64_t after_id,
                           stk_time_ns now, struct stk_watch *ret, struct stk_error *err)
{
    (void)store;
    (void)now;
    (void)err;
    assert_int_equal(pool_id, 7);
    *ret = stage.watch;
    if (ret->newest_id <= after_id) ret->newest_id = ret->lines = 0;
    stage.looks++;
    return STK_OK;
}

static enum stk_rc ship(struct stk_store *store, const struct stk_shipped *lines, size_t count,
                        stk_time_ns now, struct stk_error *err)
{
    (void)store;
    (void)now;
    if (stage.is_away) return stk_fail(err, STK_UNAVAILABLE, "the store is away");
    for (size_t i = 0; i < count && stage.count < LINES_MAX; i++) {
        assert_int_equal(lines[i].pool_id, 7);
        (void)snprintf(stage.lines[stage.count++], LINE_MAX_, "%s", lines[i].text);
    }
    if (count > stage.batch_max) stage.batch_max = count;
    return STK_OK;
}

static enum stk_rc answer(struct stk_store *store, int64_t watch_id, int64_t pool_id,
                          struct stk_error *err)
{
    (void)store;
    (void)err;
    assert_int_equal(pool_id, 7);
    stage.answered = watch_id;
    stage.count_then = stage.count;
    return STK_OK;
}

static enum stk_rc write_locked(void *context, stk_write_fn fn, void *arg, struct stk_error *err)
{
    (void)context;
    (void)pthread_mutex_lock(&stage.lock);
    enum stk_rc rc = fn(&stage.store, arg, stk_clock_now(), err);
    (void)pthread_mutex_unlock(&stage.lock);
    return rc;
}

static enum stk_rc read_locked(void *context, stk_read_fn fn, void *arg, struct stk_error *err)
{
    (void)context;
    (void)pthread_mutex_lock(&stage.lock);
    enum stk_rc rc = fn(&stage.store, arg, err);
    (void)pthread_mutex_unlock(&stage.lock);
    return rc;
}

static int64_t seven(void *context)
{
    (void)context;
    return 7;
}

static int set_up(void **state)
{
    (void)state;
    memset(&stage, 0, sizeof(stage));
    (void)pthread_mutex_init(&stage.lock, NULL);
    stage.engine.now = now_here;
    stage.engine.watched = watched;
    stage.engine.ship = ship;
    stage.engine.answer = answer;
    stage.store.engine = &stage.engine;
    return stk_consoles_open(NULL, 2, &consoles, NULL) == STK_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    stk_shipper_stop(shipper);
    shipper = NULL;
    stk_consoles_close(consoles);
    return pthread_mutex_destroy(&stage.lock);
}

/* --- steps ------------------------------------------------------------------ */

static void start(void)
{
    const struct stk_shipper_options options = {
        .access = { .write = write_locked, .read = read_locked },
        .consoles = consoles,
        .pool_id = seven,
    };
    struct stk_error err = { 0 };
    if (stk_shipper_start(&options, &shipper, &err) != STK_OK) fail_msg("%s", err.text);
}

static void watch(int64_t id, uint32_t lines)
{
    (void)pthread_mutex_lock(&stage.lock);
    stage.watch =
        (struct stk_watch){ .until = stk_clock_now() + STK_HOUR, .newest_id = id, .lines = lines };
    (void)pthread_mutex_unlock(&stage.lock);
    stk_shipper_poke(shipper);
}

static void set_away(bool is_away)
{
    (void)pthread_mutex_lock(&stage.lock);
    stage.is_away = is_away;
    (void)pthread_mutex_unlock(&stage.lock);
}

static void say(int first, int count)
{
    for (int i = first; i < first + count; i++) {
        stk_console_addf(consoles, (uint32_t)i % 3, 0, STK_LINE_STEP, "line %d.", i);
    }
}

static int looks_now(void)
{
    (void)pthread_mutex_lock(&stage.lock);
    int looks = stage.looks;
    (void)pthread_mutex_unlock(&stage.lock);
    return looks;
}

static size_t count_now(void)
{
    (void)pthread_mutex_lock(&stage.lock);
    size_t count = stage.count;
    (void)pthread_mutex_unlock(&stage.lock);
    return count;
}

static void eventually_looks(int more)
{
    stk_time_ns end = stk_clock_mono() + 60 * STK_SECOND;
    int until = looks_now() + more;
    while (looks_now() < until && stk_clock_mono() < end) {
        stk_shipper_poke(shipper);
        stk_clock_pause(STK_MS);
    }
    assert_true(looks_now() >= until);
}

static void eventually_has(size_t count)
{
    stk_time_ns end = stk_clock_mono() + 60 * STK_SECOND;
    while (count_now() < count && stk_clock_mono() < end) {
        stk_clock_pause(STK_MS);
    }
    eventually_looks(2); /* and not one more */
    assert_int_equal(count_now(), count);
}

/* The lines that came from `at` on are those from `first` on, in their order. */
static void are_lines(size_t at, int first)
{
    for (size_t i = at; i < stage.count; i++) {
        char text[32];
        (void)snprintf(text, sizeof(text), "line %d.", first + (int)(i - at));
        if (strstr(stage.lines[i], text) == NULL) fail_msg("%s is not %s", stage.lines[i], text);
    }
}

/* --- tests -------------------------------------------------------------------- */

static void while_nobody_watches__nothing_is_shipped(void **state)
{
    (void)state;
    start();
    say(1, 10);
    eventually_looks(5);
    assert_int_equal(count_now(), 0);
}

static void a_watch__gets_the_old_lines_it_wants_and_then_all_new_ones(void **state)
{
    (void)state;
    start();
    say(1, 50);
    eventually_looks(1);
    watch(1, 20);
    eventually_has(20);
    are_lines(0, 31);
    say(51, 30);
    eventually_has(50);
    are_lines(0, 31);
}

static void a_second_watch__does_not_get_again_what_is_there(void **state)
{
    (void)state;
    start();
    say(1, 50);
    watch(1, 20);
    eventually_has(20);
    watch(2, 40);
    eventually_looks(3);
    say(51, 1);
    eventually_has(21);
    are_lines(0, 31);
}

/* Who watches asks again and again, and for no old lines. */
static void a_watch_that_is_renewed__loses_no_line_that_waits_to_be_shipped(void **state)
{
    (void)state;
    start();
    watch(1, 0);
    eventually_looks(2);
    for (int i = 0; i < 20; i++) {
        say(1 + 10 * i, 10);
        watch(2 + i, 0);
        eventually_looks(2);
    }
    eventually_has(200);
    are_lines(0, 1);
}

static int64_t answered_now(void)
{
    (void)pthread_mutex_lock(&stage.lock);
    int64_t answered = stage.answered;
    (void)pthread_mutex_unlock(&stage.lock);
    return answered;
}

static void eventually_answers(int64_t watch_id)
{
    stk_time_ns end = stk_clock_mono() + 60 * STK_SECOND;
    while (answered_now() != watch_id && stk_clock_mono() < end) {
        stk_clock_pause(STK_MS);
    }
    assert_int_equal(answered_now(), watch_id);
}

static void a_watch__is_answered_once_all_old_lines_are_there_also_when_there_are_none(void **state)
{
    (void)state;
    start();
    say(1, 500);
    watch(1, 450);
    eventually_answers(1);
    assert_int_equal(stage.count_then, 450);
    watch(2, 100); /* they are there already */
    eventually_answers(2);
    watch(3, 0); /* wants none: only goes on */
    eventually_looks(3);
    assert_int_equal(answered_now(), 2);
    assert_int_equal(count_now(), 450);
}

static void many_lines__come_in_batches(void **state)
{
    (void)state;
    start();
    watch(1, 0);
    eventually_looks(2);
    say(1, 700);
    eventually_has(700);
    are_lines(0, 1);
    assert_true(stage.batch_max <= 200);
}

static void a_watch_that_ends__ends_the_shipping(void **state)
{
    (void)state;
    start();
    watch(1, 0);
    eventually_looks(2);
    say(1, 3);
    eventually_has(3);
    stk_clock_shift(2 * STK_HOUR);
    eventually_looks(2);
    say(4, 3);
    eventually_looks(3);
    assert_int_equal(count_now(), 3);
}

static void lines_that_could_not_be_written__are_tried_again(void **state)
{
    (void)state;
    start();
    set_away(true);
    watch(1, 0);
    eventually_looks(2);
    say(1, 3);
    eventually_looks(3);
    set_away(false);
    stk_clock_shift(STK_MINUTE);
    eventually_has(3);
    are_lines(0, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(while_nobody_watches__nothing_is_shipped),
        TEST(a_watch__gets_the_old_lines_it_wants_and_then_all_new_ones),
        TEST(a_second_watch__does_not_get_again_what_is_there),
        TEST(a_watch_that_is_renewed__loses_no_line_that_waits_to_be_shipped),
        TEST(a_watch__is_answered_once_all_old_lines_are_there_also_when_there_are_none),
        TEST(many_lines__come_in_batches),
        TEST(a_watch_that_ends__ends_the_shipping),
        TEST(lines_that_could_not_be_written__are_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
