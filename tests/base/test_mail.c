/* SPDX-License-Identifier: MIT
 *
 * Against a mail server of one connection in a thread, which notes what it is
 * told.
 */
#include "support/test.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/http.h"

struct server {
    int listen_fd;
    pthread_t thread;
    char *url;
    const char *refuses; /* the command that is answered with 550; or NULL */
    struct stk_buf told;
};

static const char *const to[] = { "b@example.org", "c@example.org", NULL };

static const char *answer_to(const struct server *server, const char *line, bool *in_data)
{
    if (*in_data) {
        *in_data = strcmp(line, ".\r\n") != 0;
        return *in_data ? "" : "250 taken\r\n";
    }
    if (server->refuses != NULL && strncmp(line, server->refuses, strlen(server->refuses)) == 0) {
        return "550 not \x1B[31mhere\r\n";
    }
    if (strncmp(line, "DATA", 4) != 0) return "250 fine\r\n";
    *in_data = true;
    return "354 go on\r\n";
}

static void *serve(void *context)
{
    struct server *server = context;
    int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) return NULL;

    FILE *in = fdopen(fd, "r");
    char line[1024];
    bool in_data = false;
    (void)send(fd, "220 here\r\n", 10, MSG_NOSIGNAL);
    while (fgets(line, sizeof line, in) != NULL) {
        stk_buf_adds(&server->told, line);
        const char *answer = answer_to(server, line, &in_data);
        (void)send(fd, answer, strlen(answer), MSG_NOSIGNAL);
    }
    (void)fclose(in);
    return NULL;
}

static void start(struct server *server)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    server->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server->listen_fd, (struct sockaddr *)&address, len), 0);
    assert_int_equal(listen(server->listen_fd, 8), 0);
    assert_int_equal(getsockname(server->listen_fd, (struct sockaddr *)&address, &len), 0);
    server->url = stk_format("smtp://127.0.0.1:%u", ntohs(address.sin_port));
    assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

/* After that, what it was told may be read. */
static void stop(struct server *server)
{
    (void)shutdown(server->listen_fd, SHUT_RDWR);
    assert_int_equal(pthread_join(server->thread, NULL), 0);
    assert_int_equal(close(server->listen_fd), 0);
    stk_freep(&server->url);
}

static enum stk_rc send_mail(const struct stk_mail *mail, struct stk_error *err)
{
    struct stk_http *http = stk_http_new();
    enum stk_rc rc = stk_http_mail(http, mail, err);
    stk_http_free(http);
    return rc;
}

static struct stk_mail make_mail(const struct server *server, const char *message)
{
    return (struct stk_mail){
        .server = server->url,
        .from = "a@example.org",
        .to = to,
        .message = message,
        .message_len = strlen(message),
        .timeout_ns = 20 * STK_SECOND,
    };
}

static void mail__goes_to_all_with_each_line_ended_as_smtp_wants(void **unused)
{
    (void)unused;
    struct server server = { .told = STK_BUF_INIT };
    struct stk_error err = { .rc = STK_OK };
    start(&server);
    struct stk_mail mail = make_mail(&server, "Subject: x\n\nline\r\n.\n.dot\nlast");
    if (send_mail(&mail, &err) != STK_OK) fail_msg("%s", err.text);
    stop(&server);

    const char *told = strstr(stk_buf_str(&server.told), "MAIL ");
    assert_non_null(told);
    assert_string_equal(told, "MAIL FROM:<a@example.org>\r\n"
                              "RCPT TO:<b@example.org>\r\nRCPT TO:<c@example.org>\r\nDATA\r\n"
                              "Subject: x\r\n\r\nline\r\n..\r\n..dot\r\nlast\r\n.\r\nQUIT\r\n");
    stk_buf_release(&server.told);
}

static void mail__says_what_the_server_refused_with(void **unused)
{
    (void)unused;
    struct server server = { .refuses = "RCPT", .told = STK_BUF_INIT };
    struct stk_error err = { .rc = STK_OK };
    start(&server);
    struct stk_mail mail = make_mail(&server, "Subject: x\r\n\r\n");
    STK_CLEANUP(stk_freep)
    char *wanted = stk_format("mail by %s: the server refused with 550", server.url);
    assert_int_equal(send_mail(&mail, &err), STK_UNAVAILABLE);
    assert_string_equal(err.text, wanted);
    stop(&server);
    stk_buf_release(&server.told);
}

static void mail__shows_a_password_to_no_server_without_tls(void **unused)
{
    (void)unused;
    struct server server = { .told = STK_BUF_INIT };
    struct stk_error err = { .rc = STK_OK };
    STK_CLEANUP(stk_secret_freep) struct stk_secret *password = stk_secret_new("sesame", 6);
    start(&server);
    struct stk_mail mail = make_mail(&server, "Subject: x\r\n\r\n");
    mail.user = "ali";
    mail.password = password;
    assert_int_equal(send_mail(&mail, &err), STK_UNAVAILABLE);
    stop(&server);
    assert_null(strstr(stk_buf_str(&server.told), "AUTH"));
    assert_null(strstr(stk_buf_str(&server.told), "MAIL"));
    stk_buf_release(&server.told);
}

static void mail__refuses_what_would_be_a_command(void **unused)
{
    (void)unused;
    static const struct {
        const char *server, *from, *first_to, *sentence;
    } rows[] = {
        { "http://h", "a@b", "c@d",
          "the mail server is not of the form smtp://host:25 or smtps://host" },
        { "smtp://u:p@h", "a@b", "c@d",
          "the mail server is not of the form smtp://host:25 or smtps://host" },
        { "smtp://h/\r\nX", "a@b", "c@d",
          "the mail server is not of the form smtp://host:25 or smtps://host" },
        { "smtp://h", "a@b>\r\nRCPT TO:<x@y", "c@d", "the sender of the mail is no address" },
        { "smtp://h", "a@b", "c@d\n", "a recipient of the mail is no address" },
        { "smtp://h", "a@b", "", "a recipient of the mail is no address" },
        { "smtp://h", "a@b", NULL, "the mail has no recipient" },
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(rows); i++) {
        const char *const some[] = { rows[i].first_to, NULL };
        struct stk_error err = { .rc = STK_OK };
        const struct stk_mail mail = {
            .server = rows[i].server, .from = rows[i].from, .to = some, .message = ""
        };
        assert_int_equal(send_mail(&mail, &err), STK_INVALID);
        assert_string_equal(err.text, rows[i].sentence);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mail__goes_to_all_with_each_line_ended_as_smtp_wants),
        cmocka_unit_test(mail__says_what_the_server_refused_with),
        cmocka_unit_test(mail__shows_a_password_to_no_server_without_tls),
        cmocka_unit_test(mail__refuses_what_would_be_a_command),
    };
    return cmocka_run_group_tests_name("base/mail", tests, NULL, NULL);
}
