/* SPDX-License-Identifier: MIT
 *
 * store_url - where the store is, as text: "sqlite:PATH" or "postgresql://...".
 *
 * Memory:  make_ gives what free() ends.
 * Threads: pure.
 * Errors:  STK_BAD_CONFIG; a sentence never quotes what may hold a password.
 */
#ifndef STK_MODEL_STORE_URL_H
#define STK_MODEL_STORE_URL_H

#include "base/err.h"

/* It has the form of a store and holds no secret. */
STK_MUST_USE enum stk_rc stk_store_url_check(const char *url, struct stk_error *err);
/* No password stands in it, where argv, files and lists would show it. */
STK_MUST_USE enum stk_rc stk_store_url_check_secret(const char *url, struct stk_error *err);

/* A relative path of an SQLite file starts from `base`; others stay as they are. */
char *stk_store_url_make(const char *base, const char *url);
/* Where consoles are written when `logs` does not say it: beside the file; for a
 * store on a server, in `dir`. */
char *stk_store_url_make_logs(const char *url, const char *dir);

#endif
