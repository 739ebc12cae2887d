/* SPDX-License-Identifier: MIT
 *
 * What only the SQLite engine promises: one owner, a file that is what it
 * should be, readers that cannot write, and the schema as a last line of
 * defence. Each test has a folder of its own.
 */
#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/rand.h"
#include "store/sqlite/sqlite.h"

#define NOW ((stk_time_ns)1800000000 * STK_SECOND + 125 * STK_MS + 999)

#define OK(call) check((call), &err, #call, __LINE__)

static struct stk_error err;
static char folder[64];
static char path[96];
static char url[112];

static void check(enum stk_rc rc, const struct stk_error *error, const char *call, int line)
{
    if (rc != STK_OK) fail_msg("line %d: %s: %s: %s", line, call, stk_rc_name(rc), error->text);
}

#define REFUSED(call, rc, words) check_refused((call), (rc), (words), __LINE__)

static void check_refused(enum stk_rc got, enum stk_rc wanted, const char *words, int line)
{
    if (got == wanted && strstr(err.text, words) != NULL) return;
    fail_msg("line %d: %s instead of %s with \"%s\": %s", line, stk_rc_name(got),
             stk_rc_name(wanted), words, got == STK_OK ? "" : err.text);
}

static int make_folder(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/stoker-sqlite-XXXXXX");
    assert_non_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/stoker.db", folder);
    (void)snprintf(url, sizeof(url), "sqlite:%s", path);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    (void)snprintf(command, sizeof(command), "rm -r '%s'", folder);
    FILE *run = popen(command, "r"); // NOLINT: a folder of ours
    return run != NULL ? pclose(run) : 1;
}

static enum stk_rc try_open(struct stk_store **ret)
{
    struct stk_store_options options = { .command = "stoker up", .serves = true };
    return stk_store_open(url, &options, ret, &err);
}

static struct stk_store *open_writer(void)
{
    struct stk_store *store = NULL;
    OK(try_open(&store));
    return store;
}

static struct stk_store *open_reader(void)
{
    struct stk_store_options options = { .read_only = true };
    struct stk_store *store = NULL;
    OK(stk_store_open(url, &options, &store, &err));
    return store;
}

static void make_store(void)
{
    stk_store_close(open_writer());
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static char *in_folder(const char *end)
{
    static char name[128];
    (void)snprintf(name, sizeof(name), "%s%s", path, end);
    return name;
}

/* SQL by a connection of its own, as another program would; NULL on success. */
static const char *run_sql(const char *sql)
{
    static char said[256];
    sqlite3 *db = NULL;
    char *error = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    int code = sqlite3_exec(db, sql, NULL, NULL, &error);
    (void)snprintf(said, sizeof(said), "%s", error != NULL ? error : "");
    sqlite3_free(error);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return code == SQLITE_OK ? NULL : said;
}

/* The first column of the first row. */
static char *ask_sql(const char *sql)
{
    static char answer[8192];
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    const char *text = (const char *)sqlite3_column_text(stmt, 0);
    (void)snprintf(answer, sizeof(answer), "%s", text != NULL ? text : "NULL");
    (void)sqlite3_finalize(stmt);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return answer;
}

static int64_t submit(struct stk_store *store, size_t count, const char *params)
{
    struct stk_new_job jobs[100] = { { 0 } };
    struct stk_submitted made[100];
    int64_t task = 0;
    assert_true(count >= 1 && count <= 100);
    OK(stk_store_begin(store, &err));
    OK(stk_store_task(store, "backtest", "backtest", &task, &err));
    for (size_t i = 0; i < count; i++) {
        jobs[i] =
            (struct stk_new_job){ .task_id = task, .params = params, .params_len = strlen(params) };
    }
    OK(stk_store_submit(store, jobs, count, NOW, made, &err));
    OK(stk_store_commit(store, &err));
    return made[0].id;
}

static void no_claim(void *context, const struct stk_claim *claim)
{
    *(struct stk_claim *)context = *claim;
}

static struct stk_claim claim(struct stk_store *store)
{
    const struct stk_queue *queues = NULL;
    struct stk_claim got = { 0 };
    uint32_t slot = 3;
    size_t count = 0;
    int64_t pool = 0;
    OK(stk_store_begin(store, &err));
    OK(stk_store_pool_start(store, "host", 1, 4, NOW, &pool, &err));
    OK(stk_store_queues(store, &queues, &count, &err));
    OK(stk_store_claim(store, queues[0].id, pool, &slot, 1, NOW, no_claim, &got, &count, &err));
    OK(stk_store_commit(store, &err));
    assert_int_equal(count, 1);
    return got;
}

static int64_t pending(struct stk_store *store)
{
    struct stk_counts counts;
    OK(stk_store_counts(store, 0, &counts, &err));
    return counts.of[STK_STATE_PENDING];
}

/* --- one owner ----------------------------------------------------------- */

static void open__by_a_second_is_refused_and_says_who_has_it(void **state)
{
    (void)state;
    struct stk_store *first = open_writer();
    struct stk_store *second = NULL;
    char pid[32];
    (void)snprintf(pid, sizeof(pid), "(pid %d on ", (int)getpid());
    REFUSED(try_open(&second), STK_BUSY, "is in use by \"stoker up\"");
    assert_non_null(strstr(err.text, pid));
    assert_non_null(strstr(err.text, "stoker.db.sock"));
    assert_null(second);
    stk_store_close(first);
    stk_store_close(open_writer());
}

static void owner__is_known_while_the_store_is_open(void **state)
{
    (void)state;
    struct stk_owner owner;
    REFUSED(stk_store_owner(url, &owner, &err), STK_NOT_FOUND, "nobody");
    struct stk_store *store = open_writer();
    OK(stk_store_owner(url, &owner, &err));
    assert_int_equal(owner.pid, getpid());
    assert_string_equal(owner.command, "stoker up");
    assert_true(owner.serves);
    assert_true(owner.since > 0 && owner.since <= stk_clock_now());
    stk_store_close(store);
    REFUSED(stk_store_owner(url, &owner, &err), STK_NOT_FOUND, "nobody");
    assert_int_not_equal(access(in_folder(".lock"), F_OK), 0);
}

static void open__takes_over_the_lock_of_a_dead_owner(void **state)
{
    (void)state;
    struct stk_owner owner;
    make_store();
    write_file(in_folder(".lock"), "{\"pid\":1,\"command\":\"stoker up\",\"host\":\"gone\"}");
    REFUSED(stk_store_owner(url, &owner, &err), STK_NOT_FOUND, "nobody");
    struct stk_store *store = open_writer();
    OK(stk_store_owner(url, &owner, &err));
    assert_int_equal(owner.pid, getpid());
    stk_store_close(store);
}

static void lock__is_not_inherited_by_programs(void **state)
{
    (void)state;
    struct stk_store *store = open_writer();
    int flags = fcntl(downcast(store)->lock_fd, F_GETFD);
    assert_true(flags >= 0 && (flags & FD_CLOEXEC) != 0);
    stk_store_close(store);
}

static void open__through_a_symbolic_link_finds_the_same_lock(void **state)
{
    (void)state;
    struct stk_store *store = open_writer();
    char link[96];
    char link_url[112];
    (void)snprintf(link, sizeof(link), "%s/link.db", folder);
    (void)snprintf(link_url, sizeof(link_url), "sqlite:%s", link);
    assert_int_equal(symlink(path, link), 0);

    struct stk_store_options options = { .command = "stoker up" };
    struct stk_store *second = NULL;
    REFUSED(stk_store_open(link_url, &options, &second, &err), STK_BUSY, "in use");
    STK_CLEANUP(stk_freep) char *socket = stk_store_socket_path(link_url);
    assert_non_null(strstr(socket, "/stoker.db.sock"));
    stk_store_close(store);
}

/* A process that is killed holds nothing, and loses nothing it committed. */
static void store__of_a_killed_owner_has_all_that_was_committed(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct stk_store *store = open_writer();
        (void)submit(store, 50, "{}");
        if (stk_store_begin(store, &err) != STK_OK) _exit(1);
        int64_t task = 0;
        if (stk_store_task(store, "other", "other", &task, &err) != STK_OK) _exit(1);
        (void)raise(SIGKILL);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(access(in_folder(".lock"), F_OK), 0);

    struct stk_store *store = open_writer();
    assert_int_equal(pending(store), 50);
    const struct stk_queue *queues = NULL;
    size_t count = 0;
    OK(stk_store_queues(store, &queues, &count, &err));
    assert_int_equal(count, 1);
    stk_store_close(store);
}

/* The lock outlives its owner for as long as another process has its descriptor. */
static void store__of_a_killed_owner_is_waited_for_until_the_kernel_lets_go(void **state)
{
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)open_writer();
        if (fork() == 0) {
            stk_clock_pause(300 * STK_MS);
            _exit(0);
        }
        (void)raise(SIGKILL);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    stk_store_close(open_writer());
}

/* --- what the file is ---------------------------------------------------- */

static void open__of_a_missing_folder_is_not_found(void **state)
{
    (void)state;
    struct stk_store_options options = { .command = "x" };
    struct stk_store *store = NULL;
    REFUSED(stk_store_open("sqlite:/nowhere/at/all/s.db", &options, &store, &err), STK_NOT_FOUND,
            "/nowhere/at/all");
}

static void open__of_what_is_no_path_is_invalid(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "sqlite:",     "sqlite::memory:", "sqlite:file:x.db?mode=ro",
        "sqlite:/tmp", "mysql://x",       "stoker.db"
    };
    struct stk_store_options options = { .command = "x" };
    for (size_t i = 0; i < STK_ARRAY_LEN(urls); i++) {
        struct stk_store *store = NULL;
        REFUSED(stk_store_open(urls[i], &options, &store, &err), STK_INVALID, "");
    }
}

static void open__of_a_file_that_is_no_database_leaves_it_alone(void **state)
{
    (void)state;
    static const char words[] = "these are the notes of a whole year, and they are not a database; "
                                "they must be just the same when stoker has looked at them\n";
    struct stk_store *store = NULL;
    struct stat info;
    write_file(path, words);
    REFUSED(try_open(&store), STK_BAD_DATA, "not a database");
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_size, sizeof(words) - 1);
}

static void open__of_another_programs_database_leaves_it_alone(void **state)
{
    (void)state;
    struct stk_store *store = NULL;
    assert_null(run_sql("CREATE TABLE accounts (id INTEGER)"));
    REFUSED(try_open(&store), STK_BAD_DATA, "another program");
    assert_string_equal(ask_sql("SELECT count(*) FROM sqlite_schema"), "1");
}

static void open__of_a_newer_schema_is_a_conflict(void **state)
{
    (void)state;
    struct stk_store *store = NULL;
    make_store();
    assert_null(run_sql("INSERT INTO stk_migration VALUES (99, '0099_future', 'x', 1)"));
    REFUSED(try_open(&store), STK_CONFLICT, "use a newer stoker");
}

static void open__of_a_schema_with_another_checksum_is_a_conflict(void **state)
{
    (void)state;
    struct stk_store *store = NULL;
    make_store();
    assert_null(run_sql("UPDATE stk_migration SET checksum = 'abc' WHERE version = 1"));
    REFUSED(try_open(&store), STK_CONFLICT, "made by another build");
}

static void versions__are_equal_after_opening(void **state)
{
    (void)state;
    int found = 0;
    int have = 0;
    int newest = 0;
    struct stk_store *store = open_writer();
    OK(stk_store_versions(store, &found, &have, &newest, &err));
    assert_int_equal(found, 0);
    assert_int_equal(have, newest);
    assert_true(have >= 1);
    stk_store_close(store);
    assert_string_equal(ask_sql("SELECT count(*) FROM stk_migration"), "2");
    make_store();
    assert_string_equal(ask_sql("SELECT count(*) FROM stk_migration"), "2");
}

/* Zeroes the root page of the events: nothing that opening needs. */
static void damage(void)
{
    char *page = ask_sql("SELECT rootpage FROM sqlite_schema WHERE name = 'event'");
    char zeroes[4096] = { 0 };
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    off_t at = (off_t)(strtol(page, NULL, 10) - 1) * (off_t)sizeof(zeroes);
    assert_int_equal(pwrite(fd, zeroes, sizeof(zeroes), at), sizeof(zeroes));
    assert_int_equal(close(fd), 0);
}

static void open__after_an_unclean_stop_checks_the_file_until_it_is_whole(void **state)
{
    (void)state;
    struct stk_store *store = NULL;
    make_store();
    damage();
    make_store(); /* after a clean stop nothing is checked */

    write_file(in_folder(".lock"), "{\"pid\":1}");
    REFUSED(try_open(&store), STK_BAD_DATA, "restore");
    REFUSED(try_open(&store), STK_BAD_DATA, "restore"); /* it does not wear off */
}

static void open__after_an_unclean_stop_of_a_whole_file_goes_on(void **state)
{
    (void)state;
    struct stk_store *store = open_writer();
    (void)submit(store, 10, "{}");
    stk_store_close(store);
    write_file(in_folder(".lock"), "{\"pid\":1}");
    store = open_writer();
    assert_int_equal(pending(store), 10);
    stk_store_close(store);
    assert_int_not_equal(access(in_folder(".lock"), F_OK), 0);
}

static void open__where_nothing_may_be_written_is_denied(void **state)
{
    (void)state;
    struct stk_store *store = NULL;
    make_store();
    bool is_root = geteuid() == 0;
    assert_int_equal(chmod(folder, 0755), 0);
    if (is_root) assert_int_equal(seteuid(65534), 0);
    if (!is_root) assert_int_equal(chmod(folder, 0555), 0);
    enum stk_rc in_folder_of_others = try_open(&store);
    if (is_root) assert_int_equal(seteuid(0), 0);
    REFUSED(in_folder_of_others, STK_DENIED, "Permission denied");

    assert_int_equal(chmod(folder, 0777), 0);
    assert_int_equal(chmod(path, 0444), 0);
    if (is_root) assert_int_equal(seteuid(65534), 0);
    enum stk_rc of_a_file = try_open(&store);
    if (is_root) assert_int_equal(seteuid(0), 0);
    REFUSED(of_a_file, STK_DENIED, "read-only");
}

static void place__on_a_file_system_of_other_machines_is_refused(void **state)
{
    (void)state;
    static const struct {
        uint64_t magic;
        const char *name; /* NULL: of this machine */
    } systems[] = {
        { 0x6969, "NFS" },        { 0xFF534D42, "CIFS" }, { 0xFE534D42, "SMB" },
        { 0x01021997, "9p" },     { 0x65735546, "FUSE" }, { 0x00C36400, "Ceph" },
        { 0x0BD00BD0, "Lustre" }, { 0xEF53, NULL },       { 0x58465342, NULL },
        { 0x9123683E, NULL },     { 0x01021994, NULL },   { 0x794C7630, NULL },
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(systems); i++) {
        enum stk_rc rc = stk_sqlite_magic_check("/mnt/s.db", systems[i].magic, &err);
        if (systems[i].name == NULL) OK(rc);
        if (systems[i].name != NULL) REFUSED(rc, STK_DENIED, systems[i].name);
    }
}

static void wal_reset_bug__is_known_by_version(void **state)
{
    (void)state;
    static const struct {
        int version;
        bool has;
    } versions[] = {
        { 3006000, false }, { 3007000, true }, { 3040001, true },  { 3044005, true },
        { 3044006, false }, { 3045000, true }, { 3050006, true },  { 3050007, false },
        { 3051000, true },  { 3051002, true }, { 3051003, false }, { 3052000, false }
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(versions); i++) {
        assert_int_equal(stk_sqlite_has_wal_reset_bug(versions[i].version), versions[i].has);
    }
}

static void tend__notices_a_file_that_was_moved_away_and_stops_writing(void **state)
{
    (void)state;
    struct stk_store *store = open_writer();
    char away[128];
    (void)snprintf(away, sizeof(away), "%s/away.db", folder);
    OK(stk_store_tend(store, false, &err));
    assert_int_equal(rename(path, away), 0);
    REFUSED(stk_store_tend(store, false, &err), STK_UNAVAILABLE, "no longer the file");
    REFUSED(stk_store_begin(store, &err), STK_UNAVAILABLE, "no longer the file");

    assert_int_equal(rename(away, path), 0);
    OK(stk_store_tend(store, false, &err));
    (void)submit(store, 1, "{}");
    stk_store_close(store);
}

static void tend__notices_a_lock_file_that_was_removed(void **state)
{
    (void)state;
    struct stk_store *store = open_writer();
    assert_int_equal(unlink(in_folder(".lock")), 0);
    REFUSED(stk_store_tend(store, false, &err), STK_UNAVAILABLE, ".lock");
    stk_store_close(store);
}

/* --- options ------------------------------------------------------------- */

static void expect_pragma(struct stk_store *store, const char *name, const char *value)
{
    char sql[64];
    sqlite3_stmt *stmt = NULL;
    (void)snprintf(sql, sizeof(sql), "PRAGMA %s", name);
    assert_int_equal(sqlite3_prepare_v2(downcast(store)->db, sql, -1, &stmt, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(stmt, 0), value);
    (void)sqlite3_finalize(stmt);
}

static void writer__has_the_options_that_make_it_durable(void **state)
{
    (void)state;
    static const char *const options[][2] = {
        { "journal_mode", "wal" },  { "synchronous", "2" },
        { "page_size", "4096" },    { "trusted_schema", "0" },
        { "cell_size_check", "1" }, { "wal_autocheckpoint", "0" },
        { "cache_size", "-65536" }, { "journal_size_limit", "67108864" },
    };
    struct stk_store *store = open_writer();
    for (size_t i = 0; i < STK_ARRAY_LEN(options); i++) {
        expect_pragma(store, options[i][0], options[i][1]);
    }
    stk_store_close(store);
}

static void commit__checkpoints_a_long_log_and_tend_empties_it(void **state)
{
    (void)state;
    struct stk_store *store = open_writer();
    struct stk_buf params = STK_BUF_INIT;
    struct stat log;
    stk_buf_adds(&params, "{\"x\":\"");
    while (params.len < 50000) {
        stk_buf_adds(&params, "0123456789");
    }
    stk_buf_adds(&params, "\"}");
    int longest = 0;
    for (int i = 0; i < 20; i++) {
        (void)submit(store, 100, stk_buf_str(&params));
        int frames = downcast(store)->wal_frames;
        longest = frames > longest ? frames : longest;
    }
    assert_true(longest > 4000);
    assert_true(longest < 6000); /* begun anew, not ever longer */

    OK(stk_store_tend(store, true, &err));
    assert_int_equal(stat(in_folder("-wal"), &log), 0);
    assert_int_equal(log.st_size, 0);
    stk_buf_release(&params);
    stk_store_close(store);
}

/* --- readers ------------------------------------------------------------- */

static void reader__sees_what_is_committed_and_cannot_write(void **state)
{
    (void)state;
    struct stk_store *writer = open_writer();
    (void)submit(writer, 3, "{}");
    struct stk_store *reader = open_reader();
    assert_int_equal(pending(reader), 3);
    (void)submit(writer, 2, "{}");
    assert_int_equal(pending(reader), 5);
    expect_pragma(reader, "query_only", "1");

    sqlite3 *db = downcast(reader)->db;
    assert_int_equal(sqlite3_exec(db, "DELETE FROM job", NULL, NULL, NULL) & 0xff, SQLITE_READONLY);
    (void)sqlite3_exec(db, "PRAGMA query_only = OFF", NULL, NULL, NULL);
    assert_int_equal(sqlite3_exec(db, "DELETE FROM job", NULL, NULL, NULL) & 0xff, SQLITE_READONLY);
    stk_store_close(reader);
    stk_store_close(writer);
}

static void reader__never_checkpoints(void **state)
{
    (void)state;
    struct stk_store *writer = open_writer();
    (void)submit(writer, 100, "{}");
    struct stk_store *reader = open_reader();
    struct stat before;
    struct stat after;
    assert_int_equal(stat(path, &before), 0);
    int done = 0;
    (void)sqlite3_wal_checkpoint_v2(downcast(reader)->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
                                    &done);
    stk_store_close(reader);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(before.st_size, after.st_size);
    assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    stk_store_close(writer);
}

static void reader__of_a_store_that_is_not_there_is_refused(void **state)
{
    (void)state;
    struct stk_store_options options = { .read_only = true };
    struct stk_store *store = NULL;
    assert_int_not_equal(stk_store_open(url, &options, &store, &err), STK_OK);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void skip_time(void *context, const struct stk_job *job)
{
    (void)job;
    if (++*(int *)context == 1) stk_clock_shift(5 * STK_SECOND);
}

static void jobs__that_take_too_long_to_list_end_with_advice(void **state)
{
    (void)state;
    struct stk_store *store = open_writer();
    for (int i = 0; i < 10; i++) {
        (void)submit(store, 100, "{}");
    }
    int seen = 0;
    struct stk_job_filter filter = { .state = -1, .limit = STK_PAGE_MAX };
    REFUSED(stk_store_jobs(store, &filter, skip_time, &seen, &err), STK_TIMEOUT, "narrow");
    stk_clock_shift(-5 * STK_SECOND);
    (void)submit(store, 1, "{}"); /* the store goes on */
    stk_store_close(store);
}

/* --- no room ------------------------------------------------------------- */

/* Fills the store until it refuses; what was accepted stays. */
static void fill_up(struct stk_store *store)
{
    char params[4096];
    int64_t task = 0;
    memset(params, 'x', sizeof(params));
    memcpy(params, "{\"x\":\"", 6);
    memcpy(params + sizeof(params) - 3, "\"}", 3);
    (void)submit(store, 1, params);
    enum stk_rc rc = STK_OK;
    int64_t accepted = 1;
    for (int i = 0; i < 2000 && rc == STK_OK; i++) {
        struct stk_submitted made;
        struct stk_new_job job = { .params = params, .params_len = strlen(params) };
        OK(stk_store_begin(store, &err));
        OK(stk_store_task(store, "backtest", "backtest", &task, &err));
        job.task_id = task;
        rc = stk_store_submit(store, &job, 1, NOW, &made, &err);
        if (rc != STK_OK && sqlite3_get_autocommit(downcast(store)->db) != 0) {
            REFUSED(stk_store_submit(store, &job, 1, NOW, &made, &err), STK_UNAVAILABLE,
                    "rolled back");
            rc = STK_FULL;
        }
        if (rc == STK_OK) rc = stk_store_commit(store, &err);
        if (rc != STK_OK) stk_store_rollback(store);
        if (rc == STK_OK) accepted++;
    }
    assert_int_equal(rc, STK_FULL);
    assert_int_equal(pending(store), accepted);
}

static void full__refuses_keeps_what_was_accepted_and_goes_on_with_room(void **state)
{
    (void)state;
    struct stk_store *store = open_writer();
    sqlite3 *db = downcast(store)->db;
    assert_int_equal(sqlite3_exec(db, "PRAGMA max_page_count = 60", NULL, NULL, NULL), SQLITE_OK);
    fill_up(store);
    int64_t before = pending(store);
    assert_int_equal(sqlite3_exec(db, "PRAGMA max_page_count = 6000", NULL, NULL, NULL), SQLITE_OK);
    (void)submit(store, 5, "{}");
    assert_int_equal(pending(store), before + 5);
    stk_store_close(store);
    assert_string_equal(ask_sql("PRAGMA integrity_check"), "ok");
}

static void full__on_a_disk_without_room_is_said_so(void **state)
{
    (void)state;
    if (mount("none", folder, "tmpfs", 0, "size=2m") != 0) skip();
    struct stk_store *store = open_writer();
    fill_up(store);
    stk_store_close(store);
    store = open_writer();
    assert_true(pending(store) > 1);
    stk_store_close(store);
    assert_string_equal(ask_sql("PRAGMA integrity_check"), "ok");
    assert_int_equal(umount(folder), 0);
}

/* --- the schema ---------------------------------------------------------- */

static void schema__lists_the_words_of_the_model(void **state)
{
    (void)state;
    struct stk_buf states = STK_BUF_INIT;
    struct stk_buf equals = STK_BUF_INIT;
    struct stk_buf outcomes = STK_BUF_INIT;
    for (int i = 0; i < STK_STATE_COUNT_; i++) {
        const char *name = stk_state_name((enum stk_state)i);
        stk_buf_addf(&states, "%s'%s'", i > 0 ? ", " : "", name);
        stk_buf_addf(&equals, "%sstate='%s'", i > 0 ? "OR" : "CHECK(", name);
    }
    stk_buf_addc(&equals, ')');
    for (int i = 0; i < STK_OUTCOME_COUNT_; i++) {
        if (i == STK_OUTCOME_PARKED) continue; /* goes on: never an attempt's end */
        stk_buf_addf(&outcomes, "%s'%s'", i > 0 ? "," : "", stk_outcome_name((enum stk_outcome)i));
    }
    make_store();
    STK_CLEANUP(stk_freep) char *in_states = stk_format("state IN (%s)", stk_buf_str(&states));
    STK_CLEANUP(stk_freep)
    char *in_outcomes = stk_format("outcome IN (%s)", stk_buf_str(&outcomes));
    assert_non_null(strstr(ask_sql("SELECT replace(replace(sql, char(10), ''), ' ', '') "
                                   "FROM sqlite_schema WHERE name = 'job'"),
                           stk_buf_str(&equals)));
    assert_non_null(
        strstr(ask_sql("SELECT sql FROM sqlite_schema WHERE name = 'job_count'"), in_states));
    assert_non_null(strstr(ask_sql("SELECT replace(replace(sql, char(10), ''), ' ', '') "
                                   "FROM sqlite_schema WHERE name = 'attempt'"),
                           in_outcomes + strlen("outcome IN ") + 1));
    stk_buf_release(&states);
    stk_buf_release(&equals);
    stk_buf_release(&outcomes);
}

/* `column IN ('a','b',...)` in the table's text, without its spaces. */
static void expect_words(const char *table, const char *column, const char *(*word)(int), int from,
                         int to)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf list = STK_BUF_INIT;
    stk_buf_addf(&list, "%sIN(", column);
    for (int i = from; i < to; i++) {
        stk_buf_addf(&list, "%s'%s'", i > from ? "," : "", word(i));
    }
    stk_buf_addc(&list, ')');
    STK_CLEANUP(stk_freep)
    char *ask = stk_format("SELECT replace(replace(sql, char(10), ''), ' ', '') "
                           "FROM sqlite_schema WHERE name = '%s'",
                           table);
    if (strstr(ask_sql(ask), stk_buf_str(&list)) == NULL) {
        fail_msg("table %s has no %s", table, stk_buf_str(&list));
    }
}

static const char *session_word(int i)
{
    return stk_session_state_name((enum stk_session_state)i);
}

static const char *phase_word(int i)
{
    return stk_remote_phase_name((enum stk_remote_phase)i);
}

static const char *role_word(int i)
{
    return stk_role_name((enum stk_role)i);
}

static void schema__lists_the_words_of_sessions_phases_and_roles(void **state)
{
    (void)state;
    make_store();
    expect_words("session", "state", session_word, 0, STK_SESSION_STATE_COUNT_);
    expect_words("session", "resume_state", session_word, 0, STK_SESSION_STATE_COUNT_);
    expect_words("remote", "phase", phase_word, STK_REMOTE_NONE + 1, STK_REMOTE_PHASE_COUNT_);
    expect_words("person", "role", role_word, 0, STK_ROLE_COUNT_);
}

/* Each of these would be a job in two states, or a second outcome. */
static void schema__refuses_rows_that_break_the_life_cycle(void **state)
{
    (void)state;
    static const char *const broken[] = {
        "UPDATE job SET state = 'sleeping' WHERE id = 1",
        "UPDATE job SET state = 'running' WHERE id = 1",
        "UPDATE job SET attempt_id = 5 WHERE id = 1",
        "UPDATE job SET ready_at = NULL WHERE id = 1",
        "UPDATE job SET held = 'unknown_task' WHERE id = 1",
        "UPDATE job SET finished_at = 5 WHERE id = 1",
        "UPDATE job SET result = '{}' WHERE id = 1",
        "UPDATE job SET worker = 1 WHERE id = 1",
        "UPDATE job SET due = 2 WHERE id = 1",
        "UPDATE job SET state = 'completed', attempt_id = NULL WHERE id = 2",
        "UPDATE job SET state = 'completed', finished_at = 5 WHERE id = 2",
        "UPDATE job SET state = 'failed', attempt_id = NULL, finished_at = 5 WHERE id = 2",
        "UPDATE job SET attempt_id = NULL WHERE id = 2",
        "UPDATE job SET due = 1 WHERE id = 2",
        "UPDATE job SET ready_at = 5 WHERE id = 2",
        "UPDATE job SET pool_id = NULL WHERE id = 2",
        "UPDATE job SET result = '{}' WHERE id = 2",
        "UPDATE job SET sweep_id = 1 WHERE id = 1",
        "UPDATE job SET attempt = -1 WHERE id = 1",
        "UPDATE job SET priority = 'high' WHERE id = 1",
        "UPDATE job_count SET n = -1",
        "UPDATE pool SET ended = 'lost'",
        "UPDATE pool SET stopped_at = 5",
    };
    struct stk_store *store = open_writer();
    (void)submit(store, 2, "{}");
    (void)claim(store);
    stk_store_close(store);
    assert_null(
        run_sql("UPDATE job SET state = 'running', due = 0, ready_at = NULL, attempt_id = 9,"
                " pool_id = 1, worker = 1, started_at = 1 WHERE id = 2"));
    assert_null(
        run_sql("UPDATE job SET state = 'pending', due = 1, ready_at = 1, attempt_id = NULL,"
                " pool_id = NULL, worker = NULL, started_at = NULL WHERE id = 1"));
    for (size_t i = 0; i < STK_ARRAY_LEN(broken); i++) {
        if (run_sql(broken[i]) == NULL) fail_msg("was taken: %s", broken[i]);
    }
}

static void statements__never_scan_the_jobs(void **state)
{
    (void)state;
    struct stk_store *store = open_writer();
    struct stk_sqlite *self = downcast(store);
    for (int i = 0; i < STMT_COUNT_; i++) {
        if (i == STMT_COUNT_CHECK) continue; /* doctor's: it recounts all */
        sqlite3_stmt *stmt = NULL;
        STK_CLEANUP(stk_freep)
        char *sql = stk_format("EXPLAIN QUERY PLAN %s", sqlite3_sql(self->stmts[i]));
        if (sqlite3_prepare_v2(self->db, sql, -1, &stmt, NULL) != SQLITE_OK) continue;
        while (sqlite3_step(stmt) == SQLITE_ROW) {
            const char *step = (const char *)sqlite3_column_text(stmt, 3);
            bool scans = strncmp(step, "SCAN job", 8) == 0 && strncmp(step, "SCAN job_", 9) != 0;
            if (scans || strcmp(step, "SCAN j") == 0) fail_msg("%s\n%s", step, sql);
        }
        (void)sqlite3_finalize(stmt);
    }
    stk_store_close(store);
}

/* --- the audit log ------------------------------------------------------- */

static void make_audit(void)
{
    struct stk_store *store = open_writer();
    OK(stk_store_begin(store, &err));
    for (int i = 0; i < 4; i++) {
        struct stk_audit audit = { .actor = "ada", .action = "pause", .subject = "queue lab" };
        OK(stk_store_audit_add(store, &audit, NOW, &err));
    }
    OK(stk_store_commit(store, &err));
    stk_store_close(store);
}

static void audit__cannot_be_changed_by_sql(void **state)
{
    (void)state;
    static const char *const refused[] = {
        "UPDATE audit SET actor = 'eve' WHERE id = 2",
        "DELETE FROM audit WHERE id = 4",
        "DELETE FROM audit",
        "INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE id = 2",
        "INSERT INTO audit SELECT 9, at, actor, action, subject, reason, prev, hash FROM audit",
    };
    make_audit();
    for (size_t i = 0; i < STK_ARRAY_LEN(refused); i++) {
        const char *said = run_sql(refused[i]);
        if (said == NULL || strstr(said, "append-only") == NULL)
            fail_msg("was taken: %s", refused[i]);
    }
}

static void audit__that_was_tampered_with_is_found_out(void **state)
{
    (void)state;
    static const struct {
        const char *sql, *said;
    } deeds[] = {
        { "UPDATE audit SET actor = 'eve' WHERE id = 2", "row 2: it was changed" },
        { "UPDATE audit SET reason = '' WHERE id = 3", "row 3: it was changed" },
        { "UPDATE audit SET actor = 'adap', action = 'ause' WHERE id = 1",
          "row 1: it was changed" },
        { "UPDATE audit SET at = at + 1 WHERE id = 4", "row 4: it was changed" },
        { "DELETE FROM audit WHERE id = 1", "row 2: rows before it are missing" },
        { "DELETE FROM audit WHERE id = 3", "row 4: rows before it are missing" },
        { "UPDATE audit SET prev = zeroblob(32) WHERE id = 3", "row 3: it does not follow" },
    };
    int64_t rows = 0;
    make_audit();
    STK_CLEANUP(stk_freep) char *saved = stk_strdup(in_folder(".saved"));
    STK_CLEANUP(stk_freep) char *save = stk_format("VACUUM INTO '%s'", saved);
    assert_null(run_sql(save));
    for (size_t i = 0; i < STK_ARRAY_LEN(deeds); i++) {
        assert_null(run_sql("DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete"));
        assert_null(run_sql(deeds[i].sql));
        struct stk_store *store = open_writer();
        REFUSED(stk_store_audit_verify(store, &rows, &err), STK_BAD_DATA, deeds[i].said);
        stk_store_close(store);
        assert_int_equal(remove(path), 0);
        STK_CLEANUP(stk_freep) char *again = stk_format("cp '%s' '%s'", saved, path);
        FILE *run = popen(again, "r"); // NOLINT: a folder of ours
        assert_non_null(run);
        assert_int_equal(pclose(run), 0);
    }
    struct stk_store *store = open_writer();
    OK(stk_store_audit_verify(store, &rows, &err));
    assert_int_equal(rows, 4);
    stk_store_close(store);
}

/* --- migrations ---------------------------------------------------------- */

static char *read_file(const char *name)
{
    struct stk_buf text = STK_BUF_INIT;
    char part[4096];
    size_t got = 0;
    FILE *file = fopen(name, "r");
    assert_non_null(file);
    while ((got = fread(part, 1, sizeof(part), file)) > 0) {
        stk_buf_add(&text, part, got);
    }
    assert_int_equal(fclose(file), 0);
    return stk_buf_take(&text);
}

/* A store as the first release left it: each state, an attempt, a sweep. */
static void make_first_version(void)
{
    STK_CLEANUP(stk_freep) char *first = read_file(STK_MIGRATIONS "/0001_jobs.sql");
    unsigned char hash[16];
    char checksum[33];
    stk_hash128(first, strlen(first), hash);
    for (size_t i = 0; i < sizeof(hash); i++) {
        (void)snprintf(checksum + 2 * i, 3, "%02x", hash[i]);
    }
    assert_null(run_sql("PRAGMA page_size = 4096; PRAGMA journal_mode = WAL"));
    assert_null(
        run_sql("CREATE TABLE stk_migration (version INTEGER PRIMARY KEY, name TEXT NOT NULL,"
                " checksum TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT"));
    assert_null(run_sql(first));
    STK_CLEANUP(stk_freep)
    char *record =
        stk_format("INSERT INTO stk_migration VALUES (1, '0001_jobs', '%s', 1)", checksum);
    assert_null(run_sql(record));
    assert_null(run_sql(
        "INSERT INTO queue (name) VALUES ('q');"
        "INSERT INTO task (name, queue_id) VALUES ('t', 1);"
        "INSERT INTO sweep (task_id, points, created_at, spec) VALUES (1, 1, 5, '{}');"
        "INSERT INTO pool (host, pid, workers, started_at, beat_at) VALUES ('h', 1, 2, 5, 5);"
        "INSERT INTO job (task_id, queue_id, state, due, priority, ready_at, created_at, params)"
        " VALUES (1, 1, 'pending', 1, 0, 5, 5, '{}');"
        "INSERT INTO job (task_id, queue_id, state, due, priority, attempt_id, attempt, pool_id,"
        " worker, created_at, started_at, params)"
        " VALUES (1, 1, 'running', 0, 0, 77, 1, 1, 2, 5, 6, '{}');"
        "INSERT INTO job (task_id, queue_id, state, due, priority, attempt, pool_id, worker,"
        " created_at, started_at, finished_at, params, result)"
        " VALUES (1, 1, 'completed', 0, 0, 1, 1, 1, 5, 6, 7, '{}', '{\"y\":1}');"
        "INSERT INTO job (task_id, queue_id, state, due, priority, attempt, pool_id, worker,"
        " created_at, started_at, finished_at, params, error)"
        " VALUES (1, 1, 'failed', 0, 0, 1, 1, 1, 5, 6, 7, '{}', 'no');"
        "INSERT INTO attempt (id, job_id, retries, attempt, attempt_id, outcome, exit_status,"
        " pool_id, worker, started_at, finished_at, error, tail)"
        " VALUES (9, 4, 0, 1, 99, 'failed', 3, 1, 1, 6, 7, 'no', 'last words');"
        "INSERT INTO job_count VALUES (0, 1, 1, 'pending', 1), (0, 1, 1, 'running', 1),"
        " (0, 1, 1, 'completed', 1), (0, 1, 1, 'failed', 1);"));
}

static void find_bad(void *context, enum stk_finding level, const char *text)
{
    (void)context;
    if (level == STK_FINDING_BAD) fail_msg("%s", text);
}

static void migrate__of_a_filled_store_keeps_all_of_it(void **state)
{
    (void)state;
    make_first_version();
    STK_CLEANUP(stk_freep)
    char *job = stk_strdup(ask_sql("SELECT group_concat(quote(id) || state || params"
                                   " || quote(result) || quote(error) || quote(worker), ';')"
                                   " FROM jobs"));
    STK_CLEANUP(stk_freep)
    char *attempt = stk_strdup(ask_sql("SELECT group_concat(job_id || outcome || quote(error)"
                                       " || quote(tail) || quote(exit_status) || worker"
                                       " || started_at, ';') FROM attempts"));

    struct stk_store *store = open_writer();
    int found = 0;
    int have = 0;
    int newest = 0;
    OK(stk_store_versions(store, &found, &have, &newest, &err));
    assert_true(found < newest);
    assert_int_equal(have, newest);
    OK(stk_store_doctor(store, true, find_bad, NULL, &err));
    stk_store_close(store);

    assert_string_equal(ask_sql("SELECT group_concat(quote(id) || state || params"
                                " || quote(result) || quote(error) || quote(worker), ';')"
                                " FROM jobs"),
                        job);
    assert_string_equal(ask_sql("SELECT group_concat(job_id || outcome || quote(error)"
                                " || quote(tail) || quote(exit_status) || worker"
                                " || started_at, ';') FROM attempts"),
                        attempt);
    assert_string_equal(ask_sql("SELECT id || '/' || attempt_id FROM attempt"), "9/99");
    assert_string_equal(ask_sql("SELECT count(*) FROM events WHERE kind = 'store.migrated'"), "1");
    assert_non_null(run_sql("INSERT INTO attempt (job_id, retries, attempt, attempt_id, outcome,"
                            " started_at, finished_at) VALUES (4, 0, 1, 99, 'failed', 1, 1)"));
    assert_null(run_sql("INSERT INTO attempt (job_id, retries, attempt, attempt_id, outcome,"
                        " started_at, finished_at) VALUES (4, 0, 1, 98, 'ambiguous', 1, 1)"));
    assert_string_equal(ask_sql("PRAGMA integrity_check"), "ok");
}

/* --- the views ----------------------------------------------------------- */

static void views__have_the_documented_columns(void **state)
{
    (void)state;
    static const char *const views[][2] = {
        { "jobs", "id,task,queue,sweep_id,state,priority,params,result,error,attempt,throttles,"
                  "session_waits,interruptions,created_at,ready_at,started_at,finished_at,worker" },
        { "sweeps", "id,name,task,spec,points,filled,created_at,finished_at,pending,running,"
                    "completed,failed,cancelled" },
        { "attempts", "job_id,retries,attempt,outcome,error,result,tail,exit_status,worker,"
                      "started_at,finished_at" },
        { "events", "id,at,kind,job_id,sweep_id,pool,queue,actor,text" },
        { "pools", "id,name,host,pid,workers,started_at,beat_at,stopped_at,ended" },
        { "queues", "id,name,paused,reason,actor,changed_at" },
        { "limits", "name,interval_ns,blocked_until,reason,episode,strikes,half_open,cap_learned,"
                    "window_from,used,set_per_window,set_concurrency,set_by,changed_at" },
        { "sessions", "name,state,generation,issued_at,expires_at,deadline_at,changed_at,reason,"
                      "renewed_by,renewed_at" },
        { "remotes", "job_id,queue,parked,phase,handle,result,submitted_at,poll_at,seen_at,run_ns,"
                     "polls,fails,gone,progress" },
        { "users", "name,role,renews,created_at" },
        { "audit_log", "id,at,actor,action,subject,reason" },
    };
    make_store();
    for (size_t i = 0; i < STK_ARRAY_LEN(views); i++) {
        char sql[128];
        (void)snprintf(sql, sizeof(sql), "SELECT group_concat(name) FROM pragma_table_info('%s')",
                       views[i][0]);
        assert_string_equal(ask_sql(sql), views[i][1]);
    }
}

static void views__write_times_and_workers_as_documented(void **state)
{
    (void)state;
    struct stk_store *store = open_writer();
    (void)submit(store, 2, "{\"fast\":5,\"name\":\"a\"}");
    struct stk_claim got = claim(store);
    stk_store_close(store);
    assert_int_equal(got.id, 1);
    assert_string_equal(ask_sql("SELECT created_at FROM jobs WHERE id = 1"),
                        "2027-01-15T08:00:00.125Z");
    assert_string_equal(ask_sql("SELECT started_at FROM jobs WHERE id = 1"),
                        "2027-01-15T08:00:00.125Z");
    assert_string_equal(ask_sql("SELECT finished_at FROM jobs WHERE id = 1"), "NULL");
    assert_string_equal(ask_sql("SELECT ready_at FROM jobs WHERE id = 2"),
                        "2027-01-15T08:00:00.125Z");
    assert_string_equal(ask_sql("SELECT worker FROM jobs WHERE id = 1"), "p1/w3");
    assert_string_equal(ask_sql("SELECT worker FROM jobs WHERE id = 2"), "NULL");
    assert_string_equal(ask_sql("SELECT outcome FROM attempts WHERE job_id = 1"), "running");
    assert_string_equal(ask_sql("SELECT task || '/' || queue FROM jobs WHERE id = 2"),
                        "backtest/backtest");
}

static void views__show_a_parked_job_without_a_worker(void **state)
{
    (void)state;
    struct stk_store *store = open_writer();
    (void)submit(store, 1, "{}");
    struct stk_claim got = claim(store);
    struct stk_remote remote = { .phase = STK_REMOTE_HANDLE,
                                 .handle = "h7",
                                 .submitted_at = NOW,
                                 .poll_at = NOW,
                                 .progress = -1 };
    struct stk_settle settle = { .id = got.id,
                                 .attempt_id = got.attempt_id,
                                 .outcome = STK_OUTCOME_PARKED,
                                 .to = { .state = STK_STATE_RUNNING, .ready_at = STK_NEVER },
                                 .remote = &remote };
    OK(stk_store_begin(store, &err));
    OK(stk_store_settle(store, &settle, 1, NOW, &err));
    OK(stk_store_commit(store, &err));
    stk_store_close(store);
    assert_true(settle.accepted);
    assert_string_equal(ask_sql("SELECT state FROM jobs"), "running");
    assert_string_equal(ask_sql("SELECT worker FROM jobs"), "NULL");
    assert_string_equal(ask_sql("SELECT worker FROM attempts"), "NULL");
    assert_string_equal(ask_sql("SELECT phase || ' ' || handle || ' ' || poll_at FROM remotes"),
                        "handle h7 2027-01-15T08:00:00.125Z");
    assert_string_equal(ask_sql("SELECT progress FROM remotes"), "NULL");
    assert_string_equal(ask_sql("SELECT seen_at FROM remotes"), "NULL");
}

static void views__let_parameters_be_asked_for_by_name(void **state)
{
    (void)state;
    struct stk_store *store = open_writer();
    (void)submit(store, 1, "{\"fast\":5,\"name\":\"a\"}");
    stk_store_close(store);
    assert_string_equal(ask_sql("SELECT params->>'fast' FROM jobs"), "5");
    assert_string_equal(ask_sql("SELECT count(*) FROM jobs WHERE params->>'name' = 'a'"), "1");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(open__by_a_second_is_refused_and_says_who_has_it),
        TEST(owner__is_known_while_the_store_is_open),
        TEST(open__takes_over_the_lock_of_a_dead_owner),
        TEST(lock__is_not_inherited_by_programs),
        TEST(open__through_a_symbolic_link_finds_the_same_lock),
        TEST(store__of_a_killed_owner_has_all_that_was_committed),
        TEST(store__of_a_killed_owner_is_waited_for_until_the_kernel_lets_go),
        TEST(open__of_a_missing_folder_is_not_found),
        TEST(open__of_what_is_no_path_is_invalid),
        TEST(open__of_a_file_that_is_no_database_leaves_it_alone),
        TEST(open__of_another_programs_database_leaves_it_alone),
        TEST(open__of_a_newer_schema_is_a_conflict),
        TEST(open__of_a_schema_with_another_checksum_is_a_conflict),
        TEST(versions__are_equal_after_opening),
        TEST(open__after_an_unclean_stop_checks_the_file_until_it_is_whole),
        TEST(open__after_an_unclean_stop_of_a_whole_file_goes_on),
        TEST(open__where_nothing_may_be_written_is_denied),
        TEST(place__on_a_file_system_of_other_machines_is_refused),
        TEST(wal_reset_bug__is_known_by_version),
        TEST(tend__notices_a_file_that_was_moved_away_and_stops_writing),
        TEST(tend__notices_a_lock_file_that_was_removed),
        TEST(writer__has_the_options_that_make_it_durable),
        TEST(commit__checkpoints_a_long_log_and_tend_empties_it),
        TEST(reader__sees_what_is_committed_and_cannot_write),
        TEST(reader__never_checkpoints),
        TEST(reader__of_a_store_that_is_not_there_is_refused),
        TEST(jobs__that_take_too_long_to_list_end_with_advice),
        TEST(full__refuses_keeps_what_was_accepted_and_goes_on_with_room),
        TEST(full__on_a_disk_without_room_is_said_so),
        TEST(schema__lists_the_words_of_the_model),
        TEST(schema__lists_the_words_of_sessions_phases_and_roles),
        TEST(schema__refuses_rows_that_break_the_life_cycle),
        TEST(statements__never_scan_the_jobs),
        TEST(audit__cannot_be_changed_by_sql),
        TEST(audit__that_was_tampered_with_is_found_out),
        TEST(migrate__of_a_filled_store_keeps_all_of_it),
        TEST(views__have_the_documented_columns),
        TEST(views__write_times_and_workers_as_documented),
        TEST(views__show_a_parked_job_without_a_worker),
        TEST(views__let_parameters_be_asked_for_by_name),
    };
    return cmocka_run_group_tests_name("sqlite", tests, NULL, NULL);
}
