/* SPDX-License-Identifier: MIT
 *
 * Reads libyaml's events, not its documents: these have already resolved
 * aliases and lost the anchors that we refuse, and the limits must hold while
 * reading, not after.
 */
#include "base/config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <yaml.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/text.h"
#include "base/timetext.h"

/* The tree is walked by recursion, at most DEPTH_MAX deep, and sizeof means the
 * pointers in its lists. NOLINTBEGIN(misc-no-recursion,bugprone-sizeof-expression) */

enum { BYTES_MAX = 1024 * 1024, DEPTH_MAX = 32, NODES_MAX = 100 * 1000, SHOWN_MAX = 40 };

struct tree {
    struct stk_node root; /* first: what callers hold */
    char *file;
};

struct loader {
    yaml_parser_t parser;
    const char *file;
    const char *text;
    size_t len;
    size_t depth;
    size_t nodes;
};

static enum stk_rc fill_node(struct loader *self, const yaml_event_t *event, struct stk_node *node,
                             struct stk_error *err);

static unsigned line_of(const yaml_event_t *event)
{
    return (unsigned)event->start_mark.line + 1;
}

/* libyaml's reader knows the byte it cannot decode, but not its line. */
static size_t line_at(const struct loader *self, size_t offset)
{
    size_t line = 1;
    for (size_t i = 0; i < offset && i < self->len; i++) {
        line += self->text[i] == '\n';
    }
    return line;
}

static enum stk_rc fail_syntax(const struct loader *self, struct stk_error *err)
{
    const yaml_parser_t *parser = &self->parser;
    const char *problem = parser->problem != NULL ? parser->problem : "not YAML";
    if (parser->error == YAML_READER_ERROR) {
        return stk_fail(err, STK_BAD_CONFIG, "%s:%zu: %s", self->file,
                        line_at(self, parser->problem_offset), problem);
    }
    const char *context = parser->context != NULL ? parser->context : "";
    return stk_fail(err, STK_BAD_CONFIG, "%s:%zu: %s%s%s", self->file,
                    parser->problem_mark.line + 1, problem, *context != '\0' ? " " : "", context);
}

static enum stk_rc next_event(struct loader *self, yaml_event_t *ret, struct stk_error *err)
{
    return yaml_parser_parse(&self->parser, ret) ? STK_OK : fail_syntax(self, err);
}

/* ---- the tree ---- */

static void release_node(struct stk_node *node)
{
    for (size_t i = 0; i < node->count; i++) {
        release_node(node->children[i]);
        free(node->children[i]);
    }
    free(node->children);
    free(node->key);
    free(node->text);
}

void stk_config_close(struct stk_node *root)
{
    if (root == NULL) return;

    struct tree *tree = (struct tree *)root;
    release_node(root);
    free(tree->file);
    free(tree);
}

void stk_config_closep(struct stk_node **root)
{
    stk_config_close(*root);
    *root = NULL;
}

/* Takes key over; its last part begins at name_at. */
static struct stk_node *add_child(struct stk_node *parent, char *key, size_t name_at, unsigned line)
{
    bool full = (parent->count & (parent->count - 1)) == 0; /* grows at 0, 1, 2, 4, 8, ... */
    if (full) {
        size_t room = parent->count > 0 ? parent->count * 2 : 1;
        parent->children = stk_realloc(parent->children, room, sizeof(*parent->children));
    }
    struct stk_node *child = stk_alloc(sizeof(*child));
    child->file = parent->file;
    child->line = line;
    child->key = key;
    child->name = key + name_at;
    parent->children[parent->count++] = child;
    return child;
}

static struct stk_node *add_member(struct stk_node *map, const yaml_event_t *key)
{
    const char *name = (const char *)key->data.scalar.value;
    const char *dot = map->key[0] != '\0' ? "." : "";
    size_t name_at = strlen(map->key) + strlen(dot);
    return add_child(map, stk_format("%s%s%s", map->key, dot, name), name_at, line_of(key));
}

static struct stk_node *add_item(struct stk_node *list, const yaml_event_t *item)
{
    size_t name_at = (size_t)(list->name - list->key);
    return add_child(list, stk_format("%s[%zu]", list->key, list->count), name_at, line_of(item));
}

/* ---- reading ---- */

static enum stk_rc fill_scalar(const yaml_event_t *event, struct stk_node *node,
                               struct stk_error *err)
{
    const char *text = (const char *)event->data.scalar.value;
    size_t len = event->data.scalar.length;
    if (strlen(text) != len) return stk_node_fail(node, err, "a text may not hold a NUL");

    node->kind = STK_NODE_SCALAR;
    node->text = stk_strndup(text, len);
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    return STK_OK;
}

static enum stk_rc fill_list(struct loader *self, struct stk_node *list, struct stk_error *err)
{
    list->kind = STK_NODE_LIST;
    for (;;) {
        STK_CLEANUP(yaml_event_delete) yaml_event_t event = { 0 };
        enum stk_rc rc = next_event(self, &event, err);
        if (rc != STK_OK) return rc;
        if (event.type == YAML_SEQUENCE_END_EVENT) return STK_OK;

        rc = fill_node(self, &event, add_item(list, &event), err);
        if (rc != STK_OK) return rc;
    }
}

static int compare_names(const void *a, const void *b)
{
    const struct stk_node *left = *(const struct stk_node *const *)a;
    const struct stk_node *right = *(const struct stk_node *const *)b;
    int order = strcmp(left->name, right->name);
    return order != 0 ? order : (left->line > right->line) - (left->line < right->line);
}

static void free_list(const struct stk_node ***list)
{
    free(*list);
}

/* Sorted, not searched: a map may have as many members as the file has nodes. */
static enum stk_rc refuse_twins(const struct stk_node *map, struct stk_error *err)
{
    if (map->count < 2) return STK_OK;

    STK_CLEANUP(free_list)
    const struct stk_node **sorted = stk_realloc(NULL, map->count, sizeof(*sorted));
    memcpy(sorted, map->children, map->count * sizeof(*sorted));
    qsort(sorted, map->count, sizeof(*sorted), compare_names);
    for (size_t i = 1; i < map->count; i++) {
        if (strcmp(sorted[i]->name, sorted[i - 1]->name) != 0) continue;
        return stk_node_fail(sorted[i], err, "given twice, first on line %u", sorted[i - 1]->line);
    }
    return STK_OK;
}

/* What YAML has and we do not want; NULL when the event has none of it. */
static const char *find_extra(const yaml_event_t *event)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    if (event->type == YAML_ALIAS_EVENT) return "aliases (*) are not allowed";
    if (event->type == YAML_SCALAR_EVENT) {
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
    } else if (event->type == YAML_SEQUENCE_START_EVENT) {
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
    } else if (event->type == YAML_MAPPING_START_EVENT) {
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
    }
    if (anchor != NULL) return "anchors (&) are not allowed";
    return tag != NULL ? "tags (!) are not allowed" : NULL;
}

static const char *find_key_fault(const yaml_event_t *key)
{
    const char *extra = find_extra(key);
    if (extra != NULL) return extra;
    if (key->type != YAML_SCALAR_EVENT) return "a key must be text";

    const char *text = (const char *)key->data.scalar.value;
    bool plain = key->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (text[0] == '\0') return "a key may not be empty";
    if (strlen(text) != key->data.scalar.length) return "a key may not hold a NUL";
    if (plain && strcmp(text, "<<") == 0) return "merge keys (<<) are not allowed";
    return NULL;
}

static enum stk_rc fill_map(struct loader *self, struct stk_node *map, struct stk_error *err)
{
    map->kind = STK_NODE_MAP;
    for (;;) {
        STK_CLEANUP(yaml_event_delete) yaml_event_t key = { 0 };
        STK_CLEANUP(yaml_event_delete) yaml_event_t value = { 0 };
        enum stk_rc rc = next_event(self, &key, err);
        if (rc != STK_OK) return rc;
        if (key.type == YAML_MAPPING_END_EVENT) return refuse_twins(map, err);

        struct stk_node place = { .file = map->file, .line = line_of(&key), .key = map->key };
        const char *fault = find_key_fault(&key);
        if (fault != NULL) return stk_node_fail(&place, err, "%s", fault);

        rc = next_event(self, &value, err);
        if (rc != STK_OK) return rc;
        rc = fill_node(self, &value, add_member(map, &key), err);
        if (rc != STK_OK) return rc;
    }
}

static enum stk_rc fill_node(struct loader *self, const yaml_event_t *event, struct stk_node *node,
                             struct stk_error *err)
{
    const char *extra = find_extra(event);
    if (extra != NULL) return stk_node_fail(node, err, "%s", extra);
    if (++self->nodes > NODES_MAX) {
        return stk_node_fail(node, err, "more than %d values in one file", (int)NODES_MAX);
    }
    if (event->type == YAML_SCALAR_EVENT) return fill_scalar(event, node, err);

    if (self->depth == DEPTH_MAX) {
        return stk_node_fail(node, err, "nested deeper than %d levels", (int)DEPTH_MAX);
    }
    self->depth++;
    bool is_map = event->type == YAML_MAPPING_START_EVENT;
    enum stk_rc rc = is_map ? fill_map(self, node, err) : fill_list(self, node, err);
    self->depth--;
    return rc;
}

static void make_empty_map(struct stk_node *root)
{
    free(root->text);
    root->text = NULL;
    root->kind = STK_NODE_MAP;
}

static bool is_blank(const struct stk_node *node)
{
    return node->kind == STK_NODE_SCALAR && !node->quoted && node->text[0] == '\0';
}

/* The events of the one document: its root and what ends it. */
static enum stk_rc fill_root(struct loader *self, struct stk_node *root, struct stk_error *err)
{
    STK_CLEANUP(yaml_event_delete) yaml_event_t first = { 0 };
    STK_CLEANUP(yaml_event_delete) yaml_event_t end = { 0 };
    enum stk_rc rc = next_event(self, &first, err);
    if (rc != STK_OK) return rc;

    root->line = line_of(&first);
    rc = fill_node(self, &first, root, err);
    if (rc != STK_OK) return rc;
    if (is_blank(root)) make_empty_map(root);
    return next_event(self, &end, err);
}

static enum stk_rc fill_tree(struct loader *self, struct stk_node *root, struct stk_error *err)
{
    for (size_t documents = 0;;) {
        STK_CLEANUP(yaml_event_delete) yaml_event_t event = { 0 };
        enum stk_rc rc = next_event(self, &event, err);
        if (rc != STK_OK) return rc;
        if (event.type == YAML_STREAM_START_EVENT) continue;
        if (event.type == YAML_STREAM_END_EVENT) return STK_OK;

        if (documents++ > 0) {
            return stk_fail(err, STK_BAD_CONFIG, "%s:%u: a second document is not allowed",
                            self->file, line_of(&event));
        }
        rc = fill_root(self, root, err);
        if (rc != STK_OK) return rc;
    }
}

/* A map, which it stays when there is no document: the file says nothing. */
static struct stk_node *make_root(const char *file)
{
    struct tree *tree = stk_alloc(sizeof(*tree));
    tree->file = stk_strdup(file);
    tree->root = (struct stk_node){
        .kind = STK_NODE_MAP, .file = tree->file, .line = 1, .key = stk_strdup("")
    };
    tree->root.name = tree->root.key;
    return &tree->root;
}

enum stk_rc stk_config_parse(const char *file, const char *text, size_t len, struct stk_node **ret,
                             struct stk_error *err)
{
    if (len > BYTES_MAX) {
        return stk_fail(err, STK_BAD_CONFIG, "%s:1: larger than %d bytes", file, (int)BYTES_MAX);
    }
    STK_CLEANUP(stk_config_closep) struct stk_node *root = make_root(file);
    struct loader self = { .file = file, .text = text, .len = len };
    if (!yaml_parser_initialize(&self.parser)) abort(); /* out of memory */
    yaml_parser_set_encoding(&self.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&self.parser, (const unsigned char *)text, len);
    enum stk_rc rc = fill_tree(&self, root, err);
    yaml_parser_delete(&self.parser);
    if (rc != STK_OK) return rc;

    *ret = root;
    root = NULL;
    return STK_OK;
}

static void close_filep(int *fd)
{
    if (*fd >= 0) (void)close(*fd); /* only read from: nothing can be lost */
}

enum stk_rc stk_config_open(const char *path, struct stk_node **ret, struct stk_error *err)
{
    STK_CLEANUP(close_filep) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return stk_fail(err, STK_BAD_CONFIG, "%s: could not open: %s", path, strerror(errno));
    }
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    stk_buf_reserve(&text, BYTES_MAX + 1); /* the byte too many shows in the parser's check */
    while (text.len <= BYTES_MAX) {
        ssize_t got = read(fd, text.data + text.len, BYTES_MAX + 1 - text.len);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) {
            return stk_fail(err, STK_BAD_CONFIG, "%s: could not read: %s", path, strerror(errno));
        }
        if (got == 0) break;
        text.len += (size_t)got;
    }
    return stk_config_parse(path, text.data, text.len, ret, err);
}

/* ---- using the tree ---- */

const struct stk_node *stk_node_get(const struct stk_node *map, const char *name)
{
    if (map == NULL || map->kind != STK_NODE_MAP) return NULL;
    for (size_t i = 0; i < map->count; i++) {
        if (strcmp(map->children[i]->name, name) == 0) return map->children[i];
    }
    return NULL;
}

enum stk_rc stk_node_fail(const struct stk_node *node, struct stk_error *err, const char *fmt, ...)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    va_list args;
    va_start(args, fmt);
    stk_buf_addfv(&text, fmt, args);
    va_end(args);
    return stk_fail(err, STK_BAD_CONFIG, "%s:%u: %s%s%s", node->file, node->line, node->key,
                    node->key[0] != '\0' ? ": " : "", text.data);
}

/* What stands where something else was wanted, cut short and fit for one line. */
static void describe(const struct stk_node *node, struct stk_buf *ret)
{
    if (node->kind == STK_NODE_MAP) {
        stk_buf_adds(ret, "not a map");
    } else if (node->kind == STK_NODE_LIST) {
        stk_buf_adds(ret, "not a list");
    } else if (is_blank(node)) {
        stk_buf_adds(ret, "but nothing is there");
    } else {
        size_t len = stk_utf8_cut(node->text, strnlen(node->text, SHOWN_MAX));
        stk_buf_adds(ret, node->quoted ? "not \"" : "not ");
        stk_text_add_escaped(ret, node->text, len);
        stk_buf_adds(ret, node->quoted ? "\"" : "");
    }
}

static enum stk_rc fail_kind(const struct stk_node *node, const char *wanted, struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf found = STK_BUF_INIT;
    describe(node, &found);
    return stk_node_fail(node, err, "must be %s, %s", wanted, stk_buf_str(&found));
}

static enum stk_rc fail_unknown(const struct stk_node *node, const char *const *names, size_t count,
                                struct stk_error *err)
{
    const char *near = stk_nearest(node->name, names, count);
    if (near == NULL) return stk_node_fail(node, err, "unknown key");
    return stk_node_fail(node, err, "unknown key (did you mean \"%s\"?)", near);
}

enum stk_rc stk_node_map_of(const struct stk_node *node, const char *const *names,
                            struct stk_error *err)
{
    if (node == NULL) return STK_OK;
    if (node->kind != STK_NODE_MAP) return fail_kind(node, "a map", err);
    if (names == NULL) return STK_OK;

    size_t count = 0;
    while (names[count] != NULL) {
        count++;
    }
    for (size_t i = 0; i < node->count; i++) {
        size_t known = 0;
        while (known < count && strcmp(names[known], node->children[i]->name) != 0) {
            known++;
        }
        if (known == count) return fail_unknown(node->children[i], names, count, err);
    }
    return STK_OK;
}

enum stk_rc stk_node_text(const struct stk_node *node, const char **ret, struct stk_error *err)
{
    if (node == NULL) return STK_OK;
    if (node->kind != STK_NODE_SCALAR || is_blank(node)) return fail_kind(node, "text", err);
    *ret = node->text;
    return STK_OK;
}

/* 0755 is octal to some readers of YAML and decimal to others: to us it is text. */
static bool is_number(const struct stk_node *node, int64_t *ret)
{
    if (node->kind != STK_NODE_SCALAR || node->quoted) return false;
    const char *digits = node->text[0] == '-' ? node->text + 1 : node->text;
    if (digits[0] == '0' && digits[1] != '\0') return false;
    return stk_parse_i64(node->text, ret);
}

enum stk_rc stk_node_int(const struct stk_node *node, int64_t min, int64_t max, int64_t *ret,
                         struct stk_error *err)
{
    int64_t value = 0;
    if (node == NULL) return STK_OK;
    if (!is_number(node, &value)) return fail_kind(node, "a whole number", err);
    if (value < min && max == INT64_MAX) {
        return stk_node_fail(node, err, "must be at least %" PRId64 ", not %" PRId64, min, value);
    }
    if (value < min || value > max) {
        return stk_node_fail(node, err, "must be from %" PRId64 " to %" PRId64 ", not %" PRId64,
                             min, max, value);
    }
    *ret = value;
    return STK_OK;
}

enum stk_rc stk_node_bool(const struct stk_node *node, bool *ret, struct stk_error *err)
{
    if (node == NULL) return STK_OK;
    bool may_be = node->kind == STK_NODE_SCALAR && !node->quoted;
    if (!may_be || !stk_parse_bool(node->text, ret)) return fail_kind(node, "true or false", err);
    return STK_OK;
}

enum stk_rc stk_node_duration(const struct stk_node *node, stk_time_ns *ret, struct stk_error *err)
{
    if (node == NULL) return STK_OK;
    if (node->kind != STK_NODE_SCALAR || !stk_duration_parse(node->text, ret)) {
        return fail_kind(node, "a duration such as 90s or 1h30m", err);
    }
    return STK_OK;
}

/* NOLINTEND(misc-no-recursion,bugprone-sizeof-expression) */
