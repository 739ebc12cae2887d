/* SPDX-License-Identifier: MIT
 *
 * page - the jobs that a filter finds, one page of them.
 *
 * Private to api/. A page ends at `limit` rows, or earlier when its texts reach
 * STK_PAGE_BYTES_MAX: a thousand results of a megabyte are not one answer.
 *
 * Memory:  release drops the rows; an empty page ({ 0 } but for the filter) owns
 *          nothing.
 * Errors:  STK_INVALID for a filter that cannot be; STK_NOT_FOUND when it names
 *          a task or a sweep that does not exist.
 */
#ifndef STK_API_PAGE_H
#define STK_API_PAGE_H

#include "api/request.h"

enum { STK_PAGE_BYTES_MAX = 16 * 1024 * 1024 };

struct stk_page {
    struct stk_job_filter filter;
    json_t *(*show)(const struct stk_job *job); /* a row; a new reference */
    json_t *rows;                               /* array; take it or release it */
    int64_t next;                               /* go on from this id; 0: that was all */
    size_t bytes_;                              /* of the texts so far */
    int64_t last_;                              /* the last row's id */
    bool is_cut_;
};

/* Reads `task`, `sweep`, `limit` and the cursor called `cursor` out of the query. */
STK_MUST_USE enum stk_rc stk_page_ask(const struct stk_call *call, const char *cursor,
                                      struct stk_page *page, struct stk_error *err);
STK_MUST_USE enum stk_rc stk_page_read(const struct stk_call *call, struct stk_page *page,
                                       struct stk_error *err);
/* {NAME: rows, "next": ...}; the rows move there. */
json_t *stk_page_show(struct stk_page *page, const char *name);
void stk_page_release(struct stk_page *page);

/* STK_NOT_FOUND when there is no such sweep. */
STK_MUST_USE enum stk_rc stk_sweep_must_exist(struct stk_store *store, int64_t sweep_id,
                                              struct stk_error *err);

#endif
