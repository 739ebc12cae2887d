/* SPDX-License-Identifier: MIT
 *
 * secret - bytes that nobody may print.
 *
 * Kept in locked, guarded memory that no core dump holds and that is wiped at
 * the end. There is no function that formats one; who needs the bytes says so
 * with stk_secret_bytes.
 *
 * Memory:  made with one reference; stk_secret_free gives one back, NULL is a
 *          no-op. Immutable once made.
 * Threads: any; the count of references is atomic.
 * Errors:  STK_BAD_CONFIG naming the file and the remedy.
 */
#ifndef STK_BASE_SECRET_H
#define STK_BASE_SECRET_H

#include "base/buf.h"
#include "base/err.h"

struct stk_secret;

enum { STK_SECRET_BYTES_MAX = 256 * 1024 };

struct stk_secret *stk_secret_new(const char *bytes, size_t len);
/* Takes the buffer's bytes, then wipes and releases the buffer. */
struct stk_secret *stk_secret_take(struct stk_buf *buf);
struct stk_secret *stk_secret_ref(struct stk_secret *secret);
void stk_secret_free(struct stk_secret *secret);
void stk_secret_freep(struct stk_secret **secret);

const char *stk_secret_bytes(const struct stk_secret *secret); /* a NUL follows the last byte */
size_t stk_secret_len(const struct stk_secret *secret);
bool stk_secret_equal(const struct stk_secret *a, const struct stk_secret *b); /* constant time */

/* The file's content; a byte order mark at its start and line ends at its end
 * are left off. Others than its owner may not read it: refused, with the chmod
 * that helps (a file of root's may be readable for its group: so systemd hands
 * credentials over). Empty or over STK_SECRET_BYTES_MAX: refused. */
STK_MUST_USE enum stk_rc stk_secret_read_file(const char *path, struct stk_secret **ret,
                                              struct stk_error *err);

/* The same, but nothing is left off, and an empty file is an empty secret: for
 * what programs write. */
STK_MUST_USE enum stk_rc stk_secret_read_file_whole(const char *path, struct stk_secret **ret,
                                                    struct stk_error *err);

/* Overwrites, then releases: for buffers that held a secret on its way. */
void stk_buf_wipe(struct stk_buf *buf);
void stk_buf_wipep(struct stk_buf *buf);

#endif
