/* SPDX-License-Identifier: MIT
 *
 * kinds - the keys of a map whose kind decides which of them it takes, as a
 * table: a row for each key, a column for each kind.
 *
 * Memory:  readers fill a struct of the caller's; release frees its members by
 *          the same table, so that none is forgotten.
 * Threads: as of the readers.
 * Errors:  STK_BAD_CONFIG naming FILE:LINE: KEY.
 */
#ifndef STK_MODEL_KINDS_H
#define STK_MODEL_KINDS_H

#include "model/session_value.h"

enum stk_kind_form { STK_FORM_TEXT, STK_FORM_LIST, STK_FORM_OTHER }; /* what release frees */

/* A name may stand in several rows, for different kinds. */
struct stk_kind_row {
    const char *name;
    stk_session_reader *read;
    size_t at; /* in the struct; 0: the reader is given all of it */
    enum stk_kind_form form;
    const char *takes; /* ". x !": a mark a kind. '.' does not take it, 'x' may have it, '!' must */
};

/* What people write where a file belongs, and what they should. */
struct stk_kind_secret {
    const char *name, *instead;
};

struct stk_kinds {
    const struct stk_kind_row *rows;
    size_t row_count;
    const struct stk_kind_secret *secrets;
    size_t secret_count;
    const char *selector; /* a key that is read elsewhere, and says which kind; or NULL */
};

/* `who`, of errors: "the provider file", "a channel of kind mail". */
STK_MUST_USE enum stk_rc stk_kinds_read(const struct stk_kinds *kinds, size_t kind, const char *who,
                                        const struct stk_node *map, const char *dir, void *into,
                                        struct stk_error *err);
void stk_kinds_release(const struct stk_kinds *kinds, void *from);

#endif
