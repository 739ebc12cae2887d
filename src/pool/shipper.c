/* SPDX-License-Identifier: MIT */
#include "pool/shipper.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "pool/bell.h"
#include "pool/poll.h"
#include "store/consoles.h"

enum { BATCH = 200, STACK_BYTES = 128 * 1024 };

#define BATCH_NS (250 * STK_MS)
#define LOOK_NS  (2 * STK_SECOND)  /* while it is watched: whether it still is */
#define KEPT_NS  (10 * STK_MINUTE) /* what was shipped is gone then */

/* A watch's old lines are taken from the newest, new ones from where it was. */
struct shipment {
    struct stk_shipped lines[BATCH];
    size_t texts[BATCH]; /* where each begins in text, which moves while it grows */
    size_t count;
    uint64_t last; /* of them */
    struct stk_buf text, line;
    int64_t pool_id;
    int64_t answers; /* this watch, with these lines; 0: none */
};

struct stk_shipper {
    struct stk_shipper_options options;
    struct stk_bell bell;
    pthread_t thread;
    _Atomic bool quit;

    /* the thread's own */
    bool is_watched;
    stk_time_ns look_at;  /* mono: for watches */
    stk_time_ns ship_at;  /* mono: not before */
    stk_time_ns last_at;  /* mono: when something was shipped */
    int64_t newest_watch; /* that was seen */
    int64_t to_answer;    /* wants old lines, which are not all shipped; 0: none does */
    uint64_t shipped;     /* the newest line that is in the store, or older than any watch */
    struct shipment batch;
};

/* --- watches --------------------------------------------------------------- */

struct look {
    int64_t pool_id, after_id;
    struct stk_watch watch;
    bool is_watched;
};

static enum stk_rc read_watch(struct stk_store *store, void *arg, struct stk_error *err)
{
    struct look *look = arg;
    stk_time_ns now = stk_store_now(store);
    look->watch = (struct stk_watch){ .until = 0 };
    enum stk_rc rc =
        stk_store_watched(store, look->pool_id, look->after_id, now, &look->watch, err);
    look->is_watched = look->watch.until > now;
    return rc;
}

static void ignore_line(void *context, const struct stk_line *line)
{
    (void)context;
    (void)line;
}

/* Lines before `lines` from the end are not wanted by anybody. */
static void skip_to(struct stk_shipper *shipper, uint32_t lines)
{
    const struct stk_line_filter newest = { .worker = -1, .limit = 1 };
    uint64_t last = 0, lost = 0;
    stk_consoles_read(shipper->options.consoles, &newest, ignore_line, NULL, &last, &lost);
    uint64_t from = last > lines ? last - lines : 0;
    bool is_gone = !shipper->is_watched && stk_clock_mono() - shipper->last_at >= KEPT_NS;
    if (is_gone || from > shipper->shipped) shipper->shipped = from;
}

static void look_for_watches(struct stk_shipper *shipper, stk_time_ns mono)
{
    struct look look = { .pool_id = shipper->options.pool_id(shipper->options.context),
                         .after_id = shipper->newest_watch };
    struct stk_error err = { 0 };
    if (stk_read(&shipper->options.access, read_watch, &look, &err) != STK_OK) {
        shipper->look_at = mono + stk_poll_next(shipper->options.listener);
        return;
    }
    bool begins = look.is_watched && !shipper->is_watched;
    if (begins) skip_to(shipper, look.watch.lines); /* else what is not shipped yet is awaited */
    if (look.watch.newest_id > shipper->newest_watch) {
        shipper->newest_watch = look.watch.newest_id;
        if (look.watch.lines > 0) shipper->to_answer = look.watch.newest_id;
    }
    shipper->is_watched = look.is_watched;
    shipper->look_at =
        mono + (look.is_watched ? LOOK_NS : stk_poll_next(shipper->options.listener));
}

/* --- shipping -------------------------------------------------------------- */

static void pack(void *context, const struct stk_line *line)
{
    struct stk_shipper *shipper = context;
    struct shipment *batch = &shipper->batch;
    if (batch->count == BATCH) return;
    batch->last = line->seq;
    stk_line_text(line, &batch->line);
    batch->texts[batch->count] = batch->text.len;
    stk_buf_add(&batch->text, stk_buf_str(&batch->line), batch->line.len + 1);
    batch->lines[batch->count++] = (struct stk_shipped){
        .pool_id = batch->pool_id, .job_id = line->job_id, .worker = line->worker, .at = line->at
    };
}

static enum stk_rc write_batch(struct stk_store *store, void *arg, stk_time_ns now,
                               struct stk_error *err)
{
    struct shipment *batch = arg;
    enum stk_rc rc = STK_OK;
    if (batch->count > 0) rc = stk_store_ship(store, batch->lines, batch->count, now, err);
    if (rc != STK_OK || batch->answers == 0) return rc;
    return stk_store_answer(store, batch->answers, batch->pool_id, err);
}

static void ship(struct stk_shipper *shipper)
{
    struct shipment *batch = &shipper->batch;
    struct stk_error err = { 0 };
    size_t limit = shipper->shipped > 0 ? BATCH : SIZE_MAX; /* after 0 they are the newest */
    const struct stk_line_filter filter = { .after = shipper->shipped,
                                            .worker = -1,
                                            .limit = limit };
    uint64_t last = shipper->shipped, lost = 0;
    batch->count = 0;
    stk_buf_clear(&batch->text);
    batch->pool_id = shipper->options.pool_id(shipper->options.context);
    stk_consoles_read(shipper->options.consoles, &filter, pack, shipper, &last, &lost);
    for (size_t i = 0; i < batch->count; i++) {
        batch->lines[i].text = batch->text.data + batch->texts[i];
    }
    enum stk_rc rc = STK_OK;
    batch->answers = batch->count < BATCH ? shipper->to_answer : 0;
    bool has_news = batch->count > 0 || batch->answers != 0;
    if (has_news) rc = stk_write(&shipper->options.access, write_batch, batch, &err);
    if (rc == STK_OK && batch->answers != 0) shipper->to_answer = 0;
    if (batch->count > 0) shipper->last_at = stk_clock_mono();
    shipper->ship_at = stk_clock_mono() + (rc == STK_OK ? BATCH_NS : STK_POLL_NS);
    if (rc == STK_OK) shipper->shipped = batch->count == BATCH ? batch->last : last;
}

static void *shipper_main(void *arg)
{
    struct stk_shipper *shipper = arg;
    while (!atomic_load(&shipper->quit)) {
        stk_time_ns mono = stk_clock_mono();
        if (mono >= shipper->look_at) look_for_watches(shipper, mono);
        if (shipper->is_watched && mono >= shipper->ship_at) ship(shipper);
        stk_time_ns left = shipper->look_at - stk_clock_mono();
        if (shipper->is_watched && left > BATCH_NS) left = BATCH_NS;
        bool is_poked = left > 0 && stk_bell_wait(&shipper->bell, left);
        if (is_poked) shipper->look_at = 0;
    }
    return NULL;
}

/* --- start and stop ---------------------------------------------------------- */

static void release(struct stk_shipper *shipper)
{
    stk_buf_release(&shipper->batch.text);
    stk_buf_release(&shipper->batch.line);
    free(shipper);
}

enum stk_rc stk_shipper_start(const struct stk_shipper_options *options, struct stk_shipper **ret,
                              struct stk_error *err)
{
    struct stk_shipper *shipper = stk_alloc(sizeof(*shipper));
    shipper->options = *options;
    pthread_attr_t attr;
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, STACK_BYTES);
    int code = pthread_create(&shipper->thread, &attr, shipper_main, shipper);
    (void)pthread_attr_destroy(&attr);
    if (code != 0) {
        release(shipper);
        return stk_fail(err, STK_UNAVAILABLE, "could not start the thread that shows consoles");
    }
    *ret = shipper;
    return STK_OK;
}

void stk_shipper_stop(struct stk_shipper *shipper)
{
    if (shipper == NULL) return;
    atomic_store(&shipper->quit, true);
    stk_bell_ring(&shipper->bell);
    (void)pthread_join(shipper->thread, NULL);
    release(shipper);
}

void stk_shipper_poke(struct stk_shipper *shipper)
{
    if (shipper == NULL) return;
    stk_bell_ring(&shipper->bell);
}
