/* SPDX-License-Identifier: MIT */
#include "base/fault.h"

#include <assert.h>

static const char *const point_names[] = {
#define STK_FAULT_ROW(name, text) [STK_FAULT_##name] = (text),
    STK_FAULT_MAP(STK_FAULT_ROW)
#undef STK_FAULT_ROW
};

const char *stk_fault_name(enum stk_fault_point point)
{
    assert(point < STK_FAULT_COUNT_);
    return point_names[point];
}

#ifdef STK_FAULTS

#    include <pthread.h>
#    include <signal.h>
#    include <stdatomic.h>
#    include <stdio.h>
#    include <stdlib.h>
#    include <string.h>
#    include <time.h>

#    include "base/alloc.h"
#    include "base/text.h"

enum { PLANS_MAX = 64, STALL_MS = 200 };
enum action { ACTION_KILL, ACTION_FAIL, ACTION_STALL };

static const char *const action_names[] = {
    [ACTION_KILL] = "kill",
    [ACTION_FAIL] = "fail",
    [ACTION_STALL] = "stall",
};

struct plan {
    size_t point;
    int64_t passing; /* 1 is the first */
    size_t action;
};

/* Written once, then only read. */
static pthread_once_t plans_once = PTHREAD_ONCE_INIT;
static struct plan plans[PLANS_MAX];
static size_t plan_count;

static _Atomic int64_t passings[STK_FAULT_COUNT_];

/* A driver with a typing error would test nothing and pass: no going on. */
static STK_NORETURN void refuse(const char *what, const char *text)
{
    (void)fprintf(stderr, "STK_FAULT: %s: '%s'\n", what, text);
    abort();
}

static bool find_name(const char *const *names, size_t count, const char *name, size_t *ret)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) != 0) continue;
        *ret = i;
        return true;
    }
    return false;
}

static void add_plan(char *text)
{
    struct plan plan = { 0 };
    char *rest = NULL;
    const char *point = strtok_r(text, ":", &rest);
    const char *passing = strtok_r(NULL, ":", &rest);
    const char *action = strtok_r(NULL, "", &rest);
    if (point == NULL || passing == NULL || action == NULL) refuse("not NAME:N:ACTION", text);

    if (!find_name(point_names, STK_FAULT_COUNT_, point, &plan.point)) {
        refuse("no such point", point);
    }
    if (!stk_parse_i64(passing, &plan.passing) || plan.passing < 1) refuse("no number", passing);
    if (!find_name(action_names, STK_ARRAY_LEN(action_names), action, &plan.action)) {
        refuse("no such action", action);
    }
    if (plan_count == PLANS_MAX) refuse("too many", text);
    plans[plan_count++] = plan;
}

static void read_plans(void)
{
    STK_CLEANUP(stk_freep) char *text = stk_strdup(getenv("STK_FAULT"));
    char *rest = NULL;
    char *item = text != NULL ? strtok_r(text, ",", &rest) : NULL;
    while (item != NULL) {
        add_plan(item);
        item = strtok_r(NULL, ",", &rest);
    }
}

static bool act(size_t action)
{
    struct timespec stall = { .tv_nsec = STALL_MS * STK_MS };
    if (action == ACTION_KILL) (void)raise(SIGKILL);
    if (action == ACTION_STALL) (void)nanosleep(&stall, NULL);
    return action == ACTION_FAIL;
}

bool stk_fault(enum stk_fault_point point)
{
    assert(point < STK_FAULT_COUNT_);
    (void)pthread_once(&plans_once, read_plans);

    int64_t passing = atomic_fetch_add(&passings[point], 1) + 1;
    bool fails = false;
    for (size_t i = 0; i < plan_count; i++) {
        if (plans[i].point != point || plans[i].passing != passing) continue;
        fails = act(plans[i].action) || fails;
    }
    return fails;
}

#endif
