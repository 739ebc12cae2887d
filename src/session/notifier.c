/* SPDX-License-Identifier: MIT */
#include "session/notifier.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/json.h"
#include "session/courier.h"
#include "session/notices.h"
#include "session/record.h"
#include "store/notices.h"

enum { STACK_BYTES = 512 * 1024, BATCH = 16 };

#define LOOK_NS    (5 * STK_SECOND) /* hints can be lost, the rows are the truth */
#define AGAIN_NS   STK_SECOND       /* after trouble of the store */
#define GAP_MIN    (10 * STK_SECOND)
#define GAP_MAX    (15 * STK_MINUTE)
#define GIVE_UP_NS STK_DAY

struct stk_notifier {
    struct stk_notifier_options options;
    struct stk_courier *courier;
    pthread_t thread;
    bool has_thread;
    /* the thread's own */
    int64_t *said;        /* [limit_count] the episode of each limit that was told */
    bool is_shared;       /* the store: others deliver too */
    stk_time_ns ahead_ns; /* of this machine's clock is the store's */

    pthread_mutex_t lock;
    pthread_cond_t cond; /* by the monotonic clock */
    bool poked, stopping;
};

/* --- waiting ---------------------------------------------------------------- */

static bool is_stopping(struct stk_notifier *notifier)
{
    (void)pthread_mutex_lock(&notifier->lock);
    bool stopping = notifier->stopping;
    (void)pthread_mutex_unlock(&notifier->lock);
    return stopping;
}

static void wait_for(struct stk_notifier *notifier, stk_time_ns wait_ns)
{
    struct timespec end;
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    stk_time_ns until = end.tv_sec * STK_SECOND + end.tv_nsec + (wait_ns > 0 ? wait_ns : 0);
    end = (struct timespec){ .tv_sec = (time_t)(until / STK_SECOND),
                             .tv_nsec = (long)(until % STK_SECOND) };
    (void)pthread_mutex_lock(&notifier->lock);
    int code = 0;
    while (!notifier->poked && !notifier->stopping && code == 0) {
        code = pthread_cond_timedwait(&notifier->cond, &notifier->lock, &end);
    }
    notifier->poked = false;
    (void)pthread_mutex_unlock(&notifier->lock);
}

/* --- what is due ------------------------------------------------------------ */

struct letter {
    int64_t id;
    stk_time_ns at;
    uint32_t tries;
    char *event, *subject, *key, *text, *facts, *left;
    bool is_over; /* nobody needs to hear of it any more */
};
struct batch {
    struct letter list[BATCH];
    size_t count;
    struct stk_notifier *notifier;
    const struct stk_settings *settings;
    stk_time_ns now, next;
};

static void release_letter(struct letter *letter)
{
    free(letter->event);
    free(letter->subject);
    free(letter->key);
    free(letter->text);
    free(letter->facts);
    free(letter->left);
}

static void release_batch(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        release_letter(&batch->list[i]);
    }
    batch->count = 0;
}

static void keep(void *context, const struct stk_notice *notice)
{
    struct batch *batch = context;
    batch->list[batch->count++] = (struct letter){
        .id = notice->id,
        .at = notice->at,
        .tries = notice->tries,
        .event = stk_strdup(notice->event),
        .subject = stk_strdup(notice->subject),
        .key = stk_strdup(notice->key),
        .text = stk_strdup(notice->text),
        .facts = stk_strdup(notice->facts),
        .left = stk_strdup(notice->left),
    };
}

static enum stk_rc look_whether_over(struct stk_store *store, const struct batch *batch,
                                     struct letter *letter, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *facts = NULL;
    if (stk_json_parse(letter->facts, strlen(letter->facts), &facts, NULL) != STK_OK) return STK_OK;
    const char *name = json_string_value(json_object_get(facts, "session"));
    const struct stk_session_spec *spec =
        name != NULL ? stk_settings_session(batch->settings, name) : NULL;
    struct stk_session row;
    enum stk_rc rc = spec != NULL ? stk_session_row(store, name, &row, err) : STK_OK;
    if (rc != STK_OK) return rc;
    letter->is_over =
        stk_notice_is_over(letter->event, facts, spec != NULL ? &row : NULL, spec, batch->now);
    return STK_OK;
}

static enum stk_rc take_due(struct stk_store *store, void *arg, stk_time_ns now,
                            struct stk_error *err)
{
    struct batch *batch = arg;
    release_batch(batch);
    batch->now = now;
    enum stk_rc rc =
        stk_store_notices_due(store, batch->now, BATCH, keep, batch, &batch->next, err);
    for (size_t i = 0; rc == STK_OK && i < batch->count; i++) {
        rc = look_whether_over(store, batch, &batch->list[i], err);
    }
    return rc;
}

static enum stk_rc read_due(struct stk_store *store, void *arg, struct stk_error *err)
{
    struct batch *batch = arg;
    stk_time_ns now = stk_store_now(store);
    struct stk_notifier *notifier = batch->notifier;
    notifier->is_shared = stk_store_lease(store) != STK_NEVER;
    notifier->ahead_ns = notifier->is_shared ? now - stk_clock_now() : 0;
    return take_due(store, batch, now, err);
}

/* Of several that share a store, one has them for a minute: who asks inside a
 * transaction. That costs a write, so whether there are any is read first. */
static enum stk_rc find_due(struct stk_notifier *notifier, struct batch *batch,
                            struct stk_error *err)
{
    enum stk_rc rc = stk_read(&notifier->options.access, read_due, batch, err);
    if (rc != STK_OK || !notifier->is_shared || batch->count == 0) return rc;
    return stk_write(&notifier->options.access, take_due, batch, err);
}

static stk_time_ns time_now(const struct stk_notifier *notifier)
{
    return stk_clock_now() + notifier->ahead_ns;
}

/* --- noting ----------------------------------------------------------------- */

struct note {
    const struct letter *letter;
    const char *left; /* JSON array */
    stk_time_ns next_at;
    const char *event; /* given up: the line of history; or NULL */
};

static enum stk_rc write_note(struct stk_store *store, void *arg, stk_time_ns now,
                              struct stk_error *err)
{
    const struct note *note = arg;
    enum stk_rc rc =
        stk_store_notice_tried(store, note->letter->id, note->left, note->next_at, err);
    if (rc != STK_OK || note->event == NULL) return rc;
    const struct stk_event event = { .text = note->event };
    return stk_store_event(store, STK_EVENT_NOTICE_FAILED, &event, now, err);
}

/* Until it is written: what is not noted is delivered again. A row that is gone
 * needs no note. */
static void note_try(struct stk_notifier *notifier, struct note *note)
{
    struct stk_error err = { 0 };
    for (;;) {
        enum stk_rc rc = stk_write(&notifier->options.access, write_note, note, &err);
        if (rc == STK_OK || rc == STK_NOT_FOUND || is_stopping(notifier)) return;
        wait_for(notifier, AGAIN_NS);
    }
}

static void note_left(struct stk_notifier *notifier, const struct letter *letter,
                      const json_t *left, stk_time_ns next_at)
{
    STK_CLEANUP(stk_freep) char *text = stk_json_text(left);
    struct note note = { .letter = letter, .left = text, .next_at = next_at };
    note_try(notifier, &note);
}

static void give_up(struct stk_notifier *notifier, const struct letter *letter, const json_t *left,
                    const struct stk_error *why)
{
    STK_CLEANUP(stk_freep) char *names = stk_json_text(left);
    STK_CLEANUP(stk_freep)
    char *text = stk_format("%s: not delivered to %s for a day, given up: %s", letter->key, names,
                            why->text);
    struct note note = { .letter = letter, .left = "[]", .next_at = STK_NEVER, .event = text };
    note_try(notifier, &note);
}

static void say_failed(struct stk_notifier *notifier, const struct letter *letter,
                       const char *channel, const struct stk_error *why)
{
    const struct stk_notifier_options *options = &notifier->options;
    if (letter->tries > 0 || options->say == NULL) return;
    STK_CLEANUP(stk_freep)
    char *text = stk_format("notice %s: the channel %s did not take it: %s; it is tried again",
                            letter->event, channel, why->text);
    options->say(options->context, text);
}

/* --- delivering ------------------------------------------------------------- */

/* Doubles with the age, so that no count of tries is needed. */
static stk_time_ns next_try(const struct letter *letter, stk_time_ns now)
{
    stk_time_ns gap = now - letter->at;
    if (gap < GAP_MIN) gap = GAP_MIN;
    return now + (gap < GAP_MAX ? gap : GAP_MAX);
}

/* A channel that stoker.yaml no longer has is as good as served. */
static enum stk_rc send_to(struct stk_notifier *notifier, const struct letter *letter,
                           const char *name, struct stk_error *err)
{
    const struct stk_channel *channel = stk_settings_channel(notifier->options.settings, name);
    const struct stk_message message = {
        .event = letter->event,
        .subject = letter->subject,
        .key = letter->key,
        .text = letter->text,
        .facts = letter->facts,
        .at = letter->at,
    };
    if (channel == NULL) return STK_OK;
    return stk_courier_send(notifier->courier, channel, &message, time_now(notifier), err);
}

/* Those that were not served stay in `left`. False: stopped in between. */
static bool send_all(struct stk_notifier *notifier, const struct letter *letter, json_t *left,
                     struct stk_error *why)
{
    for (size_t i = 0; i < json_array_size(left);) {
        if (is_stopping(notifier)) return false;
        const char *name = json_string_value(json_array_get(left, i));
        struct stk_error err = { 0 };
        enum stk_rc rc = name != NULL ? send_to(notifier, letter, name, &err) : STK_OK;
        if (is_stopping(notifier) && rc != STK_OK) return false;
        if (rc != STK_OK) {
            say_failed(notifier, letter, name, &err);
            *why = err;
            i++;
            continue;
        }
        (void)json_array_remove(left, i);
        bool is_last = json_array_size(left) == 0;
        note_left(notifier, letter, left, is_last ? STK_NEVER : time_now(notifier));
    }
    return true;
}

/* Of a shared store: it is not kept from the others for the rest of its minute. */
static void put_back(struct stk_notifier *notifier, const struct letter *letter, const json_t *left)
{
    if (notifier->is_shared) note_left(notifier, letter, left, time_now(notifier));
}

static void deliver(struct stk_notifier *notifier, const struct letter *letter)
{
    STK_CLEANUP(stk_json_freep) json_t *left = NULL;
    struct stk_error why = { 0 };
    const char *text = letter->left;
    bool is_none =
        stk_json_parse(text, strlen(text), &left, NULL) != STK_OK || json_array_size(left) == 0;
    if (is_none || letter->is_over) {
        struct note none = { .letter = letter, .left = "[]", .next_at = STK_NEVER };
        note_try(notifier, &none);
        return;
    }
    if (!send_all(notifier, letter, left, &why)) {
        put_back(notifier, letter, left);
        return;
    }
    if (json_array_size(left) == 0) return;
    stk_time_ns now = time_now(notifier);
    if (now - letter->at >= GIVE_UP_NS) {
        give_up(notifier, letter, left, &why);
    } else {
        note_left(notifier, letter, left, next_try(letter, now));
    }
}

/* --- limits ----------------------------------------------------------------- */

struct watch {
    const struct stk_settings *settings;
    const int64_t *said;
    struct stk_notices due[STK_LIMITS_MAX];
    int64_t episodes[STK_LIMITS_MAX];
    stk_time_ns now;
    bool is_any;
};

static void release_watch(struct watch *watch)
{
    for (size_t i = 0; i < STK_LIMITS_MAX; i++) {
        stk_notices_release(&watch->due[i]);
    }
    watch->is_any = false;
}

static enum stk_rc read_limits(struct stk_store *store, void *arg, struct stk_error *err)
{
    struct watch *watch = arg;
    const struct stk_settings *settings = watch->settings;
    const struct stk_limit *rows = NULL;
    size_t count = 0;
    release_watch(watch);
    enum stk_rc rc = stk_store_limits(store, &rows, &count, err);
    for (size_t i = 0; rc == STK_OK && i < count; i++) {
        const struct stk_limit_spec *spec = stk_settings_limit(settings, rows[i].name);
        if (spec == NULL) continue;
        size_t at = (size_t)(spec - settings->limits);
        if (watch->said[at] == rows[i].episode) continue;
        watch->episodes[at] = rows[i].episode;
        stk_notices_of_limit(&rows[i], spec, watch->now, &watch->due[at]);
        watch->is_any = watch->is_any || watch->due[at].count > 0;
    }
    return rc;
}

static enum stk_rc write_limits(struct stk_store *store, void *arg, stk_time_ns now,
                                struct stk_error *err)
{
    struct watch *watch = arg;
    enum stk_rc rc = STK_OK;
    for (size_t i = 0; rc == STK_OK && i < watch->settings->limit_count; i++) {
        bool is_fresh = false;
        rc = stk_notices_add(store, watch->settings, &watch->due[i], now, &is_fresh, err);
    }
    return rc;
}

static void watch_limits(struct stk_notifier *notifier)
{
    const struct stk_settings *settings = notifier->options.settings;
    struct stk_error err = { 0 };
    if (settings->limit_count == 0) return;
    struct watch *watch = stk_alloc(sizeof(*watch));
    *watch =
        (struct watch){ .settings = settings, .said = notifier->said, .now = time_now(notifier) };
    enum stk_rc rc = stk_read(&notifier->options.access, read_limits, watch, &err);
    if (rc == STK_OK && watch->is_any) {
        rc = stk_write(&notifier->options.access, write_limits, watch, &err);
        for (size_t i = 0; rc == STK_OK && i < settings->limit_count; i++) {
            if (watch->due[i].count > 0) notifier->said[i] = watch->episodes[i];
        }
    }
    release_watch(watch);
    free(watch);
}

/* --- the loop --------------------------------------------------------------- */

static void step(struct stk_notifier *notifier)
{
    STK_CLEANUP(release_batch)
    struct batch batch = { .notifier = notifier,
                           .settings = notifier->options.settings,
                           .next = STK_NEVER };
    struct stk_error err = { 0 };
    watch_limits(notifier);
    if (find_due(notifier, &batch, &err) != STK_OK) {
        wait_for(notifier, AGAIN_NS);
        return;
    }
    for (size_t i = 0; i < batch.count; i++) {
        deliver(notifier, &batch.list[i]);
    }
    if (batch.count > 0) return; /* look again: what was put off is due later */
    stk_time_ns left = batch.next == STK_NEVER ? LOOK_NS : batch.next - time_now(notifier);
    wait_for(notifier, left < LOOK_NS ? left : LOOK_NS);
}

static void *notifier_main(void *arg)
{
    struct stk_notifier *notifier = arg;
    while (!is_stopping(notifier)) {
        step(notifier);
    }
    return NULL;
}

/* --- start and stop --------------------------------------------------------- */

static struct stk_notifier *make(const struct stk_notifier_options *options)
{
    size_t limits = options->settings->limit_count;
    struct stk_notifier *notifier = stk_alloc(sizeof(*notifier));
    pthread_condattr_t attr;
    notifier->options = *options;
    notifier->courier = stk_courier_new(options->spawner);
    notifier->said = stk_alloc((limits + 1) * sizeof(*notifier->said));
    (void)pthread_mutex_init(&notifier->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&notifier->cond, &attr);
    (void)pthread_condattr_destroy(&attr);
    return notifier;
}

enum stk_rc stk_notifier_start(const struct stk_notifier_options *options,
                               struct stk_notifier **ret, struct stk_error *err)
{
    *ret = NULL;
    if (options->settings->channel_count == 0) return STK_OK;
    struct stk_notifier *notifier = make(options);
    pthread_attr_t attr;
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, STACK_BYTES);
    int code = pthread_create(&notifier->thread, &attr, notifier_main, notifier);
    (void)pthread_attr_destroy(&attr);
    notifier->has_thread = code == 0;
    if (code != 0) {
        stk_notifier_stop(notifier);
        return stk_fail(err, STK_UNAVAILABLE, "could not start the thread of the notices");
    }
    *ret = notifier;
    return STK_OK;
}

static void tell(struct stk_notifier *notifier, bool stop)
{
    (void)pthread_mutex_lock(&notifier->lock);
    notifier->poked = true;
    if (stop) notifier->stopping = true;
    (void)pthread_cond_signal(&notifier->cond);
    (void)pthread_mutex_unlock(&notifier->lock);
}

void stk_notifier_stop(struct stk_notifier *notifier)
{
    if (notifier == NULL) return;
    tell(notifier, true);
    stk_courier_cancel(notifier->courier);
    if (notifier->has_thread) (void)pthread_join(notifier->thread, NULL);
    stk_courier_free(notifier->courier);
    (void)pthread_cond_destroy(&notifier->cond);
    (void)pthread_mutex_destroy(&notifier->lock);
    free(notifier->said);
    free(notifier);
}

void stk_notifier_poke(struct stk_notifier *notifier)
{
    if (notifier != NULL) tell(notifier, false);
}
