/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "pool/gate.h"
#include "session/record.h"

/* In the middle of a day, so that a quota's window is far from its end. */
#define NOW ((stk_time_ns)1800000000 * STK_SECOND)

#define OK(call) check((call), &err, #call, __LINE__)

static struct stk_error err;
static char folder[64];
static struct stk_store *store;
static struct stk_settings *settings;
static struct stk_gates gates;
static int64_t pool;

static void check(enum stk_rc rc, const struct stk_error *error, const char *call, int line)
{
    if (rc != STK_OK) fail_msg("line %d: %s: %s: %s", line, call, stk_rc_name(rc), error->text);
}

static void open_with(const char *yaml)
{
    STK_CLEANUP(stk_config_closep) struct stk_node *root = NULL;
    const struct stk_store_options options = { .command = "test" };
    (void)snprintf(folder, sizeof(folder), "/tmp/stk-gate-XXXXXX");
    if (mkdtemp(folder) == NULL) abort();
    STK_CLEANUP(stk_freep) char *url = stk_format("sqlite:%s/stoker.db", folder);
    OK(stk_config_parse("stoker.yaml", yaml, strlen(yaml), &root, &err));
    OK(stk_settings_read(root, "/tmp", &settings, &err));
    OK(stk_store_open(url, &options, &store, &err));
    stk_gates_init(&gates, settings);
    OK(stk_store_begin(store, &err));
    OK(stk_store_pool_start(store, "here", 1, 8, NOW, &pool, &err));
}

static int close_all(void **state)
{
    static const char *const ends[] = { "", "-wal", "-shm", ".lock" };
    (void)state;
    stk_gates_release(&gates);
    stk_settings_freep(&settings);
    stk_store_close(store);
    for (size_t i = 0; i < STK_ARRAY_LEN(ends); i++) {
        STK_CLEANUP(stk_freep) char *path = stk_format("%s/stoker.db%s", folder, ends[i]);
        (void)remove(path);
    }
    (void)remove(folder);
    return 0;
}

static const struct stk_queue *queue_of_jobs(const char *name, size_t jobs)
{
    const struct stk_queue *queues = NULL;
    size_t count = 0;
    int64_t task = 0;
    OK(stk_store_task(store, name, name, &task, &err));
    for (size_t i = 0; i < jobs; i++) {
        const struct stk_new_job job = { .task_id = task, .params = "{}", .params_len = 2 };
        struct stk_submitted made;
        OK(stk_store_submit(store, &job, 1, NOW, &made, &err));
    }
    OK(stk_store_queues(store, &queues, &count, &err));
    for (size_t i = 0; i < count; i++) {
        if (strcmp(queues[i].name, name) == 0) return &queues[i];
    }
    fail_msg("no queue %s", name);
    abort(); /* cmocka does not say that it never returns */
}

static void ignore(void *context, const struct stk_claim *claim)
{
    (void)context;
    (void)claim;
}

static void claim(const struct stk_queue *queue, size_t count)
{
    static const uint32_t slots[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
    size_t got = 0;
    OK(stk_store_claim(store, queue->id, pool, slots, count, NOW, ignore, NULL, &got, &err));
    assert_int_equal(got, count);
    OK(stk_gate_took(&gates, store, queue, got, NOW, &err));
}

static struct stk_gate ask(const struct stk_queue *queue)
{
    struct stk_gate gate;
    OK(stk_gate_ask(&gates, store, queue, NOW, &gate, &err));
    return gate;
}

#define TASK(limits) "tasks:\n  t: {command: [x], limits: " limits "}\nlimits:\n"

static void gate__of_a_queue_without_limits_lets_all_through(void **state)
{
    (void)state;
    open_with("tasks:\n  t: {command: [x]}\n");
    struct stk_gate gate = ask(queue_of_jobs("t", 3));
    assert_int_equal(gate.admits, SIZE_MAX);
    assert_int_equal(gate.again_at, STK_NEVER);
}

static void gate__admits_what_the_tightest_limit_does(void **state)
{
    (void)state;
    open_with(TASK("[slots, pace]") "  slots: {concurrency: 3}\n  pace: {rate: 1/s, burst: 2}\n");
    const struct stk_queue *queue = queue_of_jobs("t", 8);
    assert_int_equal(ask(queue).admits, 2);
    assert_int_equal(ask(queue).again_at, STK_NEVER); /* not closed: nothing to wait for */
}

static void gate__that_only_an_end_can_open_sets_no_time(void **state)
{
    (void)state;
    open_with(
        TASK("[slots, pace]") "  slots: {concurrency: 2}\n  pace: {rate: 1000/s, burst: 8}\n");
    const struct stk_queue *queue = queue_of_jobs("t", 8);
    claim(queue, 2);
    struct stk_gate gate = ask(queue);
    assert_int_equal(gate.admits, 0);
    assert_int_equal(gate.again_at,
                     STK_NEVER); /* not the pace's: that would ask 1,000 times a second */
}

static void gate__of_several_closed_limits_opens_with_the_last(void **state)
{
    (void)state;
    open_with(TASK("[pace, day]") "  pace: {rate: 1/s, burst: 2}\n  day: {quota: 2/day}\n");
    const struct stk_queue *queue = queue_of_jobs("t", 8);
    claim(queue, 2);
    struct stk_gate gate = ask(queue);
    assert_int_equal(gate.admits, 0);
    assert_true(gate.again_at > NOW + STK_MINUTE);
}

static void gate__nobody_waits_at_sets_no_time(void **state)
{
    (void)state;
    open_with(TASK("[pace]") "  pace: {rate: 1/s}\n");
    const struct stk_queue *queue = queue_of_jobs("t", 1);
    claim(queue, 1);
    assert_int_equal(ask(queue).admits, 0);
    assert_int_equal(ask(queue).again_at, STK_NEVER);
}

static struct stk_heard heard_of(const struct stk_exec_result *ended, int64_t attempt_id)
{
    return (struct stk_heard){ .task = &settings->tasks[0],
                               .job_id = 1,
                               .attempt_id = attempt_id,
                               .generation = ended->generation,
                               .sent_at = NOW - 1,
                               .ended = ended,
                               .outcome = ended->outcome,
                               .until = ended->until };
}

static void heard__of_a_throttle_closes_the_limit_and_gives_a_turn_after_it(void **state)
{
    (void)state;
    open_with(TASK("[pace]") "  pace: {rate: 1/s, burst: 8}\n");
    const struct stk_queue *queue = queue_of_jobs("t", 8);
    const struct stk_exec_result ended = { .outcome = STK_OUTCOME_THROTTLED,
                                           .until = NOW + 10 * STK_SECOND,
                                           .until_said = true };
    struct stk_heard first = heard_of(&ended, 1), second = heard_of(&ended, 2);
    claim(queue, 2);
    OK(stk_gate_heard(&gates, store, &first, NOW, &err));
    OK(stk_gate_heard(&gates, store, &second, NOW, &err));
    assert_true(first.until >= NOW + 10 * STK_SECOND);
    assert_true(second.until >= first.until + STK_SECOND);
    assert_int_equal(ask(queue).again_at, NOW + 10 * STK_SECOND);
}

static void heard__of_a_throttle_beyond_the_maximum_gives_a_turn_at_the_maximum(void **state)
{
    (void)state;
    open_with(TASK("[pace]") "  pace: {rate: 1/s, cooldown: 1s, cooldown_max: 2s}\n");
    const struct stk_queue *queue = queue_of_jobs("t", 1);
    const struct stk_exec_result ended = { .outcome = STK_OUTCOME_THROTTLED,
                                           .until = NOW + STK_DAY,
                                           .until_said = true };
    struct stk_heard heard = heard_of(&ended, 1);
    claim(queue, 1);
    OK(stk_gate_heard(&gates, store, &heard, NOW, &err));
    assert_true(heard.until >= NOW + 2 * STK_SECOND);
    assert_true(heard.until < NOW + 4 * STK_SECOND);
}

static const char duty_yaml[] = "tasks:\n  t:\n    command: [/bin/true]\n    session: duty\n"
                                "sessions:\n  duty: {provider: operator, lifetime: 1h}\n";

static void renew(stk_time_ns now)
{
    const struct stk_session_change change = { .spec = &settings->sessions[0],
                                               .event = STK_SESSION_ON_CREDENTIAL,
                                               .actor = "anna" };
    struct stk_session row;
    bool applied = false;
    OK(stk_session_record(store, &change, now, &row, &applied, &err));
    assert_true(applied);
}

static void gate__of_a_session_is_closed_until_it_is_renewed_and_after_its_end(void **state)
{
    (void)state;
    open_with(duty_yaml);
    const struct stk_queue *queue = queue_of_jobs("t", 2);
    assert_int_equal(ask(queue).admits, 0);
    assert_true(ask(queue).again_at > NOW);
    renew(NOW);
    assert_true(ask(queue).admits == SIZE_MAX);
    assert_int_equal(ask(queue).generation, 1);
    renew(NOW - STK_HOUR); /* its end has come, and no keeper has written that down */
    assert_int_equal(ask(queue).admits, 0);
}

static void heard__of_a_lost_session_closes_it_unless_the_report_is_stale(void **state)
{
    (void)state;
    open_with(duty_yaml);
    const struct stk_queue *queue = queue_of_jobs("t", 2);
    const struct stk_exec_result stale = { .outcome = STK_OUTCOME_SESSION_LOST, .generation = 1 };
    const struct stk_exec_result fresh = { .outcome = STK_OUTCOME_SESSION_LOST, .generation = 2 };
    struct stk_heard heard = heard_of(&stale, 1);
    renew(NOW);
    renew(NOW);
    OK(stk_gate_heard(&gates, store, &heard, NOW, &err));
    assert_true(ask(queue).admits == SIZE_MAX);
    assert_false(gates.session_changed);
    heard = heard_of(&fresh, 2);
    OK(stk_gate_heard(&gates, store, &heard, NOW, &err));
    assert_int_equal(ask(queue).admits, 0);
    assert_true(gates.session_changed);
    assert_int_equal(heard.outcome, STK_OUTCOME_SESSION_LOST);
}

static void heard__of_a_job_refused_thrice_with_a_good_session_fails_it_alone(void **state)
{
    (void)state;
    open_with(duty_yaml);
    (void)queue_of_jobs("t", 2);
    const struct stk_exec_result ended = { .outcome = STK_OUTCOME_SESSION_LOST, .generation = 1 };
    renew(NOW);
    for (int64_t attempt = 1; attempt <= 3; attempt++) {
        struct stk_heard heard = heard_of(&ended, attempt);
        OK(stk_gate_heard(&gates, store, &heard, NOW, &err));
        OK(stk_gate_heard(&gates, store, &heard, NOW, &err)); /* the round is written again */
        assert_int_equal(heard.outcome,
                         attempt < 3 ? STK_OUTCOME_SESSION_LOST : STK_OUTCOME_FAILED_FINAL);
    }
}

/* --- jobs that run elsewhere ---------------------------------------------- */

#define HTTP_TASK                                                                \
    "tasks:\n  t:\n    limits: [go, ask, read]\n    http:\n"                     \
    "      submit: {url: \"https://lab/t\"}\n      handle: {header: Location}\n" \
    "      poll: {url: \"{handle}\"}\n      completed: {present: /x}\n"          \
    "limits: {go: {rate: 1/s}, ask: {class: poll, rate: 1/s}, read: {class: read, rate: 1/s}}\n"

static struct stk_gate ask_polls(const struct stk_queue *queue)
{
    struct stk_gate gate;
    OK(stk_gate_ask_polls(&gates, store, queue, NOW, &gate, &err));
    return gate;
}

static void hear(enum stk_signal_kind kind, enum stk_limit_class class_, size_t refused)
{
    const struct stk_exec_result ended = {
        .outcome = kind == STK_SIGNAL_OK ? STK_OUTCOME_PARKED : STK_OUTCOME_THROTTLED,
        .signal = { .kind = kind, .class_ = class_, .sent_at = NOW, .remaining = -1 },
    };
    struct stk_heard heard = heard_of(&ended, 1);
    heard.refused = refused;
    OK(stk_gate_heard(&gates, store, &heard, NOW, &err));
}

static void polls__are_not_kept_by_what_limits_submits(void **state)
{
    (void)state;
    open_with(HTTP_TASK);
    const struct stk_queue *queue = queue_of_jobs("t", 2);
    claim(queue, 1);
    assert_int_equal(ask(queue).admits, 0);
    assert_int_equal(ask_polls(queue).admits, 1);
    hear(STK_SIGNAL_THROTTLED, STK_LIMIT_CLASS_SUBMIT, 0);
    assert_int_equal(ask_polls(queue).admits, 1);
}

static void polls__keep_no_submit_waiting(void **state)
{
    (void)state;
    open_with(HTTP_TASK);
    const struct stk_queue *queue = queue_of_jobs("t", 2);
    OK(stk_gate_took_polls(&gates, store, queue, 1, NOW, &err));
    assert_int_equal(ask_polls(queue).admits, 0);
    assert_true(ask_polls(queue).again_at > NOW);
    assert_int_equal(ask(queue).admits, 1);
    hear(STK_SIGNAL_THROTTLED, STK_LIMIT_CLASS_POLL, 0);
    assert_int_equal(ask(queue).admits, 1);
}

static void polls__wait_for_a_read_that_has_happened(void **state)
{
    (void)state;
    open_with(HTTP_TASK);
    const struct stk_queue *queue = queue_of_jobs("t", 2);
    hear(STK_SIGNAL_OK, STK_LIMIT_CLASS_READ, 0);
    assert_int_equal(ask_polls(queue).admits, 0);
    assert_int_equal(ask(queue).admits, 1);
}

static void polls__wait_for_the_session_too(void **state)
{
    (void)state;
    open_with(duty_yaml);
    const struct stk_queue *queue = queue_of_jobs("t", 1);
    assert_int_equal(ask_polls(queue).admits, 0);
    renew(NOW);
    assert_int_equal(ask_polls(queue).admits, SIZE_MAX);
    assert_int_equal(ask_polls(queue).generation, 1);
}

static void heard__of_full_slots_learns_what_was_accepted(void **state)
{
    (void)state;
    open_with(TASK("[slots]") "  slots: {cooldown: 1s}\n");
    const struct stk_queue *queue = queue_of_jobs("t", 8);
    struct stk_limit limit;
    int64_t in_use = 0;
    claim(queue, 8);
    hear(STK_SIGNAL_SLOTS_FULL, STK_LIMIT_CLASS_SUBMIT, 5);
    OK(stk_gate_limit(&gates, store, &settings->limits[0], &limit, &in_use, &err));
    assert_int_equal(in_use, 8);
    assert_int_equal(limit.cap_learned, 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, close_all)
    const struct CMUnitTest tests[] = {
        TEST(gate__of_a_queue_without_limits_lets_all_through),
        TEST(gate__admits_what_the_tightest_limit_does),
        TEST(gate__that_only_an_end_can_open_sets_no_time),
        TEST(gate__of_several_closed_limits_opens_with_the_last),
        TEST(gate__nobody_waits_at_sets_no_time),
        TEST(heard__of_a_throttle_closes_the_limit_and_gives_a_turn_after_it),
        TEST(heard__of_a_throttle_beyond_the_maximum_gives_a_turn_at_the_maximum),
        TEST(gate__of_a_session_is_closed_until_it_is_renewed_and_after_its_end),
        TEST(heard__of_a_lost_session_closes_it_unless_the_report_is_stale),
        TEST(heard__of_a_job_refused_thrice_with_a_good_session_fails_it_alone),
        TEST(polls__are_not_kept_by_what_limits_submits),
        TEST(polls__keep_no_submit_waiting),
        TEST(polls__wait_for_a_read_that_has_happened),
        TEST(polls__wait_for_the_session_too),
        TEST(heard__of_full_slots_learns_what_was_accepted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
