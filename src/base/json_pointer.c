/* SPDX-License-Identifier: MIT */
#include "base/json_pointer.h"

#include <string.h>

#include "base/text.h"

bool stk_json_pointer_is_valid(const char *text)
{
    if (*text != '\0' && *text != '/') return false;
    for (; *text != '\0'; text++) {
        if (*text == '~' && text[1] != '0' && text[1] != '1') return false;
    }
    return true;
}

/* One name of the pointer, with its escapes undone. */
static void take_name(const char *from, size_t len, struct stk_buf *ret)
{
    stk_buf_clear(ret);
    for (size_t i = 0; i < len; i++) {
        bool is_escape = from[i] == '~' && i + 1 < len;
        stk_buf_addc(ret, !is_escape ? from[i] : from[i + 1] == '1' ? '/' : '~');
        i += is_escape;
    }
}

static json_t *child_of(json_t *value, const struct stk_buf *name)
{
    uint32_t index = 0;
    if (json_is_object(value)) return json_object_get(value, stk_buf_str(name));
    if (!json_is_array(value) || !stk_parse_u32(stk_buf_str(name), &index)) return NULL;
    return json_array_get(value, index);
}

json_t *stk_json_at(json_t *document, const char *pointer)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf name = STK_BUF_INIT;
    json_t *value = document;
    while (value != NULL && *pointer == '/') {
        size_t len = strcspn(pointer + 1, "/");
        take_name(pointer + 1, len, &name);
        value = child_of(value, &name);
        pointer += len + 1;
    }
    return value;
}

bool stk_json_add_plain(struct stk_buf *buf, const json_t *value)
{
    if (json_is_string(value)) {
        stk_buf_add(buf, json_string_value(value), json_string_length(value));
    } else if (json_is_number(value) || json_is_boolean(value)) {
        stk_json_add(buf, value);
    } else {
        return false;
    }
    return true;
}
