/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"

static void buf__that_is_empty_reads_as_an_empty_string(void **unused)
{
    (void)unused;
    struct stk_buf buf = STK_BUF_INIT;
    assert_string_equal(stk_buf_str(&buf), "");
    assert_null(buf.data);
    stk_buf_release(&buf);
    stk_buf_release(NULL);
}

static void buf__adds_bytes_strings_characters_and_formats(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_buf_release) struct stk_buf buf = STK_BUF_INIT;
    stk_buf_add(&buf, "abc", 2);
    stk_buf_adds(&buf, "cd");
    stk_buf_addc(&buf, '-');
    stk_buf_addf(&buf, "%d%s", 42, "!");
    assert_string_equal(buf.data, "abcd-42!");
    assert_int_equal(buf.len, 8);
}

static void buf__keeps_bytes_that_are_nul(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_buf_release) struct stk_buf buf = STK_BUF_INIT;
    stk_buf_add(&buf, "a\0b", 3);
    stk_buf_add(&buf, NULL, 0);
    assert_int_equal(buf.len, 3);
    assert_memory_equal(buf.data, "a\0b", 4);
}

static void buf__grows_past_any_first_guess(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_buf_release) struct stk_buf buf = STK_BUF_INIT;
    for (int i = 0; i < 10000; i++) {
        stk_buf_addf(&buf, "%d,", i % 10);
    }
    assert_int_equal(buf.len, 20000);
    assert_int_equal(strlen(buf.data), 20000);
    assert_memory_equal(buf.data + 19996, "8,9,", 5);
}

static void reserve__makes_room_for_the_bytes_and_the_nul(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_buf_release) struct stk_buf buf = STK_BUF_INIT;
    stk_buf_reserve(&buf, 64);
    const char *before = buf.data;
    for (int i = 0; i < 64; i++) {
        stk_buf_addc(&buf, 'x');
    }
    assert_ptr_equal(buf.data, before);
    assert_int_equal(strlen(buf.data), 64);
}

static void clear__empties_but_keeps_the_memory(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_buf_release) struct stk_buf buf = STK_BUF_INIT;
    stk_buf_clear(&buf);
    stk_buf_adds(&buf, "old");
    const char *before = buf.data;
    stk_buf_clear(&buf);
    assert_int_equal(buf.len, 0);
    assert_string_equal(stk_buf_str(&buf), "");
    stk_buf_adds(&buf, "new");
    assert_ptr_equal(buf.data, before);
}

static void drop_front__moves_the_rest_to_the_start(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_buf_release) struct stk_buf buf = STK_BUF_INIT;
    stk_buf_drop_front(&buf, 0);
    stk_buf_adds(&buf, "line 1\nline 2");
    stk_buf_drop_front(&buf, 7);
    assert_string_equal(buf.data, "line 2");
    assert_int_equal(buf.len, 6);
    stk_buf_drop_front(&buf, 6);
    assert_string_equal(buf.data, "");
}

static void take__hands_over_and_leaves_an_empty_buf(void **unused)
{
    (void)unused;
    struct stk_buf buf = STK_BUF_INIT;
    STK_CLEANUP(stk_freep) char *nothing = stk_buf_take(&buf);
    assert_string_equal(nothing, "");
    stk_buf_adds(&buf, "mine");
    STK_CLEANUP(stk_freep) char *text = stk_buf_take(&buf);
    assert_string_equal(text, "mine");
    assert_null(buf.data);
    assert_int_equal(buf.len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buf__that_is_empty_reads_as_an_empty_string),
        cmocka_unit_test(buf__adds_bytes_strings_characters_and_formats),
        cmocka_unit_test(buf__keeps_bytes_that_are_nul),
        cmocka_unit_test(buf__grows_past_any_first_guess),
        cmocka_unit_test(reserve__makes_room_for_the_bytes_and_the_nul),
        cmocka_unit_test(clear__empties_but_keeps_the_memory),
        cmocka_unit_test(drop_front__moves_the_rest_to_the_start),
        cmocka_unit_test(take__hands_over_and_leaves_an_empty_buf),
    };
    return cmocka_run_group_tests_name("base/buf", tests, NULL, NULL);
}
