/* SPDX-License-Identifier: MIT */
#include "store/pg/pg.h"

void stk_listener_tell(struct stk_listener *listener, unsigned hints)
{
    (void)listener, (void)hints;
}

bool stk_listener_hears(struct stk_listener *listener)
{
    return listener != NULL;
}

void stk_listener_close(struct stk_listener *listener)
{
    (void)listener;
}
