/* SPDX-License-Identifier: MIT */
#include "api/page.h"

#include <inttypes.h>
#include <string.h>

#include "api/show.h"

static enum stk_rc ask_sweep(const struct stk_call *call, struct stk_page *page,
                             struct stk_error *err)
{
    const char *text = stk_call_text(call, "sweep");
    if (text == NULL) return STK_OK;

    enum stk_rc rc = stk_id_or_last(text, "sweep", &page->filter.sweep_id, err);
    /* "last" is looked up where the page is read. */
    if (rc == STK_OK && page->filter.sweep_id == 0) page->filter.sweep_id = -1;
    return rc;
}

enum stk_rc stk_page_ask(const struct stk_call *call, const char *cursor, struct stk_page *page,
                         struct stk_error *err)
{
    page->filter.task = stk_call_text(call, "task");
    enum stk_rc rc = ask_sweep(call, page, err);
    if (rc == STK_OK) rc = stk_call_limit(call, &page->filter.limit, err);
    if (rc == STK_OK) rc = stk_call_int(call, cursor, 0, INT64_MAX, &page->filter.after_id, err);
    return rc;
}

static size_t text_bytes(const char *text)
{
    return text == NULL ? 0 : strlen(text);
}

static void add_row(void *context, const struct stk_job *job)
{
    struct stk_page *page = context;
    if (page->bytes_ > STK_PAGE_BYTES_MAX) page->is_cut_ = true;
    if (page->is_cut_) return;

    page->bytes_ += text_bytes(job->params) + text_bytes(job->result) + text_bytes(job->error);
    page->last_ = job->id;
    (void)json_array_append_new(page->rows, page->show(job));
}

static void note_one(void *context, const struct stk_job *job)
{
    (void)job;
    *(bool *)context = true;
}

/* A full page may have been the last: then asking for more would be in vain. */
static enum stk_rc look_further(struct stk_store *store, struct stk_page *page,
                                struct stk_error *err)
{
    bool has_more = page->is_cut_;
    struct stk_job_filter one = page->filter;
    one.after_id = page->last_;
    one.limit = 1;

    bool is_full = json_array_size(page->rows) == page->filter.limit;
    if (is_full && !has_more) {
        enum stk_rc rc = stk_store_jobs(store, &one, note_one, &has_more, err);
        if (rc != STK_OK) return rc;
    }
    page->next = has_more ? page->last_ : 0;
    return STK_OK;
}

static void count_one(void *context, const struct stk_sweep *sweep)
{
    (void)sweep;
    *(bool *)context = true;
}

enum stk_rc stk_sweep_must_exist(struct stk_store *store, int64_t sweep_id, struct stk_error *err)
{
    bool found = false;
    enum stk_rc rc = stk_store_sweeps(store, sweep_id, 0, 1, count_one, &found, err);
    if (rc != STK_OK || found) return rc;
    return stk_fail(err, STK_NOT_FOUND, "there is no sweep %" PRId64, sweep_id);
}

struct task_search {
    const char *name;
    bool found;
};

static void match_task(void *context, const char *queue, const char *task,
                       const struct stk_counts *counts)
{
    struct task_search *search = context;
    (void)queue;
    (void)counts;
    if (strcmp(task, search->name) == 0) search->found = true;
}

/* A task may be gone from stoker.yaml while its jobs are still there. */
static enum stk_rc task_must_exist(struct stk_store *store, const struct stk_settings *settings,
                                   const char *name, struct stk_error *err)
{
    struct task_search search = { .name = name };
    if (stk_settings_task(settings, name) != NULL) return STK_OK;

    enum stk_rc rc = stk_store_counts_by_task(store, match_task, &search, err);
    if (rc != STK_OK || search.found) return rc;
    return stk_settings_fail_unknown_task(settings, name, err);
}

struct page_read {
    const struct stk_settings *settings;
    struct stk_page *page;
};

static enum stk_rc read_page(struct stk_store *store, void *arg, struct stk_error *err)
{
    struct page_read *read = arg;
    struct stk_page *page = read->page;
    struct stk_job_filter *filter = &page->filter;

    enum stk_rc rc = STK_OK;
    if (filter->sweep_id < 0) rc = stk_store_last_sweep(store, &filter->sweep_id, err);
    if (rc == STK_OK) rc = stk_store_jobs(store, filter, add_row, page, err);
    if (rc != STK_OK) return rc;
    if (json_array_size(page->rows) > 0) return look_further(store, page, err);

    /* Nothing at all: tell a misspelt name from an empty answer. */
    if (filter->sweep_id > 0) rc = stk_sweep_must_exist(store, filter->sweep_id, err);
    if (rc == STK_OK && filter->task != NULL) {
        rc = task_must_exist(store, read->settings, filter->task, err);
    }
    return rc;
}

enum stk_rc stk_page_read(const struct stk_call *call, struct stk_page *page, struct stk_error *err)
{
    struct page_read read = { .settings = call->api->settings, .page = page };
    page->rows = json_array();
    return stk_read(&call->api->access, read_page, &read, err);
}

json_t *stk_page_show(struct stk_page *page, const char *name)
{
    json_t *shown = json_object();
    stk_put(shown, name, page->rows);
    stk_put(shown, "next", stk_show_id(page->next));
    page->rows = NULL;
    return shown;
}

void stk_page_release(struct stk_page *page)
{
    stk_json_freep(&page->rows);
}
