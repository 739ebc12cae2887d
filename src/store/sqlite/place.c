/* SPDX-License-Identifier: MIT
 *
 * Where the file may lie, and whether it still does. Everything here asks by
 * name: opening and closing the file beside SQLite would drop SQLite's locks.
 */
#include "store/sqlite/sqlite.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

/* File systems whose locks or shared memory do not hold between processes, or
 * that another machine can write to. From linux/magic.h and the projects. */
/* clang-format off */
static const struct {
    uint64_t magic;
    const char *name;
} network[] = {
    { 0x6969,     "NFS" },
    { 0x517B,     "SMB" },
    { 0xFE534D42, "SMB" },
    { 0xFF534D42, "CIFS" },
    { 0x01021997, "9p" },
    { 0x65735546, "FUSE" },
    { 0x5346414F, "AFS" },
    { 0x6B414653, "AFS" },
    { 0x00C36400, "Ceph" },
    { 0x73757245, "Coda" },
    { 0x564C,     "NCP" },
    { 0x0BD00BD0, "Lustre" },
    { 0x47504653, "GPFS" },
    { 0x01161970, "GFS2" },
    { 0x7461636F, "OCFS2" },
    { 0xA501FCF5, "VxFS" },
    { 0x786F4256, "VirtualBox's shared folder" },
    { 0x19830326, "BeeGFS" },
    { 0x013111A8, "IBRIX" },
    { 0x20030528, "OrangeFS" },
};
/* clang-format on */

const char *stk_sqlite_network_name(uint64_t magic)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(network); i++) {
        if (network[i].magic == magic) return network[i].name;
    }
    return NULL;
}

enum stk_rc stk_sqlite_magic_check(const char *path, uint64_t magic, struct stk_error *err)
{
    const char *name = stk_sqlite_network_name(magic);
    if (name == NULL) return STK_OK;
    return stk_fail(err, STK_DENIED,
                    "%s lies on %s: SQLite can lose commits there; put the store on a disk of this "
                    "machine",
                    path, name);
}

char *stk_sqlite_path(const char *url)
{
    const char *path = strchr(url, ':') + 1;
    struct stat info;
    if (lstat(path, &info) != 0 || !S_ISLNK(info.st_mode)) return stk_strdup(path);

    /* Two names of one file must find one lock and one log. */
    char *real = realpath(path, NULL);
    return real != NULL ? real : stk_strdup(path);
}

char *stk_sqlite_socket_path(const char *url)
{
    STK_CLEANUP(stk_freep) char *path = stk_sqlite_path(url);
    return stk_format("%s.sock", path);
}

const char *stk_sqlite_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) return stk_strdup(".");
    return slash == path ? stk_strdup("/") : stk_strndup(path, (size_t)(slash - path));
}

enum stk_rc stk_sqlite_place_check(const char *path, struct stk_error *err)
{
    bool is_plain = path[0] != '\0' && path[0] != ':' && strncmp(path, "file:", 5) != 0;
    if (!is_plain) return stk_fail(err, STK_INVALID, "\"%s\" is no path of a store", path);

    STK_CLEANUP(stk_freep) char *folder = folder_of(path);
    struct stat info;
    if (stat(folder, &info) != 0) {
        enum stk_rc rc = errno == EACCES ? STK_DENIED : STK_NOT_FOUND;
        return stk_fail(err, rc, "could not open %s: the folder %s: %s", path, folder,
                        strerror(errno));
    }
    if (!S_ISDIR(info.st_mode)) {
        return stk_fail(err, STK_NOT_FOUND, "could not open %s: %s is not a folder", path, folder);
    }
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode)) {
        return stk_fail(err, STK_INVALID, "could not open %s: it is not a file", path);
    }
    return STK_OK;
}

static bool is_file(const char *path, dev_t dev, ino_t ino)
{
    struct stat info;
    return stat(path, &info) == 0 && info.st_dev == dev && info.st_ino == ino;
}

enum stk_rc stk_sqlite_place_note(struct stk_sqlite *self, struct stk_error *err)
{
    struct stat info;
    if (stat(self->path, &info) != 0) {
        return stk_fail(err, STK_UNAVAILABLE, "could not look at %s: %s", self->path,
                        strerror(errno));
    }
    self->dev = info.st_dev;
    self->ino = info.st_ino;
    return STK_OK;
}

enum stk_rc stk_sqlite_place_still(struct stk_sqlite *self, struct stk_error *err)
{
    STK_CLEANUP(stk_freep) char *lock = stk_format("%s.lock", self->path);
    bool has_lock = self->lock_fd < 0 || is_file(lock, self->lock_dev, self->lock_ino);
    bool has_file = is_file(self->path, self->dev, self->ino);

    self->gone = !has_file || !has_lock;
    if (!self->gone) return STK_OK;
    return stk_fail(err, STK_UNAVAILABLE,
                    "%s is no longer the file that was opened (removed or replaced): nothing more "
                    "is written; put it back, or stop and start stoker",
                    has_file ? lock : self->path);
}
