/* SPDX-License-Identifier: MIT
 *
 * The table of routes: against the manual, and what is refused before any
 * handler runs.
 */
#include "api/house.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"

/* "/jobs/:id" as the manual writes it: "/jobs/ID". */
static void add_pattern(struct stk_buf *buf, const char *pattern)
{
    bool in_name = false;
    for (; *pattern != '\0'; pattern++) {
        if (*pattern == '/') in_name = false;
        if (*pattern == ':') {
            in_name = true;
            continue;
        }
        stk_buf_addc(buf, in_name ? (char)toupper((unsigned char)*pattern) : *pattern);
    }
}

static void the_manual_lists_the_routes_that_there_are(void **state)
{
    STK_CLEANUP(stk_buf_release) struct stk_buf table = STK_BUF_INIT;
    STK_CLEANUP(stk_buf_release) struct stk_buf rows = STK_BUF_INIT;
    const struct stk_route_info *routes = NULL;
    size_t count = stk_api_routes(&routes);
    char line[512];
    (void)state;

    for (size_t i = 0; i < count; i++) {
        stk_buf_addf(&table, "| %s | `", routes[i].method);
        add_pattern(&table, routes[i].pattern);
        stk_buf_addf(&table, "` | %s | %s |\n", stk_role_name(routes[i].role), routes[i].summary);
    }
    const char *path = getenv("STK_DOCS_API");
    FILE *manual = fopen(path != NULL ? path : "docs/api.md", "re");
    assert_non_null(manual);
    while (fgets(line, sizeof line, manual) != NULL) {
        bool is_row = strncmp(line, "| GET |", 7) == 0 || strncmp(line, "| POST |", 8) == 0;
        if (is_row) stk_buf_adds(&rows, line);
    }
    (void)fclose(manual);

    assert_string_equal(stk_buf_str(&rows), stk_buf_str(&table));
}

static void an_unknown_path_is_not_found(void **state)
{
    house_refuses(*state, "GET", "/job/1", NULL, STK_NOT_FOUND, "there is no route /job/1");
    house_refuses(*state, "GET", "/jobs/", NULL, STK_NOT_FOUND, "there is no route /jobs/");
    house_refuses(*state, "GET", "/jobs/1/why/not", NULL, STK_NOT_FOUND,
                  "there is no route /jobs/1/why/not");
    house_refuses(*state, "GET", "", NULL, STK_NOT_FOUND, "there is no route ");
}

static void a_known_path_names_its_methods(void **state)
{
    house_refuses(*state, "DELETE", "/jobs", NULL, STK_INVALID,
                  "/jobs takes POST or GET, not DELETE");
    house_refuses(*state, "POST", "/jobs/1", NULL, STK_INVALID, "/jobs/1 takes GET, not POST");
    house_refuses(*state, "GET", "/jobs/retry", NULL, STK_INVALID,
                  "/jobs/retry takes POST, not GET");
}

static void unknown_query_parameters_are_refused(void **state)
{
    house_refuses(*state, "GET", "/jobs?stat=failed", NULL, STK_INVALID,
                  "unknown query parameter \"stat\" of GET /jobs; did you mean \"state\"?");
    house_refuses(*state, "GET", "/sweeps?colour=red", NULL, STK_INVALID,
                  "unknown query parameter \"colour\" of GET /sweeps; it takes limit, before");
    house_refuses(*state, "POST", "/jobs?limit=1", "{}", STK_INVALID,
                  "unknown query parameter \"limit\" of POST /jobs; it takes none");
}

static void query_parameters_are_decoded_once_each(void **state)
{
    house_refuses(*state, "GET", "/jobs?st%61te=f%61il", NULL, STK_INVALID,
                  "state must be pending, running, completed, failed or cancelled, not \"fail\"");
    house_refuses(*state, "GET", "/jobs?limit=1&limit=2", NULL, STK_INVALID,
                  "limit is given twice in the query");
    house_refuses(*state, "GET", "/jobs?task=%4", NULL, STK_INVALID,
                  "\"%4\" in the address is not percent-encoded UTF-8");
    house_refuses(*state, "GET", "/jobs?task=a%00b", NULL, STK_INVALID,
                  "\"a%00b\" in the address is not percent-encoded UTF-8");
    house_refuses(*state, "GET", "/jobs?task=%ff", NULL, STK_INVALID,
                  "\"%ff\" in the address is not percent-encoded UTF-8");
}

static void limits_beyond_a_page_are_refused(void **state)
{
    house_refuses(*state, "GET", "/jobs?limit=0", NULL, STK_INVALID,
                  "limit must be a whole number from 1 to 1000, not \"0\"");
    house_refuses(*state, "GET", "/results?limit=1001", NULL, STK_INVALID,
                  "limit must be a whole number from 1 to 1000, not \"1001\"");
    house_refuses(*state, "GET", "/events?after=-1", NULL, STK_INVALID,
                  "after must be a whole number from 0, not \"-1\"");
    house_refuses(*state, "GET", "/sweeps/1?wait=2m", NULL, STK_INVALID,
                  "wait must be a duration such as 15s, at most 1m, not \"2m\"");
    house_refuses(*state, "GET", "/doctor?deep=yes", NULL, STK_INVALID,
                  "deep must be true or false, not \"yes\"");
}

static void unknown_members_of_the_body_are_refused(void **state)
{
    house_refuses(*state, "POST", "/jobs", "{'tsak': 'noop'}", STK_INVALID,
                  "unknown member \"tsak\" (did you mean \"task\"?)");
    house_refuses(*state, "POST", "/jobs", "[1]", STK_INVALID, "the body must be a JSON object");
    house_refuses(*state, "GET", "/jobs", "{}", STK_INVALID, "GET /jobs takes no body");
    house_refuses(*state, "POST", "/sweeps/1/extend", "{'task': 'noop'}", STK_INVALID,
                  "unknown member \"task\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_manual_lists_the_routes_that_there_are),
#define WITH_HOUSE(name) cmocka_unit_test_setup_teardown(name, house_set_up, house_tear_down)
        WITH_HOUSE(an_unknown_path_is_not_found),
        WITH_HOUSE(a_known_path_names_its_methods),
        WITH_HOUSE(unknown_query_parameters_are_refused),
        WITH_HOUSE(query_parameters_are_decoded_once_each),
        WITH_HOUSE(limits_beyond_a_page_are_refused),
        WITH_HOUSE(unknown_members_of_the_body_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
