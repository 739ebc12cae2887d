/* SPDX-License-Identifier: MIT
 *
 * config - a YAML document as a tree that knows where each node stands.
 *
 * Generic: what the keys mean is model/settings' business. Anchors, aliases,
 * tags and several documents are refused, duplicate keys too. Size and depth
 * are limited (1 MiB, 32 levels, 100,000 nodes). A file that says nothing is a
 * map without members.
 *
 * Memory:  stk_config_open/parse make the whole tree, stk_config_close frees
 *          it; nodes and their texts live as long as the tree.
 * Threads: read-only after parse; any number may read.
 * Errors:  STK_BAD_CONFIG, the text begins "FILE:LINE: KEY: ..."; "FILE:LINE: "
 *          at the root, "FILE: " when the file cannot be read.
 */
#ifndef STK_BASE_CONFIG_H
#define STK_BASE_CONFIG_H

#include "base/err.h"

enum stk_node_kind { STK_NODE_SCALAR, STK_NODE_LIST, STK_NODE_MAP };

struct stk_node {
    enum stk_node_kind kind;
    const char *file;
    unsigned line; /* of the key, or of the item of a list; 1 is the first */
    char *key; /* dotted from the root: "tasks.backtest.retry", "triggers[0].dir"; "" at the root */
    const char *name; /* the last part of key: "retry"; of an item of a list "triggers[0]" */
    char *text;       /* scalars */
    bool quoted;      /* scalars: "5" and '5' are text, 5 is a number */
    struct stk_node **children; /* lists and maps, in file order */
    size_t count;
};

STK_MUST_USE enum stk_rc stk_config_open(const char *path, struct stk_node **ret,
                                         struct stk_error *err);
STK_MUST_USE enum stk_rc stk_config_parse(const char *file, const char *text, size_t len,
                                          struct stk_node **ret, struct stk_error *err);
void stk_config_close(struct stk_node *root);
void stk_config_closep(struct stk_node **root);

/* The child called name, or NULL. `map` may be NULL or any kind. */
const struct stk_node *stk_node_get(const struct stk_node *map, const char *name);

/* "FILE:LINE: KEY: " + the sentence, as STK_BAD_CONFIG. */
enum stk_rc stk_node_fail(const struct stk_node *node, struct stk_error *err, const char *fmt, ...)
    STK_PRINTF(3, 4);

/* Refuse what is not a map / holds a key outside names[] (ended by NULL; "did
 * you mean" when one is near). names NULL: any key. A NULL node is STK_OK. */
STK_MUST_USE enum stk_rc stk_node_map_of(const struct stk_node *node, const char *const *names,
                                         struct stk_error *err);

/* Typed readers: a NULL node leaves *ret as it was and is STK_OK. A key without
 * a value ("retry:") is refused; "" in quotes is a text. Numbers are decimal
 * and without leading zeros; numbers and booleans stand without quotes. */
STK_MUST_USE enum stk_rc stk_node_text(const struct stk_node *node, const char **ret,
                                       struct stk_error *err);
STK_MUST_USE enum stk_rc stk_node_int(const struct stk_node *node, int64_t min, int64_t max,
                                      int64_t *ret, struct stk_error *err);
STK_MUST_USE enum stk_rc stk_node_bool(const struct stk_node *node, bool *ret,
                                       struct stk_error *err);
STK_MUST_USE enum stk_rc stk_node_duration(const struct stk_node *node, stk_time_ns *ret,
                                           struct stk_error *err);

#endif
