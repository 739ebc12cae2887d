/* SPDX-License-Identifier: MIT */
#include "store/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

struct stk_store *store;
struct stk_error err;
int64_t pool;

void run_check(enum stk_rc rc, const struct stk_error *error, const char *call, int line)
{
    if (rc != STK_OK) fail_msg("line %d: %s: %s: %s", line, call, stk_rc_name(rc), error->text);
}

/* --- the store ----------------------------------------------------------- */

static char folder[] = "/tmp/stoker-conformance-XXXXXX";

void run_make_file(void)
{
    const char *wanted = getenv("STK_TEST_STORE");
    if (wanted != NULL && strchr(wanted, ':') != NULL) {
        folder[0] = '\0';
        return;
    }
    if (mkdtemp(folder) == NULL) abort();
    STK_CLEANUP(stk_freep) char *url = stk_format("sqlite:%s/stoker.db", folder);
    (void)setenv("STK_TEST_STORE", url, 1);
}

void run_remove_file(void)
{
    static const char *const ends[] = { "", "-wal", "-shm", ".lock" };
    for (size_t i = 0; i < STK_ARRAY_LEN(ends) && folder[0] != '\0'; i++) {
        STK_CLEANUP(stk_freep) char *path = stk_format("%s/stoker.db%s", folder, ends[i]);
        (void)remove(path);
    }
    if (folder[0] != '\0') (void)remove(folder);
}

int run_open(void **state)
{
    (void)state;
    struct stk_store_options options = { .command = "conformance" };
    OK(stk_store_open(getenv("STK_TEST_STORE"), &options, &store, &err));
    begin();
    OK(stk_store_pool_start(store, "here", 1, 8, BORN, &pool, &err));
    commit();
    return 0;
}

int run_close(void **state)
{
    (void)state;
    stk_store_close(store);
    return 0;
}

int run_rollback(void **state)
{
    (void)state;
    stk_store_rollback(store);
    return 0;
}

/* --- short words --------------------------------------------------------- */

void begin(void)
{
    OK(stk_store_begin(store, &err));
}

void commit(void)
{
    OK(stk_store_commit(store, &err));
}

int64_t make_task(const char *name)
{
    int64_t id = 0;
    begin();
    OK(stk_store_task(store, name, name, &id, &err));
    commit();
    return id;
}

int64_t queue_id(const char *name)
{
    const struct stk_queue *queues = NULL;
    size_t count = 0;
    OK(stk_store_queues(store, &queues, &count, &err));
    for (size_t i = 0; i < count; i++) {
        if (strcmp(queues[i].name, name) == 0) return queues[i].id;
    }
    fail_msg("no queue %s", name);
    return 0;
}

int64_t submit(int64_t task_id)
{
    struct stk_new_job job = { .task_id = task_id, .params = "{\"x\":1}", .params_len = 7 };
    struct stk_submitted made = { 0 };
    begin();
    OK(stk_store_submit(store, &job, 1, NOW, &made, &err));
    commit();
    return made.id;
}

static void keep_claim(void *context, const struct stk_claim *claim)
{
    struct stk_claim *kept = context;
    *kept = *claim;
    kept->params = NULL;
}

struct stk_claim claim_one(const char *queue)
{
    struct stk_claim claim = { 0 };
    uint32_t slot = 1;
    size_t got = 0;
    begin();
    OK(stk_store_claim(store, queue_id(queue), pool, &slot, 1, NOW, keep_claim, &claim, &got,
                       &err));
    commit();
    assert_int_equal(got, 1);
    return claim;
}

bool settle(struct stk_settle settle)
{
    begin();
    OK(stk_store_settle(store, &settle, 1, NOW, &err));
    commit();
    return settle.accepted;
}

void copy_text(char *to, size_t size, const char *text)
{
    (void)snprintf(to, size, "%s", text != NULL ? text : "(null)");
}

void see_job(void *context, const struct stk_job *job)
{
    struct seen *seen = context;
    seen->job = *job;
    copy_text(seen->params, sizeof(seen->params), job->params);
    copy_text(seen->result, sizeof(seen->result), job->result);
    copy_text(seen->error, sizeof(seen->error), job->error);
    copy_text(seen->held, sizeof(seen->held), job->held);
    copy_text(seen->task, sizeof(seen->task), job->task);
    copy_text(seen->queue, sizeof(seen->queue), job->queue);
}

struct seen see(int64_t id)
{
    struct seen seen;
    OK(stk_store_job(store, id, see_job, &seen, &err));
    return seen;
}

enum stk_state state_of(int64_t id)
{
    return see(id).job.state;
}
