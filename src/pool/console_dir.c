/* SPDX-License-Identifier: MIT */
#include "pool/console_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

char *stk_console_dir_make(const char *dir, int number)
{
    return number <= 1 ? stk_strdup(dir) : stk_format("%s.%d", dir, number);
}

/* False: another pool has it. Where no lock can be had (a file system without
 * them, one that is full or read-only) the folder is taken all the same: no pool
 * stays away for the sake of its consoles. */
static bool lock(const char *dir, int *ret_fd)
{
    STK_CLEANUP(stk_freep) char *path = stk_format("%s/lock", dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    bool is_taken = fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (is_taken) (void)close(fd);
    if (!is_taken) *ret_fd = fd;
    return !is_taken;
}

enum stk_rc stk_console_dir_take(const char *dir, char **ret_dir, int *ret_lock_fd,
                                 struct stk_error *err)
{
    for (int number = 1; number <= STK_CONSOLE_DIRS_MAX; number++) {
        STK_CLEANUP(stk_freep) char *path = stk_console_dir_make(dir, number);
        if (mkdir(path, 0700) != 0 && errno != EEXIST) {
            return stk_fail(err, STK_UNAVAILABLE,
                            "could not make the folder of the consoles %s: %s", path,
                            strerror(errno));
        }
        if (!lock(path, ret_lock_fd)) continue;
        *ret_dir = path;
        path = NULL;
        return STK_OK;
    }
    return stk_fail(err, STK_BUSY, "%s and %d others beside it are taken by pools", dir,
                    STK_CONSOLE_DIRS_MAX - 1);
}
