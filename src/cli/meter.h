/* SPDX-License-Identifier: MIT
 *
 * meter - a progress bar on stderr while this command works; only on a terminal.
 *
 * Threads: one.
 * Errors:  none; a meter that cannot be drawn is not drawn.
 */
#ifndef STK_CLI_METER_H
#define STK_CLI_METER_H

#include "cli/term.h"

struct stk_meter {
    bool is_shown; /* stderr is a terminal */
    bool is_drawn_;
    bool unicode;
    stk_time_ns last_;
};

void stk_meter_init(struct stk_meter *meter, const struct stk_term *term);
/* At most ten times a second. what: "jobs submitted". */
void stk_meter_draw(struct stk_meter *meter, int64_t done, int64_t total, const char *what);
void stk_meter_erase(struct stk_meter *meter);

#endif
