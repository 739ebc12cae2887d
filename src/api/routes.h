/* SPDX-License-Identifier: MIT
 *
 * routes - the handlers, one or a few in a file per noun.
 *
 * Private to api/; the table that names them is in api/routes.c.
 */
#ifndef STK_API_ROUTES_H
#define STK_API_ROUTES_H

#include "api/request.h"
#include "model/session_verb.h"

#define STK_API_HANDLER(name) \
    enum stk_rc stk_api_##name(const struct stk_call *call, json_t **ret, struct stk_error *err)

STK_API_HANDLER(status);

STK_API_HANDLER(submit);
STK_API_HANDLER(jobs);
STK_API_HANDLER(job);
STK_API_HANDLER(job_why);
STK_API_HANDLER(jobs_retry);
STK_API_HANDLER(jobs_cancel);

STK_API_HANDLER(sweep_new);
STK_API_HANDLER(sweeps);
STK_API_HANDLER(sweep);
STK_API_HANDLER(sweep_extend);
STK_API_HANDLER(sweep_retry);
STK_API_HANDLER(sweep_cancel);

STK_API_HANDLER(results);

STK_API_HANDLER(queues);
STK_API_HANDLER(queue_pause);
STK_API_HANDLER(queue_resume);

STK_API_HANDLER(limits);
STK_API_HANDLER(limit_set);
STK_API_HANDLER(limit_clear);

STK_API_HANDLER(sessions);
#define STK_API_SESSION_HANDLER(verb, how, right, summary, description) \
    STK_API_HANDLER(session_##verb);
STK_SESSION_VERB_MAP(STK_API_SESSION_HANDLER)
#undef STK_API_SESSION_HANDLER

STK_API_HANDLER(users);
STK_API_HANDLER(user_new);
STK_API_HANDLER(user_grant);
STK_API_HANDLER(user_revoke);
STK_API_HANDLER(user_password);
STK_API_HANDLER(user_totp);
STK_API_HANDLER(user_remove);
STK_API_HANDLER(tokens);
STK_API_HANDLER(token_new);
STK_API_HANDLER(token_remove);
STK_API_HANDLER(key_rotate);
STK_API_HANDLER(audit);

STK_API_HANDLER(notify);
STK_API_HANDLER(notify_test);

STK_API_HANDLER(events);
STK_API_HANDLER(logs);
STK_API_HANDLER(doctor);

#endif
