/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "base/timetext.h"

enum { LINE_BYTES_MAX = 4096 }; /* PIPE_BUF: up to here a write to a pipe is not torn */

static const char *const level_names[] = {
    [STK_ERROR] = "error",
    [STK_WARN] = "warn",
    [STK_INFO] = "info",
    [STK_DEBUG] = "debug",
};

struct sink {
    void (*write)(void *context, enum stk_log_level level, const char *line);
    void *context;
};

static void write_stderr(void *context, enum stk_log_level level, const char *line);

static atomic_int level_shown = STK_INFO;
static pthread_mutex_t sink_lock = PTHREAD_MUTEX_INITIALIZER; /* guards current */
static struct sink current = { .write = write_stderr };

/* Adds the end of the line and writes both at once. A log that cannot be
 * written has nowhere to say so. */
static void write_stderr(void *context, enum stk_log_level level, const char *line)
{
    (void)context;
    (void)level;
    STK_CLEANUP(stk_buf_release) struct stk_buf whole = STK_BUF_INIT;
    stk_buf_adds(&whole, line);
    stk_buf_addc(&whole, '\n');

    size_t done = 0;
    while (done < whole.len) {
        ssize_t wrote = write(STDERR_FILENO, whole.data + done, whole.len - done);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote <= 0) return;
        done += (size_t)wrote;
    }
}

static void add_head(struct stk_buf *line, enum stk_log_level level, const char *event)
{
    char time[STK_TIME_TEXT];
    stk_time_text(stk_clock_now(), time);
    stk_buf_addf(line, "%s %-5s ", time, level_names[level]);
    stk_text_add_escaped(line, event, strlen(event));
}

static void cut_line(struct stk_buf *line)
{
    static const char more[] = "...";
    size_t room = LINE_BYTES_MAX - sizeof("\n") + 1;
    if (line->len <= room) return;

    line->len = stk_utf8_cut(line->data, room - strlen(more));
    stk_buf_adds(line, more);
}

void stk_log(enum stk_log_level level, const char *event, const char *fmt, ...)
{
    if ((int)level > atomic_load(&level_shown)) return;

    STK_CLEANUP(stk_buf_release) struct stk_buf line = STK_BUF_INIT;
    add_head(&line, level, event);
    if (fmt != NULL) {
        STK_CLEANUP(stk_buf_release) struct stk_buf pairs = STK_BUF_INIT;
        va_list args;
        va_start(args, fmt);
        stk_buf_addfv(&pairs, fmt, args);
        va_end(args);
        stk_buf_addc(&line, ' ');
        stk_text_add_escaped(&line, pairs.data, pairs.len);
    }
    cut_line(&line);

    (void)pthread_mutex_lock(&sink_lock);
    struct sink now = current;
    (void)pthread_mutex_unlock(&sink_lock);
    now.write(now.context, level, line.data);
}

void stk_log_level_set(enum stk_log_level level)
{
    atomic_store(&level_shown, (int)level);
}

bool stk_log_level_parse(const char *text, enum stk_log_level *ret)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(level_names); i++) {
        if (strcmp(level_names[i], text) != 0) continue;
        *ret = (enum stk_log_level)i;
        return true;
    }
    return false;
}

void stk_log_sink_set(void (*sink)(void *context, enum stk_log_level level, const char *line),
                      void *context)
{
    (void)pthread_mutex_lock(&sink_lock);
    current = sink != NULL ? (struct sink){ sink, context } : (struct sink){ write_stderr, NULL };
    (void)pthread_mutex_unlock(&sink_lock);
}
