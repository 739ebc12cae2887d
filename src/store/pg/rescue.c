/* SPDX-License-Identifier: MIT
 *
 * Giving back the jobs of pools that are gone. A pool is gone when its lease has
 * run out a grace ago; it is marked first, and from then on it can neither claim
 * nor beat. Which jobs it ran: those that it wrote down with its last beat,
 * those that were started since, and remote ones in a worker's hands; each is
 * looked at. Several may rescue at once: a row that another one holds is left to
 * it, and a pool is done with when nothing of it is running.
 *
 * Leases are by the database's clock. After a leap of it all living pools beat
 * before anybody is taken for gone.
 */
#include "store/pg/pg.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/rand.h"

#define STEADY_NS (STK_LEASE_SECONDS * STK_SECOND / 2)

/* --- pools that are gone ------------------------------------------------- */

static enum stk_rc say_gone(struct stk_pg *self, const struct stk_pg_rows *rows, int row,
                            stk_time_ns now, struct stk_error *err)
{
    char text[300];
    int64_t id = stk_pg_int(rows, row, 0);
    (void)snprintf(text, sizeof(text),
                   "pool p%lld (pid %lld on %s) has not been heard of for %lld s; its jobs are "
                   "given back",
                   (long long)id, (long long)stk_pg_int(rows, row, 2), stk_pg_text(rows, row, 1),
                   (long long)((now - stk_pg_int(rows, row, 3)) / STK_SECOND));
    struct stk_event event = { .pool_id = id, .text = text };
    return stk_pg_event_add(self, STK_EVENT_POOL_LOST, &event, now, err);
}

static enum stk_rc end_pools(struct stk_pg *self, int64_t alive, stk_time_ns now,
                             struct stk_error *err)
{
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    bool leapt = self->clock_step_mono != 0 && stk_clock_mono() < self->clock_step_mono + STEADY_NS;
    if (leapt) return STK_OK;
    stk_pg_arg_int(self, alive);
    stk_pg_arg_int(self, now);
    stk_pg_arg_int(self, now - STK_LEASE_GRACE_SECONDS * STK_SECOND);
    enum stk_rc rc = stk_pg_run(self, STMT_POOL_LOST, "look for lost pools", &rows, err);
    for (int i = 0; i < rows.count && rc == STK_OK; i++) {
        rc = say_gone(self, &rows, i, now, err);
    }
    return rc;
}

/* --- their jobs ---------------------------------------------------------- */

struct lost_job {
    struct stk_settle settle;
    struct stk_remote remote;
    char error[200];
};

/* Who knows how often a task may be interrupted, and what becomes of its
 * ambiguous jobs. */
struct bound {
    stk_bound_fn of;
    void *context;
};

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

static void write_error(struct lost_job *lost, enum stk_outcome outcome, int64_t job_id,
                        int64_t pool_id)
{
    if (outcome == STK_OUTCOME_AMBIGUOUS) {
        (void)snprintf(lost->error, sizeof(lost->error),
                       "the pool died while the job was being submitted; nobody knows whether the "
                       "authority accepted it: look there, then stoker retry %lld",
                       (long long)job_id);
        return;
    }
    (void)snprintf(lost->error, sizeof(lost->error), "interrupted: its pool p%lld is gone",
                   (long long)pool_id);
}

static void note_lost(struct lost_job *lost, const struct stk_pg_rows *rows, int row,
                      const struct bound *bound, stk_time_ns now)
{
    struct stk_bounds bounds = bound->of(bound->context, stk_pg_text(rows, row, 6));
    struct stk_retry retry = STK_RETRY_DEFAULT;
    retry.interruptions_max = bounds.interruptions_max;
    struct fate fate = fate_of(stk_pg_text(rows, row, 7), bounds.ambiguous);
    struct stk_attempt_facts facts = {
        .attempt = (uint32_t)stk_pg_int(rows, row, 2),
        .interruptions = (uint32_t)stk_pg_int(rows, row, 3),
        .cancel_requested = stk_pg_bool(rows, row, 4),
        .remote_known = fate.goes_on,
        .retry = &retry,
    };
    int64_t id = stk_pg_int(rows, row, 0);
    write_error(lost, fate.outcome, id, stk_pg_int(rows, row, 5));
    lost->remote = (struct stk_remote){
        .phase = STK_REMOTE_ADOPTING,
        .submitted_at = stk_pg_int(rows, row, 8),
        .poll_at = now,
        .progress = -1,
    };
    lost->settle = (struct stk_settle){
        .id = id,
        .attempt_id = stk_pg_int(rows, row, 1),
        .outcome = fate.outcome,
        .to = stk_lifecycle_settle(&facts, fate.outcome, now, 0, stk_rand_u64()),
        .remote = fate.adopts ? &lost->remote : NULL,
        .error = fate.goes_on ? NULL : lost->error,
        .exit_status = -1,
    };
}

static enum stk_rc find_lost(struct stk_pg *self, int64_t alive, const struct bound *bound,
                             stk_time_ns now, struct stk_bulk *bulk, struct lost_job *lost,
                             size_t *ret_count, struct stk_error *err)
{
    STK_CLEANUP(stk_pg_rows_release) struct stk_pg_rows rows = STK_PG_ROWS_INIT;
    stk_pg_arg_int(self, bulk->cursor);
    stk_pg_arg_int(self, STK_STORE_CHUNK);
    stk_pg_arg_int(self, alive);
    enum stk_rc rc = stk_pg_run(self, STMT_STEP_LOST, "look for lost jobs", &rows, err);
    if (rc != STK_OK) return rc;
    for (int i = 0; i < rows.count; i++) {
        note_lost(&lost[i], &rows, i, bound, now);
        bulk->cursor = lost[i].settle.id;
    }
    bulk->more = rows.count == STK_STORE_CHUNK;
    *ret_count = (size_t)rows.count;
    return STK_OK;
}

static void free_lostp(struct lost_job **lost)
{
    free(*lost);
}

enum stk_rc stk_pg_rescue(struct stk_store *store, int64_t pool_id, stk_bound_fn of, void *context,
                          stk_time_ns now, struct stk_bulk *bulk, struct stk_error *err)
{
    struct stk_pg *self = downcast(store);
    const struct bound bound = { .of = of, .context = context };
    STK_CLEANUP(free_lostp)
    struct lost_job *lost = stk_realloc(NULL, STK_STORE_CHUNK, sizeof(*lost));

    size_t count = 0;
    enum stk_rc rc = stk_pg_writing(self, err);
    if (rc == STK_OK && bulk->cursor == 0) rc = end_pools(self, pool_id, now, err);
    if (rc == STK_OK) rc = find_lost(self, pool_id, &bound, now, bulk, lost, &count, err);
    for (size_t i = 0; i < count && rc == STK_OK; i++) {
        rc = stk_pg_settle(store, &lost[i].settle, 1, now, err);
        if (rc == STK_OK && lost[i].settle.accepted) bulk->changed++;
        if (rc == STK_OK && !lost[i].settle.accepted) bulk->skipped++;
    }
    if (rc != STK_OK || bulk->more) return rc;
    return stk_pg_run(self, STMT_POOL_RESCUED, "note that a pool is rescued", NULL, err);
}
