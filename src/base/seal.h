/* SPDX-License-Identifier: MIT
 *
 * seal - secrets at rest: XChaCha20-Poly1305 (libsodium) under a key file.
 *
 * The key file lies outside the database's folder by default and is made, with
 * mode 0600, the first time something is sealed. One key a line, newest first:
 * "ID HEX"; rotation puts a new line on top, and older keys still open. A sealed
 * text is: format byte, key id (8), nonce (24), box. `about` is bound to it
 * (associated data): a row copied over another does not open.
 *
 * Memory:  open makes, close wipes and frees.
 * Threads: read-only once open; rotate from one thread, before others use it.
 * Errors:  STK_BAD_CONFIG: the file is missing, open to others or broken; says
 *          which and what to do; or it lacks the key of a sealed text.
 *          STK_BAD_DATA: that was changed, or is none.
 */
#ifndef STK_BASE_SEAL_H
#define STK_BASE_SEAL_H

#include "base/secret.h"

struct stk_keys;

/* $CREDENTIALS_DIRECTORY/stoker.key if it is there, else $XDG_CONFIG_HOME/stoker/stoker.key,
 * else ~/.config/stoker/stoker.key (the home of the user's entry, so that it
 * works without $HOME). free() ends it. */
char *stk_keys_default_path(void);

/* make: create the file, and its folder, when it is missing. */
STK_MUST_USE enum stk_rc stk_keys_open(const char *path, bool make, struct stk_keys **ret,
                                       struct stk_error *err);
void stk_keys_close(struct stk_keys *keys);
/* Writes a new key in front (temporary file, fsync, rename), under a lock: keys
 * that another process has added meanwhile are kept, and known afterwards. */
STK_MUST_USE enum stk_rc stk_keys_rotate(struct stk_keys *keys, struct stk_error *err);
/* Whether `sealed` was sealed with the newest key. */
bool stk_keys_is_newest(const struct stk_keys *keys, const void *sealed, size_t len);

void stk_seal(const struct stk_keys *keys, const char *about, const struct stk_secret *plain,
              struct stk_buf *ret_sealed);
STK_MUST_USE enum stk_rc stk_unseal(const struct stk_keys *keys, const char *about,
                                    const void *sealed, size_t len, struct stk_secret **ret,
                                    struct stk_error *err);

#endif
