/* SPDX-License-Identifier: MIT
 *
 * A program of the user's: the notice is JSON on its stdin, exit status 0 means
 * that it arrived.
 */
#include <string.h>

#include "base/alloc.h"
#include "session/courier.h"

static enum stk_rc rc_of(const struct stk_program_result *result)
{
    if (result->end == STK_PROGRAM_CANCELLED) return STK_BUSY;
    if (result->end == STK_PROGRAM_TIMED_OUT) return STK_TIMEOUT;
    if (result->end == STK_PROGRAM_NOT_STARTED) return STK_BAD_CONFIG;
    return result->end == STK_PROGRAM_EXITED && result->exit_status == 0 ? STK_OK : STK_UNAVAILABLE;
}

enum stk_rc stk_channel_hook(const struct stk_delivery *delivery, struct stk_error *err)
{
    const struct stk_channel *channel = delivery->channel;
    if (delivery->program == NULL) {
        return stk_fail(err, STK_UNAVAILABLE, "programs are run by a pool only: stoker up");
    }
    STK_CLEANUP(stk_freep) char *input = stk_format("%s\n", delivery->json);
    const struct stk_program_order order = {
        .argv = (const char *const *)channel->hook,
        .dir = channel->dir,
        .input = input,
        .input_len = strlen(input),
        .time_limit_ns = channel->timeout_ns,
    };
    struct stk_program_result result = { 0 };
    stk_program_run(delivery->program, &order, &result);
    enum stk_rc rc = rc_of(&result);
    if (rc != STK_OK) rc = stk_fail(err, rc, "%s: %s", channel->hook[0], result.error);
    stk_program_result_release(&result);
    return rc;
}
