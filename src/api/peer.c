/* SPDX-License-Identifier: MIT */
#include "api/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"

_Static_assert(sizeof((struct sockaddr_un *)0)->sun_path == sizeof((struct stk_peer_path *)0)->text,
               "what fits here fits there");

enum stk_rc stk_peer_path_open(const char *path, struct stk_peer_path *ret, struct stk_error *err)
{
    struct stk_peer_path found = STK_PEER_PATH_INIT;
    size_t len = strlen(path);
    if (len < sizeof found.text) {
        memcpy(found.text, path, len + 1);
        *ret = found;
        return STK_OK;
    }

    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    STK_CLEANUP(stk_freep)
    char *dir = slash != NULL ? stk_strndup(path, (size_t)(slash - path)) : stk_strdup(".");
    found.dir_fd_ = open(dir[0] != '\0' ? dir : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (found.dir_fd_ < 0) {
        return stk_fail(err, STK_UNAVAILABLE, "could not open the folder of the socket %s: %s",
                        path, strerror(errno));
    }
    int written =
        snprintf(found.text, sizeof found.text, "/proc/self/fd/%d/%s", found.dir_fd_, name);
    if (written < 0 || (size_t)written >= sizeof found.text) {
        stk_peer_path_release(&found);
        return stk_fail(err, STK_UNAVAILABLE,
                        "the name of the socket %s is too long: choose a store with a shorter name",
                        path);
    }
    *ret = found;
    return STK_OK;
}

void stk_peer_path_release(struct stk_peer_path *path)
{
    if (path->dir_fd_ >= 0) (void)close(path->dir_fd_);
    path->dir_fd_ = -1;
}

void stk_peer_name(uid_t uid, char ret_name[STK_PEER_NAME])
{
    char texts[4096]; /* an entry that does not fit is shown by its number */
    struct passwd entry;
    struct passwd *found = NULL;

    if (getpwuid_r(uid, &entry, texts, sizeof texts, &found) == 0 && found != NULL) {
        (void)snprintf(ret_name, STK_PEER_NAME, "%s", found->pw_name);
    } else {
        (void)snprintf(ret_name, STK_PEER_NAME, "uid %u", (unsigned)uid);
    }
}
