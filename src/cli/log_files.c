/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cli/log_files.h"
#include "pool/console_dir.h"

enum { STAMP_BYTES = 24, ROTATED_MAX = 9 };

/* The newest lines seen, a heap would be faster and need more words: `limit`
 * is a screenful. */
struct newest {
    char **lines; /* sorted, oldest first */
    size_t count, limit;
};

static void release(struct newest *newest)
{
    for (size_t i = 0; i < newest->count; i++) {
        free(newest->lines[i]);
    }
    free(newest->lines);
}

/* By its time stamp, which is text that sorts; equals in the order they came. */
static void keep(struct newest *newest, const char *line)
{
    size_t at = newest->count;
    while (at > 0 && strncmp(newest->lines[at - 1], line, STAMP_BYTES) > 0) {
        at--;
    }
    bool is_full = newest->count == newest->limit;
    if (is_full && at == 0) return;

    if (is_full) {
        free(newest->lines[0]);
        memmove(&newest->lines[0], &newest->lines[1], (newest->count - 1) * sizeof(char *));
        newest->count--;
        at--;
    }
    memmove(&newest->lines[at + 1], &newest->lines[at], (newest->count - at) * sizeof(char *));
    newest->lines[at] = stk_strdup(line);
    newest->count++;
}

/* "... w3   job 17     * text": the words behind the time stamp and worker. */
static bool is_of_job(const char *line, int64_t job_id)
{
    char words[40];
    const char *rest = strlen(line) > STAMP_BYTES ? strchr(line + STAMP_BYTES + 1, ' ') : NULL;
    if (rest == NULL) return false;
    rest += strspn(rest, " ");
    int len = snprintf(words, sizeof(words), "job %" PRId64 " ", job_id);
    return strncmp(rest, words, (size_t)len) == 0;
}

static void read_file(const char *path, const struct stk_log_filter *filter, struct newest *newest)
{
    FILE *file = fopen(path, "re");
    char *line = NULL;
    size_t size = 0;
    if (file == NULL) return; /* rotated away meanwhile */

    for (ssize_t len = getline(&line, &size, file); len >= 0; len = getline(&line, &size, file)) {
        if (len > 0 && line[len - 1] == '\n') line[len - 1] = '\0';
        bool is_wanted = filter->job_id == 0 || is_of_job(line, filter->job_id);
        if (is_wanted) keep(newest, line);
    }
    free(line);
    (void)fclose(file); /* it was only read */
}

/* "w3" of "w3.log"; false for what is no console's newest file. */
static bool worker_of(const char *name, char *ret_worker, size_t size)
{
    size_t len = strlen(name);
    if (len <= 4 || strcmp(name + len - 4, ".log") != 0 || len - 4 >= size) return false;
    memcpy(ret_worker, name, len - 4);
    ret_worker[len - 4] = '\0';
    return true;
}

/* The oldest file first, so that equal stamps keep their order. */
static void read_console(const char *dir, const char *worker, const struct stk_log_filter *filter,
                         struct newest *newest)
{
    for (int age = ROTATED_MAX; age >= 0; age--) {
        STK_CLEANUP(stk_freep)
        char *path = age > 0 ? stk_format("%s/%s.log.%d", dir, worker, age)
                             : stk_format("%s/%s.log", dir, worker);
        read_file(path, filter, newest);
    }
}

/* False: there is no such folder. *ret_found is only ever set to true. */
static bool read_folder(const char *dir, const struct stk_log_filter *filter, struct newest *newest,
                        bool *ret_found)
{
    DIR *folder = opendir(dir);
    if (folder == NULL) return false;
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char worker[64];
        if (!worker_of(entry->d_name, worker, sizeof(worker))) continue;
        if (filter->worker != NULL && strcmp(filter->worker, worker) != 0) continue;
        *ret_found = true;
        read_console(dir, worker, filter, newest);
    }
    (void)closedir(folder);
    return true;
}

/* Those that pools of one folder have taken beside the first. */
static void read_further_folders(const char *dir, const struct stk_log_filter *filter,
                                 struct newest *newest, bool *ret_found)
{
    for (int number = 2; number <= STK_CONSOLE_DIRS_MAX; number++) {
        STK_CLEANUP(stk_freep) char *further = stk_console_dir_make(dir, number);
        if (!read_folder(further, filter, newest, ret_found)) return;
    }
}

enum stk_rc stk_log_files_read(const char *dir, const struct stk_log_filter *filter,
                               struct stk_buf *out, struct stk_error *err)
{
    STK_CLEANUP(release) struct newest newest = { .limit = filter->limit };
    bool is_found = false;
    newest.lines = stk_alloc((filter->limit + 1) * sizeof(char *));

    if (!read_folder(dir, filter, &newest, &is_found)) {
        return stk_fail(err, STK_NOT_FOUND, "no pool is running, and there are no logs in %s: %s",
                        dir, strerror(errno));
    }
    read_further_folders(dir, filter, &newest, &is_found);
    if (!is_found) return stk_fail(err, STK_NOT_FOUND, "there is no such worker's log in %s", dir);

    for (size_t i = 0; i < newest.count; i++) {
        stk_text_add_escaped(out, newest.lines[i], strlen(newest.lines[i]));
        stk_buf_addc(out, '\n');
    }
    return STK_OK;
}
