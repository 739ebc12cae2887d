/* SPDX-License-Identifier: MIT */
#include "feed/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "feed/points.h"
#include "model/shown.h"

/* A file being read. `line` is where `at` stands. */
struct reader {
    const struct stk_task *task; /* NULL: rows are not checked */
    const char *name;
    const char *text;
    size_t len, at;
    size_t line;
    bool whole;
    size_t first_line; /* of the first row: JSON Lines, all must hold what it holds */
    json_t *rows;
};

/* What a field of CSV ended at. */
enum ending { ENDING_COMMA, ENDING_LINE };

static enum stk_rc fail_line(const struct reader *reader, size_t line, const char *reason,
                             struct stk_error *err)
{
    return stk_fail(err, STK_BAD_DATA, "%s:%zu: %s", reader->name, line, reason);
}

/* An error of the model, which knows no place, as one of this file. */
static enum stk_rc fail_cause(const struct reader *reader, size_t line,
                              const struct stk_error *cause, struct stk_error *err)
{
    return fail_line(reader, line, cause->text, err);
}

static size_t count_lines(const char *text, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++) {
        count += text[i] == '\n';
    }
    return count;
}

/* Also passes over a byte order mark. */
static enum stk_rc start(struct reader *reader, struct stk_error *err)
{
    static const char mark[] = "\xEF\xBB\xBF";
    size_t mark_len = sizeof(mark) - 1;
    if (reader->len >= mark_len && memcmp(reader->text, mark, mark_len) == 0) reader->at = mark_len;

    for (size_t at = reader->at; at < reader->len;) {
        size_t step = stk_utf8_step(reader->text + at, reader->len - at);
        if (step == 0) {
            size_t line = 1 + count_lines(reader->text, at);
            return fail_line(reader, line, "not UTF-8 text (or a NUL byte)", err);
        }
        at += step;
    }
    return STK_OK;
}

static enum stk_rc add_row(struct reader *reader, size_t line, json_t *row, struct stk_error *err)
{
    if (json_array_size(reader->rows) >= STK_AXIS_VALUES_MAX) {
        return stk_fail(err, STK_TOO_LARGE, "%s:%zu: more than %d rows", reader->name, line,
                        (int)STK_AXIS_VALUES_MAX);
    }
    (void)json_array_append(reader->rows, row);
    return STK_OK;
}

/* The row with what the task adds: defaults, and the right kind of number. */
static enum stk_rc add_whole_row(struct reader *reader, size_t line, const json_t *row,
                                 struct stk_error *err)
{
    struct stk_error cause = { .rc = STK_OK };
    STK_CLEANUP(stk_json_freep) json_t *checked = NULL;
    enum stk_rc rc = stk_params_check(reader->task, row, false, &checked, &cause);
    if (rc != STK_OK) return fail_cause(reader, line, &cause, err);
    return add_row(reader, line, checked, err);
}

/* --- CSV ----------------------------------------------------------------- */

struct header {
    const struct stk_param *columns[STK_PARAMS_MAX];
    size_t count;
};

/* At a line's end: passes over it. */
static bool skip_newline(struct reader *reader)
{
    const char *at = reader->text + reader->at;
    size_t left = reader->len - reader->at;
    size_t len = left >= 1 && at[0] == '\n' ? 1 : left >= 2 && memcmp(at, "\r\n", 2) == 0 ? 2 : 0;
    reader->at += len;
    reader->line += len > 0;
    return len > 0;
}

/* After a field: the comma or the end of the line goes with it. */
static enum stk_rc end_field(struct reader *reader, enum ending *ret, struct stk_error *err)
{
    bool is_comma = reader->at < reader->len && reader->text[reader->at] == ',';
    size_t line = reader->line;
    if (is_comma) reader->at++;
    if (!is_comma && !skip_newline(reader) && reader->at < reader->len) {
        bool is_return = reader->text[reader->at] == '\r';
        return fail_line(reader, line,
                         is_return ? "a carriage return without a line feed after it"
                                   : "text after the closing quote of a field",
                         err);
    }
    *ret = is_comma ? ENDING_COMMA : ENDING_LINE;
    return STK_OK;
}

static enum stk_rc read_quoted(struct reader *reader, struct stk_buf *field, struct stk_error *err)
{
    size_t line = reader->line;
    for (reader->at++; reader->at < reader->len; reader->at++) {
        char c = reader->text[reader->at];
        bool is_quote = c == '"';
        bool is_doubled =
            is_quote && reader->at + 1 < reader->len && reader->text[reader->at + 1] == '"';
        if (is_quote && !is_doubled) {
            reader->at++;
            return STK_OK;
        }
        reader->at += is_doubled;
        reader->line += c == '\n';
        stk_buf_addc(field, c);
    }
    return fail_line(reader, line, "a quoted field that is never closed", err);
}

static enum stk_rc read_plain(struct reader *reader, struct stk_buf *field, struct stk_error *err)
{
    size_t start_at = reader->at;
    while (reader->at < reader->len && strchr(",\r\n\"", reader->text[reader->at]) == NULL) {
        reader->at++;
    }
    if (reader->at < reader->len && reader->text[reader->at] == '"') {
        return fail_line(reader, reader->line,
                         "a quote inside a field that does not begin with one", err);
    }
    stk_buf_add(field, reader->text + start_at, reader->at - start_at);
    return STK_OK;
}

static enum stk_rc read_field(struct reader *reader, struct stk_buf *field, enum ending *ret,
                              struct stk_error *err)
{
    stk_buf_clear(field);
    bool is_quoted = reader->at < reader->len && reader->text[reader->at] == '"';
    enum stk_rc rc = is_quoted ? read_quoted(reader, field, err) : read_plain(reader, field, err);
    return rc == STK_OK ? end_field(reader, ret, err) : rc;
}

static enum stk_rc add_column(const struct reader *reader, struct header *header, const char *name,
                              struct stk_error *err)
{
    struct stk_error cause = { .rc = STK_OK };
    const struct stk_param *param = stk_task_param(reader->task, name);
    if (param == NULL) {
        (void)stk_task_fail_unknown_param(reader->task, name, &cause);
        return fail_cause(reader, 1, &cause, err);
    }
    for (size_t i = 0; i < header->count; i++) {
        if (header->columns[i] != param) continue;
        return stk_fail(err, STK_BAD_DATA, "%s:1: column \"%s\" is there twice", reader->name,
                        name);
    }
    header->columns[header->count++] = param;
    return STK_OK;
}

/* With `whole`, no row can make up for a column that is missing. */
static enum stk_rc check_none_missing(const struct reader *reader, const struct header *header,
                                      struct stk_error *err)
{
    for (size_t i = 0; i < reader->task->param_count; i++) {
        const struct stk_param *param = &reader->task->params[i];
        size_t at = 0;
        while (at < header->count && header->columns[at] != param) {
            at++;
        }
        if (at < header->count || param->fallback != NULL) continue;
        return stk_fail(err, STK_BAD_DATA, "%s:1: no column for parameter \"%s\" of task \"%s\"",
                        reader->name, param->name, reader->task->name);
    }
    return STK_OK;
}

static enum stk_rc read_header(struct reader *reader, struct header *header, struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf field = STK_BUF_INIT;
    if (reader->at == reader->len) {
        return fail_line(reader, 1, "no header line with the names of the parameters", err);
    }

    enum ending ending = ENDING_COMMA;
    while (ending == ENDING_COMMA) {
        enum stk_rc rc = read_field(reader, &field, &ending, err);
        if (rc == STK_OK) rc = add_column(reader, header, stk_buf_str(&field), err);
        if (rc != STK_OK) return rc;
    }
    return reader->whole ? check_none_missing(reader, header, err) : STK_OK;
}

static enum stk_rc set_value(const struct reader *reader, size_t line,
                             const struct stk_param *param, const char *text, json_t *row,
                             struct stk_error *err)
{
    struct stk_error cause = { .rc = STK_OK };
    STK_CLEANUP(stk_json_freep) json_t *typed = json_string(text);
    json_t *value = NULL;
    enum stk_rc rc = stk_param_check(reader->task, param, typed, true, &value, &cause);
    if (rc != STK_OK) return fail_cause(reader, line, &cause, err);
    (void)json_object_set_new(row, param->name, value);
    return STK_OK;
}

static enum stk_rc fail_width(const struct reader *reader, size_t line, size_t have, size_t want,
                              struct stk_error *err)
{
    return stk_fail(err, STK_BAD_DATA, "%s:%zu: %zu field%s where the header has %zu", reader->name,
                    line, have, have == 1 ? "" : "s", want);
}

static enum stk_rc read_record(struct reader *reader, const struct header *header,
                               struct stk_buf *field, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *row = json_object();
    size_t line = reader->line, count = 0;
    enum ending ending = ENDING_COMMA;
    while (ending == ENDING_COMMA) {
        size_t field_line = reader->line;
        enum stk_rc rc = read_field(reader, field, &ending, err);
        if (rc != STK_OK) return rc;
        if (count++ >= header->count) continue;

        const struct stk_param *param = header->columns[count - 1];
        rc = set_value(reader, field_line, param, stk_buf_str(field), row, err);
        if (rc != STK_OK) return rc;
    }
    if (count != header->count) return fail_width(reader, line, count, header->count, err);
    return reader->whole ? add_whole_row(reader, line, row, err) : add_row(reader, line, row, err);
}

enum stk_rc stk_table_csv(const struct stk_task *task, const char *name, const char *text,
                          size_t len, bool whole, json_t **ret, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *rows = json_array();
    STK_CLEANUP(stk_buf_release) struct stk_buf field = STK_BUF_INIT;
    struct reader reader = { .task = task,
                             .name = name,
                             .text = text,
                             .len = len,
                             .line = 1,
                             .whole = whole,
                             .rows = rows };
    struct header header = { .count = 0 };

    enum stk_rc rc = start(&reader, err);
    if (rc == STK_OK) rc = read_header(&reader, &header, err);
    while (rc == STK_OK && reader.at < reader.len) {
        if (skip_newline(&reader)) continue; /* an empty text is written "" */
        rc = read_record(&reader, &header, &field, err);
    }
    if (rc != STK_OK) return rc;

    *ret = json_incref(rows);
    return STK_OK;
}

/* --- JSON Lines ---------------------------------------------------------- */

/* The parser counts lines too, but sees only one. */
static enum stk_rc fail_json(const struct reader *reader, const struct stk_error *cause,
                             struct stk_error *err)
{
    static const char place[] = "line 1, ";
    size_t skip = strncmp(cause->text, place, sizeof(place) - 1) == 0 ? sizeof(place) - 1 : 0;
    return fail_line(reader, reader->line, cause->text + skip, err);
}

/* All rows hold what the first one holds: else the other axes could not know
 * what is left for them. */
static enum stk_rc check_same(const struct reader *reader, const json_t *row, struct stk_error *err)
{
    const json_t *first = json_array_get(reader->rows, 0);
    if (first == NULL) return STK_OK;

    for (size_t i = 0; i < reader->task->param_count; i++) {
        const char *name = reader->task->params[i].name;
        bool had = json_object_get(first, name) != NULL;
        bool has = json_object_get(row, name) != NULL;
        if (had == has) continue;
        return stk_fail(err, STK_BAD_DATA, "%s:%zu: this row has %s\"%s\", and line %zu has %s",
                        reader->name, reader->line, has ? "" : "no ", name, reader->first_line,
                        has ? "not" : "it");
    }
    return STK_OK;
}

static enum stk_rc add_part_row(struct reader *reader, json_t *row, struct stk_error *err)
{
    struct stk_error cause = { .rc = STK_OK };
    STK_CLEANUP(stk_json_freep) json_t *checked = json_object();
    for (void *at = json_object_iter(row); at != NULL; at = json_object_iter_next(row, at)) {
        const char *name = json_object_iter_key(at);
        const struct stk_param *param = stk_task_param(reader->task, name);
        json_t *value = NULL;
        enum stk_rc rc = param == NULL
                             ? stk_task_fail_unknown_param(reader->task, name, &cause)
                             : stk_param_check(reader->task, param, json_object_iter_value(at),
                                               false, &value, &cause);
        if (rc != STK_OK) return fail_cause(reader, reader->line, &cause, err);
        (void)json_object_set_new(checked, name, value);
    }

    enum stk_rc rc = check_same(reader, checked, err);
    return rc == STK_OK ? add_row(reader, reader->line, checked, err) : rc;
}

static enum stk_rc read_json_line(struct reader *reader, size_t len, struct stk_error *err)
{
    struct stk_error cause = { .rc = STK_OK };
    STK_CLEANUP(stk_json_freep) json_t *row = NULL;
    enum stk_rc rc = stk_json_parse(reader->text + reader->at, len, &row, &cause);
    if (rc != STK_OK) return fail_json(reader, &cause, err);
    if (!json_is_object(row)) {
        STK_CLEANUP(stk_freep) char *shown = stk_shown_json(row);
        return stk_fail(err, STK_BAD_DATA, "%s:%zu: %s is not an object of parameters",
                        reader->name, reader->line, shown);
    }

    if (reader->first_line == 0) reader->first_line = reader->line;
    if (reader->task == NULL) return add_row(reader, reader->line, row, err);
    if (reader->whole) return add_whole_row(reader, reader->line, row, err);
    return add_part_row(reader, row, err);
}

static bool is_blank(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (strchr(" \t\r", text[i]) == NULL) return false;
    }
    return true;
}

enum stk_rc stk_table_jsonl(const struct stk_task *task, const char *name, const char *text,
                            size_t len, bool whole, json_t **ret, struct stk_error *err)
{
    STK_CLEANUP(stk_json_freep) json_t *rows = json_array();
    struct reader reader = { .task = task,
                             .name = name,
                             .text = text,
                             .len = len,
                             .line = 1,
                             .whole = whole,
                             .rows = rows };

    enum stk_rc rc = start(&reader, err);
    while (rc == STK_OK && reader.at < len) {
        const char *line = text + reader.at;
        const char *newline = memchr(line, '\n', len - reader.at);
        size_t line_len = newline == NULL ? len - reader.at : (size_t)(newline - line);
        if (!is_blank(line, line_len)) rc = read_json_line(&reader, line_len, err);
        reader.at += line_len + 1;
        reader.line++;
    }
    if (rc != STK_OK) return rc;

    *ret = json_incref(rows);
    return STK_OK;
}
