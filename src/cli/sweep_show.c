/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/text.h"
#include "cli/answer.h"
#include "cli/commands.h"
#include "cli/counts.h"
#include "cli/heat.h"
#include "cli/query.h"
#include "cli/rows.h"
#include "cli/sweep_line.h"
#include "cli/watch.h"

enum { BAR_CELLS_MAX = 40 };

static const struct stk_option options[] = {
    { .name = "watch", .help = "show it again every second until all its jobs have ended" },
    { .name = "map",
      .value = "X,Y,FIELD",
      .help = "draw a heat map of a result's field over two parameters" },
    { .name = "agg",
      .value = "mean|max|min|count",
      .help = "with --map: what a cell with several jobs shows (mean)" },
    { .name = NULL },
};

/* --- in words ------------------------------------------------------------ */

static void add_title(struct stk_cli *cli, const char *title)
{
    STK_CLEANUP(stk_freep) char *padded = stk_format("  %-10s", title);
    stk_term_add(&cli->term, &cli->out, STK_STYLE_DIM, padded);
}

static void add_escaped(struct stk_cli *cli, const char *title, const char *text)
{
    if (text == NULL) return;
    add_title(cli, title);
    stk_text_add_escaped(&cli->out, text, strlen(text));
    stk_buf_addc(&cli->out, '\n');
}

/* fast=5:50:5 slow=20,50 zip=fast,slow where=... */
static void add_axes(struct stk_buf *line, const json_t *axes)
{
    size_t i = 0;
    const json_t *axis = NULL;
    json_array_foreach(axes, i, axis)
    {
        stk_buf_addf(line, "%s", line->len > 0 ? " " : "");
        stk_value_add(line, json_array_get(axis, 0));
        stk_buf_addc(line, '=');
        stk_value_add(line, json_array_get(axis, 1));
    }
}

static void add_zips(struct stk_buf *line, const json_t *zips)
{
    size_t i = 0;
    const json_t *zip = NULL;
    json_array_foreach(zips, i, zip)
    {
        stk_buf_adds(line, " --zip ");
        for (size_t n = 0; n < json_array_size(zip); n++) {
            if (n > 0) stk_buf_addc(line, ',');
            stk_value_add(line, json_array_get(zip, n));
        }
    }
}

static void add_part(struct stk_cli *cli, const json_t *part)
{
    static const char *const members[] = { "where", "sample", "seed" };
    STK_CLEANUP(stk_buf_release) struct stk_buf line = STK_BUF_INIT;
    const json_t *from = stk_answer_get(part, "from");

    add_axes(&line, json_object_get(part, "axes"));
    add_zips(&line, json_object_get(part, "zip"));
    for (size_t i = 0; i < STK_ARRAY_LEN(members); i++) {
        const json_t *value = stk_answer_get(part, members[i]);
        const char *quote = json_is_string(value) ? "'" : "";
        if (value == NULL) continue;
        stk_buf_addf(&line, " --%s %s", members[i], quote);
        stk_value_add(&line, value);
        stk_buf_adds(&line, quote);
    }
    if (from != NULL) {
        stk_buf_adds(&line, " --from ");
        stk_value_add(&line, json_object_get(from, "name"));
    }
    add_title(cli, "points");
    stk_buf_adds(&cli->out, stk_buf_str(&line));
    stk_buf_adds(&cli->out, ": ");
    stk_number_add(&cli->out, stk_answer_int(part, "points"));
    stk_buf_addc(&cli->out, '\n');
}

static void add_recipe(struct stk_cli *cli, const json_t *recipe)
{
    size_t i = 0;
    const json_t *part = NULL;
    json_array_foreach(json_object_get(recipe, "parts"), i, part)
    {
        add_part(cli, part);
    }
}

static void add_progress(struct stk_cli *cli, const json_t *sweep)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf pace = STK_BUF_INIT;
    struct stk_counts counts = stk_answer_counts(json_object_get(sweep, "counts"));
    int64_t points = stk_answer_int(sweep, "points");
    int64_t ended = stk_counts_ended(&counts);
    int width = stk_term_width(&cli->term) - 30;

    stk_buf_adds(&cli->out, "  ");
    stk_bar_add(&cli->term, points > 0 ? (double)ended / (double)points : 0,
                width < 10              ? 10
                : width < BAR_CELLS_MAX ? width
                                        : BAR_CELLS_MAX,
                &cli->out);
    stk_buf_adds(&cli->out, "  ");
    stk_number_add(&cli->out, ended);
    stk_buf_adds(&cli->out, " of ");
    stk_number_add(&cli->out, points);
    stk_buf_adds(&cli->out, "\n  ");
    stk_counts_words_add(&cli->term, &counts, &cli->out);
    stk_sweep_pace_add(&cli->term, sweep, &pace);
    if (pace.len > 0) {
        stk_buf_addf(&cli->out, "%s%s", cli->term.unicode ? " · " : ", ", stk_buf_str(&pace));
    }
    stk_buf_addc(&cli->out, '\n');
}

static void show(struct stk_cli *cli, const json_t *sweep)
{
    const char *state = stk_sweep_state(sweep);
    const char *name = stk_answer_text(sweep, "name");
    stk_buf_addf(&cli->out, "sweep %" PRId64, stk_answer_int(sweep, "id"));
    if (name != NULL) {
        stk_buf_addc(&cli->out, ' ');
        stk_text_add_escaped(&cli->out, name, strlen(name));
    }
    stk_buf_adds(&cli->out, "  ");
    stk_term_add(&cli->term, &cli->out,
                 stk_sweep_is_over(sweep) ? STK_STYLE_GOOD : STK_STYLE_ACTIVE, state);
    stk_buf_addc(&cli->out, '\n');

    add_progress(cli, sweep);
    add_escaped(cli, "error", stk_answer_text(sweep, "error"));
    add_escaped(cli, "task", stk_answer_text(sweep, "task"));
    add_recipe(cli, stk_answer_get(sweep, "recipe"));
    add_escaped(cli, "created", stk_answer_text(sweep, "created_at"));
    add_escaped(cli, "finished", stk_answer_text(sweep, "finished_at"));
}

/* --- as a map ------------------------------------------------------------ */

struct map {
    char *names; /* "X\0Y\0FIELD" of what was typed */
    const char *x, *y, *field;
    enum stk_agg agg;
};

static enum stk_rc read_map(const struct stk_args *args, struct map *map, struct stk_error *err)
{
    const char *text = stk_args_text(args, "map");
    const char *agg = stk_args_text(args, "agg");
    char *rest = NULL;
    if (agg != NULL) (void)stk_agg_from_name(agg, &map->agg); /* the parser knows them */

    map->names = stk_strdup(text);
    map->x = strtok_r(map->names, ",", &rest);
    map->y = strtok_r(NULL, ",", &rest);
    map->field = strtok_r(NULL, ",", &rest);
    if (map->field == NULL || strtok_r(NULL, ",", &rest) != NULL) {
        return stk_fail(err, STK_INVALID,
                        "--map takes two parameters and a field, such as fast,slow,sharpe");
    }
    if (strcmp(map->x, map->y) == 0) {
        return stk_fail(err, STK_INVALID, "--map wants two different parameters");
    }
    return STK_OK;
}

static enum stk_rc add_row(void *context, json_t *row, bool *ret_stop, struct stk_error *err)
{
    (void)ret_stop;
    (void)err;
    stk_heat_add(context, row);
    return STK_OK;
}

static enum stk_rc draw_map(struct stk_cli *cli, const struct map *map, const char *id,
                            struct stk_error *err)
{
    STK_CLEANUP(stk_heat_release) struct stk_heat heat;
    stk_heat_init(&heat, map->x, map->y, map->field, map->agg);
    enum stk_rc rc = stk_rows_walk(cli, id, NULL, add_row, &heat, NULL, err);
    if (rc != STK_OK) return rc;
    return stk_heat_render(&heat, &cli->term, &cli->out, err);
}

/* --- once, or again and again -------------------------------------------- */

static enum stk_rc look(struct stk_cli *cli, void *context, bool *ret_done, struct stk_error *err)
{
    const struct map *map = context;
    STK_CLEANUP(stk_buf_release) struct stk_buf path = STK_BUF_INIT;
    STK_CLEANUP(stk_json_freep) json_t *sweep = NULL;
    stk_buf_adds(&path, "/sweeps/");
    enum stk_rc rc = stk_query_id(&path, "sweep", cli->args.words[0], err);
    if (rc == STK_OK) rc = stk_cli_get(cli, stk_buf_str(&path), &sweep, err);
    if (rc != STK_OK) return rc;

    *ret_done = stk_sweep_is_over(sweep);
    if (cli->json) {
        stk_cli_add_json(cli, sweep);
    } else if (cli->quiet) {
        stk_buf_addf(&cli->out, "%" PRId64 "\n", stk_answer_int(sweep, "id"));
    } else if (map->field == NULL) {
        show(cli, sweep);
    } else {
        struct stk_error why = { .rc = STK_OK };
        bool waits = stk_args_has(&cli->args, "watch") && !*ret_done;
        rc = draw_map(cli, map, cli->args.words[0], waits ? &why : err);
        if (rc == STK_OK || waits) stk_buf_addc(&cli->out, '\n');
        if (rc == STK_OK || waits) stk_sweep_line_add(&cli->term, sweep, &cli->out);
        if (waits && why.rc == STK_NOT_FOUND) return STK_OK; /* no result yet */
        if (waits && why.rc != STK_OK) return stk_fail(err, why.rc, "%s", why.text);
    }
    return rc;
}

static enum stk_rc run(struct stk_cli *cli, struct stk_error *err)
{
    STK_CLEANUP(stk_freep) char *names = NULL;
    struct map map = { .agg = STK_AGG_MEAN };
    enum stk_rc rc = STK_OK;
    bool is_done = false;
    if (stk_args_has(&cli->args, "map")) {
        rc = read_map(&cli->args, &map, err);
        names = map.names;
    } else if (stk_args_has(&cli->args, "agg")) {
        rc = stk_fail(err, STK_INVALID, "--agg goes with --map");
    }
    if (rc != STK_OK) return rc;

    if (stk_args_has(&cli->args, "watch")) return stk_watch(cli, look, &map, err);
    return look(cli, &map, &is_done, err);
}

static const struct stk_example examples[] = {
    { "stoker sweep show last --watch", "how far the newest sweep is, until it is done" },
    { "stoker sweep show 3 --map fast,slow,sharpe --agg max",
      "where in the plane of fast and slow the best sharpe lies" },
    { NULL, NULL },
};

const struct stk_command_info stk_cli_sweep_show = {
    .name = "sweep show",
    .synopsis = "ID [--watch] [--map X,Y,FIELD [--agg AGG]]",
    .summary = "show a sweep: progress, counts, recipe; or a map of its results",
    .description =
        "ID is the number of a sweep, or last. X and Y of a map are parameters, FIELD is a number "
        "of the results; jobs that differ in other parameters share a cell. A map that is too "
        "wide for the terminal (COLUMNS, or 80) is folded.",
    .words_min = 1,
    .words_max = 1,
    .options = options,
    .examples = examples,
    .run = run,
};
