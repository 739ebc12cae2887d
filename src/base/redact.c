/* SPDX-License-Identifier: MIT
 *
 * One pass over the text whatever the number of secrets: all forms of all
 * values stand in a hash table by their first four bytes.
 */
#include "base/redact.h"

#include <assert.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <string.h>

#include "base/http.h"

enum { FORMS_MAX = 9, HEAD_BYTES = 4, BUCKETS = 4096 };
_Static_assert((int)HEAD_BYTES <= (int)STK_REDACT_BYTES_MIN, "every form has a head");

struct form {
    const char *bytes;
    size_t len;
    struct form *next; /* in its bucket */
};

struct value {
    struct stk_secret *forms_bytes; /* all forms, one behind the other; NULL: not used */
    uint64_t added;
    size_t count;
    struct form forms[FORMS_MAX]; /* the first is the value itself */
};

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static atomic_bool some_known; /* once true it stays */
static uint64_t additions;
static struct value values[STK_REDACT_VALUES_MAX];
static struct form *buckets[BUCKETS];

/* --- the forms of a value ------------------------------------------------ */

struct forms {
    struct stk_buf bytes;
    size_t ends[FORMS_MAX];
    size_t count;
};

static size_t start_of(const struct forms *forms, size_t i)
{
    return i == 0 ? 0 : forms->ends[i - 1];
}

/* What has been added behind the last form is one more, unless there is the same. */
static void end_form(struct forms *forms)
{
    size_t start = start_of(forms, forms->count);
    size_t len = forms->bytes.len - start;
    for (size_t i = 0; i < forms->count; i++) {
        if (forms->ends[i] - start_of(forms, i) != len) continue;
        if (memcmp(forms->bytes.data + start_of(forms, i), forms->bytes.data + start, len) != 0) {
            continue;
        }
        forms->bytes.len = start;
        return;
    }
    assert(forms->count < FORMS_MAX);
    forms->ends[forms->count++] = forms->bytes.len;
}

static void add_plain(struct forms *forms, const char *bytes, size_t len)
{
    stk_buf_add(&forms->bytes, bytes, len);
    end_form(forms);
}

/* Both "%2F" and "%2f" are written. */
static void add_percent(struct forms *forms, const char *bytes, size_t len)
{
    stk_url_add_escaped(&forms->bytes, bytes, len);
    end_form(forms);

    size_t start = forms->bytes.len;
    stk_url_add_escaped(&forms->bytes, bytes, len);
    for (size_t i = start; i < forms->bytes.len; i++) {
        char *c = &forms->bytes.data[i];
        if (*c != '%') continue;
        for (size_t digit = 1; digit <= 2; digit++) {
            if (c[digit] >= 'A' && c[digit] <= 'F') c[digit] = (char)(c[digit] - 'A' + 'a');
        }
        i += 2;
    }
    end_form(forms);
}

/* Base64 of a text that holds the value looks different at each of the three
 * places where it can begin in a group ("user:value" of basic authentication).
 * The characters that only the value decides are looked for. */
static void add_base64(struct forms *forms, const char *bytes, size_t len, size_t before,
                       int variant)
{
    STK_CLEANUP(stk_buf_wipep) struct stk_buf group = STK_BUF_INIT;
    stk_buf_reserve(&group, before + len);
    stk_buf_add(&group, "\0\0", before);
    stk_buf_add(&group, bytes, len);

    size_t size = sodium_base64_encoded_len(group.len, variant);
    size_t skipped = (before * 8 + 5) / 6;
    size_t decided = group.len * 8 / 6;
    struct stk_buf *out = &forms->bytes;
    stk_buf_reserve(out, size);
    (void)sodium_bin2base64(out->data + out->len, size, (const unsigned char *)group.data,
                            group.len, variant);
    memmove(out->data + out->len, out->data + out->len + skipped, decided - skipped);
    out->len += decided - skipped;
    end_form(forms);
}

static void add_forms(struct forms *forms, const char *bytes, size_t len)
{
    static const int variants[] = { sodium_base64_VARIANT_ORIGINAL_NO_PADDING,
                                    sodium_base64_VARIANT_URLSAFE_NO_PADDING };
    /* Room for all at once: a buffer that grows leaves copies behind. */
    stk_buf_reserve(&forms->bytes, len + 2 * 3 * len + 6 * 2 * (len + 8));

    add_plain(forms, bytes, len);
    add_percent(forms, bytes, len);
    for (size_t v = 0; v < STK_ARRAY_LEN(variants); v++) {
        for (size_t before = 0; before < 3; before++) {
            add_base64(forms, bytes, len, before, variants[v]);
        }
    }
}

/* --- the table ----------------------------------------------------------- */

static struct form **bucket_of(const char *head)
{
    uint32_t word = 0;
    memcpy(&word, head, HEAD_BYTES);
    return &buckets[(word * UINT32_C(2654435761)) >> 20];
}
_Static_assert(BUCKETS == 1 << 12, "the upper 12 bits of the product choose one");

static void fill_buckets(void)
{
    memset(buckets, 0, sizeof buckets);
    for (size_t v = 0; v < STK_REDACT_VALUES_MAX; v++) {
        for (size_t f = 0; f < values[v].count; f++) {
            struct form *form = &values[v].forms[f];
            struct form **bucket = bucket_of(form->bytes);
            form->next = *bucket;
            *bucket = form;
        }
    }
}

static struct value *find_value(const char *bytes, size_t len)
{
    for (size_t v = 0; v < STK_REDACT_VALUES_MAX; v++) {
        const struct form *form = &values[v].forms[0];
        if (values[v].count == 0 || form->len != len) continue;
        if (memcmp(form->bytes, bytes, len) == 0) return &values[v];
    }
    return NULL;
}

static struct value *find_oldest(void)
{
    struct value *oldest = &values[0];
    for (size_t v = 1; v < STK_REDACT_VALUES_MAX; v++) {
        if (values[v].added < oldest->added) oldest = &values[v];
    }
    return oldest;
}

static void set_value(struct value *value, struct forms *forms)
{
    stk_secret_free(value->forms_bytes);
    value->forms_bytes = stk_secret_take(&forms->bytes);
    value->count = forms->count;
    const char *bytes = stk_secret_bytes(value->forms_bytes);
    for (size_t f = 0; f < forms->count; f++) {
        size_t start = start_of(forms, f);
        value->forms[f] = (struct form){ .bytes = bytes + start, .len = forms->ends[f] - start };
    }
}

void stk_redact_add(const char *bytes, size_t len)
{
    if (len < STK_REDACT_BYTES_MIN) return;

    (void)pthread_rwlock_wrlock(&lock);
    struct value *value = find_value(bytes, len);
    if (value == NULL) {
        struct forms forms = { .bytes = STK_BUF_INIT };
        add_forms(&forms, bytes, len);
        value = find_oldest();
        set_value(value, &forms);
        fill_buckets();
    }
    value->added = ++additions;
    atomic_store(&some_known, true);
    (void)pthread_rwlock_unlock(&lock);
}

void stk_redact_add_secret(const struct stk_secret *secret)
{
    stk_redact_add(stk_secret_bytes(secret), stk_secret_len(secret));
}

/* --- looking ------------------------------------------------------------- */

/* The length of the longest form that stands here; 0: none. */
static size_t match_at(const char *text, size_t len)
{
    size_t longest = 0;
    for (const struct form *form = *bucket_of(text); form != NULL; form = form->next) {
        if (form->len <= longest || form->len > len) continue;
        if (memcmp(form->bytes, text, form->len) == 0) longest = form->len;
    }
    return longest;
}

/* Byte by byte, so that a secret that begins inside another one is found too:
 * what lies behind i is still as it was. */
bool stk_redact(char *text, size_t len)
{
    if (!atomic_load(&some_known)) return false;

    size_t hidden_to = 0;
    (void)pthread_rwlock_rdlock(&lock);
    for (size_t i = 0; i < len; i++) {
        size_t found = len - i >= HEAD_BYTES ? match_at(text + i, len - i) : 0;
        if (found > 0 && i + found > hidden_to) hidden_to = i + found;
        if (i < hidden_to) text[i] = '*';
    }
    (void)pthread_rwlock_unlock(&lock);
    return hidden_to > 0;
}
