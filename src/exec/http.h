/* SPDX-License-Identifier: MIT
 *
 * http - the executor of tasks that run at an authority.
 *
 * One run is one step of a job, and holds its worker only so long:
 *
 *   phase NONE      note it durably, submit          -> PARKED with a handle
 *   phase HANDLE    ask how it is getting on         -> PARKED again, or fetch, or its end
 *   phase FETCH     read the result                  -> COMPLETED, or PARKED until it can be had
 *   phase ADOPTING  look for it in the list          -> PARKED with a handle, or not accepted
 *
 * What the answers mean stands in http_verdict.c. A submit is sent once: what
 * may have been accepted is never sent again by itself (`ambiguous:`). Whatever
 * keeps us from asking leaves the handle as it is.
 *
 * Threads: exec.h. A stop ends the request under way at once; a person's cancel
 * lets a submit have its answer, since only that tells what there is to cancel.
 */
#ifndef STK_EXEC_HTTP_H
#define STK_EXEC_HTTP_H

#include "exec/exec.h"

struct stk_runner *stk_http_runner_new(void);

#endif
