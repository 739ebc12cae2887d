/* SPDX-License-Identifier: MIT */
#include "pool/console.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/timetext.h"
#include "pool/console_dir.h"

enum { RING_BYTES = 64 * 1024, RING_LINES = 512, FILE_BYTES_MAX = 4 * 1024 * 1024, FILES_KEPT = 4 };

static const struct {
    const char *mark;
} kinds[] = {
#define STK_LINE_ROW(name, mark, what) [STK_LINE_##name] = { mark },
    STK_LINE_MAP(STK_LINE_ROW)
#undef STK_LINE_ROW
};

const char *stk_line_mark(enum stk_line_kind kind)
{
    assert(kind < STK_ARRAY_LEN(kinds));
    return kinds[kind].mark;
}

/* The lines stand in `bytes`, oldest first; when either bound is met the oldest
 * half goes, so that memory moves seldom. */
struct kept_line {
    uint64_t seq;
    stk_time_ns at;
    int64_t job_id;
    uint32_t start, len;
    enum stk_line_kind kind;
};

struct console {
    pthread_mutex_t lock;
    struct stk_buf bytes;
    struct kept_line *lines; /* [RING_LINES], made at the first line */
    size_t count;
    uint64_t dropped_seq; /* the newest line that is no longer here */
    int fd;               /* -1: no file */
    off_t written;
    bool file_failed;
    struct stk_buf text; /* scratch */
};

struct stk_consoles {
    char *dir;
    int dir_lock; /* -1: no folder */
    uint32_t workers;
    struct console *all; /* [workers + 1] */
    _Atomic uint64_t seq;
    _Atomic uint32_t waiters;
    pthread_mutex_t lock;
    pthread_cond_t more;
    uint64_t wakes; /* under lock */
};

/* --- files --------------------------------------------------------------- */

static void file_name(const struct stk_consoles *consoles, uint32_t worker, int age, char *ret,
                      size_t size)
{
    char suffix[16] = "";
    if (age > 0) (void)snprintf(suffix, sizeof(suffix), ".%d", age);
    if (worker == 0) {
        (void)snprintf(ret, size, "%s/pool.log%s", consoles->dir, suffix);
        return;
    }
    (void)snprintf(ret, size, "%s/w%u.log%s", consoles->dir, worker, suffix);
}

static void open_file(struct stk_consoles *consoles, uint32_t worker)
{
    struct console *console = &consoles->all[worker];
    char path[4096];
    file_name(consoles, worker, 0, path, sizeof(path));
    console->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    struct stat info;
    console->written = console->fd >= 0 && fstat(console->fd, &info) == 0 ? info.st_size : 0;
}

static void rotate(struct stk_consoles *consoles, uint32_t worker)
{
    struct console *console = &consoles->all[worker];
    if (console->fd >= 0) (void)close(console->fd);
    for (int age = FILES_KEPT - 1; age > 0; age--) {
        char from[4096], to[4096];
        file_name(consoles, worker, age - 1, from, sizeof(from));
        file_name(consoles, worker, age, to, sizeof(to));
        (void)rename(from, to); /* one that is missing is no trouble */
    }
    open_file(consoles, worker);
}

/* The console goes on in memory whatever happens to its file. */
static void write_file(struct stk_consoles *consoles, uint32_t worker, const struct stk_line *line)
{
    struct console *console = &consoles->all[worker];
    if (consoles->dir == NULL) return;
    if (console->fd < 0) open_file(consoles, worker);
    stk_line_text(line, &console->text);
    stk_buf_addc(&console->text, '\n');

    ssize_t wrote = write(console->fd, console->text.data, console->text.len);
    bool failed = wrote != (ssize_t)console->text.len;
    if (failed && !console->file_failed) {
        (void)fprintf(stderr, "stoker: could not write the console file of worker %u in %s: %s\n",
                      worker, consoles->dir, strerror(errno));
    }
    console->file_failed = failed;
    if (wrote > 0) console->written += wrote;
    if (console->written >= FILE_BYTES_MAX) rotate(consoles, worker);
}

/* --- rings --------------------------------------------------------------- */

static void drop_older_half(struct console *console)
{
    size_t keep_from = console->count / 2;
    uint32_t cut = keep_from < console->count ? console->lines[keep_from].start : 0;
    if (keep_from == console->count - 1 && keep_from == 0) return;
    console->dropped_seq = console->lines[keep_from - 1].seq;
    stk_buf_drop_front(&console->bytes, cut);
    console->count -= keep_from;
    memmove(console->lines, console->lines + keep_from, console->count * sizeof(*console->lines));
    for (size_t i = 0; i < console->count; i++) {
        console->lines[i].start -= cut;
    }
}

static struct kept_line *keep(struct console *console, const char *text, size_t len)
{
    if (console->lines == NULL) console->lines = stk_alloc(RING_LINES * sizeof(*console->lines));
    while (console->count > 1 &&
           (console->count == RING_LINES || console->bytes.len + 4 * len > RING_BYTES)) {
        drop_older_half(console);
    }
    struct kept_line *line = &console->lines[console->count++];
    line->start = (uint32_t)console->bytes.len;
    stk_text_add_escaped(&console->bytes, text, len);
    line->len = (uint32_t)console->bytes.len - line->start;
    return line;
}

static void wake_waiters(struct stk_consoles *consoles)
{
    if (atomic_load(&consoles->waiters) == 0) return;
    (void)pthread_mutex_lock(&consoles->lock);
    (void)pthread_cond_broadcast(&consoles->more);
    (void)pthread_mutex_unlock(&consoles->lock);
}

static struct stk_line line_of(const struct console *console, uint32_t worker,
                               const struct kept_line *kept)
{
    return (struct stk_line){ .seq = kept->seq,
                              .at = kept->at,
                              .worker = worker,
                              .job_id = kept->job_id,
                              .kind = kept->kind,
                              .text = stk_buf_str(&console->bytes) + kept->start,
                              .len = kept->len };
}

void stk_console_add(struct stk_consoles *consoles, uint32_t worker, int64_t job_id,
                     enum stk_line_kind kind, const char *text, size_t len)
{
    assert(worker <= consoles->workers);
    struct console *console = &consoles->all[worker];
    while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r')) {
        len--;
    }
    if (len > STK_CONSOLE_LINE_MAX) len = STK_CONSOLE_LINE_MAX;

    (void)pthread_mutex_lock(&console->lock);
    struct kept_line *kept = keep(console, text, len);
    kept->at = stk_clock_now();
    kept->job_id = job_id;
    kept->kind = kind;
    kept->seq = atomic_fetch_add(&consoles->seq, 1) + 1;
    struct stk_line line = line_of(console, worker, kept);
    write_file(consoles, worker, &line);
    (void)pthread_mutex_unlock(&console->lock);
    wake_waiters(consoles);
}

void stk_console_addf(struct stk_consoles *consoles, uint32_t worker, int64_t job_id,
                      enum stk_line_kind kind, const char *fmt, ...)
{
    char text[STK_CONSOLE_LINE_MAX];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    if (len < 0) return;
    size_t kept = (size_t)len < sizeof(text) ? (size_t)len : sizeof(text) - 1;
    stk_console_add(consoles, worker, job_id, kind, text, kept);
}

/* --- reading ------------------------------------------------------------- */

/* Copies of the lines that pass the filter, so that no lock is held while the
 * caller looks at them. */
struct picked {
    struct stk_line line;
    size_t start;
};
struct pick {
    const struct stk_line_filter *filter;
    struct picked *lines;
    size_t count, size;
    struct stk_buf bytes;
    uint64_t newest, lost;
};

static void pick_line(struct pick *pick, const struct stk_line *line)
{
    if (pick->count == pick->size) {
        pick->size = pick->size == 0 ? 256 : pick->size * 2;
        pick->lines = stk_realloc(pick->lines, pick->size, sizeof(*pick->lines));
    }
    pick->lines[pick->count++] = (struct picked){ .line = *line, .start = pick->bytes.len };
    stk_buf_add(&pick->bytes, line->text, line->len);
}

static void pick_from(struct pick *pick, struct console *console, uint32_t worker)
{
    const struct stk_line_filter *filter = pick->filter;
    (void)pthread_mutex_lock(&console->lock);
    if (filter->after > 0 && console->dropped_seq > filter->after) pick->lost++;
    for (size_t i = 0; i < console->count; i++) {
        const struct kept_line *kept = &console->lines[i];
        if (kept->seq <= filter->after || kept->seq > pick->newest) continue;
        if (filter->job_id != 0 && kept->job_id != filter->job_id) continue;
        struct stk_line line = line_of(console, worker, kept);
        pick_line(pick, &line);
    }
    (void)pthread_mutex_unlock(&console->lock);
}

static int by_seq(const void *a, const void *b)
{
    uint64_t left = ((const struct picked *)a)->line.seq;
    uint64_t right = ((const struct picked *)b)->line.seq;
    return (left > right) - (left < right);
}

static void give(struct pick *pick, stk_line_fn each, void *context, uint64_t *ret_last)
{
    size_t limit = pick->filter->limit, from = 0, to = pick->count;
    if (pick->count > 0) qsort(pick->lines, pick->count, sizeof(*pick->lines), by_seq);
    if (to > limit) {
        if (pick->filter->after == 0) from = to - limit;
        to = from + limit;
    }
    for (size_t i = from; i < to; i++) {
        struct stk_line line = pick->lines[i].line;
        line.text = stk_buf_str(&pick->bytes) + pick->lines[i].start;
        *ret_last = line.seq;
        each(context, &line);
    }
}

void stk_consoles_read(struct stk_consoles *consoles, const struct stk_line_filter *filter,
                       stk_line_fn each, void *context, uint64_t *ret_last, uint64_t *ret_lost)
{
    /* Later lines are left for the next look: of two consoles the one looked at
     * first may have got a line that is older than one seen on the second. */
    struct pick pick = { .filter = filter, .newest = atomic_load(&consoles->seq) };
    for (uint32_t worker = 0; worker <= consoles->workers; worker++) {
        if (filter->worker >= 0 && worker != (uint32_t)filter->worker) continue;
        pick_from(&pick, &consoles->all[worker], worker);
    }
    uint64_t last = 0;
    give(&pick, each, context, &last);
    bool cut = filter->after > 0 && pick.count > filter->limit;
    *ret_last = cut ? last : pick.newest;
    *ret_lost = pick.lost;
    free(pick.lines);
    stk_buf_release(&pick.bytes);
}

bool stk_consoles_wait(struct stk_consoles *consoles, uint64_t after, stk_time_ns wait_ns)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    stk_time_ns nsec = until.tv_nsec + wait_ns;
    until.tv_sec += nsec / STK_SECOND;
    until.tv_nsec = nsec % STK_SECOND;

    (void)atomic_fetch_add(&consoles->waiters, 1);
    (void)pthread_mutex_lock(&consoles->lock);
    uint64_t wakes = consoles->wakes;
    int code = 0;
    while (atomic_load(&consoles->seq) <= after && consoles->wakes == wakes && code == 0) {
        code = pthread_cond_timedwait(&consoles->more, &consoles->lock, &until);
    }
    (void)pthread_mutex_unlock(&consoles->lock);
    (void)atomic_fetch_sub(&consoles->waiters, 1);
    return atomic_load(&consoles->seq) > after;
}

void stk_consoles_wake(struct stk_consoles *consoles)
{
    (void)pthread_mutex_lock(&consoles->lock);
    consoles->wakes++;
    (void)pthread_cond_broadcast(&consoles->more);
    (void)pthread_mutex_unlock(&consoles->lock);
}

/* "pool", "w2"; "p3/w2" of another process. */
static void add_who(const struct stk_line *line, struct stk_buf *buf)
{
    char who[40] = "pool";
    if (line->worker > 0) (void)snprintf(who, sizeof(who), "w%u", line->worker);
    if (line->pool_id == 0) {
        stk_buf_addf(buf, "%-4s", who);
        return;
    }
    STK_CLEANUP(stk_freep) char *both = stk_format("p%" PRId64 "/%s", line->pool_id, who);
    stk_buf_addf(buf, "%-7s", both);
}

void stk_line_text(const struct stk_line *line, struct stk_buf *buf)
{
    char at[STK_TIME_TEXT], job[32] = "";
    stk_time_text(line->at, at);
    if (line->job_id > 0) (void)snprintf(job, sizeof(job), "job %" PRId64, line->job_id);
    stk_buf_clear(buf);
    stk_buf_addf(buf, "%s ", at);
    add_who(line, buf);
    stk_buf_addf(buf, " %-10s %s ", job, stk_line_mark(line->kind));
    stk_buf_add(buf, line->text, line->len);
}

/* Behind time and worker: the job's column, then the mark. NULL: another form. */
static const char *find_mark(const char *whole)
{
    enum { AT_CELLS = 24, JOB_CELLS = 10 };
    if (strlen(whole) <= AT_CELLS || whole[AT_CELLS - 1] != 'Z') return NULL;
    const char *job = strchr(whole + AT_CELLS + 1, ' ');
    if (job == NULL) return NULL;
    const char *mark = job + strspn(job, " ");
    if (strncmp(mark, "job ", 4) != 0) return *mark != '\0' ? mark : NULL;
    mark += 4 + strspn(mark + 4, "0123456789");
    mark += strspn(mark, " ");
    return *mark != '\0' ? mark : NULL;
}

void stk_line_parse(const char *whole, struct stk_line *line)
{
    const char *mark = find_mark(whole);
    line->kind = STK_LINE_POOL;
    line->text = whole;
    for (size_t i = 0; mark != NULL && i < STK_ARRAY_LEN(kinds); i++) {
        if (mark[0] != kinds[i].mark[0] || mark[1] != ' ') continue;
        line->kind = (enum stk_line_kind)i;
        line->text = mark + 2;
    }
    line->len = strlen(line->text);
}

/* --- open and close ------------------------------------------------------ */

enum stk_rc stk_consoles_open(const char *dir, uint32_t workers, struct stk_consoles **ret,
                              struct stk_error *err)
{
    char *taken = NULL;
    int dir_lock = -1;
    enum stk_rc rc = dir == NULL ? STK_OK : stk_console_dir_take(dir, &taken, &dir_lock, err);
    if (rc != STK_OK) return rc;

    struct stk_consoles *consoles = stk_alloc(sizeof(*consoles));
    consoles->dir = taken;
    consoles->dir_lock = dir_lock;
    consoles->workers = workers;
    consoles->all = stk_alloc((workers + 1) * sizeof(*consoles->all));
    for (uint32_t i = 0; i <= workers; i++) {
        consoles->all[i].fd = -1;
        (void)pthread_mutex_init(&consoles->all[i].lock, NULL);
    }
    (void)pthread_mutex_init(&consoles->lock, NULL);
    pthread_condattr_t attr;
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&consoles->more, &attr);
    (void)pthread_condattr_destroy(&attr);
    *ret = consoles;
    return STK_OK;
}

const char *stk_consoles_dir(const struct stk_consoles *consoles)
{
    return consoles->dir;
}

void stk_consoles_close(struct stk_consoles *consoles)
{
    if (consoles == NULL) return;
    for (uint32_t i = 0; i <= consoles->workers; i++) {
        struct console *console = &consoles->all[i];
        if (console->fd >= 0) (void)close(console->fd);
        stk_buf_release(&console->bytes);
        stk_buf_release(&console->text);
        free(console->lines);
        (void)pthread_mutex_destroy(&console->lock);
    }
    (void)pthread_cond_destroy(&consoles->more);
    (void)pthread_mutex_destroy(&consoles->lock);
    if (consoles->dir_lock >= 0) (void)close(consoles->dir_lock);
    free(consoles->all);
    free(consoles->dir);
    free(consoles);
}
