/* SPDX-License-Identifier: MIT
 *
 * notify_socket - one word to the service manager that has started us: a
 * datagram to $NOTIFY_SOCKET, as sd_notify(3) sends it.
 *
 * Without libsystemd: the protocol is promised to stay, and the library would
 * be loaded by every command.
 *
 * Threads: any, as long as nobody changes the environment.
 */
#ifndef STK_BASE_NOTIFY_SOCKET_H
#define STK_BASE_NOTIFY_SOCKET_H

#include "base/defs.h"

/* state: "READY=1", "WATCHDOG=1", "STOPPING=1"; may hold several lines. False:
 * nobody asked, or the socket takes nothing; either way there is nothing to do. */
bool stk_notify_manager(const char *state);
/* How long it waits for WATCHDOG=1 before it ends us; 0: it does not wait. */
stk_time_ns stk_notify_watchdog(void);

#endif
