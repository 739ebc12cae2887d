/* SPDX-License-Identifier: MIT
 *
 * wire - one HTTP/1.1 request and its answer over a connected socket.
 *
 * Private to client/. Knows as much of HTTP as our own server speaks, strictly:
 * bodies by Content-Length, in chunks or up to the close. Why not libcurl: see
 * base/curl.h; a short command would spend most of its time loading it.
 *
 * Memory:  init needs no release but that of the buffers: stk_wire_release,
 *          which closes the socket.
 * Threads: one at a time.
 * Errors:  the text is the cause alone. STK_UNAVAILABLE: the other side went
 *          away. STK_TIMEOUT. STK_TOO_LARGE. STK_INTERNAL: this is no HTTP.
 */
#ifndef STK_CLIENT_WIRE_H
#define STK_CLIENT_WIRE_H

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"

struct stk_wire {
    int fd; /* -1: not connected */
    stk_time_ns deadline;
    size_t answer_bytes_max;
    const char *code;                       /* of STK_CODE_HEADER; or NULL */
    const struct stk_secret *authorization; /* the value of that header, without line ends; NULL */
    struct stk_buf in_;                     /* received, not yet taken */
    size_t taken_;
};
#define STK_WIRE_INIT \
    {                 \
        .fd = -1      \
    }

struct stk_answer {
    int status;
    struct stk_buf body;
    bool is_last;  /* the connection cannot be used again */
    bool is_begun; /* a byte of it has come: the other side has taken the request */
};

/* Whether a connection that was kept may be used: nothing has come, no end. */
bool stk_wire_is_idle(const struct stk_wire *wire);

/* method and path: without blanks and control characters. body NULL: none. */
STK_MUST_USE enum stk_rc stk_wire_ask(struct stk_wire *wire, const char *method, const char *path,
                                      const struct stk_buf *body, struct stk_answer *answer,
                                      struct stk_error *err);
void stk_wire_release(struct stk_wire *wire);

#endif
