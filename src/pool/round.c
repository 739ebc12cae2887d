/* SPDX-License-Identifier: MIT
 *
 * A round, from top to bottom: call, settle, linger, promote, beat, claim, commit.
 */
#include "pool/round.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/fault.h"
#include "base/rand.h"
#include "store/hints.h"

#define LINGER_MAX_NS (2 * STK_MS)
#define HELD_LOOK_NS  STK_SECOND
#define NAP_NS        (2 * STK_MS) /* at most, before a round is run again */
enum {
    LINGER_SKIP_MAX = 63,
    HALVES_ROUNDS = 64,
    CLAIM_TRIES = 8,
    PROMOTE_CHUNK = 1000,
    ROUND_TRIES = 8
};

/* --- the steps of a round ------------------------------------------------ */

/* Errors after which nothing else of this round can be written either. */
static bool is_store_trouble(enum stk_rc rc)
{
    return rc == STK_FULL || rc == STK_UNAVAILABLE;
}

static enum stk_rc run_one_call(struct stk_desk *desk, struct stk_call *call, stk_time_ns now,
                                struct stk_error *err)
{
    struct stk_store *store = desk->options.store;
    enum stk_rc rc = stk_store_savepoint(store, err);
    if (rc != STK_OK) return rc;

    call->err = (struct stk_error){ 0 };
    call->rc = call->fn(store, call->arg, now, &call->err);
    if (call->rc == STK_OK) return stk_store_savepoint_keep(store, err);
    bool again = call->rc == STK_BUSY && desk->tries_left > 0;
    if (is_store_trouble(call->rc) || again) {
        *err = call->err;
        return call->rc;
    }
    stk_store_savepoint_undo(store);
    return STK_OK;
}

static enum stk_rc run_calls(struct stk_desk *desk, stk_time_ns now, struct stk_error *err)
{
    for (; *desk->unrun != NULL; desk->unrun = &(*desk->unrun)->next) {
        enum stk_rc rc = run_one_call(desk, *desk->unrun, now, err);
        if (rc != STK_OK) return rc;
        desk->hungry = true; /* it may have submitted, resumed, retried */
    }
    return STK_OK;
}

static bool is_known(const struct stk_remote *remote)
{
    return remote->phase != STK_REMOTE_NONE && remote->phase != STK_REMOTE_SUBMITTING;
}

static stk_time_ns shift(stk_time_ns at, stk_time_ns by)
{
    return at == 0 || at == STK_NEVER ? at : at + by;
}

/* Executors know this machine's clock only, the store its own. */
static void shift_remote(struct stk_remote *remote, stk_time_ns by)
{
    remote->submitted_at = shift(remote->submitted_at, by);
    remote->poll_at = shift(remote->poll_at, by);
    remote->seen_at = shift(remote->seen_at, by);
}

/* What is known of it elsewhere now; NULL: what was known before stays, if it
 * goes on at all. One that was throttled has a turn of its own. */
static const struct stk_remote *remote_of(struct stk_slot *slot, const struct stk_heard *heard)
{
    slot->remote = slot->ended->remote;
    if (!is_known(&slot->remote)) return NULL;
    shift_remote(&slot->remote, heard->ahead_ns);
    if (heard->outcome == STK_OUTCOME_THROTTLED) slot->remote.poll_at = heard->until;
    return &slot->remote;
}

static struct stk_settle settle_of(struct stk_slot *slot, const struct stk_heard *heard,
                                   stk_time_ns now)
{
    const struct stk_exec_result *ended = slot->ended;
    const char *error = heard->why != NULL ? heard->why : ended->error;
    const struct stk_attempt_facts facts = {
        .attempt = slot->job.attempt,
        .interruptions = slot->job.interruptions,
        .cancel_requested = slot->cancel_requested,
        .remote_known = is_known(&ended->remote) || is_known(&slot->job.remote),
        .retry = &slot->job.task->retry,
    };
    uint64_t dice = ended->outcome == STK_OUTCOME_COMPLETED ? 0 : stk_rand_u64();
    return (struct stk_settle){
        .id = slot->job.id,
        .attempt_id = slot->job.attempt_id,
        .outcome = heard->outcome,
        .to = stk_lifecycle_settle(&facts, heard->outcome, now, heard->until, dice),
        .result = ended->result.len > 0 ? ended->result.data : NULL,
        .result_len = ended->result.len,
        .result_is_text = ended->result_is_text,
        .error = error[0] != '\0' ? error : NULL,
        .tail = ended->tail.data,
        .tail_len = ended->tail.len,
        .exit_status = ended->exit_status,
        .remote = remote_of(slot, heard),
    };
}

/* How many of them ran into what is full: the authority has not accepted those. */
static size_t count_refused(struct stk_slot *const *slots, size_t count)
{
    size_t refused = 0;
    for (size_t i = 0; i < count; i++) {
        refused += slots[i]->ended->signal.kind == STK_SIGNAL_SLOTS_FULL;
    }
    return refused;
}

/* Writes the outcomes that are not yet in this transaction; their workers are
 * idle from here on. */
static enum stk_rc settle_reports(struct stk_desk *desk, stk_time_ns now, struct stk_error *err)
{
    size_t first = desk->settled;
    size_t refused = count_refused(desk->reports + first, desk->report_count - first);
    for (size_t i = first; i < desk->report_count; i++) {
        struct stk_slot *slot = desk->reports[i];
        struct stk_heard heard = {
            .task = slot->job.task,
            .job_id = slot->job.id,
            .attempt_id = slot->job.attempt_id,
            .generation = slot->ended->generation,
            .sent_at = slot->job.started_at,
            .ended = slot->ended,
            .refused = refused,
            .outcome = slot->ended->outcome,
            .until = shift(slot->ended->until, desk->ahead_ns),
            .ahead_ns = desk->ahead_ns,
        };
        enum stk_rc rc = stk_gate_heard(&desk->gates, desk->options.store, &heard, now, err);
        if (rc != STK_OK) return rc;
        desk->settles[i] = settle_of(slot, &heard, now);
    }
    enum stk_rc rc = stk_store_settle(desk->options.store, desk->settles + first,
                                      desk->report_count - first, now, err);
    if (rc != STK_OK) return rc;
    desk->settled = desk->report_count;
    return STK_OK;
}

/* Where jobs are long, lingering is no use: it is then tried ever more seldom. */
static void learn_use(struct stk_desk *desk, bool of_use)
{
    desk->linger_skip = of_use ? 0 : desk->linger_skip * 2 + 1;
    if (desk->linger_skip > LINGER_SKIP_MAX) desk->linger_skip = LINGER_SKIP_MAX;
    desk->linger_wait = desk->linger_skip;
}

/* Waiting for all costs the time until the last is back, and saves a commit and
 * what a second round costs besides. */
static void learn_halves(struct stk_desk *desk, stk_time_ns commit_ns, stk_time_ns mono)
{
    desk->back_ns += (mono - desk->handed_at - desk->back_ns) / 8;
    if (desk->back_ns > commit_ns * 5 / 4) desk->halves = HALVES_ROUNDS;
}

/* The desk that commits the moment the first worker is back makes small
 * batches. So it waits for those it has just served, as long as they keep
 * coming, and writes their outcomes meanwhile: for all of them where a commit
 * costs more than that wait; else until half are back, so that the others come
 * back during the commit (docs/decisions/0004-desk.md). A worker that was served
 * alone is never kept. */
static enum stk_rc linger(struct stk_desk *desk, stk_time_ns now, struct stk_error *err)
{
    if (desk->fresh == 0) return STK_OK;
    if (desk->linger_wait > 0) {
        desk->linger_wait--;
        return STK_OK;
    }
    bool halves = desk->halves > 0;
    stk_time_ns commit_ns = desk->commit_ns < LINGER_MAX_NS ? desk->commit_ns : LINGER_MAX_NS;
    stk_time_ns gap_ns = commit_ns / 4 + 30 * STK_US;
    stk_time_ns mono = stk_clock_mono(), end = mono + 2 * commit_ns, gap_end = mono + gap_ns;
    size_t before = desk->report_count;

    while (desk->fresh > (halves ? desk->report_count : 0) && mono < end && mono < gap_end) {
        size_t missing = desk->fresh - (halves ? desk->report_count : 0);
        stk_desk_await(desk, (int)(missing + 1) / 2, gap_end - mono);
        bool came = stk_desk_gather(desk) > 0; /* the ring may be one from before */
        enum stk_rc rc = came ? run_calls(desk, now, err) : STK_OK;
        if (rc == STK_OK && came) rc = settle_reports(desk, now, err);
        if (rc != STK_OK) return rc;
        mono = stk_clock_mono();
        if (came) gap_end = mono + gap_ns;
    }
    bool of_use = desk->report_count > before || desk->fresh == 0;
    if (!halves) learn_use(desk, of_use);
    if (!halves && of_use) learn_halves(desk, commit_ns, mono);
    if (halves) desk->halves--;
    return STK_OK;
}

static enum stk_rc promote(struct stk_desk *desk, stk_time_ns now, struct stk_error *err)
{
    stk_time_ns due = stk_store_next_due(desk->options.store);
    if (due == STK_NEVER || due > now) return STK_OK;

    size_t moved = 0;
    enum stk_rc rc = stk_store_promote(desk->options.store, now, PROMOTE_CHUNK, &moved, err);
    if (rc == STK_OK && moved > 0) desk->hungry = true;
    return rc;
}

static const struct stk_task *task_of(struct stk_desk *desk, int64_t task_id)
{
    if (task_id < 0 || (size_t)task_id >= desk->task_count) return NULL;
    return desk->tasks[task_id];
}

static const char *copy_text(struct stk_buf *buf, const char *text)
{
    stk_buf_clear(buf);
    if (text == NULL) return NULL;
    stk_buf_adds(buf, text);
    return stk_buf_str(buf);
}

static void copy_remote(const struct stk_claim *claim, stk_time_ns ahead_ns,
                        struct stk_assignment *job)
{
    job->cancel_requested = claim->cancel_requested;
    job->remote = claim->remote;
    if (claim->remote.phase == STK_REMOTE_NONE) return;
    shift_remote(&job->remote, -ahead_ns);
    job->remote.handle = copy_text(&job->handle, claim->remote.handle);
    job->remote.result = copy_text(&job->result_at, claim->remote.result);
}

static void take_claim(void *context, const struct stk_claim *claim)
{
    struct stk_desk *desk = context;
    const struct stk_task *task = task_of(desk, claim->task_id);
    if (task == NULL) {
        const struct stk_retry retry = STK_RETRY_DEFAULT;
        const struct stk_attempt_facts facts = { .attempt = claim->attempt,
                                                 .remote_known = is_known(&claim->remote),
                                                 .retry = &retry };
        desk->unknown[desk->unknown_count++] = (struct stk_settle){
            .id = claim->id,
            .attempt_id = claim->attempt_id,
            .outcome = STK_OUTCOME_UNKNOWN_TASK,
            .to = stk_lifecycle_settle(&facts, STK_OUTCOME_UNKNOWN_TASK, claim->started_at, 0, 0),
            .exit_status = -1,
        };
        return;
    }
    struct stk_slot *slot = &desk->slots[claim->slot - 1];
    struct stk_assignment *job = &slot->next;
    job->task = task;
    job->pool_id = desk->options.pool_id;
    job->id = claim->id;
    job->attempt_id = claim->attempt_id;
    job->sweep_id = claim->sweep_id;
    job->attempt = claim->attempt;
    job->interruptions = claim->interruptions;
    job->generation = desk->generation;
    job->started_at = claim->started_at;
    stk_buf_clear(&job->params);
    stk_buf_add(&job->params, claim->params, claim->params_len);
    copy_remote(claim, desk->ahead_ns, job);
    desk->claimed[desk->claimed_count++] = slot;
}

static void offer(struct stk_desk *desk, struct stk_slot *const *slots, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (slots[i]->next.id == 0) desk->numbers[desk->offered++] = slots[i]->worker;
    }
}

/* The workers that wait and have got nothing in this round. */
static size_t offer_waiting(struct stk_desk *desk)
{
    desk->offered = 0;
    offer(desk, desk->idle, desk->idle_count);
    offer(desk, desk->reports, desk->report_count);
    return desk->offered;
}

/* What of `left` free workers the queue's limits let it have. */
static enum stk_rc ask_gate(struct stk_desk *desk, const struct stk_queue *queue, stk_time_ns now,
                            size_t *left, struct stk_error *err)
{
    struct stk_gate gate = { 0 };
    enum stk_rc rc = stk_gate_ask(&desk->gates, desk->options.store, queue, now, &gate, err);
    desk->generation = gate.generation;
    if (gate.closed_by != NULL) desk->closed = gate.closed_by;
    if (rc != STK_OK || gate.admits >= *left) return rc;
    *left = gate.admits;
    if (gate.again_at == STK_NEVER) return STK_OK;
    if (desk->gate_at == STK_NEVER || gate.again_at < desk->gate_at) desk->gate_at = gate.again_at;
    return STK_OK;
}

/* *wait_until: when to look again for what the gate keeps, STK_NEVER: it keeps none. */
static enum stk_rc claim_polls_of(struct stk_desk *desk, const struct stk_queue *queue,
                                  stk_time_ns now, stk_time_ns *wait_until, struct stk_error *err)
{
    struct stk_store *store = desk->options.store;
    struct stk_gate gate = { 0 };
    size_t want = offer_waiting(desk), got = 0;
    if (want == 0) return STK_OK;
    enum stk_rc rc = stk_gate_ask_polls(&desk->gates, store, queue, now, &gate, err);
    if (rc != STK_OK) return rc;
    if (gate.admits < want) {
        stk_time_ns again_at = now + HELD_LOOK_NS;
        if (gate.again_at != STK_NEVER && gate.again_at < again_at) again_at = gate.again_at;
        if (*wait_until == STK_NEVER || again_at < *wait_until) *wait_until = again_at;
        want = gate.admits;
    }
    if (want == 0) return STK_OK;
    desk->generation = gate.generation;
    rc = stk_store_claim_polls(store, queue->id, desk->options.pool_id, desk->numbers, want, now,
                               take_claim, desk, &got, err);
    return rc == STK_OK ? stk_gate_took_polls(&desk->gates, store, queue, got, now, err) : rc;
}

/* Before anything new is started: what runs elsewhere holds slots there. A
 * paused queue is asked for too, it only starts nothing. */
static enum stk_rc claim_polls(struct stk_desk *desk, stk_time_ns now, struct stk_error *err)
{
    struct stk_store *store = desk->options.store;
    desk->held_at = STK_NEVER;
    stk_time_ns due = stk_store_next_poll(store);
    if (due == STK_NEVER || due > now) return STK_OK;

    const struct stk_queue *queues = NULL;
    size_t count = 0;
    stk_time_ns wait_until = STK_NEVER;
    enum stk_rc rc = stk_store_queues(store, &queues, &count, err);
    for (size_t i = 0; i < count && rc == STK_OK; i++) {
        rc = claim_polls_of(desk, &queues[(desk->turn + i) % count], now, &wait_until, err);
    }
    due = stk_store_next_poll(store);
    if (due != STK_NEVER && due <= now) desk->held_at = wait_until;
    return rc;
}

/* One walk over the queues, each offered its share of the workers that wait, or
 * all of them when `greedy`. *ret_more: some queue may hold more. */
static enum stk_rc claim_walk(struct stk_desk *desk, bool greedy, stk_time_ns now, bool *ret_more,
                              struct stk_error *err)
{
    const struct stk_queue *queues = NULL;
    size_t count = 0;
    enum stk_rc rc = stk_store_queues(desk->options.store, &queues, &count, err);
    if (rc != STK_OK) return rc;

    *ret_more = false;
    for (size_t i = 0; i < count; i++) {
        const struct stk_queue *queue = &queues[(desk->turn + i) % count];
        size_t left = queue->paused ? 0 : offer_waiting(desk);
        if (left == 0) continue;
        size_t want = greedy ? left : (left + (count - i) - 1) / (count - i), got = 0;
        rc = ask_gate(desk, queue, now, &want, err);
        if (rc != STK_OK) return rc;
        if (want == 0) continue;
        rc = stk_store_claim(desk->options.store, queue->id, desk->options.pool_id, desk->numbers,
                             want, now, take_claim, desk, &got, err);
        if (rc == STK_OK) {
            rc = stk_gate_took(&desk->gates, desk->options.store, queue, got, now, err);
        }
        if (rc != STK_OK) return rc;
        if (got == want) *ret_more = true;
    }
    return STK_OK;
}

/* Jobs of tasks that this pool does not know are put aside in the transaction
 * that claimed them, so that they neither run nor stand in the way. */
static enum stk_rc hold_unknown(struct stk_desk *desk, stk_time_ns now, struct stk_error *err)
{
    if (desk->unknown_count == 0) return STK_OK;
    enum stk_rc rc =
        stk_store_settle(desk->options.store, desk->unknown, desk->unknown_count, now, err);
    desk->unknown_count = 0;
    return rc;
}

static void want_next(struct stk_slot *const *slots, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        slots[i]->next.id = 0;
    }
}

static enum stk_rc claim(struct stk_desk *desk, stk_time_ns now, struct stk_error *err)
{
    desk->claimed_count = desk->unknown_count = 0;
    want_next(desk->idle, desk->idle_count);
    want_next(desk->reports, desk->report_count);
    if (atomic_load(&desk->stop_level) != STK_GO_ON) return STK_OK;

    desk->gate_at = STK_NEVER;
    desk->closed = NULL;
    enum stk_rc polled = claim_polls(desk, now, err);
    if (polled == STK_OK) polled = hold_unknown(desk, now, err);
    if (polled != STK_OK) return polled;

    bool more = true;
    for (int tries = 0; more && offer_waiting(desk) > 0 && tries < CLAIM_TRIES; tries++) {
        enum stk_rc rc = claim_walk(desk, tries > 0, now, &more, err);
        if (rc == STK_OK) rc = hold_unknown(desk, now, err);
        if (rc != STK_OK) return rc;
    }
    atomic_store(&desk->waits_for, desk->closed);
    desk->hungry = more;
    desk->turn++;
    return STK_OK;
}

/* --- the round ----------------------------------------------------------- */

static enum stk_rc write_round(struct stk_desk *desk, stk_time_ns now, struct stk_error *err)
{
    enum stk_rc rc = run_calls(desk, now, err);
    if (rc == STK_OK) rc = stk_pause_note_end(desk, now, err);
    if (rc == STK_OK) rc = settle_reports(desk, now, err);
    if (rc == STK_OK) rc = linger(desk, now, err);
    (void)stk_fault(STK_FAULT_ROUND_SETTLED);
    if (rc == STK_OK) rc = promote(desk, now, err);
    if (rc == STK_OK) rc = stk_life_write(desk, now, err);
    if (rc == STK_OK) rc = claim(desk, now, err);
    (void)stk_fault(STK_FAULT_ROUND_CLAIMED);
    return rc;
}

/* *ret_now: the time of all that is due in it, as the store has it. */
static enum stk_rc try_round(struct stk_desk *desk, stk_time_ns *ret_now, struct stk_error *err)
{
    struct stk_store *store = desk->options.store;
    desk->settled = 0;
    desk->unrun = &desk->calls;
    desk->life.sent_at = stk_clock_mono();
    enum stk_rc rc = stk_store_begin(store, err);
    if (rc != STK_OK) return rc;

    *ret_now = stk_store_now(store);
    desk->ahead_ns = desk->is_shared ? *ret_now - stk_clock_now() : 0;
    (void)stk_fault(STK_FAULT_ROUND_BEGUN);
    rc = write_round(desk, *ret_now, err);
    if (rc != STK_OK) {
        stk_store_rollback(store);
        return rc;
    }
    stk_time_ns before = stk_clock_mono();
    rc = stk_store_commit(store, err);
    stk_time_ns took_ns = stk_clock_mono() - before;
    desk->commit_ns += (took_ns - desk->commit_ns) / 8;
    return rc;
}

/* Another one that writes to a shared store was in the way: one of the two comes
 * again, at once, and not at the same moment. */
static enum stk_rc try_often(struct stk_desk *desk, stk_time_ns *ret_now, struct stk_error *err)
{
    desk->tries_left = desk->is_shared ? ROUND_TRIES - 1 : 0;
    enum stk_rc rc = try_round(desk, ret_now, err);
    for (; rc == STK_BUSY && desk->tries_left > 0; rc = try_round(desk, ret_now, err)) {
        (void)stk_bell_wait(&desk->nap, (stk_time_ns)stk_rand_below(NAP_NS));
        desk->tries_left--;
    }
    return rc;
}

static void round_failed(struct stk_desk *desk, enum stk_rc rc, const struct stk_error *err)
{
    if (desk->life.is_taken) {
        stk_lifeline_cut(desk->life.line);
        return;
    }
    stk_handout_answer(desk, rc, err);
    stk_round_pause(desk, err);
}

void stk_round_run(struct stk_desk *desk)
{
    stk_time_ns now = 0;
    struct stk_error err = { 0 };
    enum stk_rc rc = try_often(desk, &now, &err);
    if (rc != STK_OK) {
        round_failed(desk, rc, &err);
        return;
    }
    stk_life_written(desk);
    stk_handout_answer(desk, STK_OK, NULL);
    if (desk->gates.session_changed && desk->options.session_changed != NULL) {
        desk->options.session_changed(desk->options.context);
    }
    desk->gates.session_changed = false;
    stk_pause_end(desk);
    stk_handout_reports(desk, now);
    stk_handout_jobs(desk);
    stk_listener_tell(desk->options.listener, stk_store_hints(desk->options.store));
}
