/* SPDX-License-Identifier: MIT */
#include "session/keeper.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/rand.h"
#include "session/notices.h"
#include "session/provider.h"
#include "session/record.h"
#include "session/tenure.h"
#include "session/turn.h"

enum { STACK_BYTES = 512 * 1024, SENTENCE_BYTES = 3000 };

#define LOOK_NS  (5 * STK_SECOND) /* hints can be lost, the row is the truth */
#define AGAIN_NS STK_SECOND       /* after trouble of the store, or an answer of no use */

struct keeper {
    struct stk_keepers *all;
    const struct stk_session_spec *spec;
    size_t at; /* in the list, and of its tenure */
    struct stk_http *http;
    pthread_t thread;
    bool has_thread;

    pthread_mutex_t lock;
    pthread_cond_t cond; /* by the monotonic clock */
    bool poked, stopping;

    /* the thread's own */
    stk_time_ns ahead_ns;    /* shared store: of the monotonic clock is the database's */
    struct stk_session row;  /* as it was last seen */
    bool has_row;            /* said to the console once */
    struct stk_session told; /* as it was when people were last told */
    bool has_told;
    stk_time_ns tell_at;        /* tell them again then, also when nothing changes */
    int64_t checked_generation; /* whose secrets were last seen to open here */
    stk_time_ns checked_change;
    bool has_checked, declines; /* shared store: they do not, and others have been told so */
};

struct stk_keepers {
    struct stk_keepers_options options;
    struct stk_tenures *tenures;
    struct keeper *list; /* [settings->session_count] */
    size_t count;        /* started */
};

/* --- time -------------------------------------------------------------------- */

static bool is_shared(const struct keeper *keeper)
{
    return keeper->all->options.lease_ns != 0;
}

/* Those that share a store go by one clock. */
static stk_time_ns time_now(const struct keeper *keeper)
{
    return is_shared(keeper) ? stk_clock_mono() + keeper->ahead_ns : stk_clock_now();
}

/* --- waiting ---------------------------------------------------------------- */

static bool is_stopping(struct keeper *keeper)
{
    (void)pthread_mutex_lock(&keeper->lock);
    bool stopping = keeper->stopping;
    (void)pthread_mutex_unlock(&keeper->lock);
    return stopping;
}

static void wait_for(struct keeper *keeper, stk_time_ns wait_ns)
{
    /* not stk_clock_mono(): that one goes on while a machine sleeps, a condition's does not */
    struct timespec end;
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    stk_time_ns until = end.tv_sec * STK_SECOND + end.tv_nsec + (wait_ns > 0 ? wait_ns : 0);
    end.tv_sec = (time_t)(until / STK_SECOND);
    end.tv_nsec = (long)(until % STK_SECOND);
    (void)pthread_mutex_lock(&keeper->lock);
    int code = 0;
    while (!keeper->poked && !keeper->stopping && code == 0) {
        code = pthread_cond_timedwait(&keeper->cond, &keeper->lock, &end);
    }
    keeper->poked = false;
    (void)pthread_mutex_unlock(&keeper->lock);
}

static void wait_until(struct keeper *keeper, stk_time_ns at)
{
    stk_time_ns look = LOOK_NS - LOOK_NS / 5 + stk_rand_below(1000) * (LOOK_NS / 2500);
    stk_time_ns left = at == STK_NEVER ? look : at - time_now(keeper);
    wait_for(keeper, left < look ? left : look);
}

/* --- the row ---------------------------------------------------------------- */

static void say_change(struct keeper *keeper, const struct stk_session *row)
{
    const struct stk_keepers_options *options = &keeper->all->options;
    bool is_news = !keeper->has_row || row->state != keeper->row.state ||
                   row->generation != keeper->row.generation;
    keeper->row = *row;
    keeper->has_row = true;
    if (!is_news || options->say == NULL) return;

    char text[SENTENCE_BYTES];
    stk_session_open_sentence(row, time_now(keeper), text, sizeof(text));
    options->say(options->context, text);
}

struct look {
    const char *name;
    struct stk_session row;
    stk_time_ns ahead_ns;
};

static enum stk_rc read_row(struct stk_store *store, void *arg, struct stk_error *err)
{
    struct look *look = arg;
    enum stk_rc rc = stk_session_row(store, look->name, &look->row, err);
    look->ahead_ns = stk_store_now(store) - stk_clock_mono();
    return rc;
}

struct write {
    struct keeper *keeper;
    const struct stk_session_change *change;
    struct stk_session row;
    bool applied;
};

static enum stk_rc write_change(struct stk_store *store, void *arg, stk_time_ns now,
                                struct stk_error *err)
{
    struct write *write = arg;
    return stk_session_record(store, write->change, now, &write->row, &write->applied, err);
}

/* What an authority has given once it may not give again: written until it is
 * written. False: not applied, or another keeper has taken over. */
static bool record(struct keeper *keeper, struct stk_session_change *change)
{
    struct write write = { .keeper = keeper, .change = change };
    change->spec = keeper->spec;
    change->epoch = stk_tenure_epoch(keeper->all->tenures, keeper->at);
    for (;;) {
        struct stk_error err = { 0 };
        enum stk_rc rc = stk_write(&keeper->all->options.access, write_change, &write, &err);
        if (rc == STK_OK) break;
        if (rc == STK_CONFLICT || is_stopping(keeper)) return false;
        wait_for(keeper, AGAIN_NS);
    }
    say_change(keeper, &write.row);
    return write.applied;
}

/* The epoch rises at each start, so that an answer to what was begun before
 * cannot be written unnoticed. False: another one keeps it, or the store has
 * trouble; some time is over. */
static bool take_over(struct keeper *keeper, struct stk_session *row)
{
    struct stk_tenures *tenures = keeper->all->tenures;
    struct stk_error err = { 0 };
    bool taken = false;
    stk_time_ns free_at = STK_NEVER;
    if (!stk_tenure_may_take(tenures, keeper->at, row, time_now(keeper), &free_at)) {
        wait_until(keeper, free_at);
        return false;
    }
    if (stk_tenure_take(tenures, keeper->at, row, &taken, &err) != STK_OK || !taken) {
        wait_for(keeper, AGAIN_NS);
        return false;
    }
    say_change(keeper, row);
    return true;
}

/* --- telling people ---------------------------------------------------------- */

struct telling {
    struct keeper *keeper;
    const struct stk_session *row;
    stk_time_ns again_at;
    bool is_fresh;
};

static enum stk_rc write_notices(struct stk_store *store, void *arg, stk_time_ns now,
                                 struct stk_error *err)
{
    struct telling *telling = arg;
    struct keeper *keeper = telling->keeper;
    return stk_notices_say(store, keeper->all->options.settings, keeper->spec,
                           keeper->has_told ? &keeper->told : NULL, telling->row, now,
                           &telling->again_at, &telling->is_fresh, err);
}

static bool is_told(const struct keeper *keeper, const struct stk_session *row)
{
    const struct stk_session *told = &keeper->told;
    bool is_same = keeper->has_told && row->state == told->state &&
                   row->generation == told->generation && row->changed_at == told->changed_at &&
                   row->expires_at == told->expires_at && row->deadline_at == told->deadline_at;
    return is_same && (keeper->tell_at == STK_NEVER || time_now(keeper) < keeper->tell_at);
}

/* Apart from the transaction that changed the row: the rule looks at the row only,
 * so a crash in between loses nothing, and no trouble with a notice undoes what an
 * authority has given. */
static void tell_people(struct keeper *keeper, const struct stk_session *row)
{
    const struct stk_keepers_options *options = &keeper->all->options;
    struct telling telling = { .keeper = keeper, .row = row };
    struct stk_error err = { 0 };
    if (options->settings->channel_count == 0 || is_told(keeper, row)) return;
    if (stk_write(&options->access, write_notices, &telling, &err) != STK_OK) {
        keeper->tell_at = time_now(keeper) + AGAIN_NS;
        return;
    }
    keeper->told = *row;
    keeper->has_told = true;
    keeper->tell_at = telling.again_at;
    if (telling.is_fresh && options->noticed != NULL) options->noticed(options->context);
}

static stk_time_ns look_at(const struct keeper *keeper, stk_time_ns planned)
{
    bool is_sooner =
        keeper->tell_at != STK_NEVER && (planned == STK_NEVER || keeper->tell_at < planned);
    return is_sooner ? keeper->tell_at : planned;
}

/* --- a key that others have ------------------------------------------------------- */

static enum stk_rc write_decline(struct stk_store *store, void *arg, stk_time_ns now,
                                 struct stk_error *err)
{
    const struct stk_event event = { .text = arg };
    return stk_store_event(store, STK_EVENT_POOL_KEYLESS, &event, now, err);
}

/* True: people have been told. */
static bool tell_decline(struct keeper *keeper, const struct stk_error *why)
{
    const struct stk_keepers_options *options = &keeper->all->options;
    char owner[300], text[SENTENCE_BYTES];
    struct stk_error err = { 0 };
    stk_tenures_owner(keeper->all->tenures, owner, sizeof(owner));
    (void)snprintf(text, sizeof(text),
                   "the key file of %s cannot open the secret of session \"%s\": it leaves the "
                   "session and its jobs to other pools (%s)",
                   owner, keeper->spec->name, why->text);
    if (stk_write(&options->access, write_decline, text, &err) != STK_OK) return false;
    if (options->say != NULL) options->say(options->context, text);
    return true;
}

/* Where several share a store each has a key file of its own, which may be a wrong
 * one: that is no reason to close the session for those that have the right one. */
static bool can_open(struct keeper *keeper, const struct stk_session *row)
{
    struct stk_vault *vault = keeper->all->options.vault;
    struct stk_error why = { 0 };
    if (!is_shared(keeper)) return true;
    bool is_same = keeper->has_checked && row->generation == keeper->checked_generation &&
                   row->changed_at == keeper->checked_change;
    if (is_same && !stk_vault_lacks_key(vault, keeper->spec)) return true;

    enum stk_rc rc = stk_vault_check(vault, keeper->spec, &why);
    bool lacks = rc == STK_BAD_CONFIG && stk_vault_lacks_key(vault, keeper->spec);
    keeper->has_checked = rc == STK_OK;
    keeper->checked_generation = row->generation;
    keeper->checked_change = row->changed_at;
    if (lacks && !keeper->declines) keeper->declines = tell_decline(keeper, &why);
    if (!lacks) keeper->declines = false;
    return !lacks;
}

/* --- asking ----------------------------------------------------------------- */

static enum stk_rc open_secrets(struct keeper *keeper, struct stk_ask *ask, struct stk_error *err)
{
    struct stk_vault *vault = keeper->all->options.vault;
    const char *name = keeper->spec->name;
    struct stk_secret *credential = NULL, *work = NULL;
    int64_t generation = 0;
    enum stk_rc rc =
        stk_vault_secret(vault, name, STK_SESSION_CREDENTIAL, &credential, &generation, err);
    if (rc == STK_OK) {
        rc = stk_vault_secret(vault, name, STK_SESSION_WORK, &work, &generation, err);
    }
    ask->credential = credential;
    ask->work = work;
    return rc;
}

static void close_secrets(struct stk_ask *ask)
{
    stk_secret_free((struct stk_secret *)(uintptr_t)ask->credential);
    stk_secret_free((struct stk_secret *)(uintptr_t)ask->work);
}

/* A sealed row that does not open is as good as none: fails closed. */
static void ask_provider(struct keeper *keeper, enum stk_session_act act,
                         const struct stk_session *row, struct stk_answer *answer)
{
    struct stk_error err = { 0 };
    struct stk_ask ask = {
        .spec = keeper->spec,
        .session = row,
        .http = keeper->http,
        .spawner = keeper->all->options.spawner,
        .now = time_now(keeper),
    };
    *answer = (struct stk_answer){ 0 };
    enum stk_rc rc = open_secrets(keeper, &ask, &err);
    bool needs_old = act == STK_SESSION_ACT_CHECK || act == STK_SESSION_ACT_KEEP_ALIVE;
    if (rc == STK_OK || !needs_old) {
        stk_provider_ask(act, &ask, answer);
    } else if (rc == STK_BAD_DATA || rc == STK_BAD_CONFIG) {
        stk_answer_say(answer, STK_SESSION_ON_CHECK_LOST, "%s", err.text);
    } else {
        stk_answer_say(answer, STK_SESSION_ON_NO_ANSWER, "%s", err.text);
    }
    close_secrets(&ask);
}

static bool record_answer(struct keeper *keeper, const struct stk_answer *answer)
{
    struct stk_session_change change = {
        .event = answer->event,
        .news = answer->news,
        .credential = answer->credential,
        .work = answer->work,
        .sets_work = answer->sets_work,
    };
    struct stk_error err = { 0 };
    bool seals = answer->credential != NULL || answer->work != NULL;
    if (!seals) return record(keeper, &change);

    if (stk_vault_keys(keeper->all->options.vault, &change.keys, &err) == STK_OK) {
        return record(keeper, &change);
    }
    struct stk_session_change lost = { .event = STK_SESSION_ON_NO_ANSWER, .news.reason = err.text };
    return record(keeper, &lost);
}

/* --- its turn ---------------------------------------------------------------- */

struct turn {
    struct keeper *keeper;
    stk_time_ns again_at;
};

static enum stk_rc write_turn(struct stk_store *store, void *arg, stk_time_ns now,
                              struct stk_error *err)
{
    struct turn *turn = arg;
    return stk_turn_take(store, turn->keeper->spec, now, &turn->again_at, err);
}

/* Whether the limits of class auth let it ask now; else it has waited a while. */
static bool has_turn(struct keeper *keeper)
{
    struct turn turn = { .keeper = keeper };
    struct stk_error err = { 0 };
    if (keeper->spec->limit_count == 0) return true;
    if (stk_write(&keeper->all->options.access, write_turn, &turn, &err) != STK_OK) {
        wait_for(keeper, AGAIN_NS);
        return false;
    }
    if (turn.again_at > 0) wait_until(keeper, turn.again_at);
    return turn.again_at == 0;
}

/* --- one step --------------------------------------------------------------- */

static bool begin_renewal(struct keeper *keeper)
{
    struct stk_session_change change = { .event = STK_SESSION_ON_RENEW };
    return record(keeper, &change);
}

static bool is_cut(struct keeper *keeper)
{
    return stk_tenure_is_over(keeper->all->tenures, keeper->at);
}

/* Requests go out again, after those of a lease that had ended were cancelled. In
 * this order: whoever ends them comes before the look, or cancels after it. */
static bool arm(struct keeper *keeper)
{
    stk_http_arm(keeper->http);
    return !is_cut(keeper) && !is_stopping(keeper);
}

/* False: it was of no use now. What an authority has given is written down even
 * when the lease has ended meanwhile, unless another one has taken it: the epoch
 * tells. */
static bool act(struct keeper *keeper, const struct stk_session *row,
                const struct stk_session_plan *plan)
{
    if (plan->act == STK_SESSION_ACT_APPLY) {
        struct stk_session_change change = { .event = plan->event };
        return record(keeper, &change);
    }
    struct stk_session begun = *row;
    if (plan->act == STK_SESSION_ACT_RENEW) {
        if (!begin_renewal(keeper)) return false;
        begun = keeper->row;
    }
    if (!arm(keeper)) return false;
    struct stk_answer answer;
    ask_provider(keeper, plan->act, &begun, &answer);
    bool was_cut = is_cut(keeper) && answer.event == STK_SESSION_ON_NO_ANSWER;
    bool applied = !was_cut && record_answer(keeper, &answer);
    stk_answer_release(&answer);
    return applied;
}

static void step(struct keeper *keeper)
{
    struct look look = { .name = keeper->spec->name };
    struct stk_session *row = &look.row;
    struct stk_error err = { 0 };
    if (stk_read(&keeper->all->options.access, read_row, &look, &err) != STK_OK) {
        wait_for(keeper, AGAIN_NS);
        return;
    }
    keeper->ahead_ns = look.ahead_ns;
    say_change(keeper, row);
    bool holds = stk_tenure_holds(keeper->all->tenures, keeper->at, row);
    if (!can_open(keeper, row)) {
        if (holds) stk_tenure_give_back(keeper->all->tenures, keeper->at);
        wait_until(keeper, STK_NEVER);
        return;
    }
    if (!holds && !take_over(keeper, row)) return;
    tell_people(keeper, row);
    struct stk_session_plan plan = stk_session_plan(row, keeper->spec, time_now(keeper));
    if (plan.act == STK_SESSION_ACT_WAIT) {
        wait_until(keeper, look_at(keeper, plan.at));
    } else if (plan.act != STK_SESSION_ACT_APPLY && !has_turn(keeper)) {
        return; /* it is planned anew: a person may have acted meanwhile */
    } else if (!act(keeper, row, &plan)) {
        wait_for(keeper, AGAIN_NS);
    }
}

static void *keeper_main(void *arg)
{
    struct keeper *keeper = arg;
    while (!is_stopping(keeper)) {
        step(keeper);
    }
    return NULL;
}

/* --- start and stop ----------------------------------------------------------- */

static void init_keeper(struct keeper *keeper, struct stk_keepers *all,
                        const struct stk_session_spec *spec)
{
    pthread_condattr_t attr;
    *keeper = (struct keeper){
        .all = all,
        .spec = spec,
        .at = (size_t)(spec - all->options.settings->sessions),
        .tell_at = STK_NEVER,
        .http = stk_http_new(),
    };
    (void)pthread_mutex_init(&keeper->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&keeper->cond, &attr);
    (void)pthread_condattr_destroy(&attr);
}

static enum stk_rc start_thread(struct keeper *keeper, struct stk_error *err)
{
    pthread_attr_t attr;
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, STACK_BYTES);
    int code = pthread_create(&keeper->thread, &attr, keeper_main, keeper);
    (void)pthread_attr_destroy(&attr);
    keeper->has_thread = code == 0;
    if (code == 0) return STK_OK;
    return stk_fail(err, STK_UNAVAILABLE, "could not start the thread of session \"%s\"",
                    keeper->spec->name);
}

enum stk_rc stk_keepers_start(const struct stk_keepers_options *options, struct stk_keepers **ret,
                              struct stk_error *err)
{
    size_t count = options->settings->session_count;
    struct stk_keepers *keepers = stk_alloc(sizeof(*keepers));
    keepers->options = *options;
    const struct stk_tenures_options tenures = { .access = options->access,
                                                 .owner = options->owner,
                                                 .lease_ns = options->lease_ns };
    keepers->tenures = stk_tenures_open(&tenures, count);
    keepers->list = stk_alloc((count + 1) * sizeof(*keepers->list));

    enum stk_rc rc = STK_OK;
    for (size_t i = 0; rc == STK_OK && i < count; i++) {
        struct keeper *keeper = &keepers->list[i];
        init_keeper(keeper, keepers, &options->settings->sessions[i]);
        keepers->count++;
        rc = stk_tenures_add(keepers->tenures, i, keeper->spec->name, keeper->http, err);
        if (rc == STK_OK) rc = start_thread(keeper, err);
    }
    if (rc == STK_OK) rc = stk_tenures_start(keepers->tenures, err);
    if (rc != STK_OK) {
        stk_keepers_stop(keepers);
        return rc;
    }
    *ret = keepers;
    return STK_OK;
}

static void tell(struct keeper *keeper, bool stop)
{
    (void)pthread_mutex_lock(&keeper->lock);
    keeper->poked = true;
    if (stop) keeper->stopping = true;
    (void)pthread_cond_signal(&keeper->cond);
    (void)pthread_mutex_unlock(&keeper->lock);
}

void stk_keepers_stop(struct stk_keepers *keepers)
{
    if (keepers == NULL) return;
    for (size_t i = 0; i < keepers->count; i++) {
        tell(&keepers->list[i], true);
        stk_http_cancel(keepers->list[i].http);
    }
    for (size_t i = 0; i < keepers->count; i++) {
        struct keeper *keeper = &keepers->list[i];
        if (keeper->has_thread) (void)pthread_join(keeper->thread, NULL);
    }
    stk_tenures_close(keepers->tenures);
    for (size_t i = 0; i < keepers->count; i++) {
        struct keeper *keeper = &keepers->list[i];
        stk_http_free(keeper->http);
        (void)pthread_cond_destroy(&keeper->cond);
        (void)pthread_mutex_destroy(&keeper->lock);
    }
    free(keepers->list);
    free(keepers);
}

void stk_keepers_poke(struct stk_keepers *keepers, const char *session)
{
    if (keepers == NULL) return;
    for (size_t i = 0; i < keepers->count; i++) {
        bool is_meant = session == NULL || strcmp(session, keepers->list[i].spec->name) == 0;
        if (is_meant) tell(&keepers->list[i], false);
    }
}

void stk_keepers_rename(struct stk_keepers *keepers, const char *owner)
{
    if (keepers != NULL) stk_tenures_rename(keepers->tenures, owner);
}
