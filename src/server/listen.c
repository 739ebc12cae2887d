/* SPDX-License-Identifier: MIT */
#include "server/listen.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/peer.h"

enum { BACKLOG = 128 };

static void close_fd(int *fd)
{
    if (*fd >= 0) (void)close(*fd);
}

static enum stk_rc fail_listen(const char *path, int cause, struct stk_error *err)
{
    return stk_fail(err, STK_UNAVAILABLE, "could not listen on %s: %s", path, strerror(cause));
}

/* Only what is a socket is replaced: a file of somebody's stays. */
static enum stk_rc remove_stale(const char *path, struct stk_error *err)
{
    struct stat found;
    if (lstat(path, &found) != 0) return errno == ENOENT ? STK_OK : fail_listen(path, errno, err);
    if (!S_ISSOCK(found.st_mode)) {
        return stk_fail(err, STK_UNAVAILABLE,
                        "could not listen on %s: something that is no socket has that name", path);
    }
    return unlink(path) == 0 ? STK_OK : fail_listen(path, errno, err);
}

enum stk_rc stk_listen_open(const char *path, int *ret_fd, struct stk_error *err)
{
    STK_CLEANUP(stk_peer_path_release) struct stk_peer_path place = STK_PEER_PATH_INIT;
    STK_CLEANUP(close_fd) int fd = -1;
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    enum stk_rc rc = remove_stale(path, err);
    if (rc == STK_OK) rc = stk_peer_path_open(path, &place, err);
    if (rc != STK_OK) return rc;
    memcpy(address.sun_path, place.text, sizeof address.sun_path);

    /* The mode is set before the name exists: a socket file gets that of its
     * descriptor. Not by umask, which belongs to all threads, and to the
     * programs that workers start meanwhile. */
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool is_open = fd >= 0 && fchmod(fd, S_IRUSR | S_IWUSR) == 0 &&
                   bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 &&
                   listen(fd, BACKLOG) == 0;
    if (!is_open) return fail_listen(path, errno, err);

    *ret_fd = fd;
    fd = -1; /* handed over. NOLINT(clang-analyzer-deadcode.DeadStores): its cleanup reads it */
    return STK_OK;
}
