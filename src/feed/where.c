/* SPDX-License-Identifier: MIT */
#include "feed/where.h"

#include <ctype.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/text.h"

enum {
    STEPS_A_TICK = 1000, /* of SQLite's virtual machine */
    TICKS_MAX = 100,     /* of one test */
};

struct stk_where {
    sqlite3 *db;
    sqlite3_stmt *stmt;
    size_t count;
    unsigned ticks;   /* of the test under way */
    char refused[64]; /* the function that the authorizer did not let pass */
};

/* --- the shape of the expression ----------------------------------------- */

static enum stk_rc fail_shape(struct stk_error *err, const char *reason)
{
    return stk_fail(err, STK_INVALID, "where: %s", reason);
}

/* Past the end of the quoted text that starts here, by SQLite's rules; NULL
 * when it has no end. */
static const char *skip_quoted(const char *at)
{
    char close = *at;
    if (close == '[') close = ']';
    for (at++; *at != '\0'; at++) {
        if (*at != close) continue;
        if (close == ']' || at[1] != close) return at + 1;
        at++;
    }
    return NULL;
}

static size_t measure_word(const char *at)
{
    size_t len = 0;
    while (isalnum((unsigned char)at[len]) || at[len] == '_' || (unsigned char)at[len] >= 0x80) {
        len++;
    }
    return len;
}

static bool is_query_word(const char *word, size_t len)
{
    static const char *const words[] = { "SELECT", "VALUES" };
    for (size_t i = 0; i < STK_ARRAY_LEN(words); i++) {
        if (strlen(words[i]) == len && strncasecmp(words[i], word, len) == 0) return true;
    }
    return false;
}

/* What one character outside of quotes and words is refused for; or NULL. */
static const char *find_fault(const char *at, int depth)
{
    switch (*at) {
    case ')': return depth == 0 ? "a \")\" has no \"(\" before it" : NULL;
    case ';': return "it is one expression, without \";\"";
    case '-': return at[1] == '-' ? "it holds no comment (a minus twice is \"- -\")" : NULL;
    case '/': return at[1] == '*' ? "it holds no comment" : NULL;
    case '?':
    case ':':
    case '@':
    case '#':
    case '$': return "parameters are written by their names alone, without ?, :, @, # or $";
    default: return NULL;
    }
}

/* The expression is put between brackets. What is checked here is what keeps
 * it there: every quote and bracket it opens it closes, it closes no more, and
 * no comment swallows ours. */
static enum stk_rc check_shape(const char *expression, struct stk_error *err)
{
    if (strlen(expression) > STK_WHERE_BYTES_MAX) return fail_shape(err, "it is over 4096 bytes");
    if (expression[strspn(expression, " \t\r\n\f")] == '\0') return fail_shape(err, "it is empty");

    int depth = 0;
    for (const char *at = expression; *at != '\0';) {
        size_t word = measure_word(at);
        if (is_query_word(at, word)) return fail_shape(err, "it is an expression, not a query");
        if (word > 0) {
            at += word;
            continue;
        }
        if (strchr("'\"`[", *at) != NULL) {
            at = skip_quoted(at);
            if (at == NULL) return fail_shape(err, "a quote is never closed");
            continue;
        }
        const char *fault = find_fault(at, depth);
        if (fault != NULL) return fail_shape(err, fault);
        depth += (*at == '(') - (*at == ')');
        at++;
    }
    return depth == 0 ? STK_OK : fail_shape(err, "a \"(\" is never closed");
}

/* --- what SQLite may do -------------------------------------------------- */

/* Functions of their arguments alone. Not among them: random(), the date
 * functions (they know 'now'), anything about the connection. The aggregates
 * pass here, since SQLite then says "misuse of aggregate", which is clearer. */
static const char *const functions[] = {
    /* clang-format off */
    "->", "->>", "abs", "acos", "acosh", "asin", "asinh", "atan", "atan2", "atanh", "avg", "ceil",
    "ceiling", "char", "coalesce", "cos", "cosh", "count", "degrees", "exp", "floor", "format",
    "glob", "group_concat", "hex", "ifnull", "iif", "instr", "json_array_length", "json_extract",
    "json_type", "json_valid", "length", "like", "likelihood", "likely", "ln", "log", "log10",
    "log2", "lower", "ltrim", "max", "min", "mod", "nullif", "pi", "pow", "power", "printf",
    "radians", "replace", "round", "rtrim", "sign", "sin", "sinh", "sqrt", "substr", "substring",
    "sum", "tan", "tanh", "total", "trim", "trunc", "typeof", "unicode", "unlikely", "upper",
    /* clang-format on */
};

static bool is_function(const char *name)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(functions); i++) {
        if (strcasecmp(functions[i], name) == 0) return true;
    }
    return false;
}

static int authorize(void *context, int action, const char *first, const char *second,
                     const char *database, const char *inner)
{
    struct stk_where *self = context;
    (void)first;
    (void)database;
    (void)inner;
    if (action == SQLITE_SELECT) return SQLITE_OK;
    if (action != SQLITE_FUNCTION || second == NULL) return SQLITE_DENY;
    if (is_function(second)) return SQLITE_OK;

    size_t len = strlen(second);
    if (len >= sizeof(self->refused)) len = stk_utf8_cut(second, sizeof(self->refused) - 1);
    memcpy(self->refused, second, len);
    self->refused[len] = '\0';
    return SQLITE_DENY;
}

static int count_tick(void *context)
{
    struct stk_where *self = context;
    return ++self->ticks > TICKS_MAX;
}

static void set_limits(struct stk_where *self)
{
    static const struct {
        int id, most;
    } limits[] = {
        { SQLITE_LIMIT_LENGTH, 1024 * 1024 },      { SQLITE_LIMIT_SQL_LENGTH, 64 * 1024 },
        { SQLITE_LIMIT_EXPR_DEPTH, 200 },          { SQLITE_LIMIT_COMPOUND_SELECT, 1 },
        { SQLITE_LIMIT_FUNCTION_ARG, 32 },         { SQLITE_LIMIT_ATTACHED, 0 },
        { SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 256 }, { SQLITE_LIMIT_TRIGGER_DEPTH, 1 },
        { SQLITE_LIMIT_VDBE_OP, 100 * 1000 },      { SQLITE_LIMIT_WORKER_THREADS, 0 },
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(limits); i++) {
        (void)sqlite3_limit(self->db, limits[i].id, limits[i].most);
    }
    (void)sqlite3_db_config(self->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL); /* "typo" is no string */
    (void)sqlite3_db_config(self->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_set_authorizer(self->db, authorize, self);
    sqlite3_progress_handler(self->db, STEPS_A_TICK, count_tick, self);
}

/* --- opening ------------------------------------------------------------- */

static void add_name(struct stk_buf *sql, const char *name)
{
    stk_buf_addc(sql, '"');
    for (; *name != '\0'; name++) {
        if (*name == '"') stk_buf_addc(sql, '"');
        stk_buf_addc(sql, *name);
    }
    stk_buf_addc(sql, '"');
}

/* In a WHERE, not in the result list: there an aggregate is an error. */
static void add_statement(struct stk_buf *sql, const char *expression, const char *const *names,
                          size_t count)
{
    stk_buf_adds(sql, "SELECT 1 FROM (SELECT 1");
    for (size_t i = 0; i < count; i++) {
        stk_buf_addf(sql, ", ?%zu AS ", i + 1);
        add_name(sql, names[i]);
    }
    stk_buf_addf(sql, ") WHERE (%s)", expression);
}

/* SQLite's words, and the parameter that may have been meant. */
static enum stk_rc fail_prepare(struct stk_where *self, const char *const *names, size_t count,
                                struct stk_error *err)
{
    static const char unknown[] = "no such column: ";
    const char *text = sqlite3_errmsg(self->db);
    if (self->refused[0] != '\0') {
        return stk_fail(err, STK_INVALID, "where: the function %s() cannot be used here",
                        self->refused);
    }
    bool is_unknown = strncmp(text, unknown, sizeof(unknown) - 1) == 0;
    const char *near = is_unknown ? stk_nearest(text + sizeof(unknown) - 1, names, count) : NULL;
    if (near == NULL) return stk_fail(err, STK_INVALID, "where: %s", text);
    return stk_fail(err, STK_INVALID, "where: %s; did you mean \"%s\"?", text, near);
}

static enum stk_rc prepare(struct stk_where *self, const char *expression, const char *const *names,
                           struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf sql = STK_BUF_INIT;
    add_statement(&sql, expression, names, self->count);

    const char *rest = NULL;
    int code = sqlite3_prepare_v3(self->db, stk_buf_str(&sql), (int)sql.len + 1,
                                  SQLITE_PREPARE_PERSISTENT, &self->stmt, &rest);
    if (code != SQLITE_OK) return fail_prepare(self, names, self->count, err);

    bool is_whole = self->stmt != NULL && rest[0] == '\0' && sqlite3_stmt_readonly(self->stmt) &&
                    sqlite3_bind_parameter_count(self->stmt) == (int)self->count;
    return is_whole ? STK_OK : fail_shape(err, "it is not one expression");
}

enum stk_rc stk_where_open(const char *expression, const char *const *names, size_t count,
                           struct stk_where **ret, struct stk_error *err)
{
    enum stk_rc rc = check_shape(expression, err);
    if (rc != STK_OK) return rc;

    STK_CLEANUP(stk_where_closep) struct stk_where *self = stk_alloc(sizeof(*self));
    self->count = count;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(":memory:", &self->db, flags, NULL) != SQLITE_OK) {
        return stk_fail(err, STK_INTERNAL, "where: could not start SQLite in memory");
    }
    set_limits(self);
    rc = prepare(self, expression, names, err);
    if (rc != STK_OK) return rc;

    *ret = self;
    self = NULL;
    return STK_OK;
}

/* --- testing ------------------------------------------------------------- */

static void bind_value(sqlite3_stmt *stmt, int at, const json_t *value)
{
    if (json_is_integer(value)) {
        (void)sqlite3_bind_int64(stmt, at, json_integer_value(value));
    } else if (json_is_real(value)) {
        (void)sqlite3_bind_double(stmt, at, json_real_value(value));
    } else if (json_is_string(value)) {
        int len = (int)json_string_length(value);
        (void)sqlite3_bind_text(stmt, at, json_string_value(value), len, SQLITE_STATIC);
    } else if (json_is_boolean(value)) {
        (void)sqlite3_bind_int(stmt, at, json_is_true(value));
    } else {
        (void)sqlite3_bind_null(stmt, at);
    }
}

enum stk_rc stk_where_test(struct stk_where *where, const json_t *const *values, bool *ret_true,
                           struct stk_error *err)
{
    for (size_t i = 0; i < where->count; i++) {
        bind_value(where->stmt, (int)i + 1, values[i]);
    }

    where->ticks = 0;
    int code = sqlite3_step(where->stmt);
    enum stk_rc rc = STK_OK;
    if (code == SQLITE_INTERRUPT) {
        rc = fail_shape(err, "it takes too long");
    } else if (code != SQLITE_ROW && code != SQLITE_DONE) {
        rc = stk_fail(err, STK_INVALID, "where: %s", sqlite3_errmsg(where->db));
    }
    (void)sqlite3_reset(where->stmt); /* repeats the code of the step */
    if (rc != STK_OK) return rc;

    *ret_true = code == SQLITE_ROW;
    return STK_OK;
}

void stk_where_close(struct stk_where *where)
{
    if (where == NULL) return;
    (void)sqlite3_finalize(where->stmt);
    (void)sqlite3_close(where->db);
    free(where);
}

void stk_where_closep(struct stk_where **where)
{
    stk_where_close(*where);
    *where = NULL;
}
