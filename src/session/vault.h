/* SPDX-License-Identifier: MIT
 *
 * vault - the sessions' credentials, opened once a generation, for all workers.
 *
 * The store has them sealed (base/seal). The first worker that needs one of a
 * new generation unseals it; the others get the same locked memory. Whatever
 * was opened here is made known to base/redact.
 *
 * Memory:  open makes, close ends. A pass holds references of its own.
 * Threads: any.
 * Errors:  STK_BAD_CONFIG: the key file, also when it lacks the key that was
 *          sealed with. STK_BAD_DATA: a credential that does not open: the
 *          session is as good as lost, and the text says so.
 */
#ifndef STK_SESSION_VAULT_H
#define STK_SESSION_VAULT_H

#include "base/seal.h"
#include "model/settings.h"
#include "store/access.h"

struct stk_vault;

/* `access` is copied. The key file is opened, or made, when first needed. */
struct stk_vault *stk_vault_open(const struct stk_settings *settings,
                                 const struct stk_access *access);
void stk_vault_close(struct stk_vault *vault);

/* For those who seal. The keys are the vault's. */
STK_MUST_USE enum stk_rc stk_vault_keys(struct stk_vault *vault, const struct stk_keys **ret,
                                        struct stk_error *err);

/* A new key, in front of the others in the file; *ret knows it and all before it.
 * Who has asked for the keys before goes on with those, which still open. */
STK_MUST_USE enum stk_rc stk_vault_rotate(struct stk_vault *vault, const struct stk_keys **ret,
                                          struct stk_error *err);

/* What a job shows to the authority. */
struct stk_pass {
    int64_t generation;
    struct stk_secret *credential; /* NULL: the session has none (operator) */
    struct stk_secret *headers;    /* "Name: value\n" lines; NULL with no credential,
                                    * or one that no request can show */
};
/* The newest there is; `generation` is the least that will do (from the claim),
 * so that the store is asked only once for each. */
STK_MUST_USE enum stk_rc stk_vault_pass(struct stk_vault *vault,
                                        const struct stk_session_spec *spec, int64_t generation,
                                        struct stk_pass *ret, struct stk_error *err);
void stk_pass_release(struct stk_pass *pass);

/* One secret as it stands in the store now, with the session's generation. NULL:
 * there is none. A new reference. */
STK_MUST_USE enum stk_rc stk_vault_secret(struct stk_vault *vault, const char *session,
                                          enum stk_session_secret which, struct stk_secret **ret,
                                          int64_t *ret_generation, struct stk_error *err);

/* Whether what the store has now of the session can be opened here. */
STK_MUST_USE enum stk_rc stk_vault_check(struct stk_vault *vault,
                                         const struct stk_session_spec *spec,
                                         struct stk_error *err);
/* The key file lacked the key when a secret of the session was opened last. On a
 * shared store another process may have it. Takes no lock. */
bool stk_vault_lacks_key(struct stk_vault *vault, const struct stk_session_spec *spec);

/* What is bound to a sealed secret: a row copied over another does not open. */
char *stk_vault_about(const char *session, enum stk_session_secret which, int64_t generation);

#endif
