/* SPDX-License-Identifier: MIT
 *
 * log_files - the files of the worker consoles, read when no pool can be asked.
 *
 * Memory:  the buf is the caller's.
 * Threads: pure but for reading.
 * Errors:  STK_NOT_FOUND when there is no such file.
 */
#ifndef STK_CLI_LOG_FILES_H
#define STK_CLI_LOG_FILES_H

#include "base/buf.h"
#include "base/err.h"

struct stk_log_filter {
    const char *worker; /* "w3", "pool"; NULL: all */
    int64_t job_id;     /* 0: all */
    size_t limit;       /* the newest so many lines */
};

/* Lines of all files of the folder and of those that further pools took beside it
 * (pool/console_dir.h), rotated ones too, merged by time. */
STK_MUST_USE enum stk_rc stk_log_files_read(const char *dir, const struct stk_log_filter *filter,
                                            struct stk_buf *out, struct stk_error *err);

#endif
