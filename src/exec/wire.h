/* SPDX-License-Identifier: MIT
 *
 * wire - what worker, nursery and keeper say to each other; private to src/exec.
 *
 *   worker -> nursery   KEEPER + the keeper's end of a new socket pair
 *   worker -> keeper    RUN + block + fds, SIGNAL
 *   keeper -> worker    STARTED or FAILED, then (after STARTED) ENDED
 *
 * Both ends are the same program on the same machine, so a message is a struct,
 * and who receives one believes it. The block of a RUN is a table of offsets
 * and the strings they lead to:
 *
 *   dir, argv..., 0, env..., 0 | strings, each with its NUL
 *
 * An offset counts from the start of the block; 0 means NULL. A block longer
 * than STK_WIRE_BLOCK_MAX travels as a memory file, one more descriptor behind the
 * program's own.
 *
 * Threads: no shared state.
 */
#ifndef STK_EXEC_WIRE_H
#define STK_EXEC_WIRE_H

#include <sys/uio.h>

#include "base/defs.h"

enum {
    STK_WIRE_BLOCK_MAX = 60 * 1024, /* in the message itself */
    STK_WIRE_FDS = 4,               /* of a program: 0, 1, 2, 3 */
    STK_WIRE_SESSION_FD = 4,        /* of one that shows a session */
    STK_WIRE_PROGRAM_FDS_MAX = 5,   /* with it */
    STK_WIRE_FDS_MAX = 6            /* and a block */
};

enum stk_wire_kind {
    STK_WIRE_KEEPER,
    STK_WIRE_RUN,
    STK_WIRE_SIGNAL,
    STK_WIRE_STARTED,
    STK_WIRE_FAILED,
    STK_WIRE_ENDED
};

/* Where the start of a program failed. */
enum stk_stage {
    STK_STAGE_KEEPER, /* no keeper could be made */
    STK_STAGE_BLOCK,  /* its block could not be read */
    STK_STAGE_FORK,
    STK_STAGE_LIMITS,
    STK_STAGE_DIR,
    STK_STAGE_EXEC
};

enum stk_rlimit {
    STK_LIMIT_MEMORY,
    STK_LIMIT_CPU,
    STK_LIMIT_FILES,
    STK_LIMIT_FILE,
    STK_LIMIT_COUNT_
};

struct stk_wire_run {
    uint32_t kind;
    uint32_t slots; /* of the offset table */
    uint32_t argc;
    int32_t nice;
    uint32_t fds; /* of the program */
    uint64_t block_bytes;
    uint64_t limits[STK_LIMIT_COUNT_]; /* 0: none */
};

struct stk_wire_order { /* KEEPER, SIGNAL */
    uint32_t kind;
    int32_t signal;
};

struct stk_wire_reply { /* STARTED, FAILED, ENDED */
    uint32_t kind;
    uint32_t stage;     /* FAILED: enum stk_stage */
    int32_t error;      /* FAILED: errno */
    int32_t status;     /* ENDED: as waitpid gives it */
    uint32_t signalled; /* ENDED: a SIGNAL had reached it before it ended */
    uint32_t left;      /* ENDED: something it started could not be killed */
    int64_t rss_bytes;  /* ENDED: the most memory it had */
    int64_t cpu_ns;     /* ENDED: user and system time */
};

/* A connected pair, both ends closed by exec. False: errno says why. */
STK_MUST_USE bool stk_wire_pair(int ret_fds[2]);

/* Bytes to send. The kernel reads what an iovec leads to, though its type
 * does not say so. */
struct iovec stk_wire_part(const void *bytes, size_t len);

/* One message with fds; a broken connection raises no signal. False: errno. */
STK_MUST_USE bool stk_wire_send(int socket, const struct iovec *parts, size_t part_count,
                                const int *fds, size_t fd_count);

/* One message of at most `size` bytes and its fds (the caller's to close).
 * *ret_len 0: the other end has closed. False: errno. */
STK_MUST_USE bool stk_wire_receive(int socket, void *bytes, size_t size, int flags, size_t *ret_len,
                                   int ret_fds[STK_WIRE_FDS_MAX], size_t *ret_fd_count);

/* A file in memory with these bytes, read from its start; -1: errno. */
int stk_wire_memory_file(const char *name, const struct iovec *parts, size_t part_count);
/* The same, but nobody can write to it or make it longer or shorter any more. */
int stk_wire_sealed_file(const char *name, const struct iovec *parts, size_t part_count);

/* Ends the connection for whoever holds a copy of this end, and closes it. */
void stk_wire_hang_up(int *socket);

void stk_wire_close(int *fd); /* closes it unless -1, and makes it -1 */

#endif
