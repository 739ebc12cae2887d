/* SPDX-License-Identifier: MIT */
#include "store/chain.h"

#include <sodium.h>
#include <string.h>

static void hash_number(crypto_generichash_state *state, int64_t number)
{
    unsigned char bytes[8];
    uint64_t rest = (uint64_t)number;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char)(rest & 0xff);
        rest >>= 8;
    }
    (void)crypto_generichash_update(state, bytes, sizeof(bytes));
}

/* NULL has a length that no text has. */
static void hash_text(crypto_generichash_state *state, const char *text)
{
    size_t len = text != NULL ? strlen(text) : 0;
    hash_number(state, text != NULL ? (int64_t)len : -1);
    (void)crypto_generichash_update(state, (const unsigned char *)text, len);
}

void stk_chain_hash(const struct stk_chain_link *before, const struct stk_audit *audit,
                    unsigned char ret_hash[STK_CHAIN_BYTES])
{
    crypto_generichash_state state;
    (void)crypto_generichash_init(&state, NULL, 0, STK_CHAIN_BYTES);
    (void)crypto_generichash_update(&state, before->hash, STK_CHAIN_BYTES);
    hash_number(&state, audit->id);
    hash_number(&state, audit->at);
    hash_text(&state, audit->actor);
    hash_text(&state, audit->action);
    hash_text(&state, audit->subject);
    hash_text(&state, audit->reason);
    (void)crypto_generichash_final(&state, ret_hash, STK_CHAIN_BYTES);
}
