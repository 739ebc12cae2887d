/* SPDX-License-Identifier: MIT */
#include "pool/life.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "pool/poll.h"
#include "pool/round.h"
#include "pool/said.h"
#include "store/access.h"

#define BEAT_NS   (10 * STK_SECOND) /* on SQLite: for people */
#define RESCUE_NS (5 * STK_SECOND)
#define AGAIN_NS  STK_SECOND
#define HUSH_NS   (2 * STK_SECOND) /* between beats that only say another state */

static stk_time_ns end_of(const struct stk_life *life, stk_time_ns sent_at)
{
    return sent_at + life->lease_ns - stk_lease_margin(life->lease_ns);
}

/* --- start and stop ------------------------------------------------------ */

/* On the lifeline's thread. */
static void end_attempts(void *context)
{
    struct stk_desk *desk = context;
    stk_desk_interrupt(desk, STK_STOP_NOW);
    stk_bell_ring(&desk->bell);
}

enum stk_rc stk_life_start(struct stk_desk *desk, struct stk_error *err)
{
    struct stk_life *life = &desk->life;
    life->lease_ns = stk_store_lease(desk->options.store);
    desk->is_shared = life->lease_ns != STK_NEVER;
    life->beat_ns = desk->is_shared ? life->lease_ns / 3 : BEAT_NS;
    if (!desk->is_shared) return STK_OK;
    return stk_lifeline_start(end_of(life, desk->options.born_at), end_attempts, desk, &life->line,
                              err);
}

void stk_life_stop(struct stk_desk *desk)
{
    stk_lifeline_stop(desk->life.line);
    desk->life.line = NULL;
}

enum stk_rc stk_life_check_in(struct stk_store *store, uint32_t workers, stk_time_ns now,
                              int64_t *ret_id, struct stk_error *err)
{
    char host[256] = "";
    (void)gethostname(host, sizeof(host) - 1);
    return stk_store_pool_start(store, host, getpid(), workers, now, ret_id, err);
}

/* --- in a round ---------------------------------------------------------- */

/* People wait to see a stop, and it comes once. */
static stk_time_ns beat_due_at(const struct stk_desk *desk)
{
    const struct stk_life *life = &desk->life;
    if (!desk->is_shared) return life->beat_at;
    enum stk_pool_state state = stk_said_state(desk);
    if (state == life->told) return life->beat_at;
    stk_time_ns at = state == STK_POOL_STOPPING ? 0 : life->told_at + HUSH_NS;
    return at < life->beat_at ? at : life->beat_at;
}

stk_time_ns stk_life_due_at(const struct stk_desk *desk)
{
    stk_time_ns beat_at = beat_due_at(desk);
    bool rescues_first = desk->is_shared && desk->life.rescue_at < beat_at;
    return rescues_first ? desk->life.rescue_at : beat_at;
}

bool stk_life_is_due(const struct stk_desk *desk, stk_time_ns mono)
{
    bool looks = desk->is_shared && mono >= desk->life.cancel_at;
    return looks || mono >= stk_life_due_at(desk);
}

void stk_life_look(struct stk_desk *desk)
{
    desk->life.cancel_at = 0;
}

static enum stk_rc beat(struct stk_desk *desk, stk_time_ns mono, stk_time_ns now,
                        struct stk_error *err)
{
    struct stk_life *life = &desk->life;
    struct stk_pool_said said;
    char reason[400];
    if (mono < beat_due_at(desk)) return STK_OK;
    stk_said_make(desk, reason, sizeof(reason), &said);
    life->telling = said.state;
    enum stk_rc rc =
        stk_store_pool_beat(desk->options.store, desk->options.pool_id, &said, now, err);
    life->beaten = rc == STK_OK;
    life->is_taken = desk->is_shared && rc == STK_CONFLICT;
    return rc;
}

static enum stk_rc rescue(struct stk_desk *desk, stk_time_ns mono, stk_time_ns now,
                          struct stk_error *err)
{
    struct stk_life *life = &desk->life;
    if (desk->options.bound == NULL || mono < life->rescue_at) return STK_OK;
    life->rescue_next = life->rescue;
    life->rescued = true;
    return stk_store_rescue(desk->options.store, desk->options.pool_id, desk->options.bound,
                            desk->options.context, now, &life->rescue_next, err);
}

/* It is durable already that they are to be cancelled. */
static void cancel_one(void *context, int64_t job_id)
{
    stk_desk_cancel(context, job_id);
}

static enum stk_rc look_for_cancels(struct stk_desk *desk, stk_time_ns mono, struct stk_error *err)
{
    if (mono < desk->life.cancel_at) return STK_OK;
    return stk_store_cancels(desk->options.store, desk->options.pool_id, cancel_one, desk, err);
}

enum stk_rc stk_life_write(struct stk_desk *desk, stk_time_ns now, struct stk_error *err)
{
    struct stk_life *life = &desk->life;
    stk_time_ns mono = stk_clock_mono();
    life->beaten = life->is_taken = life->rescued = false;
    enum stk_rc rc = beat(desk, mono, now, err);
    if (!desk->is_shared) return rc;
    if (rc == STK_OK) rc = look_for_cancels(desk, mono, err);
    if (rc == STK_OK) rc = rescue(desk, mono, now, err);
    return rc;
}

static void say_rescued(struct stk_desk *desk, int64_t count)
{
    if (desk->options.consoles == NULL || count == 0) return;
    stk_console_addf(desk->options.consoles, 0, 0, STK_LINE_POOL,
                     "%" PRId64 " job%s of a pool that died %s back in the queue", count,
                     count == 1 ? "" : "s", count == 1 ? "is" : "are");
}

static void rescue_written(struct stk_desk *desk, stk_time_ns mono)
{
    struct stk_life *life = &desk->life;
    stk_time_ns every_ns = life->beat_ns < RESCUE_NS ? life->beat_ns : RESCUE_NS;
    life->rescue = life->rescue_next;
    if (life->rescue.changed > 0) desk->hungry = true;
    life->rescue_at = life->rescue.more ? mono : mono + stk_poll_about(every_ns);
    if (life->rescue.more) return;
    say_rescued(desk, life->rescue.changed);
    life->rescue = (struct stk_bulk){ .cursor = 0 };
}

void stk_life_written(struct stk_desk *desk)
{
    struct stk_life *life = &desk->life;
    if (life->beaten) {
        life->beat_at = life->sent_at + life->beat_ns;
        life->told = life->telling;
        life->told_at = life->sent_at;
        stk_lifeline_extend(life->line, end_of(life, life->sent_at));
    }
    if (!desk->is_shared) return;
    stk_time_ns mono = stk_clock_mono();
    if (mono >= life->cancel_at) life->cancel_at = mono + RESCUE_NS;
    if (life->rescued) rescue_written(desk, mono);
}

/* --- the end of a life, and the next ------------------------------------- */

bool stk_life_is_over(const struct stk_desk *desk)
{
    return stk_lifeline_is_over(desk->life.line);
}

static void say_over(struct stk_desk *desk)
{
    struct stk_life *life = &desk->life;
    if (life->said) return;
    life->said = true;
    stk_desk_interrupt(desk, STK_STOP_NOW); /* what was handed out when it ended */
    if (desk->options.consoles == NULL) return;
    stk_console_addf(desk->options.consoles, 0, 0, STK_LINE_POOL,
                     "p%" PRId64 " %s: its attempts are killed, what they were doing is given to "
                     "others",
                     desk->options.pool_id,
                     life->is_taken ? "was taken for gone by the others"
                                    : "could not renew its lease in time");
}

static void answer_calls(struct stk_desk *desk)
{
    struct stk_error err = { 0 };
    enum stk_rc rc = stk_fail(&err, STK_UNAVAILABLE,
                              "the pool was out of touch with the store for longer than its lease "
                              "and begins afresh; try again in a moment");
    stk_handout_answer(desk, rc, &err);
}

struct birth {
    struct stk_desk *desk;
    int64_t id;
};

static enum stk_rc write_birth(struct stk_store *store, void *arg, stk_time_ns now,
                               struct stk_error *err)
{
    struct birth *birth = arg;
    return stk_life_check_in(store, birth->desk->options.workers, now, &birth->id, err);
}

static void begin(struct stk_desk *desk, int64_t id, stk_time_ns sent_at)
{
    struct stk_life *life = &desk->life;
    int64_t old_id = desk->options.pool_id;
    desk->options.pool_id = id;
    desk->hungry = true;
    desk->fresh = 0;
    desk->retry_at = 0;
    life->said = life->is_taken = false;
    life->told = STK_POOL_RUNNING;
    life->told_at = sent_at;
    life->beat_at = sent_at + life->beat_ns;
    life->rescue = (struct stk_bulk){ .cursor = 0 };
    life->rescue_at = life->cancel_at = 0;
    stk_lifeline_renew(life->line, end_of(life, sent_at));
    if (desk->options.reborn != NULL) desk->options.reborn(desk->options.context, id);
    if (desk->options.consoles == NULL) return;
    stk_console_addf(desk->options.consoles, 0, 0, STK_LINE_POOL,
                     "goes on as p%" PRId64 " (was p%" PRId64 ")", id, old_id);
}

/* Whether it has begun. */
static bool try_to_begin(struct stk_desk *desk)
{
    struct stk_access direct = stk_access_direct(desk->options.store);
    struct birth birth = { .desk = desk };
    struct stk_error err = { 0 };
    stk_time_ns sent_at = stk_clock_mono();
    if (stk_write(&direct, write_birth, &birth, &err) == STK_OK) {
        begin(desk, birth.id, sent_at);
        return true;
    }
    stk_round_pause(desk, &err);
    return false;
}

stk_time_ns stk_life_renew(struct stk_desk *desk, stk_time_ns mono)
{
    say_over(desk);
    answer_calls(desk);
    stk_handout_dropped(desk);
    bool is_going = atomic_load(&desk->stop_level) != STK_GO_ON;
    if (is_going || desk->idle_count < desk->options.workers) return mono + AGAIN_NS;
    if (mono < desk->retry_at) return desk->retry_at;
    return try_to_begin(desk) ? mono : desk->retry_at;
}
