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

bool stk_chain_set(struct stk_chain_link *ret, int64_t id, const void *hash, size_t len)
{
    ret->id = id;
    if (hash == NULL || len != STK_CHAIN_BYTES) return false;
    memcpy(ret->hash, hash, STK_CHAIN_BYTES);
    return true;
}

struct stk_chain_link stk_chain_follow(const struct stk_chain_link *before, struct stk_audit *audit)
{
    struct stk_chain_link link = { .id = before->id + 1 };
    audit->id = link.id;
    stk_chain_hash(before, audit, link.hash);
    return link;
}

/* NULL, or what is wrong with the row that follows. */
static const char *wrong_with(const struct stk_chain_link *link, const struct stk_chain_row *row,
                              struct stk_chain_link *ret_next)
{
    struct stk_chain_link prev = { 0 };
    struct stk_chain_link stored = { 0 };
    struct stk_audit audit = row->audit;
    bool has_hashes = stk_chain_set(&prev, link->id, row->prev, row->prev_len) &&
                      stk_chain_set(&stored, audit.id, row->hash, row->hash_len);

    if (audit.id != link->id + 1) return "rows before it are missing";
    if (!has_hashes || memcmp(prev.hash, link->hash, STK_CHAIN_BYTES) != 0) {
        return "it does not follow the row before it";
    }
    *ret_next = stk_chain_follow(link, &audit);
    return memcmp(stored.hash, ret_next->hash, STK_CHAIN_BYTES) != 0 ? "it was changed" : NULL;
}

enum stk_rc stk_chain_check(struct stk_chain_link *link, const struct stk_chain_row *row,
                            struct stk_error *err)
{
    struct stk_chain_link next = { 0 };
    const char *wrong = wrong_with(link, row, &next);
    if (wrong != NULL) {
        return stk_fail(err, STK_BAD_DATA, "the audit log does not hold at row %lld: %s",
                        (long long)row->audit.id, wrong);
    }
    *link = next;
    return STK_OK;
}
