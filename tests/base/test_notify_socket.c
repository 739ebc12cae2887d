/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/notify_socket.h"

static int bind_at(const char *name, size_t len)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    memcpy(address.sun_path, name, len);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    assert_int_equal(bind(fd, (const struct sockaddr *)(const void *)&address, size), 0);
    return fd;
}

static void assert_got(int fd, const char *wanted)
{
    char text[64] = "";
    ssize_t len = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);
    assert_int_equal(len, (ssize_t)strlen(wanted));
    assert_string_equal(text, wanted);
}

static void notify__is_one_datagram_to_the_socket_of_the_manager(void **unused)
{
    (void)unused;
    char dir[] = "/tmp/stk_notify.XXXXXX", path[64];
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof(path), "%s/sock", dir);
    int fd = bind_at(path, strlen(path));
    assert_int_equal(setenv("NOTIFY_SOCKET", path, 1), 0);
    assert_true(stk_notify_manager("READY=1"));
    assert_true(stk_notify_manager("WATCHDOG=1"));
    assert_got(fd, "READY=1");
    assert_got(fd, "WATCHDOG=1");
    (void)close(fd);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
    assert_false(stk_notify_manager("READY=1"));
}

static void notify__knows_the_abstract_namespace(void **unused)
{
    (void)unused;
    char name[64];
    (void)snprintf(name, sizeof(name), "@stk_notify_%ld", (long)getpid());
    assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
    size_t len = strlen(name);
    name[0] = '\0';
    int fd = bind_at(name, len);
    assert_true(stk_notify_manager("STOPPING=1"));
    assert_got(fd, "STOPPING=1");
    (void)close(fd);
}

static void notify__says_nothing_to_nobody(void **unused)
{
    (void)unused;
    static const char *const names[] = { "", "relative", "/", "/none/such" };
    char longest[200];
    memset(longest, 'x', sizeof(longest));
    longest[0] = '/';
    longest[sizeof(longest) - 1] = '\0';
    for (size_t i = 0; i < STK_ARRAY_LEN(names); i++) {
        assert_int_equal(setenv("NOTIFY_SOCKET", names[i], 1), 0);
        assert_false(stk_notify_manager("READY=1"));
    }
    assert_int_equal(setenv("NOTIFY_SOCKET", longest, 1), 0);
    assert_false(stk_notify_manager("READY=1"));
    assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
    assert_false(stk_notify_manager("READY=1"));
}

static void assert_watchdog(const char *usec, const char *pid, stk_time_ns wanted)
{
    assert_int_equal(usec == NULL ? unsetenv("WATCHDOG_USEC") : setenv("WATCHDOG_USEC", usec, 1),
                     0);
    assert_int_equal(pid == NULL ? unsetenv("WATCHDOG_PID") : setenv("WATCHDOG_PID", pid, 1), 0);
    assert_int_equal(stk_notify_watchdog(), wanted);
}

static void watchdog__is_ours_when_it_names_this_process_or_none(void **unused)
{
    (void)unused;
    char own[32], other[32];
    (void)snprintf(own, sizeof(own), "%ld", (long)getpid());
    (void)snprintf(other, sizeof(other), "%ld", (long)getppid());
    assert_watchdog(NULL, NULL, 0);
    assert_watchdog("30000000", NULL, 30 * STK_SECOND);
    assert_watchdog("30000000", own, 30 * STK_SECOND);
    assert_watchdog("30000000", other, 0);
    assert_watchdog("0", own, 0);
    assert_watchdog("soon", own, 0);
    assert_watchdog("18446744073709551615", own, 0);
    assert_watchdog("9000000000000000000", own, STK_DAY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notify__is_one_datagram_to_the_socket_of_the_manager),
        cmocka_unit_test(notify__knows_the_abstract_namespace),
        cmocka_unit_test(notify__says_nothing_to_nobody),
        cmocka_unit_test(watchdog__is_ours_when_it_names_this_process_or_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
