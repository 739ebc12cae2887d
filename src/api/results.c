/* SPDX-License-Identifier: MIT */
#include "api/page.h"
#include "api/routes.h"
#include "api/show.h"

static json_t *show_result(const struct stk_job *job)
{
    json_t *shown = json_object();
    stk_put(shown, "id", json_integer(job->id));
    stk_put(shown, "params", stk_show_json(job->params));
    stk_put(shown, "result", stk_show_json(job->result));
    return shown;
}

enum stk_rc stk_api_results(const struct stk_call *call, json_t **ret, struct stk_error *err)
{
    STK_CLEANUP(stk_page_release)
    struct stk_page page = {
        .filter = { .state = STK_STATE_COMPLETED, .ascending = true, .limit = STK_PAGE_MAX },
        .show = show_result,
    };

    enum stk_rc rc = stk_page_ask(call, "after", &page, err);
    if (rc == STK_OK) rc = stk_page_read(call, &page, err);
    if (rc != STK_OK) return rc;

    *ret = stk_page_show(&page, "results");
    return STK_OK;
}
