/* SPDX-License-Identifier: MIT
 *
 * sweep - from permutations of parameters to jobs in the store.
 *
 * A sweep is accepted (its row with its recipe is durable, `filled` false),
 * then filled in bounded transactions; a crash in between loses nothing, since
 * whoever opens the store next fills it again: the same point is never in it
 * twice. Extending adds a part to the recipe and fills again.
 *
 * The recipe (JSON, what `stoker sweep` sends):
 *   {"axes": [["fast","5:200:5"], ["slow","20,50,100"]],   text as typed
 *    "zip": [["fast","slow"]],        axes of equal length walked together
 *    "where": "fast < slow",          SQL expression over the parameters
 *    "sample": 500, "seed": 7,        a sample of what is left; same seed, same points
 *    "from": {"name":"p.csv", "format":"csv"|"jsonl", "text":"..."}}
 * `from` is one more axis, its rows walked together. All members may be left
 * out; `seed` is then 0. How the points are walked: feed/points.h.
 *
 * The row's spec is {"parts": [recipe, ...]}, each with "points", "priority"
 * and, once its jobs are in, "done": true; a file's text is then replaced by
 * "rows", their number.
 *
 * Memory:  requests are borrowed for the call; answers are plain data.
 * Threads: any; of two that fill one sweep each point still comes in once.
 * Errors:  STK_INVALID / STK_BAD_DATA naming the parameter, the axis or
 *          file:line; STK_TOO_LARGE; nothing is stored then.
 */
#ifndef STK_FEED_SWEEP_H
#define STK_FEED_SWEEP_H

#include "feed/points.h"
#include "model/settings.h"
#include "store/access.h"

struct stk_sweep_request {
    const char *task;   /* stk_sweep_accept: NULL with extend_id is the sweep's */
    const char *name;   /* or NULL; of a new sweep */
    json_t *recipe;     /* as above */
    int64_t extend_id;  /* 0: a new sweep */
    int64_t points_max; /* more is refused with STK_TOO_LARGE: "would make N jobs; say --yes" */
    int32_t priority;
    bool has_priority; /* else the task's */
};

struct stk_sweep_answer {
    int64_t sweep_id;
    int64_t points;   /* the request makes */
    int64_t fresh;    /* of these, new jobs */
    int64_t existing; /* already in the sweep */
};

/* Checks and counts without storing: what --dry-run shows. *ret_sample: array
 * of the first `sample` parameter objects, a new reference. points_max plays no
 * part; no point at all is refused. */
STK_MUST_USE enum stk_rc stk_sweep_preview(const struct stk_settings *settings,
                                           const struct stk_sweep_request *request, size_t sample,
                                           int64_t *ret_points, json_t **ret_sample,
                                           struct stk_error *err);

/* Accepts: after STK_OK the sweep will be filled whatever happens, unless its
 * task is taken out of stoker.yaml or changed so that the recipe does not fit. */
STK_MUST_USE enum stk_rc stk_sweep_accept(const struct stk_access *access,
                                          const struct stk_settings *settings,
                                          const struct stk_sweep_request *request,
                                          int64_t *ret_sweep_id, int64_t *ret_points,
                                          struct stk_error *err);

/* Submits the points of an accepted sweep, STK_STORE_CHUNK a transaction, and
 * marks it filled. `more` (may be NULL) is told points done after each chunk;
 * when it returns false, or another process fills the sweep of a shared store, the
 * filling stops there with STK_BUSY, to be gone on with later. What is filled already is STK_OK and
 * changes nothing. `answer` may be NULL; its numbers are of the newest part, and of this call
 * alone: points that came in before a crash are `existing`. */
STK_MUST_USE enum stk_rc stk_sweep_fill(const struct stk_access *access,
                                        const struct stk_settings *settings, int64_t sweep_id,
                                        bool (*more)(void *context, int64_t done, int64_t points),
                                        void *context, struct stk_sweep_answer *answer,
                                        struct stk_error *err);

#endif
