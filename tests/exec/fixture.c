/* SPDX-License-Identifier: MIT */
#include "exec/fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"

enum { LONG_ENOUGH = 64 * 1024 };

static const stk_time_ns DEADLINE = 20 * STK_SECOND;

/* ---- a job ------------------------------------------------------------- */

void fixture_init(struct fixture *fixture, struct stk_spawner *spawner)
{
    static unsigned count;
    *fixture = (struct fixture){ .runner = stk_command_new(spawner) };
    fixture->task = (struct stk_task){ .name = stk_strdup("try"),
                                       .dir = stk_strdup("/"),
                                       .kill_grace_ns = 10 * STK_SECOND,
                                       .result_bytes_max = LONG_ENOUGH };
    fixture->job = (struct stk_exec_job){
        .task = &fixture->task, .id = 7, .attempt_id = 4711, .attempt = 1, .worker = "p1/w1"
    };
    set_params(fixture, "{}");
    /* A number, so that `sleep` takes it: about a day. */
    (void)snprintf(fixture->marker, sizeof(fixture->marker), "86400.%d%03u", (int)getpid(),
                   ++count);
}

void fixture_release(struct fixture *fixture)
{
    stk_runner_free(fixture->runner);
    stk_exec_result_release(&fixture->result);
    stk_buf_release(&fixture->lines);
    stk_task_release(&fixture->task);
}

void set_params(struct fixture *fixture, const char *json)
{
    fixture->job.params = json;
    fixture->job.params_len = strlen(json);
}

static void keep_line(void *context, enum stk_stream stream, const char *line, size_t len)
{
    struct fixture *fixture = context;
    if (len > fixture->line_max) fixture->line_max = len;
    if (fixture->lines.len < LONG_ENOUGH) {
        stk_buf_adds(&fixture->lines, stream == STK_STREAM_STDOUT ? "out: " : "err: ");
        stk_buf_add(&fixture->lines, line, len);
        stk_buf_addc(&fixture->lines, '\n');
    }
    if (fixture->stop_at == NULL && fixture->on_line == NULL) return;
    STK_CLEANUP(stk_freep) char *text = stk_strndup(line, len);
    if (fixture->stop_at != NULL && strcmp(text, fixture->stop_at) == 0) {
        stk_exec_stop(fixture->runner, fixture->job.id, fixture->stop_how);
    }
    if (fixture->on_line != NULL) fixture->on_line(fixture, text);
}

static void set_argv(struct fixture *fixture, const char *const *words)
{
    for (char **old = fixture->task.argv; old != NULL && *old != NULL; old++) {
        free(*old);
    }
    free(fixture->task.argv);
    size_t count = 0;
    while (words[count] != NULL) {
        count++;
    }
    fixture->task.argv = stk_alloc((count + 1) * sizeof(char *));
    for (size_t i = 0; i < count; i++) {
        fixture->task.argv[i] = stk_strdup(words[i]);
    }
}

void run_words(struct fixture *fixture, const char *const *words)
{
    set_argv(fixture, words);
    stk_buf_clear(&fixture->lines);
    fixture->line_max = 0;
    stk_exec_run(fixture->runner, &fixture->job, keep_line, fixture, &fixture->result);
}

/* Braces are the template's; a script means its own. */
void run_script(struct fixture *fixture, const char *script)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf escaped = STK_BUF_INIT;
    for (const char *c = script; *c != '\0'; c++) {
        if (*c == '{' || *c == '}') stk_buf_addc(&escaped, *c);
        stk_buf_addc(&escaped, *c);
    }
    run_words(fixture, (const char *const[]){ "/bin/sh", "-c", stk_buf_str(&escaped), "sh",
                                              fixture->marker, NULL });
}

/* ---- processes --------------------------------------------------------- */

static size_t read_proc(pid_t pid, const char *name, char *text, size_t size)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    ssize_t len = read(fd, text, size - 1);
    (void)close(fd);
    text[len > 0 ? len : 0] = '\0';
    return len > 0 ? (size_t)len : 0;
}

static bool has_argument(pid_t pid, const char *marker)
{
    char text[4096];
    size_t len = read_proc(pid, "cmdline", text, sizeof(text));
    return len > 0 && memmem(text, len, marker, strlen(marker)) != NULL;
}

/* State and parent, which follow the name in parentheses. */
static bool read_stat(pid_t pid, char *ret_state, pid_t *ret_parent)
{
    char text[512];
    if (read_proc(pid, "stat", text, sizeof(text)) == 0) return false;
    const char *after = strrchr(text, ')');
    if (after == NULL || strlen(after) < 5) return false;
    *ret_state = after[2];
    *ret_parent = (pid_t)strtol(after + 4, NULL, 10);
    return true;
}

/* Calls `look` with each process until it says stop. */
static void each_process(bool (*look)(pid_t pid, void *context), void *context)
{
    DIR *proc = opendir("/proc");
    if (proc == NULL) return;
    bool go_on = true;
    for (const struct dirent *e = readdir(proc); e != NULL && go_on; e = readdir(proc)) {
        int64_t pid = 0;
        if (stk_parse_i64(e->d_name, &pid)) go_on = look((pid_t)pid, context);
    }
    (void)closedir(proc);
}

struct search {
    const char *marker;
    pid_t parent, found;
    char state;
    unsigned count;
};

static bool look_for_marker(pid_t pid, void *context)
{
    struct search *search = context;
    if (!has_argument(pid, search->marker)) return true;
    search->found = pid;
    search->count++;
    return true;
}

static bool look_for_child(pid_t pid, void *context)
{
    struct search *search = context;
    char state = 0;
    pid_t parent = 0;
    if (!read_stat(pid, &state, &parent) || parent != search->parent) return true;
    if (search->state == 0 || search->state == state) search->count++;
    return true;
}

unsigned count_marked(const char *marker)
{
    struct search search = { .marker = marker };
    each_process(look_for_marker, &search);
    return search.count;
}

pid_t find_marked(const char *marker)
{
    struct search search = { .marker = marker };
    each_process(look_for_marker, &search);
    return search.found;
}

unsigned count_children(pid_t parent, char state)
{
    struct search search = { .parent = parent, .state = state };
    each_process(look_for_child, &search);
    return search.count;
}

pid_t parent_of(pid_t pid)
{
    char state = 0;
    pid_t parent = 0;
    return read_stat(pid, &state, &parent) ? parent : 0;
}

pid_t keeper_of(pid_t pid)
{
    char name[64] = "";
    while (pid > 1) {
        if (read_proc(pid, "comm", name, sizeof(name)) == 0) return 0;
        if (strcmp(name, "stoker-keeper\n") == 0) return pid;
        pid = parent_of(pid);
    }
    return 0;
}

bool is_alive(pid_t pid)
{
    char state = 0;
    pid_t parent = 0;
    return read_stat(pid, &state, &parent) && state != 'Z' && state != 'X';
}

unsigned count_fds(pid_t pid)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
    DIR *fds = opendir(path);
    unsigned count = 0;
    if (fds == NULL) return 0;
    while (readdir(fds) != NULL) {
        count++;
    }
    (void)closedir(fds);
    return count;
}

void wait_a_little(void)
{
    (void)poll(NULL, 0, 2);
}

bool await_none_marked(const char *marker)
{
    stk_time_ns until = stk_clock_mono() + DEADLINE;
    while (count_marked(marker) > 0) {
        if (stk_clock_mono() > until) return false;
        wait_a_little();
    }
    return true;
}

bool await_dead(pid_t pid)
{
    stk_time_ns until = stk_clock_mono() + DEADLINE;
    while (is_alive(pid)) {
        if (stk_clock_mono() > until) return false;
        wait_a_little();
    }
    return true;
}
