/* SPDX-License-Identifier: MIT */
#include "cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "model/shown.h"

enum { READ_BYTES = 64 * 1024 };

static void closep(const int *fd)
{
    if (*fd > STDIN_FILENO) (void)close(*fd); /* nothing was written to it */
}

static enum stk_rc fail_file(const char *path, int code, struct stk_error *err)
{
    enum stk_rc rc = code == ENOENT                    ? STK_NOT_FOUND
                     : code == EACCES || code == EPERM ? STK_DENIED
                                                       : STK_UNAVAILABLE;
    STK_CLEANUP(stk_freep) char *shown = stk_shown(path);
    return stk_fail(err, rc, "could not read %s: %s", shown, strerror(code));
}

static enum stk_rc read_all(int fd, const char *path, struct stk_buf *buf, struct stk_error *err)
{
    for (;;) {
        stk_buf_reserve(buf, READ_BYTES);
        ssize_t got = read(fd, buf->data + buf->len, READ_BYTES);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail_file(path, errno, err);
        if (got == 0) return STK_OK;

        buf->len += (size_t)got;
        buf->data[buf->len] = '\0';
        if (buf->len > STK_INPUT_BYTES_MAX) {
            STK_CLEANUP(stk_freep) char *shown = stk_shown(path);
            return stk_fail(err, STK_TOO_LARGE, "%s is larger than 64 MiB; give it in parts",
                            shown);
        }
    }
}

enum stk_rc stk_input_read(const char *path, json_t **ret, struct stk_error *err)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf buf = STK_BUF_INIT;
    bool is_stdin = strcmp(path, "-") == 0;
    STK_CLEANUP(closep) int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return fail_file(path, errno, err);

    enum stk_rc rc = read_all(fd, is_stdin ? "stdin" : path, &buf, err);
    if (rc != STK_OK) return rc;
    if (!stk_utf8_is_valid(stk_buf_str(&buf), buf.len)) {
        STK_CLEANUP(stk_freep) char *shown = stk_shown(is_stdin ? "stdin" : path);
        return stk_fail(err, STK_BAD_DATA, "%s is not UTF-8 text", shown);
    }
    *ret = json_stringn(stk_buf_str(&buf), buf.len);
    return STK_OK;
}

enum stk_rc stk_input_pair(const char *word, const char *form, char **ret_name,
                           const char **ret_value, struct stk_error *err)
{
    const char *equals = strchr(word, '=');
    if (equals == NULL || equals == word) {
        STK_CLEANUP(stk_freep) char *shown = stk_shown(word);
        return stk_fail(err, STK_INVALID, "\"%s\" is not %s", shown, form);
    }
    *ret_name = stk_strndup(word, (size_t)(equals - word));
    *ret_value = equals + 1;
    return STK_OK;
}
