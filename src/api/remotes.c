/* SPDX-License-Identifier: MIT */
#include "api/remotes.h"

#include <string.h>

#include "api/show.h"
#include "base/text.h"

/* Without its query, which may be a key to what it leads to. */
static json_t *show_address(const char *address)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    if (address == NULL) return json_null();
    stk_text_add_escaped(&text, address, strcspn(address, "?#"));
    return json_string(stk_buf_str(&text));
}

static json_t *show_moment(stk_time_ns at)
{
    return at > 0 ? stk_show_time(at) : json_null();
}

static json_t *show(const struct stk_remote *remote)
{
    json_t *shown = json_object();
    stk_put(shown, "phase", json_string(stk_remote_phase_name(remote->phase)));
    stk_put(shown, "handle", show_address(remote->handle));
    stk_put(shown, "progress", remote->progress < 0 ? json_null() : json_real(remote->progress));
    stk_put(shown, "submitted_at", show_moment(remote->submitted_at));
    stk_put(shown, "seen_at", show_moment(remote->seen_at));
    stk_put(shown, "poll_at", show_moment(remote->poll_at));
    stk_put(shown, "polls", json_integer(remote->polls));
    stk_put(shown, "fails", json_integer(remote->fails));
    return shown;
}

static void take(void *context, const struct stk_remote *remote)
{
    struct stk_remote_read *read = context;
    read->known = true;
    read->remote = *remote;
    read->remote.handle = read->remote.result = NULL;
    read->shown = show(remote);
}

enum stk_rc stk_remotes_read(struct stk_store *store, int64_t job_id, struct stk_remote_read *ret,
                             struct stk_error *err)
{
    struct stk_error none = { 0 };
    *ret = (struct stk_remote_read){ .known = false };
    enum stk_rc rc = stk_store_remote(store, job_id, take, ret, &none);
    if (rc == STK_OK || rc == STK_NOT_FOUND) return STK_OK;
    return stk_fail(err, rc, "%s", none.text);
}

void stk_remote_read_release(struct stk_remote_read *read)
{
    stk_json_freep(&read->shown);
}
