/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/answer.h"
#include "cli/columns.h"
#include "cli/commands.h"
#include "cli/rows.h"
#include "cli/table.h"

enum { TABLE_ROWS = 20, FLUSH_BYTES = 256 * 1024 };

static const struct stk_option options[] = {
    { .name = "sweep", .value = "ID", .help = "the jobs of this sweep; last is the newest one" },
    { .name = "task", .value = "TASK", .help = "the jobs of this task" },
    { .name = "format",
      .value = "table|csv|json|jsonl",
      .help = "table (the default, numbers shortened), csv (RFC 4180), json (an array of objects), "
              "or one JSON object a line" },
    { .name = "limit",
      .value = "N",
      .is_int = true,
      .min = 1,
      .max = INT64_MAX,
      .help = "at most N rows (a table: 20; else all)" },
    { .name = "sort", .value = "COLUMN", .help = "smallest first, instead of oldest job first" },
    { .name = "desc", .help = "with --sort: largest first" },
    { .name = "columns", .value = "A,B", .help = "only these columns, in this order" },
    { .name = NULL },
};

static const struct stk_example examples[] = {
    { "stoker results --sweep last --sort sharpe --desc --limit 10", "the ten best of the newest "
                                                                     "sweep" },
    { "stoker results --sweep 3 --format csv > sweep3.csv", "all of sweep 3, for other tools" },
    { NULL, NULL },
};

struct results;
struct format {
    const char *name;
    bool has_columns; /* needs to know them before the first row */
    void (*begin)(struct results *results);
    void (*row)(struct results *results, const json_t *row);
    void (*end)(struct results *results, bool has_more);
};

struct results {
    struct stk_cli *cli;
    const struct format *format;
    const char *sweep, *task, *sort;
    int64_t limit; /* 0: all */
    int64_t count; /* rows written */
    struct stk_columns columns;
    struct stk_table table;
    json_t *kept; /* with --sort: the rows */
};

/* --- formats ------------------------------------------------------------- */

static void begin_table(struct results *results)
{
    for (size_t c = 0; c < results->columns.count; c++) {
        stk_table_column(&results->table, results->columns.names[c], false, true);
    }
}

static void row_table(struct results *results, const json_t *row)
{
    for (size_t c = 0; c < results->columns.count; c++) {
        STK_CLEANUP(stk_buf_release) struct stk_buf cell = STK_BUF_INIT;
        const json_t *value = stk_row_value(row, results->columns.names[c]);
        stk_value_add(&cell, value);
        if (json_is_number(value)) results->table.columns[c].right = true;
        stk_table_add(&results->table, STK_STYLE_PLAIN, stk_buf_str(&cell));
    }
}

static void end_table(struct results *results, bool has_more)
{
    struct stk_buf *out = &results->cli->out;
    size_t hidden = 0;
    if (results->count == 0) {
        stk_buf_adds(out, "no results: no such job has completed yet\n");
        return;
    }
    stk_table_render(&results->table, &results->cli->term, 0, out, &hidden);
    if (hidden > 0) {
        stk_count_add(out, (int64_t)hidden, "column more", "columns more");
        stk_buf_adds(out, ": choose with --columns, or take --format csv\n");
    }
    if (has_more) stk_buf_adds(out, "there are more rows: --limit N, or --format csv for all\n");
}

/* RFC 4180: CRLF, quotes where they are needed, "" for a quote. */
static void add_csv(struct stk_buf *out, const char *text, size_t len, bool is_text)
{
    bool needs_quotes = is_text && (len == 0 || strpbrk(text, ",\"\r\n") != NULL);
    if (!needs_quotes) {
        stk_buf_add(out, text, len);
        return;
    }
    stk_buf_addc(out, '"');
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"') stk_buf_addc(out, '"');
        stk_buf_addc(out, text[i]);
    }
    stk_buf_addc(out, '"');
}

static void begin_csv(struct results *results)
{
    struct stk_buf *out = &results->cli->out;
    for (size_t c = 0; c < results->columns.count; c++) {
        const char *name = results->columns.names[c];
        if (c > 0) stk_buf_addc(out, ',');
        add_csv(out, name, strlen(name), true);
    }
    stk_buf_adds(out, "\r\n");
}

static void row_csv(struct results *results, const json_t *row)
{
    struct stk_buf *out = &results->cli->out;
    for (size_t c = 0; c < results->columns.count; c++) {
        const json_t *value = stk_row_value(row, results->columns.names[c]);
        if (c > 0) stk_buf_addc(out, ',');
        if (value == NULL) continue;
        if (json_is_string(value)) {
            add_csv(out, json_string_value(value), json_string_length(value), true);
            continue;
        }
        STK_CLEANUP(stk_freep) char *text = stk_json_text(value);
        add_csv(out, text, strlen(text), json_is_array(value) || json_is_object(value));
    }
    stk_buf_adds(out, "\r\n");
}

/* The columns as members, in their order, null where a row has none. */
static void add_object(struct results *results, const json_t *row)
{
    struct stk_buf *out = &results->cli->out;
    for (size_t c = 0; c < results->columns.count; c++) {
        const char *name = results->columns.names[c];
        const json_t *value = stk_row_value(row, name);
        stk_buf_addc(out, c == 0 ? '{' : ',');
        stk_json_add_string(out, name, strlen(name));
        stk_buf_addc(out, ':');
        if (value == NULL) stk_buf_adds(out, "null");
        if (value != NULL) stk_json_add(out, value);
    }
    stk_buf_adds(out, results->columns.count == 0 ? "{}" : "}");
}

static void begin_json(struct results *results)
{
    stk_buf_addc(&results->cli->out, '[');
}

static void row_json(struct results *results, const json_t *row)
{
    stk_buf_adds(&results->cli->out, results->count > 0 ? ",\n" : "\n");
    add_object(results, row);
}

static void end_json(struct results *results, bool has_more)
{
    (void)has_more;
    stk_buf_adds(&results->cli->out, results->count > 0 ? "\n]\n" : "]\n");
}

static void row_jsonl(struct results *results, const json_t *row)
{
    add_object(results, row);
    stk_buf_addc(&results->cli->out, '\n');
}

/* What the API answers, for --json. */
static void begin_answer(struct results *results)
{
    stk_buf_adds(&results->cli->out, "{\"results\":[");
}

static void row_answer(struct results *results, const json_t *row)
{
    if (results->count > 0) stk_buf_addc(&results->cli->out, ',');
    stk_json_add(&results->cli->out, row);
}

static void end_answer(struct results *results, bool has_more)
{
    stk_buf_addf(&results->cli->out, "],\"more\":%s}\n", has_more ? "true" : "false");
}

static void row_id(struct results *results, const json_t *row)
{
    stk_buf_addf(&results->cli->out, "%" PRId64 "\n", stk_answer_int(row, "id"));
}

static const struct format formats[] = {
    { "table", true, begin_table, row_table, end_table },
    { "csv", true, begin_csv, row_csv, NULL },
    { "json", true, begin_json, row_json, end_json },
    { "jsonl", true, NULL, row_jsonl, NULL },
    { "answer", false, begin_answer, row_answer, end_answer },
    { "ids", false, NULL, row_id, NULL }, /* --quiet */
};

static const struct format *find_format(const struct stk_cli *cli)
{
    const char *name = stk_args_text(&cli->args, "format");
    if (cli->json && name == NULL) name = "answer";
    if (cli->quiet) name = "ids";
    for (size_t i = 0; name != NULL && i < STK_ARRAY_LEN(formats); i++) {
        if (strcmp(formats[i].name, name) == 0) return &formats[i];
    }
    return &formats[0];
}

/* --- the way of a row ---------------------------------------------------- */

static enum stk_rc write_row(void *context, json_t *row, bool *ret_stop, struct stk_error *err)
{
    struct results *results = context;
    results->format->row(results, row);
    results->count++;
    *ret_stop = results->count == results->limit;
    bool is_much = results->cli->out.len > FLUSH_BYTES;
    return is_much ? stk_cli_flush(results->cli, err) : STK_OK;
}

static enum stk_rc scan_row(void *context, json_t *row, bool *ret_stop, struct stk_error *err)
{
    struct results *results = context;
    (void)err;
    stk_columns_scan(&results->columns, row);
    results->count++;
    *ret_stop = results->count == results->limit && results->sort == NULL;
    return STK_OK;
}

static enum stk_rc keep_row(void *context, json_t *row, bool *ret_stop, struct stk_error *err)
{
    struct results *results = context;
    (void)ret_stop;
    (void)err;
    stk_columns_scan(&results->columns, row);
    (void)json_array_append(results->kept, row);
    return STK_OK;
}

static enum stk_rc walk(struct results *results, stk_row_fn each, bool *ret_more,
                        struct stk_error *err)
{
    return stk_rows_walk(results->cli, results->sweep, results->task, each, results, ret_more, err);
}

/* The columns are those of all rows that will be shown: a first walk finds
 * them, so that memory does not grow with the rows. */
static enum stk_rc find_columns(struct results *results, struct stk_error *err)
{
    const char *chosen = stk_args_text(&results->cli->args, "columns");
    if (results->sort == NULL && results->format->has_columns) {
        enum stk_rc rc = walk(results, scan_row, NULL, err);
        results->count = 0;
        if (rc != STK_OK) return rc;
    }
    if (chosen == NULL || results->columns.count == 0) return STK_OK;
    return stk_columns_choose(&results->columns, chosen, err);
}

struct sorted {
    json_t *row;
    const json_t *value;
};

/* Nothing stays last in both directions; equals stay in the order of ids. */
static int compare_rows(const void *a, const void *b, void *desc)
{
    const struct sorted *left = a;
    const struct sorted *right = b;
    const bool *is_desc = desc;
    int order = stk_value_compare(left->value, right->value);
    bool flips = *is_desc && left->value != NULL && right->value != NULL;
    if (order == 0) {
        int64_t ids = stk_answer_int(left->row, "id") - stk_answer_int(right->row, "id");
        return ids < 0 ? -1 : 1;
    }
    return flips ? -order : order;
}

static enum stk_rc write_sorted(struct results *results, bool *ret_more, struct stk_error *err)
{
    size_t count = json_array_size(results->kept);
    struct sorted *rows = stk_realloc(NULL, count + 1, sizeof(*rows));
    bool is_desc = stk_args_has(&results->cli->args, "desc");
    bool is_stopped = false;
    enum stk_rc rc = STK_OK;

    for (size_t i = 0; i < count; i++) {
        json_t *row = json_array_get(results->kept, i);
        rows[i] = (struct sorted){ .row = row, .value = stk_row_value(row, results->sort) };
    }
    qsort_r(rows, count, sizeof(*rows), compare_rows, &is_desc);
    size_t i = 0;
    for (; i < count && !is_stopped && rc == STK_OK; i++) {
        rc = write_row(results, rows[i].row, &is_stopped, err);
    }
    *ret_more = i < count;
    free(rows);
    return rc;
}

static enum stk_rc write_all(struct results *results, struct stk_error *err)
{
    bool has_more = false;
    enum stk_rc rc = STK_OK;
    if (results->sort != NULL) {
        rc = walk(results, keep_row, NULL, err);
        if (rc == STK_OK && results->columns.count > 0) {
            rc = stk_columns_check(&results->columns, results->sort, err);
        }
    }
    if (rc == STK_OK) rc = find_columns(results, err);
    if (rc != STK_OK) return rc;

    if (results->format->begin != NULL) results->format->begin(results);
    rc = results->sort != NULL ? write_sorted(results, &has_more, err)
                               : walk(results, write_row, &has_more, err);
    if (rc == STK_OK && results->format->end != NULL) results->format->end(results, has_more);
    return rc;
}

static enum stk_rc run(struct stk_cli *cli, struct stk_error *err)
{
    struct results results = {
        .cli = cli,
        .format = find_format(cli),
        .sweep = stk_args_text(&cli->args, "sweep"),
        .task = stk_args_text(&cli->args, "task"),
        .sort = stk_args_text(&cli->args, "sort"),
        .kept = json_array(),
    };
    bool is_table = results.format == &formats[0];
    results.limit = stk_args_int(&cli->args, "limit", is_table ? TABLE_ROWS : 0);

    enum stk_rc rc = write_all(&results, err);
    stk_columns_release(&results.columns);
    stk_table_release(&results.table);
    json_decref(results.kept);
    return rc;
}

const struct stk_command_info stk_cli_results = {
    .name = "results",
    .synopsis = "[--sweep ID | --task TASK] [--format FORMAT] [--limit N] [--sort COLUMN] "
                "[--desc] [--columns A,B]",
    .summary = "show completed jobs: parameters and result fields as columns",
    .description =
        "Oldest job first. Columns are the id, the parameters and the fields of the results; "
        "where both have a name the result's is result.NAME. A nested value is JSON text, and "
        "can be reached into: --columns id,result.metrics.sharpe. A result that is no object is "
        "the column result.\n\n"
        "csv, json and jsonl are complete and stream; numbers stand as the job wrote them. --json "
        "without --format gives the API's answer, params and result apart.",
    .options = options,
    .examples = examples,
    .run = run,
};
