/* SPDX-License-Identifier: MIT */
#include "model/named.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

struct list {
    const struct stk_named *named;
    char *all;
    size_t count;
};

static void release_list(struct list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        list->named->release(list->all + i * list->named->size);
    }
    free(list->all);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static enum stk_rc read_one(struct list *list, const struct stk_node *node, const char *dir,
                            struct stk_error *err)
{
    const struct stk_named *named = list->named;
    if (!stk_name_is_valid(node->name)) {
        return stk_node_fail(node, err, "not a name for a %s: letters, digits and _-.:/",
                             named->one);
    }
    return named->read(node, dir, list->all + list->count++ * named->size, err);
}

enum stk_rc stk_named_read(const struct stk_named *named, const struct stk_node *node,
                           const char *dir, void **ret, size_t *ret_count, struct stk_error *err)
{
    assert(ret != NULL && ret_count != NULL);
    enum stk_rc rc = stk_node_map_of(node, NULL, err);
    if (rc != STK_OK) return rc;
    size_t count = node != NULL ? node->count : 0;
    if (count > named->most) {
        return stk_node_fail(node, err, "has %zu %s; the limit is %zu", count, named->many,
                             named->most);
    }

    STK_CLEANUP(release_list)
    struct list list = { .named = named, .all = stk_alloc((count + 1) * named->size) };
    for (size_t i = 0; rc == STK_OK && i < count; i++) {
        rc = read_one(&list, node->children[i], dir, err);
    }
    if (rc != STK_OK) return rc;
    qsort(list.all, list.count, named->size, compare_names);

    *ret = list.all;
    *ret_count = list.count;
    list.all = NULL;
    list.count = 0;
    return STK_OK;
}
