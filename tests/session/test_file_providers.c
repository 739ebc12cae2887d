/* SPDX-License-Identifier: MIT */
#include "support/spawner.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "session/ccache_make.h"
#include "session/filecred.h"
#include "session/provider.h"

#define NOW (1800000000 * STK_SECOND)

struct house {
    char dir[40], file[64], next[64];
    struct stk_session_spec spec;
    struct stk_session session;
    struct stk_ask ask;
    struct stk_answer answer;
    struct stk_secret *credential, *work; /* what the keeper keeps */
    char *argv[5];
};

static int set_up(void **state)
{
    struct house *h = stk_alloc(sizeof(*h));
    (void)snprintf(h->dir, sizeof(h->dir), "/tmp/stoker-test-XXXXXX");
    assert_non_null(mkdtemp(h->dir));
    (void)snprintf(h->file, sizeof(h->file), "%s/credential", h->dir);
    (void)snprintf(h->next, sizeof(h->next), "%s/next", h->dir);
    h->spec = (struct stk_session_spec){ .provider = STK_PROVIDER_STATIC,
                                         .file = h->file,
                                         .timeout_ns = 20 * STK_SECOND };
    stk_session_init(&h->session, "lab");
    h->ask = (struct stk_ask){ .spec = &h->spec,
                               .session = &h->session,
                               .http = stk_http_new(),
                               .spawner = spawner,
                               .now = NOW };
    *state = h;
    return 0;
}

static int tear_down(void **state)
{
    struct house *h = *state;
    stk_answer_release(&h->answer);
    stk_http_free(h->ask.http);
    stk_secret_free(h->credential);
    stk_secret_free(h->work);
    for (size_t i = 0; i < STK_ARRAY_LEN(h->argv); i++) {
        free(h->argv[i]);
    }
    (void)unlink(h->next);
    (void)unlink(h->file);
    (void)rmdir(h->dir);
    free(h);
    return 0;
}

/* ---- files ------------------------------------------------------------- */

/* In place, as long before now as is said. */
static void write_bytes(struct house *h, const char *bytes, size_t len, stk_time_ns age)
{
    int fd = open(h->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), (ssize_t)len);
    stk_time_ns at = h->ask.now - age;
    const struct timespec times[2] = { { .tv_sec = at / STK_SECOND, .tv_nsec = at % STK_SECOND },
                                       { .tv_sec = at / STK_SECOND, .tv_nsec = at % STK_SECOND } };
    assert_int_equal(futimens(fd, times), 0);
    (void)close(fd);
}

static void write_text(struct house *h, const char *text)
{
    write_bytes(h, text, strlen(text), STK_MINUTE);
}

static void replace_text(struct house *h, const char *text, stk_time_ns age)
{
    char *file = h->spec.file;
    char name[sizeof(h->file)];
    memcpy(name, h->file, sizeof(name));
    memcpy(h->file, h->next, sizeof(name));
    write_bytes(h, text, strlen(text), age);
    memcpy(h->file, name, sizeof(name));
    assert_ptr_equal(file, h->file);
    assert_int_equal(rename(h->next, h->file), 0);
}

/* ---- questions --------------------------------------------------------- */

static void ask(struct house *h, enum stk_session_act act)
{
    stk_answer_release(&h->answer);
    h->ask.credential = h->credential;
    h->ask.work = h->work;
    stk_provider_ask(act, &h->ask, &h->answer);
}

static void assert_event(const struct house *h, enum stk_session_event event)
{
    if (h->answer.event != event) print_message("reason: %s\n", h->answer.reason);
    assert_string_equal(stk_session_event_name(h->answer.event), stk_session_event_name(event));
}

static void assert_reason(const struct house *h, const char *text)
{
    const char *reason = h->answer.news.reason != NULL ? h->answer.news.reason : "";
    if (strstr(reason, text) == NULL) assert_string_equal(reason, text);
}

/* As the keeper does with an answer. */
static void take(struct house *h, const char *text)
{
    assert_event(h, STK_SESSION_ON_CREDENTIAL);
    assert_non_null(h->answer.credential);
    if (text != NULL) assert_string_equal(stk_secret_bytes(h->answer.credential), text);
    stk_secret_free(h->credential);
    h->credential = h->answer.credential;
    h->answer.credential = NULL;
    assert_true(h->answer.sets_work);
    stk_secret_free(h->work);
    h->work = h->answer.work;
    h->answer.work = NULL;
    assert_true(stk_session_next(&h->session, &h->spec, STK_SESSION_ON_CREDENTIAL, &h->answer.news,
                                 h->ask.now, 0));
}

static void check_takes(struct house *h, const char *text)
{
    ask(h, STK_SESSION_ACT_CHECK);
    take(h, text);
}

static void check_says(struct house *h, enum stk_session_event event, const char *reason)
{
    ask(h, STK_SESSION_ACT_CHECK);
    assert_event(h, event);
    assert_reason(h, reason);
}

static void be(struct house *h, const char *format)
{
    h->spec.provider = STK_PROVIDER_FILE;
    h->spec.format = (char *)(uintptr_t)format;
}

/* ---- static ------------------------------------------------------------ */

static void static__takes_the_key_and_a_new_one_when_the_file_changes(void **state)
{
    struct house *h = *state;
    write_text(h, "key-one\n");
    check_takes(h, "key-one");
    check_says(h, STK_SESSION_ON_CHECK_OK, "");
    write_text(h, "key-two\n");
    check_takes(h, "key-two");
    assert_int_equal(h->session.generation, 2);
}

static void static__is_the_same_when_only_touched_or_replaced_by_its_like(void **state)
{
    struct house *h = *state;
    write_text(h, "key-one\n");
    check_takes(h, "key-one");
    write_bytes(h, "key-one\n", 8, 0);
    check_says(h, STK_SESSION_ON_CHECK_OK, "");
    replace_text(h, "key-one\n", 0);
    check_says(h, STK_SESSION_ON_CHECK_OK, "");
}

static void static__that_was_refused_is_lost_until_there_is_another(void **state)
{
    struct house *h = *state;
    write_text(h, "key-one");
    check_takes(h, "key-one");
    h->session.state = STK_SESSION_SUSPECT;
    check_says(h, STK_SESSION_ON_CHECK_LOST, "still has what was refused: put a new one there");
    h->session.state = STK_SESSION_NEEDS_HUMAN;
    ask(h, STK_SESSION_ACT_CHECK);
    assert_event(h, STK_SESSION_ON_CHECK_LOST);
    assert_null(h->answer.news.reason); /* the first one stays */
    write_text(h, "key-two");
    check_takes(h, "key-two");
}

static void static__is_trusted_on_after_a_pause_in_reaching_it(void **state)
{
    struct house *h = *state;
    write_text(h, "key-one");
    check_takes(h, "key-one");
    h->session.state = STK_SESSION_UNREACHABLE;
    h->session.resume_state = STK_SESSION_VALID;
    check_says(h, STK_SESSION_ON_CHECK_OK, "");
    h->session.resume_state = STK_SESSION_NEEDS_HUMAN;
    check_says(h, STK_SESSION_ON_CHECK_LOST, "");
}

static void static__without_a_usable_file_says_what_to_do(void **state)
{
    struct house *h = *state;
    check_says(h, STK_SESSION_ON_CHECK_LOST, "No such file or directory"); /* none was there */
    ask(h, STK_SESSION_ACT_BEGIN);
    assert_event(h, STK_SESSION_ON_REFUSED);
    assert_reason(h, h->file);

    write_text(h, "key-one");
    check_takes(h, "key-one");
    assert_int_equal(chmod(h->file, 0644), 0);
    check_says(h, STK_SESSION_ON_NO_ANSWER, "chmod 600");
    assert_int_equal(chmod(h->file, 0600), 0);
    assert_int_equal(unlink(h->file), 0);
    check_says(h, STK_SESSION_ON_NO_ANSWER, "No such file or directory");
    assert_int_equal(mkdir(h->file, 0700), 0);
    check_says(h, STK_SESSION_ON_NO_ANSWER, "it is no plain file");
    assert_int_equal(rmdir(h->file), 0);
}

static void static__is_begun_with_what_is_there(void **state)
{
    struct house *h = *state;
    write_text(h, "key-one");
    ask(h, STK_SESSION_ACT_BEGIN);
    take(h, "key-one");
    ask(h, STK_SESSION_ACT_RENEW);
    assert_event(h, STK_SESSION_ON_REFUSED);
}

/* ---- half written ------------------------------------------------------ */

static void file__that_is_empty_is_not_yet_there(void **state)
{
    struct house *h = *state;
    write_text(h, "key-one");
    check_takes(h, "key-one");
    write_text(h, "");
    check_says(h, STK_SESSION_ON_CHECK_OK, "");
    h->session.state = STK_SESSION_SUSPECT;
    check_says(h, STK_SESSION_ON_NO_ANSWER, "has nothing in it yet");
    h->session.tries = 2;
    check_says(h, STK_SESSION_ON_CHECK_LOST, "has nothing in it yet");
    write_text(h, "key-two");
    check_takes(h, "key-two");
}

static void file__written_in_place_is_taken_when_it_has_settled(void **state)
{
    struct house *h = *state;
    write_text(h, "key-one");
    check_takes(h, "key-one");
    write_bytes(h, "key-t", 5, 10 * STK_MS);
    check_says(h, STK_SESSION_ON_CHECK_OK, "");
    write_bytes(h, "key-two", 7, STK_SECOND);
    check_takes(h, "key-two");
    write_bytes(h, "key-three", 9, -STK_HOUR); /* by a clock that is ahead */
    check_takes(h, "key-three");
    replace_text(h, "key-four", 10 * STK_MS);
    check_takes(h, "key-four");
}

static void json__that_is_half_written_is_not_lost(void **state)
{
    struct house *h = *state;
    static const char text[] = "{\"accessToken\": \"token-1\", \"expiresAt\": 1800003600}";
    be(h, "json");
    write_text(h, text);
    check_takes(h, "{\"access_token\":\"token-1\"}");
    for (size_t len = 0; len < strlen(text); len++) {
        write_bytes(h, text, len, 0);
        check_says(h, STK_SESSION_ON_CHECK_OK, "");
        assert_null(h->answer.credential);
    }
}

/* ---- json -------------------------------------------------------------- */

static void json__knows_the_names_of_tokens_and_ends(void **state)
{
    struct house *h = *state;
    static const struct {
        const char *text, *credential;
        stk_time_ns ends;
    } rows[] = {
        { "{\"accessToken\":\"a-1\",\"expiresAt\":\"2027-01-15T09:00:00Z\",\"region\":\"eu\"}",
          "{\"access_token\":\"a-1\"}", NOW + STK_HOUR },
        { "{\"accessToken\":\"a-2\",\"expiresAt\":\"2027-01-15T09:00:00UTC\"}",
          "{\"access_token\":\"a-2\"}", NOW + STK_HOUR },
        { "{\"access_token\":\"a-3\",\"expires_at\":1800003600}", "{\"access_token\":\"a-3\"}",
          NOW + STK_HOUR },
        { "{\"access_token\":\"a-4\",\"expires_at\":1800003600000}", "{\"access_token\":\"a-4\"}",
          NOW + STK_HOUR },
        { "{\"token\":\"a-5\",\"expiry\":\"1800003600.5\"}", "{\"access_token\":\"a-5\"}",
          NOW + STK_HOUR + 500 * STK_MS },
        { "{\"token\":\"a-6\"}", "{\"access_token\":\"a-6\"}", STK_NEVER },
        { "{\"token\":\"e30.eyJleHAiOjE4MDAwMDM2MDB9.x\",\"expiry\":null}", NULL, NOW + STK_HOUR },
    };
    be(h, "json");
    for (size_t i = 0; i < STK_ARRAY_LEN(rows); i++) {
        write_text(h, rows[i].text);
        ask(h, STK_SESSION_ACT_CHECK);
        assert_int_equal(h->answer.news.expires_at, rows[i].ends);
        take(h, rows[i].credential);
    }
    ask(h, STK_SESSION_ACT_CHECK);
    assert_event(h, STK_SESSION_ON_CHECK_OK);
    assert_int_equal(h->answer.news.expires_at, NOW + STK_HOUR);
}

static void json__without_a_token_or_with_a_broken_end_says_so(void **state)
{
    struct house *h = *state;
    be(h, "json");
    write_text(h, "{\"clientId\":\"x\"}");
    check_says(h, STK_SESSION_ON_CHECK_LOST, "has no accessToken, access_token or token");
    write_text(h, "[1]");
    check_says(h, STK_SESSION_ON_CHECK_LOST, "has no accessToken, access_token or token");
    write_text(h, "{\"token\":\"x\",\"expiry\":\"tomorrow\"}");
    check_says(h, STK_SESSION_ON_CHECK_LOST, "says when its token ends, but");
    write_text(h, "{\"token\":\"x\",\"expiry\":-5}");
    check_says(h, STK_SESSION_ON_CHECK_LOST, "says when its token ends, but");
}

static void json__that_has_ended_is_lost_also_when_it_is_new(void **state)
{
    struct house *h = *state;
    be(h, "json");
    write_text(h, "{\"token\":\"x\",\"expiry\":1799999999}");
    check_says(h, STK_SESSION_ON_CHECK_LOST, "ended at 2027-01-15T07:59:59.000Z");
    ask(h, STK_SESSION_ACT_BEGIN);
    assert_event(h, STK_SESSION_ON_REFUSED);
    write_text(h, "{\"token\":\"x\",\"expiry\":1800000060}");
    check_takes(h, "{\"access_token\":\"x\"}");
    h->ask.now += STK_HOUR;
    check_says(h, STK_SESSION_ON_CHECK_LOST, "ended at 2027-01-15T08:01:00.000Z");
}

/* ---- cookies ----------------------------------------------------------- */

static const char cookies_txt[] =
    "# Netscape HTTP Cookie File\r\n"
    "\n"
    ".lab.example\tTRUE\t/\tTRUE\t1800007200\tsid\tsession-1\r\n"
    "#HttpOnly_lab.example\tFALSE\t/\tTRUE\t1800003600\ttoken\ttoken-1\n"
    "badlab.example\tFALSE\t/\tFALSE\t0\tother\tother-1\n"
    "www.lab.example\tFALSE\t/\tFALSE\t0\tdeep\tdeep-1\n";

static void cookies__of_a_host_are_taken_all_or_one_by_name(void **state)
{
    struct house *h = *state;
    static char url[] = "https://lab.example:8443/api", name[] = "token";
    be(h, "cookies");
    h->spec.url = url;
    write_text(h, cookies_txt);
    check_takes(h, "{\"cookies\":{\"sid\":\"session-1\",\"token\":\"token-1\"}}");
    assert_int_equal(h->session.expires_at, NOW + 2 * STK_HOUR);

    h->spec.cookie = name;
    h->session.generation = 0; /* as if it were seen for the first time */
    check_takes(h, "{\"cookies\":{\"token\":\"token-1\"}}");
    assert_int_equal(h->session.expires_at, NOW + STK_HOUR);
}

static void cookies__without_a_host_are_all(void **state)
{
    struct house *h = *state;
    be(h, "cookies");
    write_text(h, cookies_txt);
    check_takes(h, "{\"cookies\":{\"deep\":\"deep-1\",\"other\":\"other-1\",\"sid\":\"session-1\","
                   "\"token\":\"token-1\"}}");
    assert_int_equal(h->session.expires_at, STK_NEVER); /* one goes with its browser */
}

static void cookies__come_as_json_in_three_forms(void **state)
{
    struct house *h = *state;
    static char url[] = "https://lab.example";
    be(h, "cookies");
    h->spec.url = url;
    write_text(h, "[{\"domain\":\".lab.example\",\"name\":\"a\",\"value\":\"one\","
                  "\"expirationDate\":1800003600.25},{\"domain\":\"x.org\",\"name\":\"b\","
                  "\"value\":\"two\"}]");
    check_takes(h, "{\"cookies\":{\"a\":\"one\"}}");
    assert_int_equal(h->session.expires_at, NOW + STK_HOUR);
    write_text(h, "{\"cookies\":[{\"domain\":\"lab.example\",\"name\":\"a\",\"value\":\"three\","
                  "\"expires\":-1}],\"origins\":[]}");
    check_takes(h, "{\"cookies\":{\"a\":\"three\"}}");
    write_text(h, "{\"cookies\":{\"a\":\"four\"}}");
    check_takes(h, "{\"cookies\":{\"a\":\"four\"}}");
}

static void cookies__that_are_missing_or_cut_are_told_apart(void **state)
{
    struct house *h = *state;
    static char url[] = "https://lab.example", name[] = "absent";
    be(h, "cookies");
    h->spec.url = url;
    write_text(h, "# only a comment\n");
    check_says(h, STK_SESSION_ON_CHECK_LOST, "has no cookie yet");
    write_bytes(h, cookies_txt, strlen(cookies_txt) - 40, STK_MINUTE);
    check_says(h, STK_SESSION_ON_CHECK_LOST, "ends in the middle of a line");
    write_text(h, "not a cookie\n");
    check_says(h, STK_SESSION_ON_CHECK_LOST, "line 1 is none of a cookies.txt");
    write_text(h, "x.org\tTRUE\t/\tTRUE\t0\ta\tb\n");
    check_says(h, STK_SESSION_ON_CHECK_LOST, "has no cookie for lab.example");
    h->spec.cookie = name;
    check_says(h, STK_SESSION_ON_CHECK_LOST, "has no cookie \"absent\" for lab.example");
    write_text(h, "\"text\"\n");
    check_says(h, STK_SESSION_ON_CHECK_LOST, "none of a cookies.txt");
    write_text(h, "{\"a\":1}");
    check_says(h, STK_SESSION_ON_CHECK_LOST, "no export of cookies");
}

/* ---- kerberos ---------------------------------------------------------- */

static void write_cache(struct house *h, uint32_t ends, uint32_t renew_until)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf cache = STK_BUF_INIT;
    ccache_begin(&cache, "ada", "LAB");
    ccache_add(&cache, (struct ccache_ticket){ "krbtgt", "LAB", "LAB", ends, renew_until,
                                               renew_until != 0 ? CCACHE_RENEWABLE : 0 });
    stk_buf_addc(&cache, '\n'); /* which belongs to a ticket, not to a line */
    write_bytes(h, cache.data, cache.len - 1, 0);
}

static void kerberos__holds_as_long_as_its_ticket(void **state)
{
    struct house *h = *state;
    be(h, "kerberos");
    write_cache(h, 1800036000, 1800604800);
    check_takes(h, NULL);
    assert_int_equal(h->session.expires_at, NOW + 10 * STK_HOUR);
    assert_int_equal(h->session.deadline_at, NOW + 7 * STK_DAY);
    struct stat info;
    assert_int_equal(stat(h->file, &info), 0);
    assert_int_equal(stk_secret_len(h->credential), info.st_size);
    check_says(h, STK_SESSION_ON_CHECK_OK, "");

    write_cache(h, 1799999999, 0);
    check_says(h, STK_SESSION_ON_CHECK_LOST, "ended at");
    write_cache(h, 1800072000, 0);
    check_takes(h, NULL);
    assert_int_equal(h->session.expires_at, NOW + 20 * STK_HOUR);
}

static void kerberos__that_is_cut_is_not_lost(void **state)
{
    struct house *h = *state;
    be(h, "kerberos");
    write_cache(h, 1800036000, 0);
    check_takes(h, NULL);
    struct stat info;
    assert_int_equal(stat(h->file, &info), 0);
    for (off_t len = info.st_size - 1; len >= 0; len--) {
        assert_int_equal(truncate(h->file, len), 0);
        check_says(h, STK_SESSION_ON_CHECK_OK, "");
        assert_null(h->answer.credential);
    }
    write_text(h, "no cache at all");
    check_says(h, STK_SESSION_ON_NO_ANSWER, "is no Kerberos credential cache");
}

/* ---- probe and renew --------------------------------------------------- */

static char **script(struct house *h, const char *text)
{
    const char *const words[] = { "/bin/sh", "-c", text, "helper" };
    for (size_t i = 0; i < STK_ARRAY_LEN(words); i++) {
        free(h->argv[i]);
        h->argv[i] = stk_strdup(words[i]);
    }
    return h->argv;
}

static void probe__decides_whether_a_new_file_is_taken(void **state)
{
    struct house *h = *state;
    be(h, "raw");
    write_text(h, "key-one");
    h->spec.probe = script(h, "echo refused >&2; exit 1");
    check_says(h, STK_SESSION_ON_CHECK_LOST, "sh: exit status 1: refused");
    h->spec.probe = script(h, "exit 75");
    check_says(h, STK_SESSION_ON_NO_ANSWER, "");
    h->spec.probe = script(h, "test \"$(cat \"$STOKER_SESSION_FILE\")\" = key-one");
    check_takes(h, "key-one");
}

static void probe__is_asked_when_there_is_a_cause_or_a_pace(void **state)
{
    struct house *h = *state;
    be(h, "raw");
    write_text(h, "key-one");
    check_takes(h, "key-one");
    h->spec.probe = script(h, "exit 1");
    check_says(h, STK_SESSION_ON_CHECK_OK, "");
    h->spec.check_every_ns = STK_MINUTE;
    check_says(h, STK_SESSION_ON_CHECK_LOST, "exit status 1");
    h->spec.check_every_ns = 0;
    h->session.state = STK_SESSION_SUSPECT;
    check_says(h, STK_SESSION_ON_CHECK_LOST, "exit status 1");
    h->spec.probe = script(h, ":");
    check_says(h, STK_SESSION_ON_CHECK_OK, "");
    h->session.state = STK_SESSION_NEEDS_HUMAN;
    check_says(h, STK_SESSION_ON_CHECK_LOST, "");
    (void)snprintf(h->session.wish, sizeof(h->session.wish), "check");
    check_says(h, STK_SESSION_ON_CHECK_OK, "");
}

static void begin_renewal(struct house *h)
{
    h->session.resume_state = STK_SESSION_VALID;
    h->session.state = STK_SESSION_RENEWING;
}

static void renew__runs_the_tool_and_reads_the_file_again(void **state)
{
    struct house *h = *state;
    be(h, "raw");
    write_text(h, "key-one");
    check_takes(h, "key-one");
    begin_renewal(h);
    h->spec.renew = script(h, "printf key-two >\"$STOKER_SESSION_FILE\"");
    h->ask.now = stk_clock_now();
    ask(h, STK_SESSION_ACT_RENEW);
    take(h, "key-two");
}

static void renew__of_a_cache_gets_its_name(void **state)
{
    struct house *h = *state;
    be(h, "kerberos");
    write_cache(h, 1800000060, 1800604800);
    check_takes(h, NULL);
    begin_renewal(h);
    h->spec.renew = script(h, "echo \"$KRB5CCNAME\" >&2; exit 1");
    ask(h, STK_SESSION_ACT_RENEW);
    assert_event(h, STK_SESSION_ON_REFUSED);
    assert_reason(h, "FILE:/tmp/stoker-test-");
}

static void renew__that_changes_nothing_is_refused_unless_nobody_complained(void **state)
{
    struct house *h = *state;
    be(h, "raw");
    write_text(h, "key-one");
    check_takes(h, "key-one");
    h->spec.renew = script(h, ":");
    begin_renewal(h);
    ask(h, STK_SESSION_ACT_RENEW);
    take(h, "key-one");
    begin_renewal(h);
    h->session.resume_state = STK_SESSION_NEEDS_HUMAN; /* a job was refused with it */
    ask(h, STK_SESSION_ACT_RENEW);
    assert_event(h, STK_SESSION_ON_REFUSED);
    assert_reason(h, "`renew` succeeded, but");
}

static void renew__that_fails_is_refused_or_no_answer(void **state)
{
    struct house *h = *state;
    be(h, "raw");
    write_text(h, "key-one");
    check_takes(h, "key-one");
    begin_renewal(h);
    h->spec.renew = script(h, "exit 75");
    ask(h, STK_SESSION_ACT_RENEW);
    assert_event(h, STK_SESSION_ON_NO_ANSWER);
    h->spec.timeout_ns = 100 * STK_MS;
    h->spec.renew = script(h, "sleep 86400");
    ask(h, STK_SESSION_ACT_RENEW);
    assert_event(h, STK_SESSION_ON_NO_ANSWER);
    h->spec.renew = NULL;
    ask(h, STK_SESSION_ACT_RENEW);
    assert_event(h, STK_SESSION_ON_REFUSED);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(static__takes_the_key_and_a_new_one_when_the_file_changes),
        CASE(static__is_the_same_when_only_touched_or_replaced_by_its_like),
        CASE(static__that_was_refused_is_lost_until_there_is_another),
        CASE(static__is_trusted_on_after_a_pause_in_reaching_it),
        CASE(static__without_a_usable_file_says_what_to_do),
        CASE(static__is_begun_with_what_is_there),
        CASE(file__that_is_empty_is_not_yet_there),
        CASE(file__written_in_place_is_taken_when_it_has_settled),
        CASE(json__that_is_half_written_is_not_lost),
        CASE(json__knows_the_names_of_tokens_and_ends),
        CASE(json__without_a_token_or_with_a_broken_end_says_so),
        CASE(json__that_has_ended_is_lost_also_when_it_is_new),
        CASE(cookies__of_a_host_are_taken_all_or_one_by_name),
        CASE(cookies__without_a_host_are_all),
        CASE(cookies__come_as_json_in_three_forms),
        CASE(cookies__that_are_missing_or_cut_are_told_apart),
        CASE(kerberos__holds_as_long_as_its_ticket),
        CASE(kerberos__that_is_cut_is_not_lost),
        CASE(probe__decides_whether_a_new_file_is_taken),
        CASE(probe__is_asked_when_there_is_a_cause_or_a_pace),
        CASE(renew__runs_the_tool_and_reads_the_file_again),
        CASE(renew__of_a_cache_gets_its_name),
        CASE(renew__that_changes_nothing_is_refused_unless_nobody_complained),
        CASE(renew__that_fails_is_refused_or_no_answer),
    };
    return cmocka_run_group_tests(tests, start_spawner, stop_spawner);
}
