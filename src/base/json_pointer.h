/* SPDX-License-Identifier: MIT
 *
 * json_pointer - one value out of a JSON document (RFC 6901): "", "/status",
 * "/results/0/id", with "~1" for '/' and "~0" for '~' in a name.
 *
 * Memory:  what is found belongs to the document.
 * Threads: pure.
 */
#ifndef STK_BASE_JSON_POINTER_H
#define STK_BASE_JSON_POINTER_H

#include "base/json.h"

bool stk_json_pointer_is_valid(const char *text);

/* NULL: there is no such value, or no document (NULL). */
json_t *stk_json_at(json_t *document, const char *pointer);

/* A text as it is, numbers and truths as JSON writes them. False: it is null, a
 * list or an object, or there is none (NULL). */
bool stk_json_add_plain(struct stk_buf *buf, const json_t *value);

#endif
