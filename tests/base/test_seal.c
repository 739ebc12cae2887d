/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/seal.h"

#define KEY_A "aaaaaaaa 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"
#define KEY_B "bbbbbbbb ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"

enum { HEAD_LEN = 1 + 8 + 24 };

static char dir[] = "/tmp/stoker-seal.XXXXXX";
static char path[80];

static int make_dir(void **unused)
{
    (void)unused;
    if (mkdtemp(dir) == NULL) return -1;
    (void)snprintf(path, sizeof path, "%s/a/b/stoker.key", dir);
    return 0;
}

/* The file and its folders are gone: each case makes them anew. */
static int remove_files(void **unused)
{
    (void)unused;
    char folder[80];
    (void)unlink(path);
    (void)snprintf(folder, sizeof folder, "%s/a/b", dir);
    (void)rmdir(folder); /* fails, and the end of the group with it, when something else is left */
    (void)snprintf(folder, sizeof folder, "%s/a", dir);
    (void)rmdir(folder);
    return 0;
}

static int remove_dir(void **unused)
{
    (void)remove_files(unused);
    return rmdir(dir);
}

static struct stk_keys *open_keys(bool make)
{
    struct stk_keys *keys = NULL;
    struct stk_error err = { .rc = STK_OK };
    if (stk_keys_open(path, make, &keys, &err) != STK_OK) fail_msg("%s", err.text);
    return keys;
}

static void write_keys(const char *text, mode_t mode)
{
    stk_keys_close(open_keys(true)); /* for the folders */
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

/* The sentence with "@" for the path. */
static void refuses_to_open(const char *sentence)
{
    struct stk_keys *keys = NULL;
    struct stk_error err = { .rc = STK_OK };
    STK_CLEANUP(stk_buf_release) struct stk_buf wanted = STK_BUF_INIT;
    for (const char *c = sentence; *c != '\0'; c++) {
        if (*c == '@') stk_buf_adds(&wanted, path);
        if (*c != '@') stk_buf_addc(&wanted, *c);
    }
    assert_int_equal(stk_keys_open(path, false, &keys, &err), STK_BAD_CONFIG);
    assert_string_equal(err.text, stk_buf_str(&wanted));
    assert_null(keys);
}

static void seal(const struct stk_keys *keys, const char *about, const char *plain,
                 struct stk_buf *sealed)
{
    STK_CLEANUP(stk_secret_freep)
    struct stk_secret *secret = stk_secret_new(plain, strlen(plain));
    stk_seal(keys, about, secret, sealed);
}

static void unseals_to(const struct stk_keys *keys, const char *about, const struct stk_buf *sealed,
                       const char *wanted)
{
    STK_CLEANUP(stk_secret_freep) struct stk_secret *plain = NULL;
    struct stk_error err = { .rc = STK_OK };
    if (stk_unseal(keys, about, sealed->data, sealed->len, &plain, &err) != STK_OK) {
        fail_msg("%s", err.text);
    }
    assert_string_equal(stk_secret_bytes(plain), wanted);
}

static void refuses_to_unseal(const struct stk_keys *keys, const char *about, const void *sealed,
                              size_t len, const char *sentence)
{
    struct stk_secret *plain = NULL;
    struct stk_error err = { .rc = STK_OK };
    enum stk_rc rc = stk_unseal(keys, about, sealed, len, &plain, &err);
    bool lacks_key = strstr(err.text, "does not hold") != NULL;
    assert_int_equal(rc, lacks_key ? STK_BAD_CONFIG : STK_BAD_DATA);
    if (sentence != NULL) assert_string_equal(err.text, sentence);
    assert_null(plain);
}

static void open__makes_the_file_for_its_owner_only(void **unused)
{
    (void)unused;
    struct stat info;
    stk_keys_close(open_keys(true));
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal(info.st_size, 8 + 1 + 64 + 1);
    STK_CLEANUP(stk_freep) char *folder = stk_strndup(path, strlen(path) - strlen("/stoker.key"));
    assert_int_equal(stat(folder, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0700);
}

static void open__keeps_the_file_that_is_there(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_buf_release) struct stk_buf sealed = STK_BUF_INIT;
    struct stk_keys *first = open_keys(true);
    seal(first, "row 1", "tea", &sealed);
    stk_keys_close(first);

    struct stk_keys *again = open_keys(true);
    unseals_to(again, "row 1", &sealed, "tea");
    stk_keys_close(again);
}

static void open__says_what_to_do_about_a_bad_file(void **unused)
{
    (void)unused;
    refuses_to_open("the key file @ is missing: without it nothing that was sealed can be "
                    "opened; put back the copy that you keep of it");
    write_keys(KEY_A, 0640);
    refuses_to_open("the secret @ is open to others than its owner (mode 0640): chmod 600 @");

    static const char *const broken[] = {
        KEY_A "bbbbbbbb 00\n",
        KEY_A KEY_A,
        KEY_A "\n" KEY_B,
        KEY_A "BBBBBBBB ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n",
        KEY_A "bbbbbbbb gg0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n",
        KEY_A "bbbbbbbb  f0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n",
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(broken); i++) {
        (void)remove_files(NULL);
        write_keys(broken[i], 0600);
        refuses_to_open("@:2: a line of the key file is \"ID HEX\" (8 and 64 characters), each ID "
                        "once: put back the copy that you keep of it");
    }
}

static void seal__opens_again_with_the_same_words_only(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_buf_release) struct stk_buf sealed = STK_BUF_INIT;
    struct stk_keys *keys = open_keys(true);
    seal(keys, "session shop", "cookie=1", &sealed);
    assert_int_equal(sealed.len, HEAD_LEN + strlen("cookie=1") + 16);
    assert_null(memmem(sealed.data, sealed.len, "cookie", 6));
    unseals_to(keys, "session shop", &sealed, "cookie=1");
    refuses_to_unseal(keys, "session shoq", sealed.data, sealed.len,
                      "could not unseal: it was changed, or belongs to something else");

    seal(keys, "session shop", "", &sealed);
    unseals_to(keys, "session shop", &sealed, "");
    stk_keys_close(keys);
}

static void seal__is_never_the_same_twice(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_buf_release) struct stk_buf a = STK_BUF_INIT;
    STK_CLEANUP(stk_buf_release) struct stk_buf b = STK_BUF_INIT;
    struct stk_keys *keys = open_keys(true);
    seal(keys, "x", "the same", &a);
    seal(keys, "x", "the same", &b);
    assert_int_equal(a.len, b.len);
    assert_memory_not_equal(a.data, b.data, a.len);
    assert_memory_not_equal(a.data + HEAD_LEN, b.data + HEAD_LEN, a.len - HEAD_LEN);
    stk_keys_close(keys);
}

static void unseal__refuses_each_changed_bit_and_each_length(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_buf_release) struct stk_buf sealed = STK_BUF_INIT;
    struct stk_keys *keys = open_keys(true);
    seal(keys, "x", "plain text", &sealed);
    for (size_t i = 0; i < sealed.len * 8; i++) {
        sealed.data[i / 8] = (char)(sealed.data[i / 8] ^ (1 << i % 8));
        refuses_to_unseal(keys, "x", sealed.data, sealed.len, NULL);
        sealed.data[i / 8] = (char)(sealed.data[i / 8] ^ (1 << i % 8));
    }
    for (size_t len = 0; len < sealed.len; len++) {
        refuses_to_unseal(keys, "x", sealed.data, len, NULL);
    }
    refuses_to_unseal(keys, "x", "plain", 5, "could not unseal: it is no sealed text");
    unseals_to(keys, "x", &sealed, "plain text");
    stk_keys_close(keys);
}

static void unseal__names_the_key_that_it_lacks(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_buf_release) struct stk_buf sealed = STK_BUF_INIT;
    STK_CLEANUP(stk_freep)
    char *sentence = stk_format(
        "could not unseal: it was sealed with the key aaaaaaaa, which %s does not hold", path);
    write_keys(KEY_A, 0600);
    struct stk_keys *keys = open_keys(false);
    seal(keys, "x", "tea", &sealed);
    stk_keys_close(keys);

    write_keys(KEY_B, 0600);
    keys = open_keys(false);
    refuses_to_unseal(keys, "x", sealed.data, sealed.len, sentence);
    stk_keys_close(keys);

    write_keys(KEY_B KEY_A, 0600);
    keys = open_keys(false);
    unseals_to(keys, "x", &sealed, "tea");
    assert_false(stk_keys_is_newest(keys, sealed.data, sealed.len));
    stk_keys_close(keys);
}

static void rotate__seals_with_a_new_key_and_opens_with_the_old_one(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_buf_release) struct stk_buf old = STK_BUF_INIT;
    STK_CLEANUP(stk_buf_release) struct stk_buf new = STK_BUF_INIT;
    struct stat info;
    struct stk_keys *keys = open_keys(true);
    seal(keys, "x", "old", &old);
    assert_true(stk_keys_is_newest(keys, old.data, old.len));
    assert_false(stk_keys_is_newest(keys, old.data, 5));

    assert_int_equal(stk_keys_rotate(keys, NULL), STK_OK);
    assert_false(stk_keys_is_newest(keys, old.data, old.len));
    seal(keys, "x", "new", &new);
    assert_true(stk_keys_is_newest(keys, new.data, new.len));
    unseals_to(keys, "x", &old, "old");
    stk_keys_close(keys);

    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    keys = open_keys(false);
    unseals_to(keys, "x", &old, "old");
    unseals_to(keys, "x", &new, "new");
    stk_keys_close(keys);
}

static void rotate__keeps_a_key_that_another_process_has_added(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_buf_release) struct stk_buf theirs = STK_BUF_INIT;
    struct stk_keys *ours = open_keys(true);
    struct stk_keys *others = open_keys(false);
    assert_int_equal(stk_keys_rotate(others, NULL), STK_OK);
    seal(others, "x", "theirs", &theirs);
    assert_int_equal(stk_keys_rotate(ours, NULL), STK_OK);
    unseals_to(ours, "x", &theirs, "theirs");
    stk_keys_close(others);
    stk_keys_close(ours);
}

static void default_path__follows_the_environment(void **unused)
{
    (void)unused;
    const struct passwd *user = getpwuid(getuid());
    assert_non_null(user);
    assert_int_equal(unsetenv("CREDENTIALS_DIRECTORY"), 0);
    assert_int_equal(unsetenv("XDG_CONFIG_HOME"), 0);
    assert_int_equal(setenv("HOME", "/nowhere", 1), 0);
    STK_CLEANUP(stk_freep) char *home = stk_keys_default_path();
    STK_CLEANUP(stk_freep) char *wanted = stk_format("%s/.config/stoker/stoker.key", user->pw_dir);
    assert_string_equal(home, wanted);

    assert_int_equal(setenv("XDG_CONFIG_HOME", "relative", 1), 0); /* not valid, by its standard */
    STK_CLEANUP(stk_freep) char *relative = stk_keys_default_path();
    assert_string_equal(relative, wanted);

    assert_int_equal(setenv("XDG_CONFIG_HOME", "/config", 1), 0);
    STK_CLEANUP(stk_freep) char *config = stk_keys_default_path();
    assert_string_equal(config, "/config/stoker/stoker.key");

    STK_CLEANUP(stk_freep) char *folder = stk_strndup(path, strlen(path) - strlen("/stoker.key"));
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", folder, 1), 0);
    STK_CLEANUP(stk_freep) char *absent = stk_keys_default_path();
    assert_string_equal(absent, "/config/stoker/stoker.key");
    stk_keys_close(open_keys(true));
    STK_CLEANUP(stk_freep) char *credential = stk_keys_default_path();
    assert_string_equal(credential, path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(open__makes_the_file_for_its_owner_only, remove_files),
        cmocka_unit_test_teardown(open__keeps_the_file_that_is_there, remove_files),
        cmocka_unit_test_teardown(open__says_what_to_do_about_a_bad_file, remove_files),
        cmocka_unit_test_teardown(seal__opens_again_with_the_same_words_only, remove_files),
        cmocka_unit_test_teardown(seal__is_never_the_same_twice, remove_files),
        cmocka_unit_test_teardown(unseal__refuses_each_changed_bit_and_each_length, remove_files),
        cmocka_unit_test_teardown(unseal__names_the_key_that_it_lacks, remove_files),
        cmocka_unit_test_teardown(rotate__seals_with_a_new_key_and_opens_with_the_old_one,
                                  remove_files),
        cmocka_unit_test_teardown(rotate__keeps_a_key_that_another_process_has_added, remove_files),
        cmocka_unit_test_teardown(default_path__follows_the_environment, remove_files),
    };
    return cmocka_run_group_tests_name("base/seal", tests, make_dir, remove_dir);
}
