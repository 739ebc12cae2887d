/* SPDX-License-Identifier: MIT
 *
 * settings_environment - what the environment says, which goes before the file:
 * STOKER_STORE, STOKER_WORKERS, STOKER_LISTEN.
 *
 * Memory: as of model/settings.h. Threads: reads the environment.
 */
#ifndef STK_MODEL_SETTINGS_ENVIRONMENT_H
#define STK_MODEL_SETTINGS_ENVIRONMENT_H

#include "model/settings.h"

/* An empty variable is as good as none, as in most programs. STK_BAD_CONFIG: a
 * value that is none, naming its variable. */
STK_MUST_USE enum stk_rc stk_settings_environment(struct stk_settings *settings,
                                                  struct stk_error *err);

#endif
