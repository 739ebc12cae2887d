/* SPDX-License-Identifier: MIT */
#include "store/lost.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/rand.h"

struct stk_lost_job {
    struct stk_settle settle;
    struct stk_remote remote;
    char error[200];
};

void stk_lost_init(struct stk_lost *lost, stk_bound_fn bound, void *context, stk_time_ns now)
{
    *lost = (struct stk_lost){
        .bound = bound,
        .context = context,
        .now = now,
        /* At once: a settle points into its own place. */
        .jobs = stk_realloc(NULL, STK_STORE_CHUNK, sizeof(*lost->jobs)),
    };
}

void stk_lost_release(struct stk_lost *lost)
{
    free(lost->jobs);
    lost->jobs = NULL;
}

/* How the lost attempt ends: its outcome, and whether its job goes on at the
 * authority. */
struct fate {
    enum stk_outcome outcome;
    bool goes_on, adopts;
};

static struct fate fate_of(const char *phase_name, enum stk_ambiguous ambiguous)
{
    enum stk_remote_phase phase = STK_REMOTE_NONE;
    if (phase_name != NULL) (void)stk_remote_phase_from_name(phase_name, &phase);
    if (phase == STK_REMOTE_NONE) return (struct fate){ STK_OUTCOME_INTERRUPTED, false, false };
    if (phase != STK_REMOTE_SUBMITTING)
        return (struct fate){ STK_OUTCOME_INTERRUPTED, true, false };
    switch (ambiguous) {
    case STK_AMBIGUOUS_RESUBMIT: return (struct fate){ STK_OUTCOME_INTERRUPTED, false, false };
    case STK_AMBIGUOUS_ADOPT: return (struct fate){ STK_OUTCOME_INTERRUPTED, true, true };
    case STK_AMBIGUOUS_QUARANTINE: break;
    }
    return (struct fate){ STK_OUTCOME_AMBIGUOUS, false, false };
}

static void write_error(struct stk_lost_job *job, enum stk_outcome outcome,
                        const struct stk_lost_row *row)
{
    if (outcome == STK_OUTCOME_AMBIGUOUS) {
        (void)snprintf(job->error, sizeof(job->error),
                       "the pool died while the job was being submitted; nobody knows whether the "
                       "authority accepted it: look there, then stoker retry %lld",
                       (long long)row->id);
        return;
    }
    (void)snprintf(job->error, sizeof(job->error), "interrupted: its pool p%lld is gone",
                   (long long)row->pool_id);
}

void stk_lost_add(struct stk_lost *lost, const struct stk_lost_row *row)
{
    assert(lost->count < STK_STORE_CHUNK);
    struct stk_lost_job *job = &lost->jobs[lost->count++];
    struct stk_bounds bounds = lost->bound(lost->context, row->task);
    struct fate fate = fate_of(row->phase, bounds.ambiguous);
    struct stk_retry retry = STK_RETRY_DEFAULT;
    retry.interruptions_max = bounds.interruptions_max;
    struct stk_attempt_facts facts = {
        .attempt = row->attempt,
        .interruptions = row->interruptions,
        .cancel_requested = row->cancel_requested,
        .remote_known = fate.goes_on,
        .retry = &retry,
    };
    write_error(job, fate.outcome, row);
    job->remote = (struct stk_remote){
        .phase = STK_REMOTE_ADOPTING,
        .submitted_at = row->submitted_at,
        .poll_at = lost->now,
        .progress = -1,
    };
    job->settle = (struct stk_settle){
        .id = row->id,
        .attempt_id = row->attempt_id,
        .outcome = fate.outcome,
        .to = stk_lifecycle_settle(&facts, fate.outcome, lost->now, 0, stk_rand_u64()),
        .remote = fate.adopts ? &job->remote : NULL,
        .error = fate.goes_on ? NULL : job->error,
        .exit_status = -1,
    };
}

enum stk_rc stk_lost_settle(struct stk_store *store, struct stk_lost *lost, struct stk_bulk *bulk,
                            struct stk_error *err)
{
    enum stk_rc rc = STK_OK;
    bulk->more = lost->count == STK_STORE_CHUNK;
    if (lost->count > 0) bulk->cursor = lost->jobs[lost->count - 1].settle.id;
    for (size_t i = 0; i < lost->count && rc == STK_OK; i++) {
        struct stk_settle *settle = &lost->jobs[i].settle;
        rc = stk_store_settle(store, settle, 1, lost->now, err);
        if (rc == STK_OK && settle->accepted) bulk->changed++;
        if (rc == STK_OK && !settle->accepted) bulk->skipped++;
    }
    return rc;
}
