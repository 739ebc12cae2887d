/* SPDX-License-Identifier: MIT
 *
 * peer - the two ends of the Unix socket: where it is, and who is there.
 *
 * For server/ and client/, which may not use each other.
 */
#ifndef STK_API_PEER_H
#define STK_API_PEER_H

#include <sys/types.h>

#include "base/err.h"

/* What to give to bind, connect or curl. A path longer than the 107 bytes of
 * sun_path goes by /proc/self/fd/N/NAME, N being its folder. */
struct stk_peer_path {
    char text[108];
    int dir_fd_; /* -1: not needed; the text is good until release */
};
#define STK_PEER_PATH_INIT \
    {                      \
        .dir_fd_ = -1      \
    }
STK_MUST_USE enum stk_rc stk_peer_path_open(const char *path, struct stk_peer_path *ret,
                                            struct stk_error *err);
void stk_peer_path_release(struct stk_peer_path *path);

/* The user's name on this machine, or "uid 1234". */
enum { STK_PEER_NAME = 64 };
void stk_peer_name(uid_t uid, char ret_name[STK_PEER_NAME]);

#endif
