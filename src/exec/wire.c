/* SPDX-License-Identifier: MIT */
#include "exec/wire.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#    define MFD_NOEXEC_SEAL 0x0008U
#endif

/* Room for the control message of descriptors, aligned as the kernel wants it. */
union control {
    char bytes[CMSG_SPACE(sizeof(int) * STK_WIRE_FDS_MAX)];
    struct cmsghdr align;
};

bool stk_wire_pair(int ret_fds[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_fds) == 0;
}

struct iovec stk_wire_part(const void *bytes, size_t len)
{
    union {
        const void *given;
        void *wanted;
    } pointer = { .given = bytes };
    return (struct iovec){ .iov_base = pointer.wanted, .iov_len = len };
}

static void attach(struct msghdr *message, union control *control, const int *fds, size_t fd_count)
{
    message->msg_control = control->bytes;
    message->msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);

    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    assert(header != NULL);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
    memcpy(CMSG_DATA(header), fds, sizeof(int) * fd_count);
}

bool stk_wire_send(int socket, const struct iovec *parts, size_t part_count, const int *fds,
                   size_t fd_count)
{
    assert(fd_count <= STK_WIRE_FDS_MAX);
    union control control = { 0 };
    struct iovec vec[4];
    assert(part_count <= STK_ARRAY_LEN(vec));
    memcpy(vec, parts, sizeof(*parts) * part_count);
    struct msghdr message = { .msg_iov = vec, .msg_iovlen = part_count };
    if (fd_count > 0) attach(&message, &control, fds, fd_count);

    ssize_t sent = -1;
    do {
        sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

static void detach(struct msghdr *message, int ret_fds[STK_WIRE_FDS_MAX], size_t *ret_fd_count)
{
    *ret_fd_count = 0;
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    if (header == NULL || header->cmsg_type != SCM_RIGHTS) return;

    *ret_fd_count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    memcpy(ret_fds, CMSG_DATA(header), sizeof(int) * *ret_fd_count);
}

bool stk_wire_receive(int socket, void *bytes, size_t size, int flags, size_t *ret_len,
                      int ret_fds[STK_WIRE_FDS_MAX], size_t *ret_fd_count)
{
    union control control = { 0 };
    struct iovec vec = { .iov_base = bytes, .iov_len = size };
    struct msghdr message = { .msg_iov = &vec,
                              .msg_iovlen = 1,
                              .msg_control = control.bytes,
                              .msg_controllen = sizeof(control.bytes) };

    ssize_t got = -1;
    do {
        got = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got < 0) return false;

    *ret_len = (size_t)got;
    detach(&message, ret_fds, ret_fd_count);
    return true;
}

static bool write_all(int fd, const struct iovec *part)
{
    const char *from = part->iov_base;
    size_t left = part->iov_len;
    while (left > 0) {
        ssize_t wrote = write(fd, from, left);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) return false;
        from += wrote;
        left -= (size_t)wrote;
    }
    return true;
}

/* Closes it and keeps errno: -1, for those that fail. */
static int give_up(int fd)
{
    int cause = errno;
    stk_wire_close(&fd);
    errno = cause;
    return -1;
}

static int make_file(const char *name, unsigned flags, const struct iovec *parts, size_t part_count)
{
    /* A kernel told to have no executable memory files refuses the first form,
     * one before 6.3 does not know the second. */
    int fd = memfd_create(name, MFD_CLOEXEC | flags);
    if (fd < 0) fd = memfd_create(name, MFD_CLOEXEC | MFD_NOEXEC_SEAL | flags);
    if (fd < 0) return -1;

    bool ok = true;
    for (size_t i = 0; i < part_count; i++) {
        ok = ok && write_all(fd, &parts[i]);
    }
    return ok && lseek(fd, 0, SEEK_SET) == 0 ? fd : give_up(fd);
}

int stk_wire_memory_file(const char *name, const struct iovec *parts, size_t part_count)
{
    return make_file(name, 0, parts, part_count);
}

/* Opened anew it can only be read, and tells a program that looks so. Where
 * there is no /proc the seals have to do. */
int stk_wire_sealed_file(const char *name, const struct iovec *parts, size_t part_count)
{
    int fd = make_file(name, MFD_ALLOW_SEALING, parts, part_count);
    if (fd < 0) return -1;
    int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
    if (fcntl(fd, F_ADD_SEALS, seals) != 0) return give_up(fd);

    char path[64];
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    int reader = open(path, O_RDONLY | O_CLOEXEC);
    if (reader < 0) return fd;
    stk_wire_close(&fd);
    return reader;
}

void stk_wire_hang_up(int *socket)
{
    if (*socket >= 0) (void)shutdown(*socket, SHUT_RDWR);
    stk_wire_close(socket);
}

void stk_wire_close(int *fd)
{
    if (*fd >= 0) (void)close(*fd); /* nothing here is written through a cache */
    *fd = -1;
}
