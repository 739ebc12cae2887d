/* SPDX-License-Identifier: MIT */
#include "cli/meter.h"

#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/sweep_line.h"

enum { METER_CELLS = 30 };

void stk_meter_init(struct stk_meter *meter, const struct stk_term *term)
{
    *meter = (struct stk_meter){ .is_shown = isatty(STDERR_FILENO) == 1, .unicode = term->unicode };
}

void stk_meter_draw(struct stk_meter *meter, int64_t done, int64_t total, const char *what)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf line = STK_BUF_INIT;
    const struct stk_term plain = { .unicode = meter->unicode };
    stk_time_ns now = stk_clock_mono();
    if (!meter->is_shown || now - meter->last_ < 100 * STK_MS) return;

    stk_buf_adds(&line, "\r\033[K");
    stk_bar_add(&plain, total > 0 ? (double)done / (double)total : 0, METER_CELLS, &line);
    stk_buf_addc(&line, ' ');
    stk_number_add(&line, done);
    stk_buf_adds(&line, " of ");
    stk_number_add(&line, total);
    stk_buf_addf(&line, " %s", what);
    (void)fputs(stk_buf_str(&line), stderr); /* decoration */
    meter->last_ = now;
    meter->is_drawn_ = true;
}

void stk_meter_erase(struct stk_meter *meter)
{
    if (meter->is_drawn_) (void)fputs("\r\033[K", stderr);
    meter->is_drawn_ = false;
}
