/* SPDX-License-Identifier: MIT
 *
 * The table is the process's: each case uses values of its own.
 */
#include "support/test.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/redact.h"

static void assert_becomes(const char *text, const char *wanted)
{
    char room[512];
    size_t len = strlen(text);
    assert_true(len < sizeof room);
    memcpy(room, text, len + 1);
    assert_int_equal(stk_redact(room, len), strcmp(text, wanted) != 0);
    assert_string_equal(room, wanted);
}

static void redact__without_a_secret_changes_nothing(void **unused)
{
    (void)unused;
    assert_becomes("swordfish", "swordfish");
    assert_false(stk_redact(NULL, 0));
}

static void redact__hides_each_occurrence_and_keeps_the_length(void **unused)
{
    (void)unused;
    stk_redact_add("swordfish", 9);
    assert_becomes("swordfish", "*********");
    assert_becomes("a swordfish, and swordfish!", "a *********, and *********!");
    assert_becomes("swordfis swordfisch", "swordfis swordfisch");
    assert_becomes("", "");
    assert_becomes("swo", "swo");
}

static void redact__does_not_look_for_short_values(void **unused)
{
    (void)unused;
    stk_redact_add("short", 5);
    stk_redact_add("", 0);
    assert_becomes("short", "short");
}

static void redact__takes_secrets_too(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_secret_freep) struct stk_secret *secret = stk_secret_new("of a kind", 9);
    stk_redact_add_secret(secret);
    assert_becomes("three of a kind", "three *********");
}

static void redact__finds_the_percent_encoded_form(void **unused)
{
    (void)unused;
    stk_redact_add("pa/ss+w%", 8);
    assert_becomes("q=pa%2Fss%2Bw%25&x", "q=**************&x");
    assert_becomes("q=pa%2fss%2bw%25&x", "q=**************&x");
    assert_becomes("pa/ss+w%", "********");
}

/* Wherever the value stands in what was encoded, none of the characters that it
 * decides alone is left. */
static void redact__finds_the_base64_form_at_each_place(void **unused)
{
    (void)unused;
    static const int variants[] = { sodium_base64_VARIANT_ORIGINAL, sodium_base64_VARIANT_URLSAFE };
    static const char value[] = "\xFB\xEF\xBE-correct horse";
    stk_redact_add(value, sizeof value - 1);
    for (size_t v = 0; v < STK_ARRAY_LEN(variants); v++) {
        for (size_t before = 0; before < 6; before++) {
            for (size_t after = 0; after < 3; after++) {
                char plain[64], text[128];
                int len = snprintf(plain, sizeof plain, "%.*s%s%.*s", (int)before, "users:", value,
                                   (int)after, "!!");
                (void)sodium_bin2base64(text, sizeof text, (const unsigned char *)plain,
                                        (size_t)len, variants[v]);
                assert_true(stk_redact(text, strlen(text)));
                size_t shown = 0;
                for (size_t i = 0; text[i] != '\0'; i++) {
                    shown += text[i] != '*' && text[i] != '=';
                }
                assert_true(shown <= (before + after) * 8 / 6 + 2);
            }
        }
    }
}

static void redact__hides_values_that_overlap(void **unused)
{
    (void)unused;
    stk_redact_add("abcdefgh", 8);
    stk_redact_add("efghijkl", 8);
    stk_redact_add("bcdefg", 6);
    assert_becomes("-abcdefghijkl-", "-************-");
    assert_becomes("-bcdefgxabcdefgh", "-******x********");
}

static void redact__finds_values_with_nul_bytes(void **unused)
{
    (void)unused;
    char text[] = "<\0k\0e\0y\0>";
    stk_redact_add("\0k\0e\0y\0", 7);
    assert_true(stk_redact(text, sizeof text - 1));
    assert_memory_equal(text, "<*******>", sizeof text);
}

static void add__drops_the_value_that_is_known_longest(void **unused)
{
    (void)unused;
    char value[32];
    for (int i = 0; i < STK_REDACT_VALUES_MAX; i++) {
        (void)snprintf(value, sizeof value, "value-%04d", i);
        stk_redact_add(value, 10);
    }
    assert_becomes("value-0000", "**********");
    stk_redact_add("value-0000", 10); /* again: now it is the newest */
    stk_redact_add("one more", 8);
    assert_becomes("value-0000", "**********");
    assert_becomes("value-0001", "value-0001");
    assert_becomes("value-0002", "**********");
    assert_becomes("one more", "********");
    assert_becomes("swordfish", "swordfish");
}

static void *add_many(void *unused)
{
    char value[32];
    for (int i = 0; i < 300; i++) {
        (void)snprintf(value, sizeof value, "thread-%04d", i % 100);
        stk_redact_add(value, 11);
    }
    return unused;
}

static void redact__works_while_others_add(void **unused)
{
    (void)unused;
    pthread_t thread;
    stk_redact_add("evergreen", 9);
    assert_int_equal(pthread_create(&thread, NULL, add_many, NULL), 0);
    for (int i = 0; i < 1000; i++) {
        assert_becomes("an evergreen tree", "an ********* tree");
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(redact__without_a_secret_changes_nothing),
        cmocka_unit_test(redact__hides_each_occurrence_and_keeps_the_length),
        cmocka_unit_test(redact__does_not_look_for_short_values),
        cmocka_unit_test(redact__takes_secrets_too),
        cmocka_unit_test(redact__finds_the_percent_encoded_form),
        cmocka_unit_test(redact__finds_the_base64_form_at_each_place),
        cmocka_unit_test(redact__hides_values_that_overlap),
        cmocka_unit_test(redact__finds_values_with_nul_bytes),
        cmocka_unit_test(add__drops_the_value_that_is_known_longest),
        cmocka_unit_test(redact__works_while_others_add),
    };
    return cmocka_run_group_tests_name("base/redact", tests, NULL, NULL);
}
