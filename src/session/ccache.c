/* SPDX-License-Identifier: MIT
 *
 *   file       0x0504, u16 header bytes, header, principal, entries to the end
 *   principal  u32 type, u32 count, realm, count components; each u32 bytes, bytes
 *   entry      client, server, key, times, flags, addresses, data, two tickets
 *
 * All numbers are big-endian.
 */
#include "session/ccache.h"

#include <string.h>

#include "base/text.h"
#include "model/lifecycle.h"

enum { VERSION_4 = 0x0504, COMPONENTS_MAX = 64, LIST_MAX = 1024 };
#define FLAG_RENEWABLE UINT32_C(0x00800000)

/* Once it is short it stays so, and gives zeros. */
struct reader {
    const unsigned char *at, *end;
    bool is_short, is_broken;
};

struct piece {
    const char *bytes;
    size_t len;
};

struct principal {
    struct piece realm, first, second; /* the first two components */
    uint32_t count;
    struct piece all; /* as it stands in the file, behind its type, which not all write alike */
};

struct ticket {
    struct principal client, server;
    uint32_t ends, renew_until, flags;
};

/* --- parts ------------------------------------------------------------------ */

static bool is_at_end(const struct reader *reader)
{
    return reader->is_short || reader->is_broken || reader->at == reader->end;
}

static const unsigned char *take(struct reader *reader, size_t len)
{
    if (reader->is_broken || len > (size_t)(reader->end - reader->at)) {
        reader->is_short = true;
        reader->at = reader->end;
        return NULL;
    }
    const unsigned char *from = reader->at;
    reader->at += len;
    return from;
}

static uint32_t take_number(struct reader *reader, size_t bytes)
{
    const unsigned char *from = take(reader, bytes);
    uint32_t number = 0;
    for (size_t i = 0; from != NULL && i < bytes; i++) {
        number = number << 8 | from[i];
    }
    return number;
}

static struct piece take_piece(struct reader *reader)
{
    uint32_t len = take_number(reader, 4);
    const unsigned char *from = take(reader, len);
    return from != NULL ? (struct piece){ (const char *)from, len } : (struct piece){ "", 0 };
}

/* A count that no cache has means that this is none, or that we lost our way. */
static uint32_t take_count(struct reader *reader, uint32_t max)
{
    uint32_t count = take_number(reader, 4);
    if (count <= max) return count;
    reader->is_broken = true;
    return 0;
}

static struct principal take_principal(struct reader *reader)
{
    struct principal principal = { 0 };
    (void)take_number(reader, 4); /* type */
    const unsigned char *from = reader->at;
    principal.count = take_count(reader, COMPONENTS_MAX);
    principal.realm = take_piece(reader);
    for (uint32_t i = 0; i < principal.count; i++) {
        struct piece component = take_piece(reader);
        if (i == 0) principal.first = component;
        if (i == 1) principal.second = component;
    }
    principal.all = (struct piece){ (const char *)from, (size_t)(reader->at - from) };
    return principal;
}

/* Addresses, and authorisation data. */
static void skip_list(struct reader *reader)
{
    uint32_t count = take_count(reader, LIST_MAX);
    for (uint32_t i = 0; i < count; i++) {
        (void)take_number(reader, 2);
        (void)take_piece(reader);
    }
}

static struct ticket take_ticket(struct reader *reader)
{
    struct ticket ticket = { 0 };
    ticket.client = take_principal(reader);
    ticket.server = take_principal(reader);
    (void)take_number(reader, 2); /* the key's type */
    (void)take_piece(reader);     /* the key */
    (void)take_number(reader, 4); /* authenticated at */
    (void)take_number(reader, 4); /* begins */
    ticket.ends = take_number(reader, 4);
    ticket.renew_until = take_number(reader, 4);
    (void)take_number(reader, 1);
    ticket.flags = take_number(reader, 4);
    skip_list(reader);
    skip_list(reader);
    (void)take_piece(reader);
    (void)take_piece(reader);
    return ticket;
}

/* --- the whole -------------------------------------------------------------- */

static bool same(struct piece a, struct piece b)
{
    return a.len == b.len && a.len > 0 && memcmp(a.bytes, b.bytes, a.len) == 0;
}

/* krbtgt/REALM@REALM: the one with which all others are got. */
static bool is_granting(const struct ticket *ticket, const struct principal *owner)
{
    static const struct piece name = { "krbtgt", 6 };
    const struct principal *server = &ticket->server;
    return same(ticket->client.all, owner->all) && server->count == 2 &&
           same(server->first, name) && same(server->second, owner->realm) &&
           same(server->realm, owner->realm);
}

static void note(const struct ticket *ticket, struct stk_ccache *ret)
{
    stk_time_ns ends = (stk_time_ns)ticket->ends * STK_SECOND;
    bool can_renew = (ticket->flags & FLAG_RENEWABLE) != 0 && ticket->renew_until != 0;
    if (ends <= ret->ends_at) return;
    ret->ends_at = ends;
    ret->renew_until = can_renew ? (stk_time_ns)ticket->renew_until * STK_SECOND : STK_NEVER;
}

static void name_owner(const struct principal *owner, struct stk_ccache *ret)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf name = STK_BUF_INIT;
    stk_text_add_escaped(&name, owner->first.bytes, owner->first.len);
    if (owner->count > 1) {
        stk_buf_addc(&name, '/');
        stk_text_add_escaped(&name, owner->second.bytes, owner->second.len);
    }
    stk_buf_addc(&name, '@');
    stk_text_add_escaped(&name, owner->realm.bytes, owner->realm.len);
    size_t len = stk_utf8_cut(
        name.data, name.len < sizeof(ret->principal) ? name.len : sizeof(ret->principal) - 1);
    memcpy(ret->principal, name.data, len);
    ret->principal[len] = '\0';
}

static enum stk_rc judge(const struct reader *reader, const struct stk_ccache *found,
                         struct stk_error *err)
{
    if (reader->is_broken) {
        return stk_fail(err, STK_BAD_DATA,
                        "is no Kerberos credential cache: a count in it is over "
                        "what one can have");
    }
    if (reader->is_short) return stk_fail(err, STK_BUSY, "ends in the middle of a ticket");
    if (found->ends_at != 0) return STK_OK;
    return stk_fail(err, STK_BUSY, "has no ticket-granting ticket of %s: kinit gets one",
                    found->principal);
}

enum stk_rc stk_ccache_read(const char *bytes, size_t len, struct stk_ccache *ret,
                            struct stk_error *err)
{
    const unsigned char *from = (const unsigned char *)bytes;
    struct reader reader = { .at = from, .end = from + len };
    struct stk_ccache found = { .ends_at = 0 };
    uint32_t version = take_number(&reader, 2);
    if (!reader.is_short && version != VERSION_4) {
        return stk_fail(err, STK_BAD_DATA,
                        "is no Kerberos credential cache of version 4 (FILE: in krb5.conf)");
    }

    (void)take(&reader, take_number(&reader, 2));
    struct principal owner = take_principal(&reader);
    name_owner(&owner, &found);
    while (!is_at_end(&reader)) {
        struct ticket ticket = take_ticket(&reader);
        bool is_whole = !reader.is_short && !reader.is_broken;
        if (is_whole && is_granting(&ticket, &owner)) note(&ticket, &found);
    }
    enum stk_rc rc = judge(&reader, &found, err);
    if (rc == STK_OK) *ret = found;
    return rc;
}
