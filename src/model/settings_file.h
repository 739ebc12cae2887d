/* SPDX-License-Identifier: MIT
 *
 * settings_file - where stoker.yaml lies: in the order of model/settings.h.
 *
 * Memory, Errors: as of model/settings.h. Threads: reads the environment.
 */
#ifndef STK_MODEL_SETTINGS_FILE_H
#define STK_MODEL_SETTINGS_FILE_H

#include "base/err.h"

#define STK_SETTINGS_FILE "stoker.yaml"

/* A file that somebody named must be there; one in a usual place may be. NULL
 * in *ret: none was named and none was found. */
STK_MUST_USE enum stk_rc stk_settings_file_find(const char *path, const char **ret,
                                                struct stk_error *err);
/* The folder of path, absolute; free() ends it. A link to the file itself is
 * not followed: what stands beside the link is meant. */
STK_MUST_USE enum stk_rc stk_settings_file_folder(const char *path, char **ret,
                                                  struct stk_error *err);

#endif
