/* SPDX-License-Identifier: MIT
 *
 * simulated - a provider asked as the keeper asks it, against the simulator.
 *
 * The simulator (tests/support/simulator.py) is one process for all tests of a
 * program; `sim_fresh` makes it forget everything.
 *
 * Memory:  start makes, stop ends; what `sim_ask` leaves is the stage's until the
 *          next question.
 */
#ifndef STK_TESTS_SIMULATED_H
#define STK_TESTS_SIMULATED_H

#include "base/json.h"
#include "session/provider.h"

struct sim {
    char url[64];
    struct stk_http *http;
    struct stk_session_spec *spec;
    struct stk_session session;
    struct stk_secret *credential, *work; /* kept from answer to answer, as by the keeper */
    struct stk_answer answer;             /* the last one */
    stk_time_ns now;                      /* of the next question */

    int pid, in; /* the simulator's, and what keeps it alive */
    char folder[64];
};

/* For cmocka's group set-up and tear-down; *state is a struct sim. */
int sim_start(void **state);
int sim_stop(void **state);
/* For its set-up of a case: nobody is known, no knob is turned. */
int sim_fresh(void **state);

/* The session "lab" as in stoker.yaml: `keys` is what stands in the braces; url is
 * added. */
void sim_spec(struct sim *sim, const char *keys);
/* A file in the stage's folder, with mode 0600; good until the next. */
const char *sim_file(struct sim *sim, const char *name, const char *text);

/* JSON bodies: {"slots": 1}, {"action": "pass"}. */
void sim_set(struct sim *sim, const char *knobs);
bool sim_person(struct sim *sim, const char *act);
int64_t sim_counter(struct sim *sim, const char *name);
/* What /_sim/state says, a new reference. */
json_t *sim_state(struct sim *sim);

/* Asks, and keeps what the answer brings. */
enum stk_session_event sim_ask(struct sim *sim, enum stk_session_act act);
/* Fails with the reason when the event is another. */
#define sim_must(sim, act, event) \
    sim_must_at(sim, STK_SESSION_ACT_##act, STK_SESSION_ON_##event, __LINE__)
void sim_must_at(struct sim *sim, enum stk_session_act act, enum stk_session_event event, int line);
/* A member of the credential or of a map in it: "access_token", "cookies/sid"; NULL. */
const char *sim_secret(struct sim *sim, const char *path);

#endif
