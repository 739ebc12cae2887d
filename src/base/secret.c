/* SPDX-License-Identifier: MIT */
#include "base/secret.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"

/* The bytes lie apart: sodium_malloc puts them against the guard page behind
 * them, where nothing else would be aligned, and the count must stay writable. */
struct stk_secret {
    atomic_uint refs;
    size_t len;
    char *bytes;
};

/* --- life ---------------------------------------------------------------- */

static STK_NORETURN void die(const char *why)
{
    (void)fprintf(stderr, "stoker: could not keep a secret: %s\n", why);
    abort();
}

static void start_sodium(void)
{
    if (sodium_init() < 0) die("libsodium does not start");
}

struct stk_secret *stk_secret_new(const char *bytes, size_t len)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, start_sodium);

    struct stk_secret *secret = stk_alloc(sizeof *secret);
    secret->bytes = sodium_malloc(len + 1);
    if (secret->bytes == NULL) die("out of memory");
    if (len > 0) memcpy(secret->bytes, bytes, len);
    secret->bytes[len] = '\0';
    if (sodium_mprotect_readonly(secret->bytes) != 0) die("mprotect failed");

    secret->len = len;
    atomic_init(&secret->refs, 1);
    return secret;
}

struct stk_secret *stk_secret_take(struct stk_buf *buf)
{
    struct stk_secret *secret = stk_secret_new(stk_buf_str(buf), buf->len);
    stk_buf_wipe(buf);
    return secret;
}

struct stk_secret *stk_secret_ref(struct stk_secret *secret)
{
    unsigned before = atomic_fetch_add(&secret->refs, 1);
    assert(before > 0);
    (void)before;
    return secret;
}

void stk_secret_free(struct stk_secret *secret)
{
    if (secret == NULL) return;
    unsigned before = atomic_fetch_sub(&secret->refs, 1);
    assert(before > 0);
    if (before > 1) return;

    sodium_free(secret->bytes); /* wipes */
    free(secret);
}

void stk_secret_freep(struct stk_secret **secret)
{
    stk_secret_free(*secret);
    *secret = NULL;
}

/* --- use ----------------------------------------------------------------- */

const char *stk_secret_bytes(const struct stk_secret *secret)
{
    return secret->bytes;
}

size_t stk_secret_len(const struct stk_secret *secret)
{
    return secret->len;
}

/* The lengths may be told apart by the time it takes: they are no secret. */
bool stk_secret_equal(const struct stk_secret *a, const struct stk_secret *b)
{
    return a->len == b->len && sodium_memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* --- files --------------------------------------------------------------- */

static void close_fd(int *fd)
{
    if (*fd >= 0) (void)close(*fd);
}

static enum stk_rc fail_read(const char *path, struct stk_error *err)
{
    return stk_fail(err, STK_BAD_CONFIG, "could not read the secret %s: %s", path, strerror(errno));
}

/* systemd hands credentials over as files of root's that a list opens to the
 * service's user, which shows in the mode as reading by the group. */
static mode_t forbidden_modes(const struct stat *info)
{
    return info->st_uid == 0 && geteuid() != 0 ? S_IRWXO | S_IWGRP | S_IXGRP : S_IRWXO | S_IRWXG;
}

static enum stk_rc check_file(int fd, const char *path, struct stk_error *err)
{
    struct stat info;
    if (fstat(fd, &info) != 0) return fail_read(path, err);
    if (!S_ISREG(info.st_mode)) {
        return stk_fail(err, STK_BAD_CONFIG, "could not read the secret %s: it is no plain file",
                        path);
    }
    if ((info.st_mode & forbidden_modes(&info)) != 0) {
        return stk_fail(err, STK_BAD_CONFIG,
                        "the secret %s is open to others than its owner (mode %04o): chmod 600 %s",
                        path, (unsigned)(info.st_mode & 07777), path);
    }
    return STK_OK;
}

/* All room is made before: a buffer that grows leaves copies behind. */
static enum stk_rc read_all(int fd, const char *path, struct stk_buf *buf, struct stk_error *err)
{
    const size_t room = STK_SECRET_BYTES_MAX + 1;
    stk_buf_reserve(buf, room);
    while (buf->len < room) {
        ssize_t count = read(fd, buf->data + buf->len, room - buf->len);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail_read(path, err);
        if (count == 0) return STK_OK;
        buf->len += (size_t)count;
    }
    return stk_fail(err, STK_BAD_CONFIG, "the secret %s is over %d KiB", path,
                    STK_SECRET_BYTES_MAX / 1024);
}

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

/* What editors add and nobody means. */
static void trim(struct stk_buf *buf)
{
    static const char mark[] = { '\xEF', '\xBB', '\xBF' };
    if (buf->len >= sizeof mark && memcmp(buf->data, mark, sizeof mark) == 0) {
        stk_buf_drop_front(buf, sizeof mark);
    }
    while (buf->len > 0 && is_line_end(buf->data[buf->len - 1])) {
        buf->data[--buf->len] = '\0';
    }
}

static enum stk_rc read_file(const char *path, struct stk_buf *buf, struct stk_error *err)
{
    /* Without NONBLOCK a pipe of that name would keep us here. */
    STK_CLEANUP(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) return fail_read(path, err);

    enum stk_rc rc = check_file(fd, path, err);
    return rc == STK_OK ? read_all(fd, path, buf, err) : rc;
}

enum stk_rc stk_secret_read_file_whole(const char *path, struct stk_secret **ret,
                                       struct stk_error *err)
{
    STK_CLEANUP(stk_buf_wipep) struct stk_buf buf = STK_BUF_INIT;
    enum stk_rc rc = read_file(path, &buf, err);
    if (rc == STK_OK) *ret = stk_secret_take(&buf);
    return rc;
}

enum stk_rc stk_secret_read_file(const char *path, struct stk_secret **ret, struct stk_error *err)
{
    STK_CLEANUP(stk_buf_wipep) struct stk_buf buf = STK_BUF_INIT;
    enum stk_rc rc = read_file(path, &buf, err);
    if (rc != STK_OK) return rc;

    trim(&buf);
    if (buf.len == 0) return stk_fail(err, STK_BAD_CONFIG, "the secret %s is empty", path);
    *ret = stk_secret_take(&buf);
    return STK_OK;
}

/* --- buffers ------------------------------------------------------------- */

void stk_buf_wipe(struct stk_buf *buf)
{
    if (buf == NULL) return;
    if (buf->data != NULL) sodium_memzero(buf->data, buf->size_);
    stk_buf_release(buf);
}

void stk_buf_wipep(struct stk_buf *buf)
{
    stk_buf_wipe(buf);
}
