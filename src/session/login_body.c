/* SPDX-License-Identifier: MIT */
#include "session/login_body.h"

#include <string.h>
#include <strings.h>

#include "base/http.h"
#include "base/json.h"

static bool is_json(const char *type)
{
    return strcasestr(type, "json") != NULL;
}

const char *stk_login_type(const struct stk_session_spec *spec)
{
    return spec->login_type != NULL ? spec->login_type : "application/x-www-form-urlencoded";
}

static const char *pattern_of(const struct stk_session_spec *spec)
{
    if (spec->login_body != NULL) return spec->login_body;
    return is_json(stk_login_type(spec)) ? "{\"username\":\"{user}\",\"password\":\"{password}\"}"
                                         : "username={user}&password={password}";
}

/* The quotes stand in the pattern. */
static void add_in_string(struct stk_buf *buf, const char *text, size_t len)
{
    STK_CLEANUP(stk_buf_wipep) struct stk_buf quoted = STK_BUF_INIT;
    stk_buf_reserve(&quoted, 6 * len + 2); /* one that grows leaves copies behind */
    stk_json_add_string(&quoted, text, len);
    stk_buf_add(buf, quoted.data + 1, quoted.len - 2);
}

void stk_login_body(const struct stk_session_spec *spec, const struct stk_secret *password,
                    struct stk_buf *ret)
{
    const struct {
        const char *mark, *text;
        size_t len;
    } values[] = {
        { "{user}", spec->user, strlen(spec->user) },
        { "{password}", stk_secret_bytes(password), stk_secret_len(password) },
    };
    const char *pattern = pattern_of(spec);
    bool json = is_json(stk_login_type(spec));
    stk_buf_reserve(ret, strlen(pattern) + 6 * (strlen(spec->user) + stk_secret_len(password)));

    for (const char *c = pattern; *c != '\0';) {
        size_t i = 0;
        while (i < STK_ARRAY_LEN(values) &&
               strncmp(c, values[i].mark, strlen(values[i].mark)) != 0) {
            i++;
        }
        if (i == STK_ARRAY_LEN(values)) {
            stk_buf_addc(ret, *c++);
            continue;
        }
        (json ? add_in_string : stk_url_add_escaped)(ret, values[i].text, values[i].len);
        c += strlen(values[i].mark);
    }
}
