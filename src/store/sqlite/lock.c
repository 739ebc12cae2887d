/* SPDX-License-Identifier: MIT
 *
 * PATH.lock: who owns the store. The kernel's lock on it is the truth (it ends
 * with its holder, however that dies); the JSON in it is for people. It is an
 * open-file-description lock: asking who holds it takes nothing, and no close
 * of another descriptor drops it. A file left with its text in it says that
 * the last owner did not close the store.
 */
#include "store/sqlite/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/timetext.h"

enum { TEXT_BYTES_MAX = 1023 };

#define DEAD_FOR_NS (2 * STK_SECOND)

static void closep(int *fd)
{
    if (*fd >= 0) (void)close(*fd);
}

static char *lock_path(const char *path)
{
    return stk_format("%s.lock", path);
}

static struct flock whole_file(void)
{
    return (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET };
}

/* --- what it says -------------------------------------------------------- */

static void read_line(const char *path, char *ret, size_t size)
{
    ret[0] = '\0';
    FILE *file = fopen(path, "re");
    if (file == NULL) return;
    if (fgets(ret, (int)size, file) != NULL) ret[strcspn(ret, "\n")] = '\0';
    (void)fclose(file); /* only read from */
}

static char *make_text(const struct stk_store_options *options)
{
    char host[72] = "?";
    char boot[64];
    char since[STK_TIME_TEXT];
    (void)gethostname(host, sizeof(host) - 1);
    read_line("/proc/sys/kernel/random/boot_id", boot, sizeof(boot));
    stk_time_text(stk_clock_now(), since);

    STK_CLEANUP(stk_json_freep)
    json_t *text =
        json_pack("{s:I, s:s, s:s, s:s, s:b, s:s}", "pid", (json_int_t)getpid(), "command",
                  options->command != NULL ? options->command : "stoker", "host", host, "since",
                  since, "serves", options->serves ? 1 : 0, "boot_id", boot);
    return text != NULL ? stk_json_text(text) : stk_strdup("{}");
}

static void copy_member(const json_t *object, const char *name, char *ret, size_t size)
{
    const char *text = json_string_value(json_object_get(object, name));
    (void)snprintf(ret, size, "%s", text != NULL ? text : "?");
}

/* What is not there stays unknown: the lock itself is what counts. */
static void read_owner(int fd, struct stk_owner *ret)
{
    char text[TEXT_BYTES_MAX + 1];
    ssize_t len = pread(fd, text, TEXT_BYTES_MAX, 0);
    json_t *read = NULL;
    if (len <= 0 || stk_json_parse(text, (size_t)len, &read, NULL) != STK_OK) read = NULL;
    STK_CLEANUP(stk_json_freep) json_t *object = read;

    *ret = (struct stk_owner){ .pid = json_integer_value(json_object_get(object, "pid")),
                               .since = STK_NEVER,
                               .serves = json_is_true(json_object_get(object, "serves")) };
    copy_member(object, "command", ret->command, sizeof(ret->command));
    copy_member(object, "host", ret->host, sizeof(ret->host));
    const char *since = json_string_value(json_object_get(object, "since"));
    if (since == NULL || !stk_time_parse(since, &ret->since)) ret->since = STK_NEVER;
}

static enum stk_rc fail_owned(const char *path, int fd, struct stk_error *err)
{
    struct stk_owner owner;
    char since[STK_TIME_TEXT] = "?";
    read_owner(fd, &owner);
    if (owner.since != STK_NEVER) stk_time_text(owner.since, since);

    if (!owner.serves) {
        return stk_fail(err, STK_BUSY,
                        "sqlite:%s is in use by \"%s\" (pid %lld on %s, since %s): "
                        "wait until it has ended",
                        path, owner.command, (long long)owner.pid, owner.host, since);
    }
    return stk_fail(err, STK_BUSY,
                    "sqlite:%s is in use by \"%s\" (pid %lld on %s, since %s): "
                    "reach it through its socket %s.sock",
                    path, owner.command, (long long)owner.pid, owner.host, since, path);
}

/* One that was killed: its lock goes a little later, with the last thing of it that
 * the kernel takes down. In another pid namespace one that lives looks dead, too. */
static bool is_dead(int fd)
{
    struct stk_owner owner;
    char host[sizeof(owner.host)] = "";
    (void)gethostname(host, sizeof(host) - 1);
    read_owner(fd, &owner);
    bool is_known = owner.pid > 0 && strcmp(owner.host, host) == 0;
    return is_known && kill((pid_t)owner.pid, 0) != 0 && errno == ESRCH;
}

/* --- taking it ----------------------------------------------------------- */

static enum stk_rc fail_open(const char *path, int code, struct stk_error *err)
{
    bool denied = code == EACCES || code == EPERM || code == EROFS || code == ELOOP;
    enum stk_rc rc = denied ? STK_DENIED : STK_UNAVAILABLE;
    if (code == ENOSPC || code == EDQUOT) rc = STK_FULL;
    return stk_fail(err, rc, "could not create %s: %s", path, strerror(code));
}

/* False: between open and lock its last owner has removed it. */
static bool is_at(int fd, const char *path, struct stat *ret)
{
    struct stat named;
    if (fstat(fd, ret) != 0 || stat(path, &named) != 0) return false;
    return ret->st_dev == named.st_dev && ret->st_ino == named.st_ino;
}

static enum stk_rc write_text(int fd, const char *path, const struct stk_store_options *options,
                              struct stk_error *err)
{
    STK_CLEANUP(stk_freep) char *text = make_text(options);
    ssize_t len = (ssize_t)strlen(text);
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)len, 0) != len) {
        return fail_open(path, errno, err);
    }
    return STK_OK;
}

static bool has_bytes(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && info.st_size > 0;
}

/* STK_BUSY: somebody has it; without an error text. */
static enum stk_rc try_to_lock(int fd, const char *path, struct stk_error *err)
{
    struct flock lock = whole_file();
    if (fcntl(fd, F_OFD_SETLK, &lock) == 0) return STK_OK;
    return errno == EAGAIN || errno == EACCES ? STK_BUSY : fail_open(path, errno, err);
}

static enum stk_rc take(const char *store, const char *path, int *ret_fd, struct stat *ret_info,
                        struct stk_error *err)
{
    stk_time_ns deadline = stk_clock_mono() + DEAD_FOR_NS;
    for (;;) {
        STK_CLEANUP(closep) int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0) return fail_open(path, errno, err);
        enum stk_rc rc = try_to_lock(fd, path, err);
        bool is_worth_it = rc == STK_BUSY && is_dead(fd) && stk_clock_mono() < deadline;
        if (rc == STK_BUSY && !is_worth_it) return fail_owned(store, fd, err);
        if (rc != STK_OK && rc != STK_BUSY) return rc;
        if (rc == STK_OK && is_at(fd, path, ret_info)) {
            *ret_fd = fd;
            fd = -1;
            return STK_OK;
        }
        if (is_worth_it) stk_clock_pause(10 * STK_MS);
    }
}

enum stk_rc stk_sqlite_lock(struct stk_sqlite *self, const struct stk_store_options *options,
                            struct stk_error *err)
{
    STK_CLEANUP(stk_freep) char *path = lock_path(self->path);
    STK_CLEANUP(stk_freep) char *wal = stk_format("%s-wal", self->path);
    STK_CLEANUP(closep) int fd = -1;
    struct stat info = { 0 };
    enum stk_rc taken = take(self->path, path, &fd, &info, err);
    if (taken != STK_OK) return taken;

    /* After a power cut the text may be lost; then the log tells. */
    self->unclean = info.st_size > 0 || has_bytes(wal);
    enum stk_rc rc = write_text(fd, path, options, err);
    if (rc != STK_OK) return rc;

    self->lock_dev = info.st_dev;
    self->lock_ino = info.st_ino;
    self->lock_fd = fd;
    fd = -1;
    return STK_OK;
}

void stk_sqlite_unlock(struct stk_sqlite *self)
{
    if (self->lock_fd < 0) return;
    STK_CLEANUP(stk_freep) char *path = lock_path(self->path);
    struct stat info;
    if (!self->unclean && is_at(self->lock_fd, path, &info)) (void)unlink(path);
    (void)close(self->lock_fd);
    self->lock_fd = -1;
}

enum stk_rc stk_sqlite_owner(const char *url, struct stk_owner *ret, struct stk_error *err)
{
    STK_CLEANUP(stk_freep) char *store = stk_sqlite_path(url);
    STK_CLEANUP(stk_freep) char *path = lock_path(store);
    STK_CLEANUP(closep) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno != ENOENT && errno != ENOTDIR) {
        return stk_fail(err, errno == EACCES ? STK_DENIED : STK_UNAVAILABLE,
                        "could not read %s: %s", path, strerror(errno));
    }

    struct flock lock = whole_file();
    if (fd < 0 || (fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type == F_UNLCK)) {
        return stk_fail(err, STK_NOT_FOUND, "nobody owns sqlite:%s now", store);
    }
    read_owner(fd, ret);
    return STK_OK;
}
