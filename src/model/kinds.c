/* SPDX-License-Identifier: MIT */
#include "model/kinds.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

enum { NAMES_MAX = 64 };

static char mark_of(const struct stk_kind_row *row, size_t kind)
{
    return row->takes[2 * kind];
}

/* The row of that name that the kind takes; of none, any row of the name. */
static const struct stk_kind_row *find_row(const struct stk_kinds *kinds, const char *name,
                                           size_t kind)
{
    const struct stk_kind_row *found = NULL;
    for (size_t i = 0; i < kinds->row_count; i++) {
        if (strcmp(kinds->rows[i].name, name) != 0) continue;
        if (mark_of(&kinds->rows[i], kind) != '.') return &kinds->rows[i];
        found = &kinds->rows[i];
    }
    return found;
}

static enum stk_rc fail_unknown(const struct stk_kinds *kinds, size_t kind,
                                const struct stk_node *node, struct stk_error *err)
{
    const char *names[NAMES_MAX] = { 0 };
    size_t count = 0;
    if (kinds->selector != NULL) names[count++] = kinds->selector;
    for (size_t i = 0; i < kinds->row_count; i++) {
        if (mark_of(&kinds->rows[i], kind) != '.') names[count++] = kinds->rows[i].name;
    }
    const char *near = stk_nearest(node->name, names, count);
    if (near == NULL) return stk_node_fail(node, err, "unknown key");
    return stk_node_fail(node, err, "unknown key (did you mean \"%s\"?)", near);
}

static enum stk_rc refuse_secret(const struct stk_kinds *kinds, const struct stk_node *node,
                                 struct stk_error *err)
{
    for (size_t i = 0; i < kinds->secret_count; i++) {
        if (strcmp(kinds->secrets[i].name, node->name) != 0) continue;
        return stk_node_fail(node, err, "secrets only from files: %s", kinds->secrets[i].instead);
    }
    return STK_OK;
}

static enum stk_rc read_key(const struct stk_kinds *kinds, size_t kind, const char *who,
                            const struct stk_node *node, const char *dir, void *into,
                            struct stk_error *err)
{
    const struct stk_kind_row *row = find_row(kinds, node->name, kind);
    bool is_taken = row != NULL && mark_of(row, kind) != '.';
    if (is_taken) return row->read(node, dir, (char *)into + row->at, err);

    enum stk_rc rc = refuse_secret(kinds, node, err);
    if (rc != STK_OK) return rc;
    if (row == NULL) return fail_unknown(kinds, kind, node, err);
    return stk_node_fail(node, err, "%s takes no such key", who);
}

static enum stk_rc check_needed(const struct stk_kinds *kinds, size_t kind, const char *who,
                                const struct stk_node *map, struct stk_error *err)
{
    for (size_t i = 0; i < kinds->row_count; i++) {
        const struct stk_kind_row *row = &kinds->rows[i];
        if (mark_of(row, kind) != '!' || stk_node_get(map, row->name) != NULL) continue;
        return stk_node_fail(map, err, "%s needs the key %s", who, row->name);
    }
    return STK_OK;
}

enum stk_rc stk_kinds_read(const struct stk_kinds *kinds, size_t kind, const char *who,
                           const struct stk_node *map, const char *dir, void *into,
                           struct stk_error *err)
{
    assert(kinds->row_count < NAMES_MAX);
    enum stk_rc rc = STK_OK;
    for (size_t i = 0; rc == STK_OK && i < map->count; i++) {
        const struct stk_node *node = map->children[i];
        bool is_selector = kinds->selector != NULL && strcmp(kinds->selector, node->name) == 0;
        if (!is_selector) rc = read_key(kinds, kind, who, node, dir, into, err);
    }
    return rc == STK_OK ? check_needed(kinds, kind, who, map, err) : rc;
}

void stk_kinds_release(const struct stk_kinds *kinds, void *from)
{
    for (size_t i = 0; i < kinds->row_count; i++) {
        void *place = (char *)from + kinds->rows[i].at;
        if (kinds->rows[i].form == STK_FORM_TEXT) free(*(char **)place);
        if (kinds->rows[i].form == STK_FORM_LIST) stk_texts_free(*(char ***)place);
    }
}
