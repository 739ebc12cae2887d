/* SPDX-License-Identifier: MIT */
#include "cli/sign_in.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/redact.h"

enum { PASSWORD_BYTES_MAX = 1024 };

/* --- one line ------------------------------------------------------------------- */

/* Byte by byte: what follows the line is somebody else's. */
static enum stk_rc read_line(int fd, const char *what, struct stk_buf *line, struct stk_error *err)
{
    for (;;) {
        char c = 0;
        ssize_t got = read(fd, &c, 1);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return stk_fail(err, STK_INVALID, "could not read the %s", what);
        if (got == 0 || c == '\n') break;
        if (line->len >= PASSWORD_BYTES_MAX) {
            return stk_fail(err, STK_TOO_LARGE, "the %s is longer than %d bytes", what,
                            PASSWORD_BYTES_MAX);
        }
        stk_buf_addc(line, c);
    }
    if (line->len > 0 && line->data[line->len - 1] == '\r') line->data[--line->len] = '\0';
    return line->len > 0 ? STK_OK : stk_fail(err, STK_INVALID, "there is no %s", what);
}

/* --- on the terminal --------------------------------------------------------------- */

/* Ctrl-C at the prompt must not leave a terminal without echo behind: it is kept
 * back until the echo is on again. */
static enum stk_rc ask_terminal(int fd, const char *what, struct stk_buf *line,
                                struct stk_error *err)
{
    struct termios before, quiet;
    sigset_t held, old;
    if (tcgetattr(fd, &before) != 0) return stk_fail(err, STK_INVALID, "there is no terminal");
    (void)sigemptyset(&held);
    (void)sigaddset(&held, SIGINT);
    (void)sigaddset(&held, SIGTERM);
    (void)sigaddset(&held, SIGHUP);
    (void)sigprocmask(SIG_BLOCK, &held, &old);
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)(ECHO | ISIG);
    quiet.c_lflag |= ICANON | ECHONL;
    (void)tcsetattr(fd, TCSAFLUSH, &quiet);
    (void)dprintf(fd, "%s: ", what);
    enum stk_rc rc = read_line(fd, what, line, err);
    (void)tcsetattr(fd, TCSAFLUSH, &before);
    (void)sigprocmask(SIG_SETMASK, &old, NULL);
    if (rc == STK_OK && memchr(line->data, 3, line->len) != NULL) { /* Ctrl-C was typed */
        rc = stk_fail(err, STK_INVALID, "given up");
    }
    return rc;
}

static enum stk_rc ask(const char *what, struct stk_buf *line, struct stk_error *err)
{
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return stk_fail(err, STK_INVALID,
                        "there is no terminal to ask for the %s: give it on stdin with "
                        "--password-stdin",
                        what);
    }
    enum stk_rc rc = ask_terminal(fd, what, line, err);
    (void)close(fd);
    return rc;
}

static enum stk_rc ask_again(const struct stk_buf *first, struct stk_error *err)
{
    STK_CLEANUP(stk_buf_wipep) struct stk_buf second = STK_BUF_INIT;
    enum stk_rc rc = ask("once more", &second, err);
    if (rc != STK_OK) return rc;
    bool is_same = first->len == second.len && memcmp(first->data, second.data, first->len) == 0;
    return is_same ? STK_OK : stk_fail(err, STK_INVALID, "the two are not the same");
}

enum stk_rc stk_password_ask(const struct stk_cli *cli, const char *what, bool twice,
                             struct stk_secret **ret, struct stk_error *err)
{
    STK_CLEANUP(stk_buf_wipep) struct stk_buf line = STK_BUF_INIT;
    bool is_stdin = stk_args_has(&cli->args, "password-stdin");
    enum stk_rc rc = is_stdin ? read_line(STDIN_FILENO, what, &line, err) : ask(what, &line, err);
    if (rc == STK_OK && twice && !is_stdin) rc = ask_again(&line, err);
    if (rc != STK_OK) return rc;
    *ret = stk_secret_take(&line);
    stk_redact_add_secret(*ret);
    return STK_OK;
}

/* --- the header ------------------------------------------------------------------------ */

static struct stk_secret *make_basic(const char *name, const struct stk_secret *password)
{
    STK_CLEANUP(stk_buf_wipep) struct stk_buf plain = STK_BUF_INIT;
    struct stk_buf header = STK_BUF_INIT;
    stk_buf_adds(&plain, name);
    stk_buf_addc(&plain, ':');
    stk_buf_add(&plain, stk_secret_bytes(password), stk_secret_len(password));

    size_t room = sodium_base64_encoded_len(plain.len, sodium_base64_VARIANT_ORIGINAL);
    stk_buf_adds(&header, "Basic ");
    stk_buf_reserve(&header, room);
    (void)sodium_bin2base64(header.data + header.len, room, (const unsigned char *)plain.data,
                            plain.len, sodium_base64_VARIANT_ORIGINAL);
    header.len += strlen(header.data + header.len);
    return stk_secret_take(&header);
}

static enum stk_rc from_token(const char *token, struct stk_secret **ret, struct stk_error *err)
{
    struct stk_buf header = STK_BUF_INIT;
    if (strpbrk(token, " \r\n\t") != NULL) {
        return stk_fail(err, STK_INVALID,
                        "STOKER_TOKEN holds a blank or a line end: no token does");
    }
    stk_redact_add(token, strlen(token));
    stk_buf_adds(&header, "Bearer ");
    stk_buf_adds(&header, token);
    *ret = stk_secret_take(&header);
    return STK_OK;
}

/* Digits that are good once, for half a minute: no secret, but none of argv's. */
static enum stk_rc ask_code(const struct stk_cli *cli, char *ret, size_t size,
                            struct stk_error *err)
{
    struct stk_secret *code = NULL;
    if (!stk_args_has(&cli->args, "code")) return STK_OK;
    enum stk_rc rc = stk_password_ask(cli, "code", false, &code, err);
    if (rc == STK_OK && (stk_secret_len(code) >= size ||
                         strspn(stk_secret_bytes(code), "0123456789") != stk_secret_len(code))) {
        rc = stk_fail(err, STK_INVALID, "a code is six digits");
    }
    if (rc == STK_OK) (void)snprintf(ret, size, "%s", stk_secret_bytes(code));
    stk_secret_free(code);
    return rc;
}

enum stk_rc stk_sign_in(const struct stk_cli *cli, struct stk_secret **ret, char *ret_code,
                        size_t code_size, struct stk_error *err)
{
    const char *name = stk_args_text(&cli->args, "as");
    const char *token = getenv("STOKER_TOKEN");
    char what[128];
    *ret = NULL;
    if (name == NULL && token != NULL && *token != '\0') return from_token(token, ret, err);
    if (name == NULL) return STK_OK;
    if (strchr(name, ':') != NULL) return stk_fail(err, STK_INVALID, "no user's name has a ':'");

    struct stk_secret *password = NULL;
    (void)snprintf(what, sizeof(what), "password of %.64s", name);
    enum stk_rc rc = stk_password_ask(cli, what, false, &password, err);
    if (rc == STK_OK) rc = ask_code(cli, ret_code, code_size, err);
    if (rc == STK_OK) *ret = make_basic(name, password);
    stk_secret_free(password);
    return rc;
}
