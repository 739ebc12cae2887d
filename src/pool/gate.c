/* SPDX-License-Identifier: MIT */
#include "pool/gate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rand.h"
#include "session/record.h"
#include "session/turn.h"

#define LOOK_NS (5 * STK_SECOND)

/* Stands for a queue that no task of the settings uses. */
static const struct stk_task no_limits;

void stk_gates_init(struct stk_gates *gates, const struct stk_settings *settings)
{
    *gates = (struct stk_gates){ .settings = settings };
}

void stk_gates_release(struct stk_gates *gates)
{
    free(gates->of_queue_);
    *gates = (struct stk_gates){ 0 };
}

/* Asked in every round for every queue, so a name is compared once only: ids of
 * queues are small, and a queue keeps its name. */
static const struct stk_task *task_of_queue(struct stk_gates *gates, const struct stk_queue *queue)
{
    size_t id = (size_t)queue->id;
    if (id >= gates->size_) {
        gates->of_queue_ = stk_realloc(gates->of_queue_, id + 1, sizeof(*gates->of_queue_));
        while (gates->size_ <= id) {
            gates->of_queue_[gates->size_++] = NULL;
        }
    }
    if (gates->of_queue_[id] == NULL) {
        const struct stk_task *task = stk_settings_queue(gates->settings, queue->name);
        gates->of_queue_[id] = task != NULL ? task : &no_limits;
    }
    return gates->of_queue_[id];
}

/* Requests of that class fall under it. */
static bool is_under(const struct stk_limit_spec *spec, enum stk_limit_class class_)
{
    return spec->class_ == class_ || spec->class_ == STK_LIMIT_CLASS_ALL;
}

static bool has_limit(const struct stk_task *task, const struct stk_limit_spec *spec)
{
    for (size_t i = 0; i < task->limit_count; i++) {
        if (task->limits[i] == spec) return true;
    }
    return false;
}

/* Attempts alive in all queues that share the limit. */
static enum stk_rc count_in_use(struct stk_gates *gates, struct stk_store *store,
                                const struct stk_limit_spec *spec, int64_t *ret,
                                struct stk_error *err)
{
    const struct stk_queue *queues = NULL;
    size_t count = 0;
    enum stk_rc rc = stk_store_queues(store, &queues, &count, err);
    *ret = 0;
    for (size_t i = 0; rc == STK_OK && i < count; i++) {
        if (!has_limit(task_of_queue(gates, &queues[i]), spec)) continue;
        int64_t pending = 0, running = 0;
        rc = stk_store_queue_load(store, queues[i].id, &pending, &running, err);
        *ret += running;
    }
    return rc;
}

enum stk_rc stk_gate_limit(struct stk_gates *gates, struct stk_store *store,
                           const struct stk_limit_spec *spec, struct stk_limit *ret,
                           int64_t *ret_in_use, struct stk_error *err)
{
    enum stk_rc rc = stk_limit_row(store, spec->name, ret, err);
    return rc == STK_OK ? count_in_use(gates, store, spec, ret_in_use, err) : rc;
}

/* Only a limit that admits none says when to ask again, and of several the last
 * to open counts. One that opens when an attempt ends (STK_NEVER) needs no time:
 * that end makes a round by itself, which asks. */
static void narrow(struct stk_gate *gate, const struct stk_admission *admission)
{
    bool was_closed = gate->admits == 0;
    if (admission->admits < gate->admits) gate->admits = admission->admits;
    if (admission->admits > 0) return;

    bool waits_for_slot = admission->again_at == STK_NEVER;
    if (!was_closed || waits_for_slot) {
        gate->again_at = admission->again_at;
    } else if (gate->again_at != STK_NEVER && admission->again_at > gate->again_at) {
        gate->again_at = admission->again_at;
    }
}

/* It opens when a renewal is written, which makes a round by itself; looking
 * again costs little, and keeps a pool that drains for those who wait. */
static enum stk_rc ask_session(const struct stk_gates *gates, struct stk_store *store,
                               const struct stk_session_spec *spec, stk_time_ns now,
                               struct stk_gate *gate, struct stk_error *err)
{
    struct stk_session session;
    enum stk_rc rc = stk_session_row(store, spec->name, &session, err);
    if (rc != STK_OK) return rc;
    gate->generation = session.generation;
    bool is_ours = gates->vault == NULL || !stk_vault_lacks_key(gates->vault, spec);
    if (is_ours && stk_session_admits(&session, now)) return STK_OK;
    gate->admits = 0;
    gate->again_at = now + LOOK_NS;
    if (is_ours) gate->closed_by = spec->name;
    return STK_OK;
}

static enum stk_rc ask_limits(struct stk_gates *gates, struct stk_store *store,
                              const struct stk_task *task, stk_time_ns now, struct stk_gate *ret,
                              struct stk_error *err)
{
    for (size_t i = 0; i < task->limit_count; i++) {
        struct stk_limit limit;
        int64_t in_use = 0;
        if (!is_under(task->limits[i], STK_LIMIT_CLASS_SUBMIT)) continue;
        enum stk_rc rc = stk_gate_limit(gates, store, task->limits[i], &limit, &in_use, err);
        if (rc != STK_OK) return rc;

        struct stk_admission admission = stk_limit_admit(&limit, task->limits[i], in_use, now);
        if (admission.admits < UINT32_MAX) narrow(ret, &admission);
    }
    return STK_OK;
}

enum stk_rc stk_gate_ask(struct stk_gates *gates, struct stk_store *store,
                         const struct stk_queue *queue, stk_time_ns now, struct stk_gate *ret,
                         struct stk_error *err)
{
    const struct stk_task *task = task_of_queue(gates, queue);
    enum stk_rc rc = STK_OK;
    *ret = (struct stk_gate){ .admits = SIZE_MAX, .again_at = STK_NEVER };
    if (task->limit_count == 0 && task->session == NULL) return STK_OK;

    if (task->session != NULL) rc = ask_session(gates, store, task->session, now, ret, err);
    if (rc == STK_OK && ret->admits > 0) rc = ask_limits(gates, store, task, now, ret, err);
    if (rc != STK_OK) return rc;
    int64_t pending = 0, running = 0;
    rc = stk_store_queue_load(store, queue->id, &pending, &running, err);
    if (pending > 0) return rc;
    ret->again_at = STK_NEVER; /* nobody waits behind it */
    ret->closed_by = NULL;
    return rc;
}

static enum stk_rc take(struct stk_store *store, const struct stk_task *task,
                        enum stk_limit_class class_, size_t count, stk_time_ns now,
                        struct stk_error *err)
{
    for (size_t i = 0; count > 0 && i < task->limit_count; i++) {
        struct stk_limit limit;
        if (!is_under(task->limits[i], class_)) continue;
        enum stk_rc rc = stk_limit_row(store, task->limits[i]->name, &limit, err);
        if (rc != STK_OK) return rc;

        stk_limit_take(&limit, task->limits[i], (uint32_t)count, now);
        rc = stk_store_limit_set(store, &limit, err);
        if (rc != STK_OK) return rc;
    }
    return STK_OK;
}

enum stk_rc stk_gate_took(struct stk_gates *gates, struct stk_store *store,
                          const struct stk_queue *queue, size_t count, stk_time_ns now,
                          struct stk_error *err)
{
    return take(store, task_of_queue(gates, queue), STK_LIMIT_CLASS_SUBMIT, count, now, err);
}

/* --- polls ---------------------------------------------------------------- */

static enum stk_rc ask_poll_limits(struct stk_store *store, const struct stk_task *task,
                                   stk_time_ns now, struct stk_gate *ret, struct stk_error *err)
{
    for (size_t i = 0; i < task->limit_count; i++) {
        const struct stk_limit_spec *spec = task->limits[i];
        bool asks = is_under(spec, STK_LIMIT_CLASS_POLL) || is_under(spec, STK_LIMIT_CLASS_READ);
        struct stk_limit limit;
        if (!asks) continue;
        enum stk_rc rc = stk_limit_row(store, spec->name, &limit, err);
        if (rc != STK_OK) return rc;
        struct stk_admission admission = stk_limit_admit(&limit, spec, 0, now);
        if (admission.admits < UINT32_MAX) narrow(ret, &admission);
    }
    return STK_OK;
}

enum stk_rc stk_gate_ask_polls(struct stk_gates *gates, struct stk_store *store,
                               const struct stk_queue *queue, stk_time_ns now, struct stk_gate *ret,
                               struct stk_error *err)
{
    const struct stk_task *task = task_of_queue(gates, queue);
    enum stk_rc rc = STK_OK;
    *ret = (struct stk_gate){ .admits = SIZE_MAX, .again_at = STK_NEVER };
    if (task->session != NULL) rc = ask_session(gates, store, task->session, now, ret, err);
    if (rc != STK_OK || ret->admits == 0) return rc;
    return ask_poll_limits(store, task, now, ret, err);
}

enum stk_rc stk_gate_took_polls(struct stk_gates *gates, struct stk_store *store,
                                const struct stk_queue *queue, size_t count, stk_time_ns now,
                                struct stk_error *err)
{
    return take(store, task_of_queue(gates, queue), STK_LIMIT_CLASS_POLL, count, now, err);
}

/* --- what an outcome says ------------------------------------------------ */

/* An executor that saw the answers says it itself. A command's exit status says
 * two things of an authority: told to come back later, or let through. A failure
 * of its own says nothing. */
static struct stk_signal signal_of(const struct stk_heard *heard, stk_time_ns now)
{
    const struct stk_exec_result *ended = heard->ended;
    struct stk_signal signal = { .class_ = STK_LIMIT_CLASS_SUBMIT,
                                 .sent_at = heard->sent_at,
                                 .remaining = -1 };
    if (ended->signal.kind != STK_SIGNAL_NONE) {
        signal = ended->signal;
        signal.sent_at += heard->ahead_ns;
        return signal;
    }
    if (ended->outcome == STK_OUTCOME_COMPLETED) signal.kind = STK_SIGNAL_OK;
    if (ended->outcome != STK_OUTCOME_THROTTLED) return signal;

    signal.kind = STK_SIGNAL_THROTTLED;
    signal.has_retry_after = ended->until_said;
    signal.retry_after_ns = heard->until > now ? heard->until - now : 0;
    (void)snprintf(signal.reason, sizeof(signal.reason), "%.*s", (int)sizeof(signal.reason) - 1,
                   ended->error);
    return signal;
}

static enum stk_rc say_changed(struct stk_store *store, const struct stk_limit *limit,
                               const struct stk_limit_spec *spec, int64_t in_use, stk_time_ns now,
                               struct stk_error *err)
{
    char text[400];
    stk_limit_sentence(limit, spec, in_use, now, text, sizeof(text));
    const struct stk_event event = { .text = text };
    enum stk_event_kind kind =
        limit->blocked_until > now ? STK_EVENT_LIMIT_CLOSED : STK_EVENT_LIMIT_OPENED;
    return stk_store_event(store, kind, &event, now, err);
}

static enum stk_rc tell_limit(struct stk_gates *gates, struct stk_store *store,
                              const struct stk_limit_spec *spec, const struct stk_signal *signal,
                              size_t refused, stk_time_ns now, stk_time_ns *until,
                              struct stk_error *err)
{
    struct stk_limit limit;
    int64_t in_use = 0;
    enum stk_rc rc = stk_gate_limit(gates, store, spec, &limit, &in_use, err);
    if (rc != STK_OK) return rc;

    struct stk_limit before = limit;
    if (signal->kind == STK_SIGNAL_SLOTS_FULL) in_use -= (int64_t)refused;
    if (signal->class_ == STK_LIMIT_CLASS_READ) stk_limit_take(&limit, spec, 1, now);
    bool is_news = stk_limit_signal(&limit, spec, signal, in_use, now, stk_rand_u64());
    if (signal->kind == STK_SIGNAL_THROTTLED) {
        stk_time_ns turn = stk_limit_turn(&limit, spec, now, stk_rand_u64());
        if (turn > *until) *until = turn;
    }
    if (memcmp(&before, &limit, sizeof(limit)) == 0) return STK_OK; /* a quiet OK, as most are */
    rc = stk_store_limit_set(store, &limit, err);
    if (rc == STK_OK && is_news) rc = say_changed(store, &limit, spec, in_use, now, err);
    return rc;
}

static enum stk_rc tell_limits(struct stk_gates *gates, struct stk_store *store,
                               struct stk_heard *heard, stk_time_ns now, struct stk_error *err)
{
    const struct stk_signal signal = signal_of(heard, now);
    if (signal.kind == STK_SIGNAL_NONE) return STK_OK;

    /* Its turn, and not what the authority said: that may be beyond the maximum. */
    stk_time_ns turn = 0;
    for (size_t i = 0; i < heard->task->limit_count; i++) {
        const struct stk_limit_spec *spec = heard->task->limits[i];
        if (!is_under(spec, signal.class_)) continue;
        enum stk_rc rc = tell_limit(gates, store, spec, &signal, heard->refused, now, &turn, err);
        if (rc != STK_OK) return rc;
    }
    if (turn > 0) heard->until = turn;
    return STK_OK;
}

/* How often this job was refused with this generation, this time included. A
 * round that is written once more tells of the same attempt again. */
static uint32_t count_refusal(struct stk_gates *gates, const struct stk_heard *heard)
{
    struct stk_refused_job *place = NULL;
    for (size_t i = 0; i < STK_ARRAY_LEN(gates->refused_); i++) {
        if (gates->refused_[i].id == heard->job_id) place = &gates->refused_[i];
    }
    if (place == NULL) {
        place = &gates->refused_[gates->refused_next_++ % STK_ARRAY_LEN(gates->refused_)];
        *place = (struct stk_refused_job){ .id = heard->job_id };
    }
    if (place->generation != heard->generation) place->times = 0;
    place->generation = heard->generation;
    if (place->attempt_id != heard->attempt_id) place->times++;
    place->attempt_id = heard->attempt_id;
    return place->times;
}

/* The keeper finds out whether the session is lost; until then nothing starts. A
 * report about an older generation changes nothing: its job starts anew with the
 * present one. */
static enum stk_rc tell_session(struct stk_gates *gates, struct stk_store *store,
                                struct stk_heard *heard, stk_time_ns now, struct stk_error *err)
{
    if (count_refusal(gates, heard) >= STK_REFUSALS_MAX) {
        heard->outcome = STK_OUTCOME_FAILED_FINAL;
        heard->why = "refused again and again with a session that is good: it is the job's own";
        return STK_OK;
    }
    const struct stk_session_change change = {
        .spec = heard->task->session,
        .event = STK_SESSION_ON_REPORTED_LOST,
        .news = { .generation = heard->generation, .reason = heard->ended->error },
    };
    struct stk_session row;
    bool applied = false;
    enum stk_rc rc = stk_session_record(store, &change, now, &row, &applied, err);
    if (applied) gates->session_changed = true;
    return rc;
}

enum stk_rc stk_gate_heard(struct stk_gates *gates, struct stk_store *store,
                           struct stk_heard *heard, stk_time_ns now, struct stk_error *err)
{
    enum stk_rc rc = STK_OK;
    bool is_lost = heard->outcome == STK_OUTCOME_SESSION_LOST && heard->task->session != NULL;
    if (is_lost) rc = tell_session(gates, store, heard, now, err);
    if (rc == STK_OK && heard->task->limit_count > 0) {
        rc = tell_limits(gates, store, heard, now, err);
    }
    return rc;
}
