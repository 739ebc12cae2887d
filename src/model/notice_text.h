/* SPDX-License-Identifier: MIT
 *
 * notice_text - the words of a notice: one paragraph for people, with the command
 * or the file that helps, and the same as a JSON object for programs.
 *
 * Private to model/notice.
 *
 * Memory:  adds to the buffers of the notice.
 * Threads: pure.
 */
#ifndef STK_MODEL_NOTICE_TEXT_H
#define STK_MODEL_NOTICE_TEXT_H

#include "model/notice.h"

struct stk_notice_case {
    const struct stk_session *before, *session; /* before: NULL: not known */
    const struct stk_session_spec *spec;
    const struct stk_notice_facts *facts;
    stk_time_ns now;
};

void stk_notice_text_expiring(const struct stk_notice_case *it, stk_time_ns end,
                              struct stk_notice_due *due);
void stk_notice_text_standing(const struct stk_notice_case *it, struct stk_notice_due *due);
void stk_notice_text_renewed(const struct stk_notice_case *it, struct stk_notice_due *due);
void stk_notice_text_limit(const struct stk_limit *limit, const struct stk_limit_spec *spec,
                           stk_time_ns now, struct stk_notice_due *due);
void stk_notice_text_test(const char *actor, struct stk_notice_due *due);

#endif
