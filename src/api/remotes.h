/* SPDX-License-Identifier: MIT
 *
 * remotes - what is known of a job that runs at an authority, for people.
 *
 * Memory:  what read made is ended by release.
 * Threads: no shared state.
 * Errors:  the store's; a job that runs here is no error.
 */
#ifndef STK_API_REMOTES_H
#define STK_API_REMOTES_H

#include "base/json.h"
#include "store/store.h"

struct stk_remote_read {
    bool known;
    struct stk_remote remote; /* without its texts */
    json_t *shown;            /* NULL unless known */
};
STK_MUST_USE enum stk_rc stk_remotes_read(struct stk_store *store, int64_t job_id,
                                          struct stk_remote_read *ret, struct stk_error *err);
void stk_remote_read_release(struct stk_remote_read *read);

#endif
