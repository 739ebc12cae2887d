/* SPDX-License-Identifier: MIT
 *
 * http - the executor of jobs that run at an authority: one run, one step.
 *
 *   nothing known   submit; with a handle it is PARKED
 *   a handle        poll; PARKED again, or read the result, or it has failed
 *   to be fetched   read the result
 *   to be adopted   look for it in the authority's list
 *   to be cancelled tell the authority
 *
 * Between two steps the job holds no worker. What is known of it elsewhere comes
 * in job->remote and goes back in result->remote; a handle once known is never
 * given up for another submit. A stop ends the request under way at once, but
 * for a person's cancel while the job is being submitted: only the answer says
 * what there is to cancel.
 */
#ifndef STK_EXEC_HTTP_H
#define STK_EXEC_HTTP_H

#include "exec/exec.h"

struct stk_runner *stk_http_runner_new(void);

#endif
