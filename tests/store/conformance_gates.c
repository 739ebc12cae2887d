/* SPDX-License-Identifier: MIT
 *
 * What every store engine must do for sessions, limits, jobs that run elsewhere,
 * people and notices. Started as conformance.c is.
 */
#include "support/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "store/store.h"

#define NOW ((stk_time_ns)1800000000 * STK_SECOND)

#define OK(call) check((call), &err, #call, __LINE__)

static struct stk_store *store;
static struct stk_error err;
static int64_t pool;
static char folder[64], url[128];

static void check(enum stk_rc rc, const struct stk_error *error, const char *call, int line)
{
    if (rc != STK_OK) fail_msg("line %d: %s: %s: %s", line, call, stk_rc_name(rc), error->text);
}

static int open_store(void **state)
{
    (void)state;
    const struct stk_store_options options = { .command = "conformance" };
    (void)snprintf(folder, sizeof(folder), "/tmp/stk-gates-XXXXXX");
    if (mkdtemp(folder) == NULL) return -1;
    (void)snprintf(url, sizeof(url), "sqlite:%s/stoker.db", folder);
    OK(stk_store_open(url, &options, &store, &err));
    OK(stk_store_begin(store, &err));
    OK(stk_store_pool_start(store, "host", 1, 4, NOW, &pool, &err));
    OK(stk_store_commit(store, &err));
    return 0;
}

static int close_store(void **state)
{
    (void)state;
    stk_store_close(store);
    STK_CLEANUP(stk_freep) char *command = stk_format("%s/stoker.db", folder);
    (void)unlink(command);
    (void)rmdir(folder);
    return 0;
}

/* --- sessions ------------------------------------------------------------ */

static const struct stk_session *session_named(const char *name)
{
    const struct stk_session *rows = NULL;
    size_t count = 0;
    OK(stk_store_sessions(store, &rows, &count, &err));
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rows[i].name, name) == 0) return &rows[i];
    }
    fail_msg("no session %s", name);
    abort(); /* cmocka does not say that it never returns */
}

static void session__comes_back_as_it_was_written(void **state)
{
    (void)state;
    struct stk_session session;
    stk_session_init(&session, "lab");
    session.state = STK_SESSION_CHALLENGE_OPEN;
    session.resume_state = STK_SESSION_VALID;
    session.generation = 17;
    session.expires_at = NOW + STK_HOUR;
    session.block_unknown = true;
    session.epoch = 3;
    session.challenges = 2;
    (void)snprintf(session.link, sizeof(session.link), "https://lab.example/c?id=1");
    (void)snprintf(session.wish, sizeof(session.wish), "check");
    OK(stk_store_begin(store, &err));
    OK(stk_store_session_set(store, &session, &err));
    const struct stk_session *read = session_named("lab");
    assert_non_null(read);
    assert_memory_equal(read, &session, sizeof(session));
    OK(stk_store_commit(store, &err));
}

static void session__of_a_rolled_back_transaction_is_the_old_one(void **state)
{
    (void)state;
    struct stk_session session;
    stk_session_init(&session, "rolled");
    session.generation = 1;
    OK(stk_store_begin(store, &err));
    OK(stk_store_session_set(store, &session, &err));
    OK(stk_store_commit(store, &err));

    session.generation = 2;
    OK(stk_store_begin(store, &err));
    OK(stk_store_session_set(store, &session, &err));
    assert_int_equal(session_named("rolled")->generation, 2);
    stk_store_rollback(store);
    OK(stk_store_begin(store, &err));
    assert_int_equal(session_named("rolled")->generation, 1);
    stk_store_rollback(store);
}

static void session__keeps_its_secrets_when_its_row_is_written_again(void **state)
{
    (void)state;
    STK_CLEANUP(stk_buf_release) struct stk_buf sealed = STK_BUF_INIT;
    struct stk_session session;
    int64_t generation = 0;
    stk_session_init(&session, "sealed");
    session.generation = 5;
    OK(stk_store_begin(store, &err));
    OK(stk_store_session_set(store, &session, &err));
    OK(stk_store_session_secret_set(store, "sealed", STK_SESSION_CREDENTIAL, "a\0b", 3, &err));
    session.generation = 6;
    OK(stk_store_session_set(store, &session, &err));
    OK(stk_store_session_secret(store, "sealed", STK_SESSION_CREDENTIAL, &sealed, &generation,
                                &err));
    assert_int_equal(sealed.len, 3);
    assert_memory_equal(sealed.data, "a\0b", 3);
    assert_int_equal(generation, 6);
    OK(stk_store_commit(store, &err));
}

/* --- limits -------------------------------------------------------------- */

static void limit__comes_back_as_it_was_written(void **state)
{
    (void)state;
    const struct stk_limit *rows = NULL;
    size_t count = 0;
    struct stk_limit limit;
    stk_limit_init(&limit, "lab-submit");
    limit.tat = NOW;
    limit.half_open = true;
    limit.used = 12;
    limit.set_concurrency = 4;
    (void)snprintf(limit.reason, sizeof(limit.reason), "429");
    OK(stk_store_begin(store, &err));
    OK(stk_store_limit_set(store, &limit, &err));
    OK(stk_store_limits(store, &rows, &count, &err));
    assert_int_equal(count, 1);
    assert_memory_equal(&rows[0], &limit, sizeof(limit));
    OK(stk_store_commit(store, &err));
}

/* --- jobs elsewhere ------------------------------------------------------ */

static struct stk_claim last;
static char last_handle[64];

static void keep(void *context, const struct stk_claim *claim)
{
    (void)context;
    last = *claim;
    (void)snprintf(last_handle, sizeof(last_handle), "%s",
                   claim->remote.handle != NULL ? claim->remote.handle : "");
}

static int64_t queue_id(const char *name)
{
    const struct stk_queue *queues = NULL;
    size_t count = 0;
    OK(stk_store_queues(store, &queues, &count, &err));
    for (size_t i = 0; i < count; i++) {
        if (strcmp(queues[i].name, name) == 0) return queues[i].id;
    }
    fail_msg("no queue %s", name);
    return 0;
}

/* Submits one job to a queue of its own and claims it. */
static int64_t claim_new(const char *name)
{
    const uint32_t slot = 1;
    int64_t task = 0;
    size_t got = 0;
    struct stk_submitted made;
    OK(stk_store_task(store, name, name, &task, &err));
    const struct stk_new_job job = { .task_id = task, .params = "{}", .params_len = 2 };
    OK(stk_store_submit(store, &job, 1, NOW, &made, &err));
    OK(stk_store_claim(store, queue_id(name), pool, &slot, 1, NOW, keep, NULL, &got, &err));
    assert_int_equal(got, 1);
    return queue_id(name);
}

static void park(stk_time_ns poll_at)
{
    const struct stk_remote remote = {
        .phase = STK_REMOTE_HANDLE, .handle = "https://lab/1", .poll_at = poll_at, .progress = -1
    };
    struct stk_settle settle = {
        .id = last.id,
        .attempt_id = last.attempt_id,
        .outcome = STK_OUTCOME_PARKED,
        .to = { .state = STK_STATE_RUNNING, .ready_at = STK_NEVER, .counts = true },
        .remote = &remote,
        .exit_status = -1
    };
    OK(stk_store_settle(store, &settle, 1, NOW, &err));
    assert_true(settle.accepted);
}

static size_t claim_polls(int64_t queue, stk_time_ns now)
{
    const uint32_t slot = 2;
    size_t got = 0;
    OK(stk_store_claim_polls(store, queue, pool, &slot, 1, now, keep, NULL, &got, &err));
    return got;
}

static void parked__holds_no_worker_and_is_polled_when_it_is_due(void **state)
{
    (void)state;
    OK(stk_store_begin(store, &err));
    int64_t queue = claim_new("polled");
    int64_t first = last.attempt_id;
    OK(stk_store_remote_note(store, last.id, last.attempt_id, NOW, &err));
    park(NOW + STK_MINUTE);
    assert_int_equal(stk_store_next_poll(store), NOW + STK_MINUTE);
    assert_int_equal(claim_polls(queue, NOW), 0);
    assert_int_equal(claim_polls(queue, NOW + STK_MINUTE), 1);
    assert_string_equal(last_handle, "https://lab/1");
    assert_int_not_equal(last.attempt_id, first); /* a late answer of before is refused */
    assert_int_equal(last.attempt, 1);
    int64_t pending = 0, running = 0;
    OK(stk_store_queue_load(store, queue, &pending, &running, &err));
    assert_int_equal(running, 1);
    stk_store_rollback(store);
}

/* A bound of none, which only a job that goes back to the queue may meet. */
static struct stk_bounds tight(void *context, const char *task)
{
    enum stk_ambiguous policy = *(enum stk_ambiguous *)context;
    (void)task;
    return (struct stk_bounds){ .interruptions_max = policy == STK_AMBIGUOUS_RESUBMIT ? 10 : 0,
                                .ambiguous = policy };
}

static enum stk_state seen_state;
static void see_state(void *context, const struct stk_job *job)
{
    (void)context;
    seen_state = job->state;
}

static void rescue_all(enum stk_ambiguous policy)
{
    struct stk_bulk bulk = { 0 };
    OK(stk_store_rescue(store, 0, tight, &policy, NOW, &bulk, &err));
    OK(stk_store_job(store, last.id, see_state, NULL, &err));
}

static void rescue__parks_a_job_with_a_handle_again_whatever_its_bound(void **state)
{
    (void)state;
    OK(stk_store_begin(store, &err));
    int64_t queue = claim_new("handled");
    park(NOW);
    assert_int_equal(claim_polls(queue, NOW), 1);
    rescue_all(STK_AMBIGUOUS_QUARANTINE);
    assert_int_equal(seen_state, STK_STATE_RUNNING);
    assert_int_equal(claim_polls(queue, NOW), 1);
    stk_store_rollback(store);
}

static void rescue__of_a_job_being_submitted_follows_the_policy(void **state)
{
    (void)state;
    static const enum stk_state after[] = {
        [STK_AMBIGUOUS_QUARANTINE] = STK_STATE_FAILED,
        [STK_AMBIGUOUS_RESUBMIT] = STK_STATE_PENDING,
        [STK_AMBIGUOUS_ADOPT] = STK_STATE_RUNNING,
    };
    for (int policy = 0; policy < 3; policy++) {
        STK_CLEANUP(stk_freep) char *name = stk_format("policy-%d", policy);
        OK(stk_store_begin(store, &err));
        (void)claim_new(name);
        OK(stk_store_remote_note(store, last.id, last.attempt_id, NOW, &err));
        rescue_all((enum stk_ambiguous)policy);
        assert_int_equal(seen_state, after[policy]);
        stk_store_rollback(store);
    }
}

static void note__of_an_attempt_that_lost_its_job_is_a_conflict(void **state)
{
    (void)state;
    OK(stk_store_begin(store, &err));
    (void)claim_new("noted");
    assert_int_equal(stk_store_remote_note(store, last.id, last.attempt_id + 1, NOW, &err),
                     STK_CONFLICT);
    stk_store_rollback(store);
}

/* --- people and notices -------------------------------------------------- */

static void see_user(void *context, const struct stk_user *user)
{
    *(int *)context += user->role == STK_ROLE_OPERATOR && strcmp(user->renews, "[\"lab\"]") == 0;
}

static void see_token(void *context, const struct stk_token *token)
{
    *(int *)context += strcmp(token->user, "ana") == 0;
}

static void user__and_tokens_go_together(void **state)
{
    (void)state;
    const struct stk_user user = {
        .name = "ana", .role = STK_ROLE_OPERATOR, .renews = "[\"lab\"]", .created_at = NOW
    };
    struct stk_token token = {
        .user = "ana", .hash = { 7 }, .created_at = NOW, .expires_at = STK_NEVER
    };
    int users = 0, tokens = 0;
    int64_t id = 0;
    OK(stk_store_begin(store, &err));
    OK(stk_store_user_set(store, &user, &err));
    OK(stk_store_token_add(store, &token, &id, &err));
    OK(stk_store_users(store, "ana", see_user, &users, &err));
    OK(stk_store_token_find(store, token.hash, see_token, &tokens, &err));
    assert_int_equal(users, 1);
    assert_int_equal(tokens, 1);
    OK(stk_store_user_remove(store, "ana", &err));
    assert_int_equal(stk_store_token_find(store, token.hash, see_token, &tokens, &err),
                     STK_NOT_FOUND);
    OK(stk_store_commit(store, &err));
}

static void audit__is_a_chain_that_verifies(void **state)
{
    (void)state;
    const struct stk_audit audit = {
        .actor = "ana", .action = "session.unlock", .subject = "lab", .reason = "the lab called"
    };
    int64_t rows = 0;
    OK(stk_store_begin(store, &err));
    for (int i = 0; i < 3; i++) {
        OK(stk_store_audit_add(store, &audit, NOW + i, &err));
    }
    OK(stk_store_audit_verify(store, &rows, &err));
    assert_int_equal(rows, 3);
    OK(stk_store_commit(store, &err));
}

static void see_notice(void *context, const struct stk_notice *notice)
{
    *(int64_t *)context = notice->id;
}

static void notice__says_each_thing_once_and_is_tried_until_it_is_told(void **state)
{
    (void)state;
    const struct stk_notice notice = { .event = "session.expiring",
                                       .key = "lab/1/expiring",
                                       .text = "renew",
                                       .facts = "{}",
                                       .left = "[\"hook\"]",
                                       .next_at = NOW };
    bool fresh = false;
    int64_t id = 0;
    stk_time_ns next = 0;
    OK(stk_store_begin(store, &err));
    OK(stk_store_notice_add(store, &notice, NOW, &fresh, &err));
    assert_true(fresh);
    OK(stk_store_notice_add(store, &notice, NOW, &fresh, &err));
    assert_false(fresh);
    OK(stk_store_notices_due(store, NOW, 10, see_notice, &id, &next, &err));
    assert_true(id > 0);
    OK(stk_store_notice_tried(store, id, "[]", STK_NEVER, &err));
    id = 0;
    OK(stk_store_notices_due(store, NOW + STK_DAY, 10, see_notice, &id, &next, &err));
    assert_int_equal(id, 0);
    OK(stk_store_commit(store, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(session__comes_back_as_it_was_written),
        cmocka_unit_test(session__of_a_rolled_back_transaction_is_the_old_one),
        cmocka_unit_test(session__keeps_its_secrets_when_its_row_is_written_again),
        cmocka_unit_test(limit__comes_back_as_it_was_written),
        cmocka_unit_test(parked__holds_no_worker_and_is_polled_when_it_is_due),
        cmocka_unit_test(rescue__parks_a_job_with_a_handle_again_whatever_its_bound),
        cmocka_unit_test(rescue__of_a_job_being_submitted_follows_the_policy),
        cmocka_unit_test(note__of_an_attempt_that_lost_its_job_is_a_conflict),
        cmocka_unit_test(user__and_tokens_go_together),
        cmocka_unit_test(audit__is_a_chain_that_verifies),
        cmocka_unit_test(notice__says_each_thing_once_and_is_tried_until_it_is_told),
    };
    return cmocka_run_group_tests_name("gates", tests, open_store, close_store);
}
