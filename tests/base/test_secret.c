/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/secret.h"

enum { THREADS = 4, ROUNDS = 20000 };

static char dir[] = "/tmp/stoker-secret.XXXXXX";
static char path[64];

static int make_dir(void **unused)
{
    (void)unused;
    if (mkdtemp(dir) == NULL) return -1;
    (void)snprintf(path, sizeof path, "%s/secret", dir);
    return 0;
}

static int remove_dir(void **unused)
{
    (void)unused;
    (void)unlink(path);
    return rmdir(dir);
}

static void write_file(const char *bytes, size_t len, mode_t mode)
{
    (void)unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
}

/* The sentence with "@" for the path. */
static void assert_refused(const char *sentence)
{
    struct stk_error err = { .rc = STK_OK };
    struct stk_secret *secret = NULL;
    STK_CLEANUP(stk_buf_release) struct stk_buf wanted = STK_BUF_INIT;
    for (const char *c = sentence; *c != '\0'; c++) {
        if (*c == '@') stk_buf_adds(&wanted, path);
        if (*c != '@') stk_buf_addc(&wanted, *c);
    }
    assert_int_equal(stk_secret_read_file(path, &secret, &err), STK_BAD_CONFIG);
    assert_string_equal(err.text, stk_buf_str(&wanted));
    assert_null(secret);
}

static void assert_reads(const char *bytes, size_t len, const char *wanted)
{
    struct stk_error err = { .rc = STK_OK };
    STK_CLEANUP(stk_secret_freep) struct stk_secret *secret = NULL;
    write_file(bytes, len, 0600);
    if (stk_secret_read_file(path, &secret, &err) != STK_OK) fail_msg("%s", err.text);
    assert_string_equal(stk_secret_bytes(secret), wanted);
    assert_int_equal(stk_secret_len(secret), strlen(wanted));
}

static void new__keeps_a_copy_ended_by_a_nul(void **unused)
{
    (void)unused;
    char bytes[] = "a\0bc";
    STK_CLEANUP(stk_secret_freep) struct stk_secret *secret = stk_secret_new(bytes, 4);
    bytes[0] = 'x';
    assert_int_equal(stk_secret_len(secret), 4);
    assert_memory_equal(stk_secret_bytes(secret), "a\0bc", 5);

    STK_CLEANUP(stk_secret_freep) struct stk_secret *nothing = stk_secret_new(NULL, 0);
    assert_int_equal(stk_secret_len(nothing), 0);
    assert_string_equal(stk_secret_bytes(nothing), "");
}

static void take__leaves_an_empty_buffer(void **unused)
{
    (void)unused;
    struct stk_buf buf = STK_BUF_INIT;
    stk_buf_adds(&buf, "hunter2");
    STK_CLEANUP(stk_secret_freep) struct stk_secret *secret = stk_secret_take(&buf);
    assert_string_equal(stk_secret_bytes(secret), "hunter2");
    assert_null(buf.data);
    assert_int_equal(buf.len, 0);
}

static void bytes__cannot_be_written(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_secret_freep) struct stk_secret *secret = stk_secret_new("fixed", 5);
    pid_t child = fork();
    if (child == 0) {
        const struct rlimit no_core = { 0 };
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)signal(SIGSEGV, SIG_DFL); /* cmocka would go on with the next test */
        *(volatile char *)(uintptr_t)stk_secret_bytes(secret) = 'x';
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_not_equal(status, 0);
    assert_string_equal(stk_secret_bytes(secret), "fixed");
}

static void *ref_and_free(void *secret)
{
    for (int i = 0; i < ROUNDS; i++) {
        stk_secret_free(stk_secret_ref(secret));
    }
    stk_secret_free(secret);
    return NULL;
}

static void free__by_the_last_of_many_threads_ends_it(void **unused)
{
    (void)unused;
    struct stk_secret *secret = stk_secret_new("shared", 6);
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, ref_and_free, stk_secret_ref(secret)),
                         0);
    }
    assert_string_equal(stk_secret_bytes(secret), "shared");
    stk_secret_free(secret);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    stk_secret_free(NULL);
}

static void equal__compares_all_bytes(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_secret_freep) struct stk_secret *a = stk_secret_new("a\0b", 3);
    STK_CLEANUP(stk_secret_freep) struct stk_secret *same = stk_secret_new("a\0b", 3);
    STK_CLEANUP(stk_secret_freep) struct stk_secret *other = stk_secret_new("a\0c", 3);
    STK_CLEANUP(stk_secret_freep) struct stk_secret *shorter = stk_secret_new("a", 1);
    assert_true(stk_secret_equal(a, same));
    assert_false(stk_secret_equal(a, other));
    assert_false(stk_secret_equal(a, shorter));
}

static void read_file__leaves_off_what_editors_add(void **unused)
{
    (void)unused;
    assert_reads("plain", 5, "plain");
    assert_reads("plain\n", 6, "plain");
    assert_reads("plain\r\n\r\n", 9, "plain");
    assert_reads("\xEF\xBB\xBFplain\n", 9, "plain");
    assert_reads(" in the\nmiddle \n", 16, " in the\nmiddle ");
}

static void read_file__refuses_what_others_may_open(void **unused)
{
    (void)unused;
    write_file("secret", 6, 0644);
    assert_refused("the secret @ is open to others than its owner (mode 0644): chmod 600 @");
    write_file("secret", 6, 0660);
    assert_refused("the secret @ is open to others than its owner (mode 0660): chmod 600 @");
    write_file("secret", 6, 0602);
    assert_refused("the secret @ is open to others than its owner (mode 0602): chmod 600 @");
}

static void read_file__refuses_what_is_no_secret(void **unused)
{
    (void)unused;
    (void)unlink(path);
    assert_refused("could not read the secret @: No such file or directory");
    write_file("", 0, 0600);
    assert_refused("the secret @ is empty");
    write_file("\xEF\xBB\xBF\r\n", 5, 0600);
    assert_refused("the secret @ is empty");
    (void)unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_refused("could not read the secret @: it is no plain file");
}

static void read_file__has_a_limit(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_freep) char *bytes = stk_alloc(STK_SECRET_BYTES_MAX + 2);
    memset(bytes, 'x', STK_SECRET_BYTES_MAX + 1);
    write_file(bytes, STK_SECRET_BYTES_MAX + 1, 0600);
    assert_refused("the secret @ is over 256 KiB");
    bytes[STK_SECRET_BYTES_MAX] = '\0';
    assert_reads(bytes, STK_SECRET_BYTES_MAX, bytes);
}

static void wipe__releases_and_takes_what_is_empty(void **unused)
{
    (void)unused;
    struct stk_buf buf = STK_BUF_INIT;
    stk_buf_wipe(NULL);
    stk_buf_wipe(&buf);
    stk_buf_adds(&buf, "was here");
    stk_buf_wipe(&buf);
    assert_null(buf.data);
    assert_string_equal(stk_buf_str(&buf), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new__keeps_a_copy_ended_by_a_nul),
        cmocka_unit_test(take__leaves_an_empty_buffer),
        cmocka_unit_test(bytes__cannot_be_written),
        cmocka_unit_test(free__by_the_last_of_many_threads_ends_it),
        cmocka_unit_test(equal__compares_all_bytes),
        cmocka_unit_test(read_file__leaves_off_what_editors_add),
        cmocka_unit_test(read_file__refuses_what_others_may_open),
        cmocka_unit_test(read_file__refuses_what_is_no_secret),
        cmocka_unit_test(read_file__has_a_limit),
        cmocka_unit_test(wipe__releases_and_takes_what_is_empty),
    };
    return cmocka_run_group_tests_name("base/secret", tests, make_dir, remove_dir);
}
