/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <string.h>

#include "base/alloc.h"
#include "base/http.h"

static void assert_resolves(const char *base, const char *ref, const char *wanted)
{
    STK_CLEANUP(stk_freep) char *got = NULL;
    struct stk_error err = { .rc = STK_OK };
    if (stk_url_resolve(base, ref, &got, &err) != STK_OK) fail_msg("%s: %s", ref, err.text);
    assert_string_equal(got, wanted);
}

static void assert_refuses(const char *ref, const char *sentence)
{
    char *got = NULL;
    struct stk_error err = { .rc = STK_OK };
    assert_int_equal(stk_url_resolve("http://host/dir/", ref, &got, &err), STK_INVALID);
    assert_string_equal(err.text, sentence);
    assert_null(got);
}

/* Sections 5.4.1 and 5.4.2; a fragment is left off. "g:h" is not http and is
 * refused; so is "http:g", which names no host. */
static void resolve__is_that_of_rfc_3986(void **unused)
{
    (void)unused;
    static const struct {
        const char *ref, *wanted;
    } rows[] = {
        { "g", "http://a/b/c/g" },
        { "./g", "http://a/b/c/g" },
        { "g/", "http://a/b/c/g/" },
        { "/g", "http://a/g" },
        { "//g", "http://g/" },
        { "?y", "http://a/b/c/d;p?y" },
        { "g?y", "http://a/b/c/g?y" },
        { "#s", "http://a/b/c/d;p?q" },
        { "g#s", "http://a/b/c/g" },
        { "g?y#s", "http://a/b/c/g?y" },
        { ";x", "http://a/b/c/;x" },
        { "g;x", "http://a/b/c/g;x" },
        { "g;x?y#s", "http://a/b/c/g;x?y" },
        { "", "http://a/b/c/d;p?q" },
        { ".", "http://a/b/c/" },
        { "./", "http://a/b/c/" },
        { "..", "http://a/b/" },
        { "../", "http://a/b/" },
        { "../g", "http://a/b/g" },
        { "../..", "http://a/" },
        { "../../", "http://a/" },
        { "../../g", "http://a/g" },
        { "../../../g", "http://a/g" },
        { "../../../../g", "http://a/g" },
        { "/./g", "http://a/g" },
        { "/../g", "http://a/g" },
        { "g.", "http://a/b/c/g." },
        { ".g", "http://a/b/c/.g" },
        { "g..", "http://a/b/c/g.." },
        { "..g", "http://a/b/c/..g" },
        { "./../g", "http://a/b/g" },
        { "./g/.", "http://a/b/c/g/" },
        { "g/./h", "http://a/b/c/g/h" },
        { "g/../h", "http://a/b/c/h" },
        { "g;x=1/./y", "http://a/b/c/g;x=1/y" },
        { "g;x=1/../y", "http://a/b/c/y" },
        { "g?y/./x", "http://a/b/c/g?y/./x" },
        { "g?y/../x", "http://a/b/c/g?y/../x" },
        { "g#s/../x", "http://a/b/c/g" },
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(rows); i++) {
        assert_resolves("http://a/b/c/d;p?q", rows[i].ref, rows[i].wanted);
    }
}

static void resolve__makes_one_form_of_an_address(void **unused)
{
    (void)unused;
    assert_resolves("http://x/", "HTTPS://Example.ORG:8443", "https://example.org:8443/");
    assert_resolves("http://x/", "http://[2001:DB8::1]:80/A", "http://[2001:db8::1]:80/A");
    assert_resolves("http://x", "y?", "http://x/y?");
    assert_resolves("http://x?a", "?b", "http://x/?b");
    assert_resolves("http://x//a//b", "c", "http://x//a//c");
    assert_resolves("http://x/", "//y_z.b-c/", "http://y_z.b-c/");
    assert_resolves("http://x/", "//y?a#b/c?d", "http://y/?a");
}

static void resolve__encodes_what_may_not_stand_there(void **unused)
{
    (void)unused;
    assert_resolves("http://x/", "/a b\"<>\\^`{|}\xC3\xA9",
                    "http://x/a%20b%22%3C%3E%5C%5E%60%7B%7C"
                    "%7D%C3%A9");
    assert_resolves("http://x/", "/%41%zz?a b=%2F", "http://x/%41%zz?a%20b=%2F");
}

static void resolve__refuses_other_schemes(void **unused)
{
    (void)unused;
    static const char *const refs[] = {
        "ftp://h/",   "file:///etc/passwd", "javascript:alert(1)", "data:,x",   "g:h",
        "httpx://h/", "gopher://h/",        "ldap://h/",           "mailto:a@b"
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(refs); i++) {
        assert_refuses(refs[i], "the address does not begin with http:// or https://");
    }
}

static void resolve__refuses_hosts_that_could_be_read_in_two_ways(void **unused)
{
    (void)unused;
    static const char *const refs[] = {
        "http://a b/",   "http://a\\@b/",   "http://a%2fb/", "http://h\xC3\xA9/", "http://h:/",
        "http://h:0/",   "http://h:65536/", "http://h:8x/",  "http://[::1/",      "http://[]/",
        "http://[::1]x", "http://:80/",     "http://h:1:2/", "//h:-1/",
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(refs); i++) {
        struct stk_error err = { .rc = STK_OK };
        char *got = NULL;
        if (stk_url_resolve("http://host/", refs[i], &got, &err) != STK_INVALID)
            fail_msg("%s", got);
    }
    assert_refuses("http:g", "the address names no host");
    assert_refuses("http:///g", "the address names no host");
    assert_refuses("http://user@h/", "the address holds a user name: give it apart");
    assert_refuses("http://user:pass@h/", "the address holds a user name: give it apart");
    assert_refuses("/a\nb", "the address holds a control character");
    assert_refuses("/a\tb", "the address holds a control character");
}

static void resolve__has_a_limit(void **unused)
{
    (void)unused;
    char ref[20 * 1024];
    memset(ref, 'a', sizeof ref - 1);
    ref[sizeof ref - 1] = '\0';
    assert_refuses(ref, "the address is over 16 KiB");
}

static void add_escaped__leaves_unreserved_characters_only(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_buf_release) struct stk_buf buf = STK_BUF_INIT;
    stk_url_add_escaped(&buf, "aZ09-._~ /?&=+%\xFF\0!", 18);
    assert_string_equal(stk_buf_str(&buf), "aZ09-._~%20%2F%3F%26%3D%2B%25%FF%00%21");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resolve__is_that_of_rfc_3986),
        cmocka_unit_test(resolve__makes_one_form_of_an_address),
        cmocka_unit_test(resolve__encodes_what_may_not_stand_there),
        cmocka_unit_test(resolve__refuses_other_schemes),
        cmocka_unit_test(resolve__refuses_hosts_that_could_be_read_in_two_ways),
        cmocka_unit_test(resolve__has_a_limit),
        cmocka_unit_test(add_escaped__leaves_unreserved_characters_only),
    };
    return cmocka_run_group_tests_name("base/url", tests, NULL, NULL);
}
