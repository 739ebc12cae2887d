/* SPDX-License-Identifier: MIT
 *
 * What every store engine must do with jobs that run at an authority: note them
 * before they are submitted, park them, hand out their polls, and never forget a
 * handle. See run.h for where the store comes from.
 */
#include "store/run.h"

#include <stdio.h>
#include <string.h>

#define HANDLE "https://lab.example/jobs/7"
#define LATER  (NOW + STK_MINUTE)

/* --- short words --------------------------------------------------------- */

static const struct stk_retry retry = STK_RETRY_DEFAULT;

static struct stk_remote with_handle(stk_time_ns poll_at)
{
    return (struct stk_remote){
        .phase = STK_REMOTE_HANDLE,
        .handle = HANDLE,
        .submitted_at = NOW - 5,
        .poll_at = poll_at,
        .seen_at = NOW - 3,
        .run_ns = 77,
        .polls = 4,
        .fails = 2,
        .gone = true,
        .progress = 0.25,
    };
}

/* How the attempt ends by the rule of model/lifecycle. */
static struct stk_settle ended(const struct stk_claim *of, enum stk_outcome outcome, bool known,
                               const struct stk_remote *remote)
{
    struct stk_attempt_facts facts = { .attempt = of->attempt,
                                       .interruptions = of->interruptions,
                                       .cancel_requested = of->cancel_requested,
                                       .remote_known = known,
                                       .retry = &retry };
    bool completed = outcome == STK_OUTCOME_COMPLETED;
    return (struct stk_settle){
        .id = of->id,
        .attempt_id = of->attempt_id,
        .outcome = outcome,
        .to = stk_lifecycle_settle(&facts, outcome, NOW, 0, 7),
        .result = completed ? "{\"y\":2}" : NULL,
        .result_len = completed ? 7 : 0,
        .remote = remote,
        .exit_status = -1,
    };
}

static enum stk_rc note(const struct stk_claim *of)
{
    begin();
    enum stk_rc rc = stk_store_remote_note(store, of->id, of->attempt_id, NOW, &err);
    commit();
    return rc;
}

static struct stk_claim claim_new(const char *queue)
{
    (void)submit(make_task(queue));
    return claim_one(queue);
}

/* A job that has been submitted and is parked until poll_at. */
static struct stk_claim parked(const char *queue, stk_time_ns poll_at)
{
    struct stk_remote remote = with_handle(poll_at);
    struct stk_claim claim = claim_new(queue);
    OK(note(&claim));
    assert_true(settle(ended(&claim, STK_OUTCOME_PARKED, true, &remote)));
    return claim;
}

/* A remote job as it was read, its texts copied. */
struct seen_remote {
    struct stk_remote remote;
    char handle[128], result[128];
};

static void see_remote(void *context, const struct stk_remote *remote)
{
    struct seen_remote *seen = context;
    seen->remote = *remote;
    (void)snprintf(seen->handle, sizeof(seen->handle), "%s",
                   remote->handle != NULL ? remote->handle : "");
    (void)snprintf(seen->result, sizeof(seen->result), "%s",
                   remote->result != NULL ? remote->result : "");
}

static struct seen_remote remote_of(int64_t id)
{
    struct seen_remote seen;
    OK(stk_store_remote(store, id, see_remote, &seen, &err));
    return seen;
}

static bool is_remote(int64_t id)
{
    struct seen_remote seen;
    return stk_store_remote(store, id, see_remote, &seen, &err) == STK_OK;
}

struct polls {
    struct stk_claim claims[8];
    struct seen_remote remotes[8];
    size_t count;
};

static void keep_poll(void *context, const struct stk_claim *claim)
{
    struct polls *polls = context;
    assert_string_equal(claim->params, "{\"x\":1}");
    see_remote(&polls->remotes[polls->count], &claim->remote);
    polls->claims[polls->count++] = *claim;
}

static size_t poll_in_txn(const char *queue, size_t count, stk_time_ns now, struct polls *ret)
{
    static const uint32_t slots[8] = { 5, 6, 7, 8, 9, 10, 11, 12 };
    size_t got = 0;
    ret->count = 0;
    OK(stk_store_claim_polls(store, queue_id(queue), pool, slots, count, now, keep_poll, ret, &got,
                             &err));
    assert_int_equal(got, ret->count);
    return got;
}

static size_t poll(const char *queue, size_t count, stk_time_ns now, struct polls *ret)
{
    begin();
    size_t got = poll_in_txn(queue, count, now, ret);
    commit();
    return got;
}

static struct stk_claim poll_one(const char *queue, stk_time_ns now)
{
    struct polls polls;
    assert_int_equal(poll(queue, 1, now, &polls), 1);
    return polls.claims[0];
}

static struct stk_bulk cancel(int64_t id)
{
    struct stk_job_range range = { .first = id, .last = id, .state = -1 };
    struct stk_bulk bulk = { 0 };
    begin();
    OK(stk_store_cancel(store, &range, "no need", "ada", NOW, &bulk, NULL, NULL, &err));
    commit();
    return bulk;
}

static struct stk_bounds bound(void *context, const char *task)
{
    (void)task;
    return (struct stk_bounds){ .interruptions_max = 0,
                                .ambiguous = *(enum stk_ambiguous *)context };
}

/* All pools are gone; ours begins anew. */
static struct stk_bulk rescue(enum stk_ambiguous ambiguous)
{
    struct stk_bulk bulk = { 0 };
    begin();
    OK(stk_store_rescue(store, 0, bound, &ambiguous, NOW, &bulk, &err));
    OK(stk_store_pool_start(store, "here", 1, 8, BORN, &pool, &err));
    commit();
    return bulk;
}

struct attempts {
    size_t count;
    char last[32];
};

static void see_attempt(void *context, const struct stk_attempt *attempt)
{
    struct attempts *seen = context;
    (void)snprintf(seen->last, sizeof(seen->last), "%s", attempt->outcome);
    seen->count++;
}

static struct attempts attempts(int64_t id)
{
    struct attempts seen = { 0 };
    OK(stk_store_attempts(store, id, see_attempt, &seen, &err));
    return seen;
}

static int64_t running(const char *queue)
{
    int64_t pending = 0;
    int64_t count = 0;
    OK(stk_store_queue_load(store, queue_id(queue), &pending, &count, &err));
    return count;
}

/* --- noting -------------------------------------------------------------- */

static void claim__of_a_job_that_runs_here_says_nothing_of_elsewhere(void **state)
{
    (void)state;
    struct stk_claim claim = claim_new("here");
    assert_int_equal(claim.remote.phase, STK_REMOTE_NONE);
    assert_false(claim.cancel_requested);
    assert_false(is_remote(claim.id));
    assert_non_null(strstr(err.text, "not at an authority"));
    assert_true(settle(ended(&claim, STK_OUTCOME_COMPLETED, false, NULL)));
}

static void note__is_kept_until_the_attempt_ends(void **state)
{
    (void)state;
    struct stk_claim claim = claim_new("noted");
    OK(note(&claim));
    struct seen_remote seen = remote_of(claim.id);
    assert_int_equal(seen.remote.phase, STK_REMOTE_SUBMITTING);
    assert_int_equal(seen.remote.submitted_at, NOW);
    assert_string_equal(seen.handle, "");
    assert_true(seen.remote.progress < 0);

    assert_true(settle(ended(&claim, STK_OUTCOME_FAILED_FINAL, false, NULL)));
    assert_false(is_remote(claim.id));
}

static void note__of_an_attempt_that_lost_its_job_is_a_conflict(void **state)
{
    (void)state;
    struct stk_claim claim = claim_new("note-lost");
    struct stk_claim other = claim;
    other.attempt_id++;
    assert_int_equal(note(&other), STK_CONFLICT);
    assert_true(settle(ended(&claim, STK_OUTCOME_COMPLETED, false, NULL)));
    assert_int_equal(note(&claim), STK_CONFLICT);
    assert_false(is_remote(claim.id));
}

static void note__of_a_job_with_a_handle_is_a_conflict(void **state)
{
    (void)state;
    (void)parked("note-twice", NOW);
    struct stk_claim claim = poll_one("note-twice", NOW);
    assert_int_equal(note(&claim), STK_CONFLICT);
    assert_string_equal(remote_of(claim.id).handle, HANDLE);
    assert_true(settle(ended(&claim, STK_OUTCOME_COMPLETED, true, NULL)));
}

static void note__that_is_rolled_back_was_never_made(void **state)
{
    (void)state;
    struct stk_claim claim = claim_new("note-undone");
    begin();
    OK(stk_store_remote_note(store, claim.id, claim.attempt_id, NOW, &err));
    stk_store_rollback(store);
    assert_false(is_remote(claim.id));
    assert_true(settle(ended(&claim, STK_OUTCOME_COMPLETED, false, NULL)));
}

/* --- parking ------------------------------------------------------------- */

static void park__keeps_all_that_is_known_and_frees_the_worker(void **state)
{
    (void)state;
    struct stk_claim claim = parked("park", LATER);
    struct seen_remote seen = remote_of(claim.id);
    struct seen job = see(claim.id);

    assert_int_equal(seen.remote.phase, STK_REMOTE_HANDLE);
    assert_string_equal(seen.handle, HANDLE);
    assert_string_equal(seen.result, "");
    assert_int_equal(seen.remote.submitted_at, NOW - 5);
    assert_int_equal(seen.remote.poll_at, LATER);
    assert_int_equal(seen.remote.seen_at, NOW - 3);
    assert_int_equal(seen.remote.run_ns, 77);
    assert_int_equal(seen.remote.polls, 4);
    assert_int_equal(seen.remote.fails, 2);
    assert_true(seen.remote.gone);
    assert_true(seen.remote.progress == 0.25);

    assert_int_equal(job.job.state, STK_STATE_RUNNING);
    assert_int_equal(job.job.worker, 0);
    assert_int_equal(job.job.attempt, 1);
    assert_int_equal(job.job.attempt_id, claim.attempt_id);
    assert_int_equal(job.job.started_at, NOW);
    assert_int_equal(attempts(claim.id).count, 1); /* the one under way */
    assert_int_equal(running("park"), 1);
    assert_int_equal(stk_store_next_poll(store), LATER);

    struct stk_claim poll = poll_one("park", LATER);
    assert_true(settle(ended(&poll, STK_OUTCOME_COMPLETED, true, NULL)));
    assert_int_equal(running("park"), 0);
    assert_int_equal(stk_store_next_poll(store), STK_NEVER);
}

static void park__without_anything_known_fails_the_job(void **state)
{
    (void)state;
    struct stk_claim claim = claim_new("park-nothing");
    assert_true(settle(ended(&claim, STK_OUTCOME_PARKED, true, NULL)));
    assert_int_equal(state_of(claim.id), STK_STATE_FAILED);
    assert_non_null(strstr(see(claim.id).error, "no authority is known"));

    struct stk_remote remote = with_handle(LATER);
    remote.handle = NULL;
    claim = claim_new("park-nothing");
    assert_true(settle(ended(&claim, STK_OUTCOME_PARKED, true, &remote)));
    assert_int_equal(state_of(claim.id), STK_STATE_FAILED);
    assert_false(is_remote(claim.id));
    assert_int_equal(running("park-nothing"), 0);
}

static void settle__that_only_kept_the_pool_from_asking_parks_it_again(void **state)
{
    (void)state;
    static const enum stk_outcome kept[] = { STK_OUTCOME_THROTTLED, STK_OUTCOME_SESSION_LOST,
                                             STK_OUTCOME_INTERRUPTED, STK_OUTCOME_UNKNOWN_TASK };
    (void)parked("again", NOW);
    stk_time_ns now = NOW;
    int64_t id = 0;
    for (size_t i = 0; i < STK_ARRAY_LEN(kept); i++) {
        struct stk_claim claim = poll_one("again", now);
        id = claim.id;
        assert_true(settle(ended(&claim, kept[i], true, NULL)));
        assert_int_equal(state_of(id), STK_STATE_RUNNING);
        assert_string_equal(remote_of(id).handle, HANDLE);
        now = remote_of(id).remote.poll_at;
        /* With nothing new known, only an interruption is worth a poll at once. */
        assert_int_equal(now, kept[i] == STK_OUTCOME_INTERRUPTED ? NOW : NOW + STK_MINUTE);
    }
    struct seen job = see(id);
    assert_int_equal(job.job.throttles, 1);
    assert_int_equal(job.job.session_waits, 1);
    assert_int_equal(job.job.interruptions, 1);
    assert_int_equal(job.job.attempt, 1);
    assert_int_equal(attempts(id).count, 1);

    struct stk_claim last = poll_one("again", now);
    assert_true(settle(ended(&last, STK_OUTCOME_COMPLETED, true, NULL)));
}

static void settle__to_any_other_state_ends_what_is_known(void **state)
{
    (void)state;
    static const struct {
        enum stk_outcome outcome;
        enum stk_state state;
    } ends[] = { { STK_OUTCOME_COMPLETED, STK_STATE_COMPLETED },
                 { STK_OUTCOME_FAILED, STK_STATE_PENDING },
                 { STK_OUTCOME_FAILED_FINAL, STK_STATE_FAILED },
                 { STK_OUTCOME_CANCELLED, STK_STATE_CANCELLED } };
    for (size_t i = 0; i < STK_ARRAY_LEN(ends); i++) {
        struct stk_claim claim = parked("ends", NOW);
        claim = poll_one("ends", NOW);
        assert_true(settle(ended(&claim, ends[i].outcome, true, NULL)));
        assert_int_equal(state_of(claim.id), ends[i].state);
        assert_false(is_remote(claim.id));
        assert_int_equal(running("ends"), 0);
    }
    assert_int_equal(stk_store_next_poll(store), STK_NEVER);
}

/* --- polls --------------------------------------------------------------- */

static void poll__hands_out_what_was_parked_with_a_new_attempt_id(void **state)
{
    (void)state;
    struct stk_remote remote = with_handle(LATER);
    remote.phase = STK_REMOTE_FETCH;
    remote.result = "https://lab.example/results/7";
    struct stk_claim first = claim_new("poll");
    OK(note(&first));
    assert_true(settle(ended(&first, STK_OUTCOME_PARKED, true, &remote)));

    struct polls polls;
    assert_int_equal(poll("poll", 2, LATER - 1, &polls), 0);
    assert_int_equal(poll("poll", 2, LATER, &polls), 1);
    const struct stk_claim *claim = &polls.claims[0];
    assert_int_equal(claim->id, first.id);
    assert_int_not_equal(claim->attempt_id, first.attempt_id);
    assert_int_equal(claim->attempt, 1);
    assert_int_equal(claim->task_id, first.task_id);
    assert_int_equal(claim->slot, 5);
    assert_int_equal(claim->started_at, NOW);
    assert_false(claim->cancel_requested);
    assert_int_equal(polls.remotes[0].remote.phase, STK_REMOTE_FETCH);
    assert_string_equal(polls.remotes[0].handle, HANDLE);
    assert_string_equal(polls.remotes[0].result, "https://lab.example/results/7");
    assert_int_equal(polls.remotes[0].remote.run_ns, 77);

    struct seen job = see(first.id);
    assert_int_equal(job.job.worker, 5);
    assert_int_equal(job.job.attempt_id, claim->attempt_id);
    assert_int_equal(poll("poll", 2, LATER, &polls), 0); /* once */
    assert_false(settle(ended(&first, STK_OUTCOME_COMPLETED, true, NULL)));
    assert_true(settle(ended(claim, STK_OUTCOME_COMPLETED, true, NULL)));
}

static void poll__takes_the_earliest_first_and_only_of_its_queue(void **state)
{
    (void)state;
    struct stk_claim late = parked("order", NOW + 3);
    struct stk_claim early = parked("order", NOW + 1);
    struct stk_claim other = parked("order-other", NOW);
    assert_int_equal(stk_store_next_poll(store), NOW);

    struct polls polls;
    assert_int_equal(poll("order", 1, LATER, &polls), 1);
    assert_int_equal(polls.claims[0].id, early.id);
    assert_int_equal(stk_store_next_poll(store), NOW);
    assert_int_equal(poll("order-other", 8, LATER, &polls), 1);
    assert_int_equal(polls.claims[0].id, other.id);
    assert_int_equal(stk_store_next_poll(store), NOW + 3);
    assert_int_equal(poll("order", 8, LATER, &polls), 1);
    assert_int_equal(polls.claims[0].id, late.id);
    assert_int_equal(stk_store_next_poll(store), STK_NEVER);
    (void)rescue(STK_AMBIGUOUS_QUARANTINE);
    while (stk_store_next_poll(store) != STK_NEVER) {
        struct stk_claim claim;
        const char *queue = poll("order", 1, LATER, &polls) == 1 ? "order" : "order-other";
        if (polls.count == 0) assert_int_equal(poll(queue, 1, LATER, &polls), 1);
        claim = polls.claims[0];
        assert_true(settle(ended(&claim, STK_OUTCOME_COMPLETED, true, NULL)));
    }
}

static void poll__goes_on_while_the_queue_is_paused(void **state)
{
    (void)state;
    (void)parked("paused", NOW);
    begin();
    OK(stk_store_queue_pause(store, "paused", true, NULL, NULL, NOW, &err));
    commit();
    struct stk_claim claim = poll_one("paused", NOW);
    assert_true(settle(ended(&claim, STK_OUTCOME_COMPLETED, true, NULL)));
}

static void poll__that_is_rolled_back_leaves_the_job_parked(void **state)
{
    (void)state;
    struct stk_claim first = parked("poll-undone", NOW);
    struct polls polls;
    begin();
    assert_int_equal(poll_in_txn("poll-undone", 1, NOW, &polls), 1);
    stk_store_rollback(store);
    assert_int_equal(stk_store_next_poll(store), NOW);
    assert_int_equal(see(first.id).job.worker, 0);

    begin();
    OK(stk_store_savepoint(store, &err));
    assert_int_equal(poll_in_txn("poll-undone", 1, NOW, &polls), 1);
    stk_store_savepoint_undo(store);
    commit();
    assert_int_equal(stk_store_next_poll(store), NOW);
    struct stk_claim claim = poll_one("poll-undone", NOW);
    assert_true(settle(ended(&claim, STK_OUTCOME_COMPLETED, true, NULL)));
}

static void running__follows_rollback_and_undo(void **state)
{
    (void)state;
    (void)submit(make_task("alive"));
    assert_int_equal(running("alive"), 0);
    struct stk_claim claim = claim_one("alive");
    assert_int_equal(running("alive"), 1);
    struct stk_settle done = ended(&claim, STK_OUTCOME_COMPLETED, false, NULL);

    begin();
    OK(stk_store_settle(store, &done, 1, NOW, &err));
    assert_int_equal(running("alive"), 0);
    stk_store_rollback(store);
    assert_int_equal(running("alive"), 1);

    begin();
    OK(stk_store_savepoint(store, &err));
    OK(stk_store_settle(store, &done, 1, NOW, &err));
    assert_int_equal(running("alive"), 0);
    stk_store_savepoint_undo(store);
    assert_int_equal(running("alive"), 1);
    commit();
    assert_int_equal(running("alive"), 1);
    assert_true(settle(done));
    assert_int_equal(running("alive"), 0);
}

/* --- cancel -------------------------------------------------------------- */

static void cancel__of_a_parked_job_makes_its_poll_due(void **state)
{
    (void)state;
    struct stk_claim first = parked("cancel-parked", LATER);
    assert_int_equal(cancel(first.id).asked, 1);
    assert_int_equal(state_of(first.id), STK_STATE_RUNNING);
    assert_int_equal(stk_store_next_poll(store), NOW);

    struct stk_claim claim = poll_one("cancel-parked", NOW);
    assert_true(claim.cancel_requested);
    struct stk_remote remote = with_handle(LATER); /* sent; the authority takes its time */
    assert_true(settle(ended(&claim, STK_OUTCOME_PARKED, true, &remote)));
    assert_int_equal(remote_of(claim.id).remote.poll_at, LATER); /* no poll after poll */

    claim = poll_one("cancel-parked", LATER);
    assert_true(claim.cancel_requested);
    assert_true(settle(ended(&claim, STK_OUTCOME_CANCELLED, true, NULL)));
    assert_int_equal(state_of(claim.id), STK_STATE_CANCELLED);
    assert_string_equal(see(claim.id).error, "cancelled by ada: no need");
    assert_false(is_remote(claim.id));
}

static void cancel__during_a_poll_is_handed_out_by_the_next_at_once(void **state)
{
    (void)state;
    (void)parked("cancel-polled", NOW);
    struct stk_claim claim = poll_one("cancel-polled", NOW);
    assert_int_equal(cancel(claim.id).asked, 1);
    struct stk_remote remote = with_handle(LATER);
    assert_true(settle(ended(&claim, STK_OUTCOME_PARKED, true, &remote)));
    assert_int_equal(state_of(claim.id), STK_STATE_RUNNING);
    assert_int_equal(stk_store_next_poll(store), NOW);

    claim = poll_one("cancel-polled", NOW);
    assert_true(claim.cancel_requested);
    assert_true(settle(ended(&claim, STK_OUTCOME_COMPLETED, true, NULL))); /* it was faster */
    assert_int_equal(state_of(claim.id), STK_STATE_COMPLETED);
}

/* --- rescue -------------------------------------------------------------- */

static void rescue__parks_a_job_with_a_handle_however_often(void **state)
{
    (void)state;
    (void)parked("rescued", NOW);
    struct stk_claim claim;
    for (int i = 1; i <= 3; i++) { /* the bound is 0 */
        claim = poll_one("rescued", NOW);
        assert_int_equal(rescue(STK_AMBIGUOUS_QUARANTINE).changed, 1);
        assert_int_equal(state_of(claim.id), STK_STATE_RUNNING);
        assert_int_equal(see(claim.id).job.interruptions, i);
        assert_int_equal(see(claim.id).job.attempt, 1);
        assert_int_equal(stk_store_next_poll(store), NOW);
    }
    assert_string_equal(remote_of(claim.id).handle, HANDLE);
    claim = poll_one("rescued", NOW);
    assert_true(settle(ended(&claim, STK_OUTCOME_COMPLETED, true, NULL)));
}

static void rescue__leaves_a_parked_job_as_it_is(void **state)
{
    (void)state;
    struct stk_claim first = parked("rescue-parked", LATER);
    assert_int_equal(rescue(STK_AMBIGUOUS_QUARANTINE).changed, 0);
    assert_int_equal(see(first.id).job.interruptions, 0);
    assert_int_equal(stk_store_next_poll(store), LATER);
    struct stk_claim claim = poll_one("rescue-parked", LATER);
    assert_true(settle(ended(&claim, STK_OUTCOME_COMPLETED, true, NULL)));
}

static void count_kind(void *context, const struct stk_event *event)
{
    bool is_it = strcmp(event->kind, stk_event_name(STK_EVENT_JOB_AMBIGUOUS)) == 0;
    *(int *)context += is_it ? 1 : 0;
}

static void rescue__quarantines_what_may_have_been_accepted(void **state)
{
    (void)state;
    struct stk_claim claim = claim_new("ambiguous");
    OK(note(&claim));
    assert_int_equal(rescue(STK_AMBIGUOUS_QUARANTINE).changed, 1);
    assert_int_equal(state_of(claim.id), STK_STATE_FAILED);
    char advice[64];
    (void)snprintf(advice, sizeof(advice), "look there, then stoker retry %lld",
                   (long long)claim.id);
    assert_non_null(strstr(see(claim.id).error, advice));
    assert_string_equal(attempts(claim.id).last, "ambiguous");
    int events = 0;
    OK(stk_store_events(store, 0, claim.id, 10, count_kind, &events, &err));
    assert_int_equal(events, 1);
    assert_false(is_remote(claim.id));

    /* A person has looked: it begins afresh. */
    struct stk_job_range range = { .first = claim.id, .last = claim.id, .state = -1 };
    struct stk_bulk bulk = { 0 };
    begin();
    OK(stk_store_retry(store, &range, NULL, "ada", NOW, &bulk, &err));
    commit();
    claim = claim_one("ambiguous");
    assert_int_equal(claim.remote.phase, STK_REMOTE_NONE);
    assert_int_equal(claim.attempt, 1);
    OK(note(&claim));
    assert_true(settle(ended(&claim, STK_OUTCOME_COMPLETED, false, NULL)));
}

static void rescue__submits_again_where_the_task_says_so(void **state)
{
    (void)state;
    struct stk_claim claim = claim_new("resubmit");
    OK(note(&claim));
    enum stk_ambiguous ambiguous = STK_AMBIGUOUS_RESUBMIT;
    struct stk_bulk bulk = { 0 };
    begin();
    OK(stk_store_rescue(store, pool + 1000, bound, &ambiguous, NOW, &bulk, &err));
    OK(stk_store_pool_start(store, "here", 1, 8, BORN, &pool, &err));
    commit();
    assert_int_equal(state_of(claim.id), STK_STATE_FAILED); /* the bound is 0 */
    assert_string_equal(attempts(claim.id).last, "interrupted");
    assert_false(is_remote(claim.id));
}

static void rescue__adopts_where_the_task_says_so(void **state)
{
    (void)state;
    struct stk_claim claim = claim_new("adopt");
    OK(note(&claim));
    assert_int_equal(rescue(STK_AMBIGUOUS_ADOPT).changed, 1);
    assert_int_equal(state_of(claim.id), STK_STATE_RUNNING);
    assert_int_equal(remote_of(claim.id).remote.phase, STK_REMOTE_ADOPTING);
    assert_int_equal(remote_of(claim.id).remote.submitted_at, NOW);

    claim = poll_one("adopt", NOW);
    assert_int_equal(claim.remote.phase, STK_REMOTE_ADOPTING);
    assert_int_equal(rescue(STK_AMBIGUOUS_QUARANTINE).changed, 1); /* died while looking */
    assert_int_equal(remote_of(claim.id).remote.phase, STK_REMOTE_ADOPTING);

    claim = poll_one("adopt", NOW);
    OK(note(&claim)); /* it is not there: submitted once more */
    assert_int_equal(remote_of(claim.id).remote.phase, STK_REMOTE_SUBMITTING);
    assert_true(settle(ended(&claim, STK_OUTCOME_COMPLETED, false, NULL)));
    assert_false(is_remote(claim.id));
}

static void rescue__of_a_job_asked_to_cancel_lets_the_cancel_be_sent(void **state)
{
    (void)state;
    (void)parked("rescue-cancel", NOW);
    struct stk_claim claim = poll_one("rescue-cancel", NOW);
    assert_int_equal(cancel(claim.id).asked, 1);
    (void)rescue(STK_AMBIGUOUS_QUARANTINE);
    assert_int_equal(state_of(claim.id), STK_STATE_RUNNING);
    claim = poll_one("rescue-cancel", NOW);
    assert_true(claim.cancel_requested);
    assert_true(settle(ended(&claim, STK_OUTCOME_CANCELLED, true, NULL)));
}

/* --- the run ------------------------------------------------------------- */

static void reopened__store_knows_its_parked_jobs(void **state)
{
    (void)state;
    struct stk_claim first = parked("reopened", LATER);
    assert_int_equal(run_close(state), 0);
    assert_int_equal(run_open(state), 0);
    assert_int_equal(stk_store_next_poll(store), LATER);
    assert_int_equal(running("reopened"), 1);
    struct stk_claim claim = poll_one("reopened", LATER);
    assert_int_equal(claim.id, first.id);
    assert_true(settle(ended(&claim, STK_OUTCOME_COMPLETED, true, NULL)));
}

static void find_bad(void *context, enum stk_finding level, const char *text)
{
    (void)context;
    if (level == STK_FINDING_BAD) fail_msg("%s", text);
}

static void doctor__finds_nothing_wrong_with_all_of_this(void **state)
{
    (void)state;
    OK(stk_store_doctor(store, true, find_bad, NULL, &err));
}

#define TEST(name) cmocka_unit_test_teardown(name, run_rollback)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(claim__of_a_job_that_runs_here_says_nothing_of_elsewhere),
        TEST(note__is_kept_until_the_attempt_ends),
        TEST(note__of_an_attempt_that_lost_its_job_is_a_conflict),
        TEST(note__of_a_job_with_a_handle_is_a_conflict),
        TEST(note__that_is_rolled_back_was_never_made),
        TEST(park__keeps_all_that_is_known_and_frees_the_worker),
        TEST(park__without_anything_known_fails_the_job),
        TEST(settle__that_only_kept_the_pool_from_asking_parks_it_again),
        TEST(settle__to_any_other_state_ends_what_is_known),
        TEST(poll__hands_out_what_was_parked_with_a_new_attempt_id),
        TEST(poll__takes_the_earliest_first_and_only_of_its_queue),
        TEST(poll__goes_on_while_the_queue_is_paused),
        TEST(poll__that_is_rolled_back_leaves_the_job_parked),
        TEST(running__follows_rollback_and_undo),
        TEST(cancel__of_a_parked_job_makes_its_poll_due),
        TEST(cancel__during_a_poll_is_handed_out_by_the_next_at_once),
        TEST(rescue__parks_a_job_with_a_handle_however_often),
        TEST(rescue__leaves_a_parked_job_as_it_is),
        TEST(rescue__quarantines_what_may_have_been_accepted),
        TEST(rescue__submits_again_where_the_task_says_so),
        TEST(rescue__adopts_where_the_task_says_so),
        TEST(rescue__of_a_job_asked_to_cancel_lets_the_cancel_be_sent),
        TEST(reopened__store_knows_its_parked_jobs),
        TEST(doctor__finds_nothing_wrong_with_all_of_this),
    };
    run_make_file();
    int failed = cmocka_run_group_tests_name("store/remote", tests, run_open, run_close);
    run_remove_file();
    return failed;
}
