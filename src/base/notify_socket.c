/* SPDX-License-Identifier: MIT */
#include "base/notify_socket.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"

/* "/path", or "@name" in the abstract namespace. 0: it is neither, or too long. */
static socklen_t read_address(struct sockaddr_un *ret)
{
    const char *name = getenv("NOTIFY_SOCKET");
    size_t len = name != NULL ? strlen(name) : 0;
    *ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
    if (len < 2 || len >= sizeof(ret->sun_path) || (name[0] != '/' && name[0] != '@')) return 0;
    memcpy(ret->sun_path, name, len);
    if (name[0] == '@') ret->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

bool stk_notify_manager(const char *state)
{
    struct sockaddr_un address;
    socklen_t address_len = read_address(&address);
    if (address_len == 0) return false;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return false;
    ssize_t sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL,
                          (const struct sockaddr *)(const void *)&address, address_len);
    (void)close(fd);
    return sent >= 0;
}

stk_time_ns stk_notify_watchdog(void)
{
    const char *text = getenv("WATCHDOG_USEC");
    const char *whose = getenv("WATCHDOG_PID");
    int64_t usec = 0, pid = 0;
    bool is_ours = whose == NULL || (stk_parse_i64(whose, &pid) && pid == getpid());
    if (text == NULL || !is_ours || !stk_parse_i64(text, &usec) || usec < 1) return 0;
    return usec < STK_DAY / 1000 ? usec * 1000 : STK_DAY;
}
