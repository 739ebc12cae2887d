/* SPDX-License-Identifier: MIT
 *
 * A key in a file, and an authority that says whether it takes it.
 */
#include "support/test.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "session/simulated.h"

/* A token that the authority takes, as a key that somebody got elsewhere. */
static char *get_key(struct sim *sim)
{
    const char *path = sim_file(sim, "secret", "client secret\n");
    STK_CLEANUP(stk_freep)
    char *keys = stk_format("provider: oauth-client, token: /token, client_id: stoker, "
                            "client_secret_file: '%s'",
                            path);
    sim_spec(sim, keys);
    sim_must(sim, BEGIN, CREDENTIAL);
    return stk_strdup(sim_secret(sim, "access_token"));
}

static void watch(struct sim *sim, const char *key)
{
    const char *path = sim_file(sim, "key", key);
    STK_CLEANUP(stk_freep)
    char *keys = stk_format("provider: static, file: '%s', check: /userinfo", path);
    sim_spec(sim, keys);
    sim->now = sim->now + STK_MINUTE; /* what is written in place has settled */
}

static void new_key__is_taken_when_the_authority_takes_it(void **state)
{
    struct sim *sim = *state;
    STK_CLEANUP(stk_freep) char *key = get_key(sim);
    watch(sim, "wrong-key");
    sim_must(sim, CHECK, CHECK_LOST);
    watch(sim, key);
    sim_must(sim, CHECK, CREDENTIAL);
    assert_string_equal(stk_secret_bytes(sim->credential), key);
}

static void same_key__is_asked_for_when_a_job_was_refused(void **state)
{
    struct sim *sim = *state;
    STK_CLEANUP(stk_freep) char *key = get_key(sim);
    watch(sim, key);
    sim_must(sim, CHECK, CREDENTIAL);
    int64_t checks = sim_counter(sim, "checks");
    sim->session.state = STK_SESSION_VALID;
    sim->session.generation = 1;
    sim_must(sim, CHECK, CHECK_OK);
    assert_int_equal(sim_counter(sim, "checks"), checks); /* nobody has complained */
    sim->session.state = STK_SESSION_SUSPECT;
    sim_must(sim, CHECK, CHECK_OK);
    assert_int_equal(sim_counter(sim, "checks"), checks + 1);

    assert_true(sim_person(sim, "{\"action\":\"revoke\"}"));
    sim_must(sim, CHECK, CHECK_LOST);
}

#define CASE(name) cmocka_unit_test_setup(name, sim_fresh)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(new_key__is_taken_when_the_authority_takes_it),
        CASE(same_key__is_asked_for_when_a_job_was_refused),
    };
    return cmocka_run_group_tests_name("session/watched", tests, sim_start, sim_stop);
}
