/* SPDX-License-Identifier: MIT
 *
 * A limit in a sentence, for people.
 */
#include "model/limit_inner.h"

#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "base/timetext.h"
#include "model/shown.h"

static void add_wait(struct stk_buf *buf, const char *before, stk_time_ns wait)
{
    char text[STK_DURATION_TEXT];
    stk_duration_text(wait, text);
    stk_buf_addf(buf, "%s%s", before, text);
}

static void add_cooldown(struct stk_buf *buf, const struct stk_limit *limit, const char *what,
                         stk_time_ns now)
{
    stk_buf_adds(buf, what);
    add_wait(buf, " for ", limit->blocked_until - now);
    if (limit->reason[0] == '\0') return;
    stk_buf_adds(buf, " (");
    stk_shown_add(buf, limit->reason, strlen(limit->reason), sizeof(limit->reason));
    stk_buf_addc(buf, ')');
}

static void add_numbers(struct stk_buf *buf, const struct stk_limit *limit,
                        const struct stk_limit_spec *spec, int64_t in_use, stk_time_ns now)
{
    uint32_t cap = stk_limit_concurrency(limit, spec, now);
    stk_time_ns interval = stk_limit_interval(limit, spec);
    int64_t quota = stk_limit_quota(limit, spec);
    stk_buf_adds(buf, "open");
    if (interval > 0) add_wait(buf, ", one each ", interval);
    if (cap > 0) stk_buf_addf(buf, ", %" PRId64 " of %" PRIu32 " slots in use", in_use, cap);
    if (quota == 0) return;
    stk_buf_addf(buf, ", %" PRId64 " of %" PRId64 " used", stk_limit_used(limit, spec, now), quota);
}

static void add_quota(struct stk_buf *buf, const struct stk_limit *limit,
                      const struct stk_limit_spec *spec, stk_time_ns now)
{
    stk_buf_addf(buf, "the quota of %" PRId64 " is used up", stk_limit_quota(limit, spec));
    add_wait(buf, " for ", stk_limit_reset_at(spec, now) - now);
}

static void add_refusal(struct stk_buf *buf, const struct stk_limit *limit,
                        const struct stk_limit_spec *spec, const struct stk_admission *admission,
                        int64_t in_use, stk_time_ns now)
{
    uint32_t cap = stk_limit_concurrency(limit, spec, now);
    switch (admission->kind) {
    case STK_LIMIT_OPEN: break;
    case STK_LIMIT_COOLDOWN: add_cooldown(buf, limit, "cooldown", now); break;
    case STK_LIMIT_RATE:
        add_wait(buf, "next turn in ", admission->again_at - now);
        add_wait(buf, ", one each ", stk_limit_interval(limit, spec));
        break;
    case STK_LIMIT_SLOTS:
        stk_buf_addf(buf, "%" PRId64 " of %" PRIu32 " slots in use", in_use, cap);
        break;
    case STK_LIMIT_QUOTA: add_quota(buf, limit, spec, now); break;
    case STK_LIMIT_BREAKER:
        if (now < limit->blocked_until) {
            add_cooldown(buf, limit, "closed after errors", now);
        } else {
            stk_buf_adds(buf, "closed after errors, waits for the answer of one probe");
        }
        break;
    }
}

void stk_limit_sentence(const struct stk_limit *limit, const struct stk_limit_spec *spec,
                        int64_t in_use, stk_time_ns now, char *ret_text, size_t size)
{
    struct stk_admission admission = stk_limit_admit(limit, spec, in_use, now);
    struct stk_buf buf = STK_BUF_INIT;
    stk_buf_addf(&buf, "limit \"%s\": ", limit->name);
    if (admission.admits == 0) {
        add_refusal(&buf, limit, spec, &admission, in_use, now);
    } else if (limit->half_open) {
        stk_buf_adds(&buf, "after errors, lets one probe through");
    } else {
        add_numbers(&buf, limit, spec, in_use, now);
    }
    size_t len = buf.len < size ? buf.len : stk_utf8_cut(stk_buf_str(&buf), size - 1);
    memcpy(ret_text, stk_buf_str(&buf), len);
    ret_text[len] = '\0';
    stk_buf_release(&buf);
}
