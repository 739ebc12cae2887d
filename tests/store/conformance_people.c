/* SPDX-License-Identifier: MIT
 *
 * What every store engine must do with sessions, limits, users, tokens, the
 * audit log and notices. See run.h for where the store comes from.
 */
#include "store/accounts.h"
#include "store/notices.h"
#include "store/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- sessions ------------------------------------------------------------ */

/* Every field has a value of its own, so that two that were mixed up show. */
static struct stk_session full_session(const char *name)
{
    struct stk_session session;
    memset(&session, 0, sizeof(session)); /* the padding too: rows are compared whole */
    (void)snprintf(session.name, sizeof(session.name), "%s", name);
    session.state = STK_SESSION_CHALLENGE_OPEN;
    session.resume_state = STK_SESSION_EXPIRING;
    session.generation = 3;
    session.issued_at = NOW + 1;
    session.expires_at = NOW + 2;
    session.deadline_at = STK_NEVER;
    session.changed_at = NOW + 3;
    session.closed_at = NOW + 4;
    (void)snprintf(session.reason, sizeof(session.reason), "the refresh token has ended");
    (void)snprintf(session.renewed_by, sizeof(session.renewed_by), "ada");
    session.renewed_at = NOW + 5;
    session.renew_tried = 2;
    session.tries = 6;
    session.try_at = NOW + 7;
    session.checked_at = NOW + 8;
    (void)snprintf(session.link, sizeof(session.link), "https://lab.example/device");
    (void)snprintf(session.code, sizeof(session.code), "ABCD-1234");
    session.challenge_at = NOW + 9;
    session.challenge_until = NOW + 10;
    session.poll_every_ns = 11;
    session.challenges = 12;
    session.ready_at = NOW + 13;
    session.blocked_until = STK_NEVER;
    session.blocks = 14;
    (void)snprintf(session.wish, sizeof(session.wish), "login");
    (void)snprintf(session.wish_by, sizeof(session.wish_by), "bob");
    session.wish_at = NOW + 15;
    session.epoch = 16;
    (void)snprintf(session.keeper, sizeof(session.keeper), "p1");
    session.lease_until = NOW + 17;
    session.block_unknown = true;
    return session;
}

static void set_session(const struct stk_session *session)
{
    begin();
    OK(stk_store_session_set(store, session, &err));
    commit();
}

/* NULL: none of that name. */
static const struct stk_session *find_session(struct stk_store *of, const char *name)
{
    const struct stk_session *sessions = NULL;
    size_t count = 0;
    OK(stk_store_sessions(of, &sessions, &count, &err));
    for (size_t i = 0; i < count; i++) {
        if (i > 0) assert_true(strcmp(sessions[i - 1].name, sessions[i].name) < 0);
        if (strcmp(sessions[i].name, name) == 0) return &sessions[i];
    }
    return NULL;
}

static const struct stk_session *session_named(struct stk_store *of, const char *name)
{
    const struct stk_session *session = find_session(of, name);
    if (session != NULL) return session;
    fail_msg("no session %s", name);
    abort(); /* cmocka does not say that it never returns */
}

static struct stk_store *open_reader(void)
{
    struct stk_store_options options = { .read_only = true };
    struct stk_store *reader = NULL;
    OK(stk_store_open(getenv("STK_TEST_STORE"), &options, &reader, &err));
    return reader;
}

static void session__is_read_as_it_was_written(void **state)
{
    (void)state;
    struct stk_session session = full_session("whole");
    set_session(&session);
    assert_memory_equal(session_named(store, "whole"), &session, sizeof(session));
    struct stk_store *reader = open_reader();
    assert_memory_equal(session_named(reader, "whole"), &session, sizeof(session));

    session.state = STK_SESSION_VALID;
    session.generation = 4;
    session.wish[0] = '\0';
    set_session(&session);
    const struct stk_session *kept = session_named(store, "whole");
    const struct stk_session *read = session_named(reader, "whole");
    assert_int_equal(kept->state, STK_SESSION_VALID);
    assert_int_equal(read->generation, 4);
    assert_string_equal(read->wish, "");
    stk_store_close(reader);
}

static void sessions__take_each_state_and_come_by_name(void **state)
{
    (void)state;
    for (int i = STK_SESSION_STATE_COUNT_ - 1; i >= 0; i--) {
        char name[32];
        (void)snprintf(name, sizeof(name), "state-%c", 'a' + i);
        struct stk_session session = full_session(name);
        session.state = (enum stk_session_state)i;
        session.resume_state = (enum stk_session_state)i;
        set_session(&session);
        assert_int_equal(session_named(store, name)->state, i);
    }
}

static void session__set_in_a_rolled_back_transaction_is_as_before(void **state)
{
    (void)state;
    struct stk_session session = full_session("undone");
    set_session(&session);
    struct stk_session changed = session;
    struct stk_session fresh = full_session("undone-new");
    changed.generation = 99;

    begin();
    OK(stk_store_session_set(store, &changed, &err));
    OK(stk_store_session_set(store, &fresh, &err));
    assert_int_equal(session_named(store, "undone")->generation, 99); /* its own writes */
    assert_non_null(find_session(store, "undone-new"));
    stk_store_rollback(store);
    assert_int_equal(session_named(store, "undone")->generation, 3);
    assert_null(find_session(store, "undone-new"));

    begin();
    OK(stk_store_savepoint(store, &err));
    OK(stk_store_session_set(store, &changed, &err));
    assert_int_equal(session_named(store, "undone")->generation, 99);
    stk_store_savepoint_undo(store);
    assert_int_equal(session_named(store, "undone")->generation, 3);
    commit();
    assert_int_equal(session_named(store, "undone")->generation, 3);
}

static void session__without_a_name_is_refused(void **state)
{
    (void)state;
    struct stk_session session = full_session("");
    begin();
    assert_int_equal(stk_store_session_set(store, &session, &err), STK_CONFLICT);
    commit();
}

static void expect_secret(const char *name, enum stk_session_secret which, const char *expected)
{
    struct stk_buf sealed = STK_BUF_INIT;
    int64_t generation = 0;
    stk_buf_adds(&sealed, "left over");
    OK(stk_store_session_secret(store, name, which, &sealed, &generation, &err));
    assert_int_equal(generation, 3);
    assert_int_equal(sealed.len, strlen(expected));
    assert_string_equal(stk_buf_str(&sealed), expected);
    stk_buf_release(&sealed);
}

static void set_secret(const char *name, enum stk_session_secret which, const char *sealed)
{
    begin();
    OK(stk_store_session_secret_set(store, name, which, sealed, strlen(sealed), &err));
    commit();
}

static void secrets__stand_beside_the_row(void **state)
{
    (void)state;
    struct stk_session session = full_session("secrets");
    set_session(&session);
    expect_secret("secrets", STK_SESSION_CREDENTIAL, "");
    set_secret("secrets", STK_SESSION_CREDENTIAL, "sealed cookie");
    set_secret("secrets", STK_SESSION_WORK, "sealed refresh token");
    set_session(&session); /* they stay */
    expect_secret("secrets", STK_SESSION_CREDENTIAL, "sealed cookie");
    expect_secret("secrets", STK_SESSION_WORK, "sealed refresh token");
    set_secret("secrets", STK_SESSION_WORK, "");
    expect_secret("secrets", STK_SESSION_WORK, "");
    expect_secret("secrets", STK_SESSION_CREDENTIAL, "sealed cookie");
}

static void secrets__are_bytes_of_any_kind(void **state)
{
    (void)state;
    STK_CLEANUP(stk_buf_release) struct stk_buf sealed = STK_BUF_INIT;
    struct stk_session session = full_session("bytes");
    int64_t generation = 0;
    begin();
    OK(stk_store_session_set(store, &session, &err));
    OK(stk_store_session_secret_set(store, "bytes", STK_SESSION_CREDENTIAL, "a\0b", 3, &err));
    commit();
    OK(stk_store_session_secret(store, "bytes", STK_SESSION_CREDENTIAL, &sealed, &generation,
                                &err));
    assert_int_equal(sealed.len, 3);
    assert_memory_equal(sealed.data, "a\0b", 3);
    assert_int_equal(generation, session.generation);
}

static void secrets__of_an_unknown_session_are_not_found(void **state)
{
    (void)state;
    struct stk_buf sealed = STK_BUF_INIT;
    int64_t generation = 0;
    assert_int_equal(
        stk_store_session_secret(store, "nobody", STK_SESSION_WORK, &sealed, &generation, &err),
        STK_NOT_FOUND);
    begin();
    assert_int_equal(stk_store_session_secret_set(store, "nobody", STK_SESSION_WORK, "x", 1, &err),
                     STK_NOT_FOUND);
    commit();
}

/* --- limits -------------------------------------------------------------- */

static struct stk_limit full_limit(const char *name)
{
    struct stk_limit limit;
    memset(&limit, 0, sizeof(limit));
    (void)snprintf(limit.name, sizeof(limit.name), "%s", name);
    limit.tat = 1;
    limit.interval_ns = 2;
    limit.interval_at = 3;
    limit.turn_at = 4;
    limit.blocked_until = 5;
    (void)snprintf(limit.reason, sizeof(limit.reason), "429 from lab.example");
    limit.episode = 6;
    limit.episode_at = 7;
    limit.strikes = 8;
    limit.half_open = true;
    limit.errors = 9;
    limit.errors_since = 10;
    limit.cap_learned = 11;
    limit.cap_until = 12;
    limit.cap_probe_at = 13;
    limit.window_from = 14;
    limit.used = 15;
    limit.set_per_window = -1;
    limit.set_concurrency = 16;
    (void)snprintf(limit.set_by, sizeof(limit.set_by), "ada");
    limit.changed_at = 17;
    return limit;
}

static const struct stk_limit *limit_named(struct stk_store *of, const char *name)
{
    const struct stk_limit *limits = NULL;
    size_t count = 0;
    OK(stk_store_limits(of, &limits, &count, &err));
    for (size_t i = 0; i < count; i++) {
        if (strcmp(limits[i].name, name) == 0) return &limits[i];
    }
    fail_msg("no limit %s", name);
    abort();
}

static void limit__is_read_as_it_was_written(void **state)
{
    (void)state;
    struct stk_limit limit = full_limit("whole");
    begin();
    OK(stk_store_limit_set(store, &limit, &err));
    commit();
    assert_memory_equal(limit_named(store, "whole"), &limit, sizeof(limit));
    struct stk_store *reader = open_reader();
    assert_memory_equal(limit_named(reader, "whole"), &limit, sizeof(limit));
    stk_store_close(reader);
}

static void limit__set_in_a_rolled_back_transaction_is_as_before(void **state)
{
    (void)state;
    struct stk_limit limit = full_limit("undone");
    begin();
    OK(stk_store_limit_set(store, &limit, &err));
    commit();
    limit.used = 99;
    begin();
    OK(stk_store_limit_set(store, &limit, &err));
    assert_int_equal(limit_named(store, "undone")->used, 99);
    stk_store_rollback(store);
    assert_int_equal(limit_named(store, "undone")->used, 15);
    begin();
    OK(stk_store_savepoint(store, &err));
    OK(stk_store_limit_set(store, &limit, &err));
    stk_store_savepoint_undo(store);
    assert_int_equal(limit_named(store, "undone")->used, 15);
    commit();
}

static void task_run_time__is_the_mean_of_completed_jobs(void **state)
{
    (void)state;
    stk_time_ns mean = -5;
    int64_t task = make_task("timed");
    OK(stk_store_task_run_time(store, "timed", &mean, &err));
    assert_int_equal(mean, 0);
    OK(stk_store_task_run_time(store, "never-seen", &mean, &err));
    assert_int_equal(mean, 0);

    for (int i = 1; i <= 2; i++) {
        (void)submit(task);
        struct stk_claim claim = claim_one("timed");
        struct stk_settle done = {
            .id = claim.id,
            .attempt_id = claim.attempt_id,
            .outcome = STK_OUTCOME_COMPLETED,
            .to = { .state = STK_STATE_COMPLETED, .ready_at = STK_NEVER, .counts = true },
        };
        begin();
        OK(stk_store_settle(store, &done, 1, NOW + i * STK_SECOND, &err));
        commit();
    }
    OK(stk_store_task_run_time(store, "timed", &mean, &err));
    assert_int_equal(mean, 1500 * STK_MS);
}

/* --- users and tokens ---------------------------------------------------- */

struct seen_user {
    struct stk_user user;
    size_t count;
    char names[256], renews[64], hash[64], totp[64], created_by[64];
};

static void see_user(void *context, const struct stk_user *user)
{
    struct seen_user *seen = context;
    size_t len = strlen(seen->names);
    seen->user = *user;
    seen->count++;
    (void)snprintf(seen->names + len, sizeof(seen->names) - len, "%s;", user->name);
    (void)snprintf(seen->renews, sizeof(seen->renews), "%s", user->renews);
    (void)snprintf(seen->hash, sizeof(seen->hash), "%s",
                   user->password_hash != NULL ? user->password_hash : "(none)");
    (void)snprintf(seen->totp, sizeof(seen->totp), "%.*s", (int)user->totp_len,
                   user->totp != NULL ? (const char *)user->totp : "");
    (void)snprintf(seen->created_by, sizeof(seen->created_by), "%s",
                   user->created_by != NULL ? user->created_by : "(none)");
}

static struct seen_user user_named(const char *name)
{
    struct seen_user seen = { .count = 0 };
    OK(stk_store_users(store, name, see_user, &seen, &err));
    return seen;
}

static void set_user(const struct stk_user *user)
{
    begin();
    OK(stk_store_user_set(store, user, &err));
    commit();
}

static void user__is_read_as_it_was_written(void **state)
{
    (void)state;
    struct stk_user user = { .name = "ada",
                             .role = STK_ROLE_OPERATOR,
                             .renews = "[\"lab\"]",
                             .password_hash = "$argon2id$...",
                             .totp = "sealed",
                             .totp_len = 6,
                             .totp_step = 5,
                             .failures = 4,
                             .blocked_until = NOW + 3,
                             .created_at = NOW,
                             .created_by = "root" };
    set_user(&user);
    struct seen_user seen = user_named("ada");
    assert_int_equal(seen.user.role, STK_ROLE_OPERATOR);
    assert_string_equal(seen.renews, "[\"lab\"]");
    assert_string_equal(seen.hash, "$argon2id$...");
    assert_string_equal(seen.totp, "sealed");
    assert_int_equal(seen.user.totp_step, 5);
    assert_int_equal(seen.user.failures, 4);
    assert_int_equal(seen.user.blocked_until, NOW + 3);
    assert_int_equal(seen.user.created_at, NOW);
    assert_string_equal(seen.created_by, "root");

    struct stk_user plain = { .name = "ada", .role = STK_ROLE_VIEWER, .created_at = NOW };
    set_user(&plain);
    seen = user_named("ada");
    assert_int_equal(seen.user.role, STK_ROLE_VIEWER);
    assert_string_equal(seen.renews, "[]");
    assert_string_equal(seen.hash, "(none)");
    assert_int_equal(seen.user.totp_len, 0);
}

static void users__take_each_role_and_come_by_name(void **state)
{
    (void)state;
    for (int i = STK_ROLE_COUNT_ - 1; i >= 0; i--) {
        char name[16];
        (void)snprintf(name, sizeof(name), "role-%c", 'a' + i);
        struct stk_user user = { .name = name, .role = (enum stk_role)i, .created_at = NOW };
        set_user(&user);
        assert_int_equal(user_named(name).user.role, i);
    }
    assert_non_null(strstr(user_named(NULL).names, "role-a;role-b;role-c;role-d;"));
}

static void user__that_is_unknown_is_not_found(void **state)
{
    (void)state;
    struct seen_user seen = { .count = 0 };
    assert_int_equal(stk_store_users(store, "nobody", see_user, &seen, &err), STK_NOT_FOUND);
    begin();
    assert_int_equal(stk_store_user_remove(store, "nobody", &err), STK_NOT_FOUND);
    commit();
}

static void user__whose_renews_are_no_json_is_refused(void **state)
{
    (void)state;
    struct stk_user user = { .name = "odd", .renews = "lab" };
    begin();
    assert_int_equal(stk_store_user_set(store, &user, &err), STK_CONFLICT);
    commit();
}

struct seen_tokens {
    struct stk_token last;
    size_t count;
    char user[32], label[32];
};

static void see_token(void *context, const struct stk_token *token)
{
    struct seen_tokens *seen = context;
    seen->last = *token;
    seen->count++;
    (void)snprintf(seen->user, sizeof(seen->user), "%s", token->user);
    (void)snprintf(seen->label, sizeof(seen->label), "%s",
                   token->label != NULL ? token->label : "-");
}

static struct seen_tokens tokens_of(const char *user)
{
    struct seen_tokens seen = { .count = 0 };
    OK(stk_store_tokens(store, user, see_token, &seen, &err));
    return seen;
}

static struct stk_token token_for(const char *user, uint8_t first)
{
    struct stk_token token = { .user = user, .created_at = NOW, .expires_at = STK_NEVER };
    memset(token.hash, 7, sizeof(token.hash));
    token.hash[0] = first;
    return token;
}

static int64_t add_token(const struct stk_token *token)
{
    int64_t id = 0;
    begin();
    OK(stk_store_token_add(store, token, &id, &err));
    commit();
    return id;
}

static enum stk_rc find_token(const struct stk_token *token, struct seen_tokens *ret)
{
    ret->count = 0;
    return stk_store_token_find(store, token->hash, see_token, ret, &err);
}

static void token__is_found_by_its_hash_until_it_is_removed(void **state)
{
    (void)state;
    struct stk_user user = { .name = "tom", .created_at = NOW };
    set_user(&user);
    struct stk_token token = token_for("tom", 1);
    token.label = "laptop";
    token.expires_at = NOW + 9;
    int64_t id = add_token(&token);

    struct seen_tokens seen;
    OK(find_token(&token, &seen));
    assert_int_equal(seen.last.id, id);
    assert_string_equal(seen.user, "tom");
    assert_string_equal(seen.label, "laptop");
    assert_memory_equal(seen.last.hash, token.hash, sizeof(token.hash));
    assert_int_equal(seen.last.created_at, NOW);
    assert_int_equal(seen.last.expires_at, NOW + 9);

    begin();
    OK(stk_store_token_remove(store, id, &err));
    assert_int_equal(stk_store_token_remove(store, id, &err), STK_NOT_FOUND);
    commit();
    assert_int_equal(find_token(&token, &seen), STK_NOT_FOUND);
    struct stk_token next = token_for("tom", 2);
    assert_true(add_token(&next) > id); /* the audit log names them by id */
}

static void tokens__go_with_their_user(void **state)
{
    (void)state;
    struct stk_user una = { .name = "una", .created_at = NOW };
    struct stk_user vic = { .name = "vic", .created_at = NOW };
    set_user(&una);
    set_user(&vic);
    struct stk_token tokens[3] = { token_for("una", 11), token_for("una", 12),
                                   token_for("vic", 13) };
    for (size_t i = 0; i < 3; i++) {
        (void)add_token(&tokens[i]);
    }
    assert_int_equal(tokens_of("una").count, 2);
    assert_int_equal(tokens_of("una").last.expires_at, STK_NEVER);
    assert_true(tokens_of(NULL).count >= 3);

    begin();
    OK(stk_store_user_remove(store, "una", &err));
    commit();
    struct seen_tokens seen;
    assert_int_equal(tokens_of("una").count, 0);
    assert_int_equal(find_token(&tokens[0], &seen), STK_NOT_FOUND);
    assert_int_equal(find_token(&tokens[2], &seen), STK_OK);
}

static void token__of_nobody_or_with_a_known_hash_is_refused(void **state)
{
    (void)state;
    struct stk_user user = { .name = "wim", .created_at = NOW };
    set_user(&user);
    struct stk_token token = token_for("wim", 21);
    struct stk_token orphan = token_for("nobody", 22);
    int64_t id = 0;
    (void)add_token(&token);
    begin();
    assert_int_equal(stk_store_token_add(store, &token, &id, &err), STK_CONFLICT);
    assert_int_equal(stk_store_token_add(store, &orphan, &id, &err), STK_NOT_FOUND);
    commit();
}

/* --- the audit log ------------------------------------------------------- */

static void add_audit(const char *action, const char *reason)
{
    struct stk_audit audit = {
        .actor = "ada", .action = action, .subject = "queue lab", .reason = reason
    };
    begin();
    OK(stk_store_audit_add(store, &audit, NOW, &err));
    commit();
}

struct seen_audits {
    size_t count;
    int64_t first, last;
    char text[512];
};

static void see_audit(void *context, const struct stk_audit *audit)
{
    struct seen_audits *seen = context;
    size_t len = strlen(seen->text);
    if (seen->count++ == 0) seen->first = audit->id;
    seen->last = audit->id;
    assert_int_equal(audit->at, NOW);
    (void)snprintf(seen->text + len, sizeof(seen->text) - len, "%s %s %s (%s);", audit->actor,
                   audit->action, audit->subject, audit->reason != NULL ? audit->reason : "-");
}

static struct seen_audits audits(int64_t before_id, size_t limit)
{
    struct seen_audits seen = { .count = 0 };
    OK(stk_store_audits(store, before_id, limit, see_audit, &seen, &err));
    return seen;
}

static void audit__is_read_newest_first_and_holds(void **state)
{
    (void)state;
    int64_t rows = -1;
    OK(stk_store_audit_verify(store, &rows, &err));
    int64_t before = rows;
    add_audit("pause", "maintenance");
    add_audit("resume", NULL);
    add_audit("resume", "");

    struct seen_audits seen = audits(0, 2);
    assert_string_equal(seen.text, "ada resume queue lab ();ada resume queue lab (-);");
    seen = audits(seen.last, 1);
    assert_string_equal(seen.text, "ada pause queue lab (maintenance);");
    OK(stk_store_audit_verify(store, &rows, &err));
    assert_int_equal(rows, before + 3);
}

static void audit__of_a_rolled_back_transaction_leaves_no_gap(void **state)
{
    (void)state;
    struct stk_audit audit = { .actor = "ada", .action = "x", .subject = "y" };
    int64_t before = 0;
    int64_t after = 0;
    OK(stk_store_audit_verify(store, &before, &err));
    begin();
    OK(stk_store_audit_add(store, &audit, NOW, &err));
    stk_store_rollback(store);
    add_audit("after", NULL);
    OK(stk_store_audit_verify(store, &after, &err));
    assert_int_equal(after, before + 1);
}

/* --- notices ------------------------------------------------------------- */

static bool add_notice(const char *key, stk_time_ns next_at)
{
    struct stk_notice notice = { .event = "session.expiring",
                                 .subject = "session lab",
                                 .key = key,
                                 .text = "session lab ends in 1h",
                                 .facts = "{\"in_s\":3600}",
                                 .next_at = next_at,
                                 .left = "[\"mail\"]" };
    bool fresh = false;
    begin();
    OK(stk_store_notice_add(store, &notice, NOW, &fresh, &err));
    commit();
    return fresh;
}

struct seen_notices {
    size_t count;
    int64_t first;
    stk_time_ns next;
    uint32_t tries;
    char keys[256], text[128], facts[64], left[64];
};

static void see_notice(void *context, const struct stk_notice *notice)
{
    struct seen_notices *seen = context;
    size_t len = strlen(seen->keys);
    if (seen->count++ == 0) seen->first = notice->id;
    seen->tries = notice->tries;
    assert_int_equal(notice->at, NOW);
    assert_string_equal(notice->event, "session.expiring");
    assert_string_equal(notice->subject, "session lab");
    (void)snprintf(seen->keys + len, sizeof(seen->keys) - len, "%s;", notice->key);
    (void)snprintf(seen->text, sizeof(seen->text), "%s", notice->text);
    (void)snprintf(seen->facts, sizeof(seen->facts), "%s", notice->facts);
    (void)snprintf(seen->left, sizeof(seen->left), "%s", notice->left);
}

static struct seen_notices due(stk_time_ns now, size_t limit)
{
    struct seen_notices seen = { .count = 0 };
    OK(stk_store_notices_due(store, now, limit, see_notice, &seen, &seen.next, &err));
    return seen;
}

static void notice__says_each_thing_once(void **state)
{
    (void)state;
    assert_true(add_notice("lab/17/expiring/1h", NOW + 5));
    assert_true(add_notice("lab/17/expiring/10m", NOW));
    assert_false(add_notice("lab/17/expiring/1h", NOW));

    struct seen_notices seen = due(NOW, 10);
    assert_string_equal(seen.keys, "lab/17/expiring/10m;");
    assert_string_equal(seen.text, "session lab ends in 1h");
    assert_string_equal(seen.facts, "{\"in_s\":3600}");
    assert_string_equal(seen.left, "[\"mail\"]");
    assert_int_equal(seen.tries, 0);
    assert_int_equal(seen.next, NOW + 5);

    seen = due(NOW + 5, 10);
    assert_string_equal(seen.keys, "lab/17/expiring/1h;lab/17/expiring/10m;");
    assert_int_equal(seen.next, STK_NEVER);
    seen = due(NOW + 5, 1);
    assert_int_equal(seen.next, NOW + 5); /* more of them are due */
}

static void notice__is_due_until_it_is_delivered(void **state)
{
    (void)state;
    struct seen_notices seen = due(NOW + 5, 10);
    int64_t id = seen.first;
    begin();
    OK(stk_store_notice_tried(store, id, "[]", NOW + 60, &err));
    commit();
    assert_int_equal(due(NOW + 5, 10).count, seen.count - 1);
    seen = due(NOW + 60, 10);
    assert_int_equal(seen.first, id);
    begin();
    OK(stk_store_notice_tried(store, id, "[]", STK_NEVER, &err));
    assert_int_equal(stk_store_notice_tried(store, 99999, "[]", STK_NEVER, &err), STK_NOT_FOUND);
    commit();
    assert_int_equal(due(NOW + STK_DAY, 10).count, seen.count - 1);
    assert_false(add_notice("lab/17/expiring/1h", NOW)); /* its key stays */
}

/* --- the run ------------------------------------------------------------- */

#define TEST(name) cmocka_unit_test_teardown(name, run_rollback)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(session__is_read_as_it_was_written),
        TEST(sessions__take_each_state_and_come_by_name),
        TEST(session__set_in_a_rolled_back_transaction_is_as_before),
        TEST(session__without_a_name_is_refused),
        TEST(secrets__stand_beside_the_row),
        TEST(secrets__are_bytes_of_any_kind),
        TEST(secrets__of_an_unknown_session_are_not_found),
        TEST(limit__is_read_as_it_was_written),
        TEST(limit__set_in_a_rolled_back_transaction_is_as_before),
        TEST(task_run_time__is_the_mean_of_completed_jobs),
        TEST(user__is_read_as_it_was_written),
        TEST(users__take_each_role_and_come_by_name),
        TEST(user__that_is_unknown_is_not_found),
        TEST(user__whose_renews_are_no_json_is_refused),
        TEST(token__is_found_by_its_hash_until_it_is_removed),
        TEST(tokens__go_with_their_user),
        TEST(token__of_nobody_or_with_a_known_hash_is_refused),
        TEST(audit__is_read_newest_first_and_holds),
        TEST(audit__of_a_rolled_back_transaction_leaves_no_gap),
        TEST(notice__says_each_thing_once),
        TEST(notice__is_due_until_it_is_delivered),
    };
    run_make_file();
    int failed = cmocka_run_group_tests_name("store/people", tests, run_open, run_close);
    run_remove_file();
    return failed;
}
