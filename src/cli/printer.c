/* SPDX-License-Identifier: MIT */
#include "cli/printer.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/timetext.h"
#include "cli/counts.h"
#include "cli/sweep_line.h"

enum { LINES_AT_ONCE = 512, STAMP_BYTES = 24, STATUS_BAR_MAX = 20 };

#define TICK       (200 * STK_MS)
#define LAST_WORDS STK_SECOND

struct stk_printer {
    pthread_t thread;
    struct stk_pool *pool;
    struct stk_access access;
    const struct stk_term *term;
    bool json;
    atomic_bool ending;
    _Atomic stk_time_ns deadline; /* once ending */
    bool is_closed;               /* nobody reads stdout any more */

    uint64_t last;  /* seq of the newest line read */
    uint64_t given; /* lines of the read under way */
    struct stk_buf out;

    struct stk_rate rate;
    stk_time_ns looked_at; /* at the counts */
    struct stk_buf status; /* on the screen now; empty: none */
};

/* --- writing to a stdout that may be slow -------------------------------- */

/* Not O_NONBLOCK: that would change the terminal of the shell, too. A pipe that
 * polls writable takes PIPE_BUF bytes without blocking. */
static bool wait_writable(struct stk_printer *printer)
{
    for (;;) {
        struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };
        int ready = poll(&out, 1, 100);
        if (ready > 0 && (out.revents & POLLOUT) != 0) return true;
        if (ready > 0) return false;
        bool ending = atomic_load(&printer->ending);
        if (ending && stk_clock_mono() > atomic_load(&printer->deadline)) return false;
    }
}

static void write_out(struct stk_printer *printer)
{
    size_t at = 0;
    while (at < printer->out.len && !printer->is_closed) {
        size_t left = printer->out.len - at;
        if (!wait_writable(printer)) {
            printer->is_closed = true;
            break;
        }
        ssize_t wrote =
            write(STDOUT_FILENO, printer->out.data + at, left < PIPE_BUF ? left : PIPE_BUF);
        if (wrote < 0 && errno != EINTR && errno != EAGAIN) printer->is_closed = true;
        if (wrote > 0) at += (size_t)wrote;
    }
    stk_buf_clear(&printer->out);
}

/* --- lines --------------------------------------------------------------- */

static const char *const kind_names[] = {
#define STK_LINE_ROW(name, mark, what) [STK_LINE_##name] = #name,
    STK_LINE_MAP(STK_LINE_ROW)
#undef STK_LINE_ROW
};

/* The members of GET /logs. */
static void add_json_line(const struct stk_line *line, struct stk_buf *out)
{
    char at[STK_TIME_TEXT];
    stk_time_text(line->at, at);
    stk_buf_addf(out, "{\"at\":\"%s\",\"job\":", at);
    if (line->job_id > 0) stk_buf_addf(out, "%" PRId64, line->job_id);
    if (line->job_id <= 0) stk_buf_adds(out, "null");
    stk_buf_adds(out, ",\"kind\":\"");
    for (const char *c = kind_names[line->kind]; *c != '\0'; c++) {
        stk_buf_addc(out, (char)tolower((unsigned char)*c));
    }
    stk_buf_addc(out, '"');
    if (line->pool_id > 0) stk_buf_addf(out, ",\"pool\":\"p%" PRId64 "\"", line->pool_id);
    stk_buf_addf(out, ",\"seq\":%" PRIu64 ",\"text\":", line->seq);
    stk_json_add_string(out, line->text, line->len);
    if (line->worker > 0) stk_buf_addf(out, ",\"worker\":\"w%" PRIu32 "\"}\n", line->worker);
    if (line->worker == 0) stk_buf_adds(out, ",\"worker\":\"pool\"}\n");
}

void stk_printer_line_add(const struct stk_term *term, bool json, const struct stk_line *line,
                          int cells, struct stk_buf *out)
{
    if (json) {
        add_json_line(line, out);
        return;
    }
    STK_CLEANUP(stk_buf_release) struct stk_buf text = STK_BUF_INIT;
    stk_line_text(line, &text);
    size_t fits = cells > 0 ? stk_text_fit(stk_buf_str(&text), cells) : text.len;
    size_t stamp = fits > STAMP_BYTES ? STAMP_BYTES : 0;
    STK_CLEANUP(stk_freep) char *at = stk_strndup(stk_buf_str(&text), stamp);
    stk_term_add(term, out, STK_STYLE_DIM, at);
    stk_buf_add(out, stk_buf_str(&text) + stamp, fits - stamp);
    stk_buf_addc(out, '\n');
}

static void take_line(void *context, const struct stk_line *line)
{
    struct stk_printer *printer = context;
    printer->given++;
    int cells = printer->term->is_terminal ? stk_term_width(printer->term) : 0;
    stk_printer_line_add(printer->term, printer->json, line, cells, &printer->out);
}

/* Numbers of lines have no gaps: one that is missing was overwritten while
 * stdout was slow. */
static void read_lines(struct stk_printer *printer)
{
    const struct stk_line_filter filter = { .after = printer->last,
                                            .worker = -1,
                                            .limit = LINES_AT_ONCE };
    uint64_t last = printer->last;
    uint64_t lost = 0;
    printer->given = 0;
    stk_consoles_read(stk_pool_consoles(printer->pool), &filter, take_line, printer, &last, &lost);

    uint64_t passed = last - printer->last;
    if (lost > 0 && passed > printer->given && !printer->json) {
        stk_buf_addf(&printer->out, "... %" PRIu64 " lines not shown: stdout was too slow ...\n",
                     passed - printer->given);
    }
    printer->last = last;
}

/* --- the status line ----------------------------------------------------- */

static stk_time_ns end_of(const struct stk_session *session)
{
    stk_time_ns expires = session->expires_at, deadline = session->deadline_at;
    if (expires == STK_NEVER) return deadline;
    return deadline != STK_NEVER && deadline < expires ? deadline : expires;
}

/* The first that is closed, and the first to end of those that are open. */
void stk_printer_session_add(const struct stk_session *sessions, size_t count, stk_time_ns now,
                             struct stk_buf *out)
{
    const struct stk_session *closed = NULL, *ending = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct stk_session *session = &sessions[i];
        bool is_open = stk_session_admits(session, now);
        if (!is_open && closed == NULL) closed = session;
        if (!is_open || end_of(session) == STK_NEVER) continue;
        if (ending == NULL || end_of(session) < end_of(ending)) ending = session;
    }
    if (closed != NULL) {
        bool is_person = stk_session_needs_person(closed->state);
        stk_buf_addf(out, "%s: %s", closed->name,
                     is_person ? "needs a person" : stk_session_state_name(closed->state));
    }
    if (ending == NULL) return;
    char left[STK_DURATION_TEXT];
    stk_time_ns left_ns = end_of(ending) - now;
    stk_duration_text(left_ns - left_ns % STK_SECOND, left);
    stk_buf_addf(out, "%s%s ends in %s", closed != NULL ? ", " : "", ending->name, left);
}

void stk_printer_status_add(const struct stk_term *term, const struct stk_counts *counts,
                            const struct stk_rate *rate, const char *session, struct stk_buf *out)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf line = STK_BUF_INIT;
    const char *dot = term->unicode ? " · " : ", ";
    int64_t ended = stk_counts_ended(counts);
    int64_t total = stk_counts_total(counts);
    int width = stk_term_width(term) - 1;

    stk_buf_adds(&line, term->unicode ? "▸ " : "> ");
    stk_number_add(&line, ended);
    stk_buf_addf(&line, " done%s", dot);
    if (counts->of[STK_STATE_FAILED] > 0) {
        stk_number_add(&line, counts->of[STK_STATE_FAILED]);
        stk_buf_addf(&line, " of them failed%s", dot);
    }
    stk_number_add(&line, counts->of[STK_STATE_RUNNING]);
    stk_buf_addf(&line, " running%s", dot);
    stk_number_add(&line, counts->of[STK_STATE_PENDING]);
    stk_buf_adds(&line, " pending");

    STK_CLEANUP(stk_buf_release) struct stk_buf pace = STK_BUF_INIT;
    stk_time_ns eta = stk_rate_eta(rate, total - ended);
    double eta_s = eta == STK_NEVER ? -1 : (double)eta / (double)STK_SECOND;
    bool is_moving = counts->of[STK_STATE_RUNNING] > 0; /* else what waits is not due */
    if (is_moving) stk_pace_add(term, &pace, rate->per_s, eta_s);
    if (pace.len > 0) stk_buf_addf(&line, "%s%s", dot, stk_buf_str(&pace));
    if (*session != '\0') stk_buf_addf(&line, "%s%s", dot, session);

    int room = width - stk_text_cells(stk_buf_str(&line)) - 3;
    int cells = room < STATUS_BAR_MAX ? room : STATUS_BAR_MAX;
    if (cells >= 5 && total > 0) {
        stk_buf_addc(&line, ' ');
        stk_bar_add(term, (double)ended / (double)total, cells, &line);
    }
    stk_buf_add(out, stk_buf_str(&line), stk_text_fit(stk_buf_str(&line), width));
}

struct look {
    struct stk_counts counts;
    struct stk_buf session;
};

static enum stk_rc read_look(struct stk_store *store, void *arg, struct stk_error *err)
{
    struct look *look = arg;
    const struct stk_session *sessions = NULL;
    size_t count = 0;
    stk_buf_clear(&look->session);
    enum stk_rc rc = stk_store_counts(store, 0, &look->counts, err);
    if (rc == STK_OK) rc = stk_store_sessions(store, &sessions, &count, err);
    if (rc == STK_OK) stk_printer_session_add(sessions, count, stk_clock_now(), &look->session);
    return rc;
}

static void erase_status(struct stk_printer *printer)
{
    if (printer->status.len > 0) stk_buf_adds(&printer->out, "\r\033[K");
    stk_buf_clear(&printer->status);
}

/* The new status, or the old one when it was looked at just now. */
static void make_status(struct stk_printer *printer, struct stk_buf *ret)
{
    struct look look = { .session = STK_BUF_INIT };
    stk_time_ns now = stk_clock_mono();
    bool is_fresh = printer->looked_at != 0 && now - printer->looked_at < TICK;
    if (is_fresh || stk_read(&printer->access, read_look, &look, NULL) != STK_OK) {
        stk_buf_adds(ret, stk_buf_str(&printer->status));
    } else {
        printer->looked_at = now;
        stk_rate_add(&printer->rate, stk_counts_ended(&look.counts), now);
        stk_printer_status_add(printer->term, &look.counts, &printer->rate,
                               stk_buf_str(&look.session), ret);
    }
    stk_buf_release(&look.session);
}

/* --- the thread ---------------------------------------------------------- */

static void print(struct stk_printer *printer)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf status = STK_BUF_INIT;
    STK_CLEANUP(stk_buf_release) struct stk_buf lines = STK_BUF_INIT;
    bool has_status = printer->term->is_terminal && !printer->json;

    read_lines(printer);
    lines = printer->out;
    printer->out = (struct stk_buf)STK_BUF_INIT;
    if (has_status) make_status(printer, &status);
    bool is_same = strcmp(stk_buf_str(&status), stk_buf_str(&printer->status)) == 0;
    if (lines.len == 0 && is_same) return;

    erase_status(printer);
    stk_buf_add(&printer->out, stk_buf_str(&lines), lines.len);
    stk_buf_add(&printer->out, stk_buf_str(&status), status.len);
    stk_buf_add(&printer->status, stk_buf_str(&status), status.len);
    write_out(printer);
}

static void *run(void *arg)
{
    struct stk_printer *printer = arg;
    while (!atomic_load(&printer->ending)) {
        print(printer);
        (void)stk_consoles_wait(stk_pool_consoles(printer->pool), printer->last, TICK);
    }
    read_lines(printer);
    STK_CLEANUP(stk_buf_release) struct stk_buf lines = printer->out;
    printer->out = (struct stk_buf)STK_BUF_INIT;
    erase_status(printer);
    stk_buf_add(&printer->out, stk_buf_str(&lines), lines.len);
    write_out(printer);
    return NULL;
}

/* Only there to end a write() that blocks. */
static void on_nudge(int signal)
{
    (void)signal;
}

enum stk_rc stk_printer_start(const struct stk_printer_options *options, struct stk_printer **ret,
                              struct stk_error *err)
{
    struct stk_printer *printer = stk_alloc(sizeof(*printer));
    struct sigaction nudge = { .sa_handler = on_nudge }; /* no SA_RESTART */
    (void)sigaction(SIGUSR1, &nudge, NULL);
    printer->pool = options->pool;
    printer->access = stk_pool_access(options->pool);
    printer->term = options->term;
    printer->json = options->json;
    stk_buf_adds(&printer->out, options->head);

    int code = pthread_create(&printer->thread, NULL, run, printer);
    if (code != 0) {
        stk_buf_release(&printer->out);
        free(printer);
        return stk_fail(err, STK_INTERNAL, "could not start a thread: %s", strerror(code));
    }
    *ret = printer;
    return STK_OK;
}

/* A write to a terminal that somebody has stopped may block for ever. */
static void join(struct stk_printer *printer)
{
    struct timespec until;
    do {
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += 2;
        if (pthread_timedjoin_np(printer->thread, NULL, &until) == 0) return;
    } while (pthread_kill(printer->thread, SIGUSR1) == 0);
}

void stk_printer_stop(struct stk_printer *printer, const char *tail)
{
    if (printer == NULL) return;
    atomic_store(&printer->deadline, stk_clock_mono() + LAST_WORDS);
    atomic_store(&printer->ending, true);
    stk_consoles_wake(stk_pool_consoles(printer->pool));
    join(printer);

    stk_buf_adds(&printer->out, tail);
    write_out(printer);
    stk_buf_release(&printer->out);
    stk_buf_release(&printer->status);
    free(printer);
}
