/* SPDX-License-Identifier: MIT */
#include "cli/columns.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "model/shown.h"

/* --- one value ----------------------------------------------------------- */

/* "a.b.c": the member of that very name, else c in b in a. */
static const json_t *walk(const json_t *object, const char *path)
{
    const json_t *whole = json_object_get(object, path);
    const char *dot = strchr(path, '.');
    if (whole != NULL || dot == NULL) return whole;

    STK_CLEANUP(stk_freep) char *head = stk_strndup(path, (size_t)(dot - path));
    return walk(json_object_get(object, head), dot + 1);
}

static const json_t *find(const json_t *row, const char *name)
{
    const json_t *params = json_object_get(row, "params");
    const json_t *result = json_object_get(row, "result");
    if (strcmp(name, "id") == 0) return json_object_get(row, "id");

    const json_t *value = walk(params, name);
    if (value == NULL) value = walk(result, name);
    if (value != NULL) return value;
    if (strncmp(name, "params.", 7) == 0) return walk(params, name + 7);
    if (strncmp(name, "result.", 7) == 0) return walk(result, name + 7);
    return strcmp(name, "result") == 0 ? result : NULL;
}

const json_t *stk_row_value(const json_t *row, const char *name)
{
    const json_t *value = find(row, name);
    return json_is_null(value) ? NULL : value;
}

static int rank(const json_t *value)
{
    if (value == NULL || json_is_null(value)) return 3;
    if (json_is_number(value) || json_is_boolean(value)) return 0;
    return json_is_string(value) ? 1 : 2;
}

static double number_of(const json_t *value)
{
    return json_is_boolean(value) ? json_is_true(value) : json_number_value(value);
}

int stk_value_compare(const json_t *a, const json_t *b)
{
    int order = rank(a) - rank(b);
    if (order != 0) return order;
    if (rank(a) == 0) {
        double left = number_of(a);
        double right = number_of(b);
        return (left > right) - (left < right);
    }
    return rank(a) == 1 ? strcmp(json_string_value(a), json_string_value(b)) : 0;
}

/* --- the set of them ----------------------------------------------------- */

static bool has(const struct stk_columns *columns, size_t from, const char *name)
{
    for (size_t i = from; i < columns->count; i++) {
        if (strcmp(columns->names[i], name) == 0) return true;
    }
    return false;
}

/* Takes name over; `at` is where it goes. */
static void insert(struct stk_columns *columns, size_t at, char *name)
{
    columns->names = stk_realloc(columns->names, columns->count + 1, sizeof(*columns->names));
    memmove(&columns->names[at + 1], &columns->names[at],
            (columns->count - at) * sizeof(*columns->names));
    columns->names[at] = name;
    columns->count++;
}

static bool is_param(const struct stk_columns *columns, const char *name)
{
    for (size_t i = 0; i < columns->param_count_; i++) {
        if (strcmp(columns->names[i], name) == 0) return true;
    }
    return strcmp(name, "id") == 0;
}

static void scan_params(struct stk_columns *columns, json_t *params)
{
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(params, name, value)
    {
        STK_CLEANUP(stk_freep)
        char *full = strcmp(name, "id") == 0 ? stk_strdup("params.id") : stk_strdup(name);
        if (is_param(columns, full) && strcmp(full, "id") != 0) continue;
        insert(columns, columns->param_count_++, full);
        full = NULL;
    }
}

static void scan_result(struct stk_columns *columns, json_t *result)
{
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach(result, name, value)
    {
        STK_CLEANUP(stk_freep)
        char *full = is_param(columns, name) ? stk_format("result.%s", name) : stk_strdup(name);
        if (has(columns, columns->param_count_, full)) continue;
        insert(columns, columns->count, full);
        full = NULL;
    }
    bool is_whole = result != NULL && !json_is_null(result) && !json_is_object(result);
    if (is_whole && !has(columns, 0, "result")) {
        insert(columns, columns->count, stk_strdup("result"));
    }
}

void stk_columns_scan(struct stk_columns *columns, const json_t *row)
{
    if (columns->count == 0) insert(columns, columns->param_count_++, stk_strdup("id"));
    scan_params(columns, json_object_get(row, "params"));
    scan_result(columns, json_object_get(row, "result"));
}

/* The column that `name` is, or reaches into. */
static bool is_known(const struct stk_columns *columns, const char *name)
{
    if (has(columns, 0, name)) return true;

    bool is_prefixed = strncmp(name, "params.", 7) == 0 || strncmp(name, "result.", 7) == 0;
    const char *bare = is_prefixed ? name + 7 : name;
    STK_CLEANUP(stk_freep) char *head = stk_strndup(bare, strcspn(bare, "."));
    STK_CLEANUP(stk_freep) char *of_result = stk_format("result.%s", head);
    return has(columns, 0, bare) || has(columns, 0, head) || has(columns, 0, of_result);
}

enum stk_rc stk_columns_check(const struct stk_columns *columns, const char *name,
                              struct stk_error *err)
{
    if (is_known(columns, name)) return STK_OK;

    STK_CLEANUP(stk_freep) char *shown = stk_shown(name);
    const char *near = stk_nearest(name, (const char *const *)columns->names, columns->count);
    if (near != NULL) {
        return stk_fail(err, STK_NOT_FOUND, "there is no column \"%s\"; did you mean \"%s\"?",
                        shown, near);
    }

    STK_CLEANUP(stk_buf_release) struct stk_buf list = STK_BUF_INIT;
    for (size_t i = 0; i < columns->count; i++) {
        stk_buf_addf(&list, "%s%s", i > 0 ? ", " : "", columns->names[i]);
    }
    return stk_fail(err, STK_NOT_FOUND, "there is no column \"%s\"; there are %s", shown,
                    stk_buf_str(&list));
}

enum stk_rc stk_columns_choose(struct stk_columns *columns, const char *names,
                               struct stk_error *err)
{
    STK_CLEANUP(stk_columns_release) struct stk_columns chosen = STK_COLUMNS_INIT;
    STK_CLEANUP(stk_freep) char *copy = stk_strdup(names);
    char *rest = NULL;
    for (char *name = strtok_r(copy, ",", &rest); name != NULL; name = strtok_r(NULL, ",", &rest)) {
        enum stk_rc rc = stk_columns_check(columns, name, err);
        if (rc != STK_OK) return rc;
        insert(&chosen, chosen.count, stk_strdup(name));
    }
    if (chosen.count == 0) return stk_fail(err, STK_INVALID, "--columns names no column");

    stk_columns_release(columns);
    *columns = chosen;
    chosen = (struct stk_columns)STK_COLUMNS_INIT;
    return STK_OK;
}

void stk_columns_release(struct stk_columns *columns)
{
    for (size_t i = 0; i < columns->count; i++) {
        free(columns->names[i]);
    }
    free(columns->names);
    *columns = (struct stk_columns)STK_COLUMNS_INIT;
}
