/* SPDX-License-Identifier: MIT */
#include "exec/spawner.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "exec/nursery.h"
#include "exec/wire.h"

enum { STOP_MS_MAX = 20 * 1000 };

struct stk_spawner {
    const struct stk_layer *layer;
    int socket; /* whole messages only, so threads share it without a lock */
    pid_t nursery;
};

/* A nursery whose namespace holds a process stuck in the kernel cannot end; the
 * pool can. */
static void await_end(pid_t pid)
{
    int fd = pidfd_open(pid, 0);
    struct pollfd end = { .fd = fd, .events = POLLIN };
    if (fd >= 0) (void)poll(&end, 1, STOP_MS_MAX);
    (void)waitpid(pid, NULL, fd >= 0 ? WNOHANG : 0); /* a kernel before 5.3 has no pidfd */
    stk_wire_close(&fd);
}

/* False: errno says what this host refused. */
static bool start_layer(struct stk_spawner *spawner, const struct stk_layer *layer)
{
    int ends[2];
    if (!stk_wire_pair(ends)) return false;
    spawner->layer = layer;
    spawner->socket = ends[0];
    spawner->nursery = stk_nursery_start(layer, ends[1]);
    int cause = errno;
    stk_wire_close(&ends[1]);

    struct stk_nursery_ready ready = { .error = cause };
    if (spawner->nursery > 0) {
        ready.error = ECHILD; /* unless it says something else */
        (void)!recv(spawner->socket, &ready, sizeof(ready), 0);
        if (ready.error == 0) return true;
        await_end(spawner->nursery);
    }
    stk_wire_close(&spawner->socket);
    errno = ready.error;
    return false;
}

enum stk_rc stk_spawner_start(bool contain, struct stk_spawner **ret, struct stk_error *err)
{
    struct stk_spawner *spawner = stk_alloc(sizeof(*spawner));
    for (size_t i = 0; i < stk_layer_count; i++) {
        if (stk_layers[i].contained && !contain) continue;
        if (!start_layer(spawner, &stk_layers[i])) continue;
        *ret = spawner;
        return STK_OK;
    }

    int cause = errno;
    free(spawner);
    return stk_fail(err, STK_UNAVAILABLE, "could not start the process that starts programs: %s",
                    strerrordesc_np(cause));
}

void stk_spawner_stop(struct stk_spawner *spawner)
{
    if (spawner == NULL) return;
    stk_wire_hang_up(&spawner->socket);
    await_end(spawner->nursery);
    free(spawner);
}

const char *stk_spawner_containment(const struct stk_spawner *spawner)
{
    return spawner->layer->name;
}

bool stk_spawner_is_alive(const struct stk_spawner *spawner)
{
    char byte; /* it never says anything after its first message */
    return recv(spawner->socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

int stk_spawner_keeper(struct stk_spawner *spawner)
{
    int ends[2];
    if (!stk_wire_pair(ends)) return -1;
    struct stk_wire_order order = { .kind = STK_WIRE_KEEPER };
    struct iovec part = stk_wire_part(&order, sizeof(order));
    bool sent = stk_wire_send(spawner->socket, &part, 1, &ends[1], 1);
    int cause = errno;
    stk_wire_close(&ends[1]);
    if (sent) return ends[0];

    stk_wire_close(&ends[0]);
    errno = cause;
    return -1;
}
