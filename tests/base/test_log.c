/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/text.h"
#include "base/timetext.h"

enum { TIME_LEN = 24 };

/* The last line that was logged, and how many there were. */
struct seen {
    char line[5000];
    enum stk_log_level level;
    int count;
};

static void keep(void *context, enum stk_log_level level, const char *line)
{
    struct seen *seen = context;
    assert_true(strlen(line) < sizeof(seen->line));
    memcpy(seen->line, line, strlen(line) + 1);
    seen->level = level;
    seen->count++;
}

static int start(void **state)
{
    static struct seen seen;
    seen = (struct seen){ .level = STK_ERROR };
    *state = &seen;
    stk_log_level_set(STK_INFO);
    stk_log_sink_set(keep, &seen);
    return 0;
}

static int stop(void **unused)
{
    (void)unused;
    stk_log_sink_set(NULL, NULL);
    return 0;
}

static void log__is_time_level_event_and_pairs(void **state)
{
    struct seen *seen = *state;
    stk_log(STK_INFO, "pool.start", "pid=%d workers=%d", 71, 8);
    assert_int_equal(seen->count, 1);
    assert_int_equal(seen->level, STK_INFO);
    assert_string_equal(seen->line + TIME_LEN, " info  pool.start pid=71 workers=8");

    stk_time_ns time = 0;
    seen->line[TIME_LEN] = '\0';
    assert_true(stk_time_parse(seen->line, &time));
    assert_true(time > 0);
}

static void log__pads_the_level_to_one_column(void **state)
{
    struct seen *seen = *state;
    stk_log_level_set(STK_DEBUG);
    stk_log(STK_ERROR, "e", "a=1");
    assert_string_equal(seen->line + TIME_LEN, " error e a=1");
    stk_log(STK_WARN, "e", "a=1");
    assert_string_equal(seen->line + TIME_LEN, " warn  e a=1");
    stk_log(STK_DEBUG, "e", "a=1");
    assert_string_equal(seen->line + TIME_LEN, " debug e a=1");
}

static void log__without_a_format_is_the_event_alone(void **state)
{
    struct seen *seen = *state;
    stk_log(STK_INFO, "pool.idle", NULL);
    assert_string_equal(seen->line + TIME_LEN, " info  pool.idle");
}

static void log__says_nothing_below_its_level(void **state)
{
    struct seen *seen = *state;
    stk_log(STK_DEBUG, "quiet", "a=1");
    assert_int_equal(seen->count, 0);
    stk_log_level_set(STK_ERROR);
    stk_log(STK_WARN, "quiet", "a=1");
    assert_int_equal(seen->count, 0);
    stk_log(STK_ERROR, "loud", "a=1");
    assert_int_equal(seen->count, 1);
}

static void log__escapes_control_characters(void **state)
{
    struct seen *seen = *state;
    stk_log(STK_INFO, "a\nb", "name=%s", "x\n2026 error forged\x1b[2J");
    assert_string_equal(seen->line + TIME_LEN,
                        " info  a\\x0ab name=x\\x0a2026 error forged\\x1b[2J");
}

static void log__cuts_a_line_that_a_pipe_would_tear(void **state)
{
    struct seen *seen = *state;
    char text[9001];
    for (size_t i = 0; i + 3 < sizeof(text); i += 3) {
        memcpy(text + i, "\xE2\x82\xAC", 3);
    }
    text[sizeof(text) - 1] = text[sizeof(text) - 2] = text[sizeof(text) - 3] = '\0';
    stk_log(STK_INFO, "long", "text=%s", text);
    size_t len = strlen(seen->line);
    assert_in_range(len, 4090, 4095); /* and a line feed */
    assert_true(stk_utf8_is_valid(seen->line, len));
    assert_string_equal(seen->line + len - 3, "...");
}

static void level_parse__knows_the_four_words(void **unused)
{
    (void)unused;
    enum stk_log_level level = STK_DEBUG;
    assert_true(stk_log_level_parse("error", &level));
    assert_int_equal(level, STK_ERROR);
    assert_true(stk_log_level_parse("warn", &level));
    assert_int_equal(level, STK_WARN);
    assert_true(stk_log_level_parse("info", &level));
    assert_int_equal(level, STK_INFO);
    assert_true(stk_log_level_parse("debug", &level));
    assert_int_equal(level, STK_DEBUG);
    assert_false(stk_log_level_parse("warning", &level));
    assert_false(stk_log_level_parse("INFO", &level));
    assert_false(stk_log_level_parse("", &level));
    assert_int_equal(level, STK_DEBUG);
}

/* Runs body with stderr in a file and gives what it wrote. */
static char *capture_stderr(void (*body)(void))
{
    char name[] = "/tmp/stk_log_XXXXXX";
    int fd = mkstemp(name), kept = dup(STDERR_FILENO);
    assert_true(fd >= 0 && kept >= 0);
    assert_int_equal(unlink(name), 0);
    assert_true(dup2(fd, STDERR_FILENO) >= 0);
    body();
    assert_true(dup2(kept, STDERR_FILENO) >= 0);

    struct stk_buf text = STK_BUF_INIT;
    char block[4096];
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    for (ssize_t got = 0; (got = read(fd, block, sizeof(block))) > 0;) {
        stk_buf_add(&text, block, (size_t)got);
    }
    (void)close(fd);
    (void)close(kept);
    return stk_buf_take(&text);
}

static void log_one(void)
{
    stk_log_sink_set(NULL, NULL);
    stk_log(STK_WARN, "disk.full", "path=%s", "/var");
}

static void log__goes_to_stderr_without_a_sink(void **state)
{
    struct seen *seen = *state;
    STK_CLEANUP(stk_freep) char *text = capture_stderr(log_one);
    assert_string_equal(text + TIME_LEN, " warn  disk.full path=/var\n");
    assert_int_equal(seen->count, 0);
}

static void *log_many(void *unused)
{
    (void)unused;
    for (int i = 0; i < 500; i++) {
        stk_log(STK_INFO, "many", "text=%s", "0123456789012345678901234567890123456789");
    }
    return NULL;
}

static void log_from_four_threads(void)
{
    pthread_t threads[4];
    stk_log_sink_set(NULL, NULL);
    for (size_t i = 0; i < STK_ARRAY_LEN(threads); i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, log_many, NULL), 0);
    }
    for (size_t i = 0; i < STK_ARRAY_LEN(threads); i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
}

static void log__writes_each_line_whole_from_many_threads(void **unused)
{
    (void)unused;
    STK_CLEANUP(stk_freep) char *text = capture_stderr(log_from_four_threads);
    size_t line_len =
        TIME_LEN + strlen(" info  many text=0123456789012345678901234567890123456789\n");
    size_t count = 0;
    for (const char *line = text; *line != '\0'; line += line_len) {
        assert_memory_equal(line + TIME_LEN, " info  many text=", 17);
        assert_int_equal(line[line_len - 1], '\n');
        count++;
    }
    assert_int_equal(count, 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(log__is_time_level_event_and_pairs, start, stop),
        cmocka_unit_test_setup_teardown(log__pads_the_level_to_one_column, start, stop),
        cmocka_unit_test_setup_teardown(log__without_a_format_is_the_event_alone, start, stop),
        cmocka_unit_test_setup_teardown(log__says_nothing_below_its_level, start, stop),
        cmocka_unit_test_setup_teardown(log__escapes_control_characters, start, stop),
        cmocka_unit_test_setup_teardown(log__cuts_a_line_that_a_pipe_would_tear, start, stop),
        cmocka_unit_test(level_parse__knows_the_four_words),
        cmocka_unit_test_setup_teardown(log__goes_to_stderr_without_a_sink, start, stop),
        cmocka_unit_test_setup_teardown(log__writes_each_line_whole_from_many_threads, start, stop),
    };
    return cmocka_run_group_tests_name("base/log", tests, NULL, NULL);
}
