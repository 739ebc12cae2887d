/* SPDX-License-Identifier: MIT
 *
 * query - paths of the API with what people typed in them, encoded.
 *
 * Memory:  the buf is the caller's.
 * Threads: pure.
 * Errors:  STK_INVALID for what cannot be an id.
 */
#ifndef STK_CLI_QUERY_H
#define STK_CLI_QUERY_H

#include "base/buf.h"
#include "base/err.h"
#include "cli/args.h"

/* The two options of a list that comes in pages; WHAT: "jobs". */
#define STK_QUERY_PAGE_OPTIONS(what)                                                 \
    { .name = "limit",                                                               \
      .value = "N",                                                                  \
      .is_int = true,                                                                \
      .min = 1,                                                                      \
      .max = 1000,                                                                   \
      .help = "show at most N " what " (20)" },                                      \
    {                                                                                \
        .name = "before", .value = "ID", .is_int = true, .min = 1, .max = INT64_MAX, \
        .help = "only " what " with a smaller id: the next page"                     \
    }
/* As they were given. */
void stk_query_add_page(struct stk_buf *path, const struct stk_args *args);

/* "/queues/" + one segment, percent-encoded. */
void stk_query_segment(struct stk_buf *path, const char *text);

/* "?name=value" or "&name=value"; a NULL value adds nothing. */
void stk_query_add(struct stk_buf *path, const char *name, const char *value);
void stk_query_add_int(struct stk_buf *path, const char *name, int64_t value);

/* An id as typed: a whole number from 1, or "last". what: "job", "sweep". */
STK_MUST_USE enum stk_rc stk_query_id(struct stk_buf *path, const char *what, const char *text,
                                      struct stk_error *err);

#endif
