/* SPDX-License-Identifier: MIT */
#include "cli/watch.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"

/* Lines are erased one by one as they are replaced: no flicker. */
void stk_watch_frame(struct stk_buf *out, const char *text, int height)
{
    int lines = 0;
    stk_buf_adds(out, "\033[H");
    while (*text != '\0' && (height <= 0 || lines < height - 1)) {
        size_t len = strcspn(text, "\n");
        stk_buf_add(out, text, len);
        stk_buf_adds(out, "\033[0m\033[K\r\n");
        text += len + (text[len] == '\n' ? 1 : 0);
        lines++;
    }
    stk_buf_adds(out, "\033[J");
}

/* On a terminal a frame; else the text, unless it is what was said last. */
static void place(struct stk_cli *cli, bool is_first, bool is_last, char **last)
{
    STK_CLEANUP(stk_freep) char *text = stk_buf_take(&cli->out);
    if (!cli->term.is_terminal || cli->json) {
        bool is_news = *last == NULL || strcmp(*last, text) != 0;
        if (is_news) stk_buf_adds(&cli->out, text);
        free(*last);
        *last = text;
        text = NULL;
        return;
    }
    if (is_first) stk_buf_adds(&cli->out, "\033[2J");
    stk_watch_frame(&cli->out, text, is_last ? 0 : cli->term.height);
}

enum stk_rc stk_watch(struct stk_cli *cli, stk_watch_fn draw, void *context, struct stk_error *err)
{
    STK_CLEANUP(stk_freep) char *last = NULL;
    bool is_done = false;

    for (bool is_first = true; !is_done; is_first = false) {
        if (!is_first) stk_clock_pause(STK_SECOND);

        enum stk_rc rc = draw(cli, context, &is_done, err);
        bool pool_left = rc == STK_UNAVAILABLE || rc == STK_BUSY;
        if (rc != STK_OK && (is_first || !pool_left)) return rc;

        if (rc == STK_OK) place(cli, is_first, is_done, &last);
        rc = stk_cli_flush(cli, err);
        if (rc != STK_OK) return rc;
        stk_cli_let_go(cli);
    }
    return STK_OK;
}
