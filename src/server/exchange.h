/* SPDX-License-Identifier: MIT
 *
 * exchange - one request on the wire and its answer.
 *
 * Private to server/. libmicrohttpd calls in three steps: the request line
 * (begin), pieces of the body (take), the end (answer).
 *
 * Memory:  begin makes, free ends.
 * Threads: that of its connection.
 */
#ifndef STK_SERVER_EXCHANGE_H
#define STK_SERVER_EXCHANGE_H

#include <microhttpd.h>

#include "api/api.h"
#include "api/peer.h"

/* Who is at the other end of a connection, and what they have shown there. */
struct stk_visitor {
    char actor[STK_PEER_NAME];
    struct stk_signed_in signed_in;
};

struct stk_exchange;

struct stk_exchange *stk_exchange_begin(const char *uri); /* as it came, still encoded */
void stk_exchange_free(struct stk_exchange *exchange);

/* The first call: refuses what needs no body to be refused. False: an error
 * has been queued. */
bool stk_exchange_admit(struct stk_exchange *exchange, struct MHD_Connection *connection,
                        const char *method);
bool stk_exchange_is_admitted(const struct stk_exchange *exchange);

void stk_exchange_take(struct stk_exchange *exchange, const char *bytes, size_t len);

/* Asks the API and queues what it says. MHD_NO closes the connection. */
enum MHD_Result stk_exchange_answer(struct stk_exchange *exchange,
                                    struct MHD_Connection *connection, const char *method,
                                    const struct stk_api *api, struct stk_visitor *visitor);
/* Queues an error that the API was not asked for. */
enum MHD_Result stk_exchange_refuse(struct MHD_Connection *connection, const struct stk_error *why);

/* Set while it is being answered; the server counts these (server.c). */
bool *stk_exchange_counted(struct stk_exchange *exchange);

#endif
