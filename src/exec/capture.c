/* SPDX-License-Identifier: MIT */
#include "exec/capture.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/redact.h"
#include "base/text.h"

enum {
    KEPT_BYTES_MAX = 64 * 1024, /* of a buffer, from one attempt to the next */
    HELD_BYTES_MAX = 2 * STK_SECRET_BYTES_MAX
};

/* ---- the last line ----------------------------------------------------- */

static bool is_blank(const struct stk_buf *buf)
{
    for (size_t i = 0; i < buf->len; i++) {
        if (strchr(" \t\r\v\f", buf->data[i]) == NULL || buf->data[i] == '\0') return false;
    }
    return true;
}

/* Adds what still fits into limit + 1 bytes: one more than allowed is enough to
 * know that it was too much. */
static void add_up_to(struct stk_buf *buf, size_t limit, const char *bytes, size_t len)
{
    size_t room = limit + 1 - buf->len;
    stk_buf_add(buf, bytes, len < room ? len : room);
}

static void end_last_line(struct stk_last_line *line)
{
    if (!is_blank(&line->current)) {
        struct stk_buf last = line->last;
        line->last = line->current;
        line->current = last;
    }
    stk_buf_clear(&line->current);
}

/* ---- lines for the console --------------------------------------------- */

static void give(struct stk_capture *capture, const struct stk_line_stream *from, const char *bytes,
                 size_t len)
{
    if (capture->line != NULL) capture->line(capture->context, from->stream, bytes, len);
}

/* The piece is full: out with it, but for the start of a character cut in two. */
static void give_piece(struct stk_capture *capture, struct stk_line_stream *to)
{
    size_t len = stk_utf8_cut(to->piece, to->piece_len);
    if (len == 0) len = to->piece_len;
    give(capture, to, to->piece, len);
    to->piece_len -= len;
    memmove(to->piece, to->piece + len, to->piece_len);
    to->open = true;
}

static void add_piece(struct stk_capture *capture, struct stk_line_stream *to, const char *bytes,
                      size_t len)
{
    while (len > 0) {
        size_t room = STK_CAPTURE_LINE_MAX - to->piece_len;
        size_t part = len < room ? len : room;
        memcpy(to->piece + to->piece_len, bytes, part);
        to->piece_len += part;
        bytes += part;
        len -= part;
        if (to->piece_len == STK_CAPTURE_LINE_MAX) give_piece(capture, to);
    }
}

static void end_piece(struct stk_capture *capture, struct stk_line_stream *to)
{
    if (to->piece_len > 0 || !to->open) give(capture, to, to->piece, to->piece_len);
    to->piece_len = 0;
    to->open = false;
    end_last_line(&to->line);
}

/* ---- the tail ---------------------------------------------------------- */

static void add_tail(struct stk_capture *capture, const char *bytes, size_t len)
{
    if (len > STK_EXEC_TAIL_BYTES_MAX) {
        bytes += len - STK_EXEC_TAIL_BYTES_MAX;
        len = STK_EXEC_TAIL_BYTES_MAX;
    }
    size_t to_edge = STK_EXEC_TAIL_BYTES_MAX - capture->tail_end;
    size_t first = len < to_edge ? len : to_edge;
    memcpy(capture->tail + capture->tail_end, bytes, first);
    memcpy(capture->tail, bytes + first, len - first);

    capture->tail_end = (capture->tail_end + len) % STK_EXEC_TAIL_BYTES_MAX;
    capture->tail_len += len;
    if (capture->tail_len > STK_EXEC_TAIL_BYTES_MAX) capture->tail_len = STK_EXEC_TAIL_BYTES_MAX;
}

static void add_escaped_lines(struct stk_buf *buf, const char *text, size_t len)
{
    for (;;) {
        const char *end = memchr(text, '\n', len);
        size_t part = end != NULL ? (size_t)(end - text) : len;
        stk_text_add_escaped(buf, text, part);
        if (end == NULL) return;
        stk_buf_addc(buf, '\n');
        text += part + 1;
        len -= part + 1;
    }
}

void stk_capture_add_tail(const struct stk_capture *capture, struct stk_buf *buf)
{
    if (capture->tail_len == 0) return;
    STK_CLEANUP(stk_buf_release) struct stk_buf whole = STK_BUF_INIT;
    STK_CLEANUP(stk_buf_release) struct stk_buf safe = STK_BUF_INIT;
    if (capture->tail_len == STK_EXEC_TAIL_BYTES_MAX) {
        stk_buf_add(&whole, capture->tail + capture->tail_end,
                    STK_EXEC_TAIL_BYTES_MAX - capture->tail_end);
    }
    stk_buf_add(&whole, capture->tail, capture->tail_end);

    /* Of several lines together a secret may be known that is in none of them. */
    (void)stk_redact(whole.data, whole.len);

    /* Where old bytes were dropped the first character may be half of one. */
    size_t skip = 0;
    while (capture->tail_len == STK_EXEC_TAIL_BYTES_MAX && skip < 3 &&
           (whole.data[skip] & 0xC0) == 0x80) {
        skip++;
    }
    add_escaped_lines(&safe, whole.data + skip, whole.len - skip);
    const char *start = stk_utf8_tail(safe.data, safe.len, STK_EXEC_TAIL_BYTES_MAX);
    stk_buf_add(buf, start, safe.len - (size_t)(start - safe.data));
}

/* ---- lines, before anything is kept of them ---------------------------- */

/* The first `len` bytes of what is held go to all who keep something. */
static void let_go(struct stk_capture *capture, struct stk_line_stream *from, size_t len)
{
    add_tail(capture, stk_buf_str(&from->held), len);
    add_up_to(&from->line.current, from->line.limit, stk_buf_str(&from->held), len);
    add_piece(capture, from, stk_buf_str(&from->held), len);
    stk_buf_drop_front(&from->held, len);
}

static void redact(const struct stk_capture *capture, struct stk_line_stream *stream)
{
    if (capture->wants_secrets && stream->stream == STK_STREAM_STDOUT) return;
    (void)stk_redact(stream->held.data, stream->held.len);
}

/* A line is held until its end is there, since a secret in it is known by its
 * whole value only. Of one that is too long the first half goes out, and no
 * value that may be a secret is longer than the other half. */
static void hold(struct stk_capture *capture, struct stk_line_stream *to, const char *bytes,
                 size_t len)
{
    while (len > 0) {
        size_t room = HELD_BYTES_MAX - to->held.len;
        size_t part = len < room ? len : room;
        stk_buf_add(&to->held, bytes, part);
        bytes += part;
        len -= part;
        if (to->held.len < HELD_BYTES_MAX) continue;
        redact(capture, to);
        let_go(capture, to, HELD_BYTES_MAX / 2);
    }
}

static void end_held(struct stk_capture *capture, struct stk_line_stream *to)
{
    if (to->held.len == 0) return;
    redact(capture, to);
    let_go(capture, to, to->held.len);
}

static void end_line(struct stk_capture *capture, struct stk_line_stream *to)
{
    end_held(capture, to);
    add_tail(capture, "\n", 1);
    end_piece(capture, to);
}

/* ---- all of it --------------------------------------------------------- */

void stk_capture_init(struct stk_capture *capture)
{
    *capture = (struct stk_capture){ .tail = stk_alloc(STK_EXEC_TAIL_BYTES_MAX) };
    for (size_t i = 0; i < STK_ARRAY_LEN(capture->streams); i++) {
        capture->streams[i].stream = (enum stk_stream)i;
        capture->streams[i].piece = stk_alloc(STK_CAPTURE_LINE_MAX);
    }
}

void stk_capture_release(struct stk_capture *capture)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(capture->streams); i++) {
        free(capture->streams[i].piece);
        stk_buf_release(&capture->streams[i].held);
        stk_buf_release(&capture->streams[i].line.current);
        stk_buf_release(&capture->streams[i].line.last);
    }
    stk_buf_release(&capture->answer);
    free(capture->tail);
}

/* A worker that once had a large result does not hold its memory for ever. */
static void forget(struct stk_buf *buf)
{
    if (buf->size_ > KEPT_BYTES_MAX) stk_buf_release(buf);
    stk_buf_clear(buf);
}

void stk_capture_begin(struct stk_capture *capture, size_t result_bytes_max, stk_exec_line_fn line,
                       void *context)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(capture->streams); i++) {
        struct stk_line_stream *stream = &capture->streams[i];
        stream->piece_len = 0;
        stream->open = false;
        forget(&stream->held);
        forget(&stream->line.current);
        forget(&stream->line.last);
    }
    forget(&capture->answer);
    capture->streams[STK_STREAM_STDOUT].line.limit = result_bytes_max;
    capture->streams[STK_STREAM_STDERR].line.limit = STK_CAPTURE_COMPLAINT_MAX;
    capture->answer_limit = result_bytes_max;
    capture->tail_end = 0;
    capture->tail_len = 0;
    capture->wants_secrets = false;
    capture->line = line;
    capture->context = context;
}

void stk_capture_want_secrets(struct stk_capture *capture)
{
    struct stk_line_stream *out = &capture->streams[STK_STREAM_STDOUT];
    capture->wants_secrets = true;
    stk_buf_reserve(&out->held, HELD_BYTES_MAX);
    stk_buf_reserve(&out->line.current, out->line.limit + 1);
    stk_buf_reserve(&out->line.last, out->line.limit + 1);
    stk_buf_reserve(&capture->answer, capture->answer_limit + 1);
}

void stk_capture_wipe(struct stk_capture *capture)
{
    struct stk_line_stream *out = &capture->streams[STK_STREAM_STDOUT];
    stk_buf_wipe(&out->held);
    stk_buf_wipe(&out->line.current);
    stk_buf_wipe(&out->line.last);
    stk_buf_wipe(&capture->answer);
    explicit_bzero(out->piece, STK_CAPTURE_LINE_MAX);
    explicit_bzero(capture->tail, STK_EXEC_TAIL_BYTES_MAX);
}

void stk_capture_add(struct stk_capture *capture, enum stk_stream stream, const char *bytes,
                     size_t len)
{
    struct stk_line_stream *to = &capture->streams[stream];
    while (len > 0) {
        const char *end = memchr(bytes, '\n', len);
        size_t part = end != NULL ? (size_t)(end - bytes) : len;
        hold(capture, to, bytes, part);
        if (end == NULL) return;

        end_line(capture, to);
        bytes += part + 1;
        len -= part + 1;
    }
}

void stk_capture_add_answer(struct stk_capture *capture, const char *bytes, size_t len)
{
    add_up_to(&capture->answer, capture->answer_limit, bytes, len);
}

void stk_capture_end(struct stk_capture *capture)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(capture->streams); i++) {
        struct stk_line_stream *stream = &capture->streams[i];
        end_held(capture, stream);
        if (stream->piece_len > 0 || stream->open) end_piece(capture, stream);
    }
    if (!capture->wants_secrets && capture->answer.len > 0) {
        (void)stk_redact(capture->answer.data, capture->answer.len);
    }
}

static struct stk_capture_text trim(const struct stk_buf *buf)
{
    struct stk_capture_text span = { .text = stk_buf_str(buf), .len = buf->len };
    while (span.len > 0 && strchr(" \t\r\n", span.text[span.len - 1]) != NULL &&
           span.text[span.len - 1] != '\0') {
        span.len--;
    }
    return span;
}

struct stk_capture_text stk_capture_result(const struct stk_capture *capture)
{
    struct stk_capture_text answer = trim(&capture->answer);
    return answer.len > 0 ? answer : trim(&capture->streams[STK_STREAM_STDOUT].line.last);
}
