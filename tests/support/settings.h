/* SPDX-License-Identifier: MIT
 *
 * settings - a stoker.yaml written in the test, read from the folder /srv/lab.
 *
 * Memory:  must_read gives what stk_settings_free ends.
 * Errors:  must_read stops the program, with the text; the others fail the test.
 */
#ifndef STK_TESTS_SUPPORT_SETTINGS_H
#define STK_TESTS_SUPPORT_SETTINGS_H

#include "support/test.h"

#include <stdlib.h>
#include <string.h>

#include "model/settings.h"

static inline enum stk_rc read_yaml(const char *yaml, struct stk_settings **ret,
                                    struct stk_error *err)
{
    STK_CLEANUP(stk_config_closep) struct stk_node *root = NULL;
    enum stk_rc rc = stk_config_parse("stoker.yaml", yaml, strlen(yaml), &root, err);
    if (rc != STK_OK) return rc;
    return stk_settings_read(root, "/srv/lab", ret, err);
}

static inline struct stk_settings *must_read(const char *yaml)
{
    struct stk_settings *settings = NULL;
    struct stk_error err = { 0 };
    if (read_yaml(yaml, &settings, &err) != STK_OK) {
        print_error("%s\nrefused: %s\n", yaml, err.text);
        abort(); /* as fail_msg, but gcc's analyzer knows that it does not return */
    }
    return settings;
}

/* The error begins with `place` and holds `part`. */
static inline void assert_refused(const char *yaml, const char *place, const char *part)
{
    struct stk_settings *settings = NULL;
    struct stk_error err = { 0 };
    enum stk_rc rc = read_yaml(yaml, &settings, &err);
    if (rc == STK_OK) fail_msg("%s\nwas accepted", yaml);

    assert_int_equal(rc, STK_BAD_CONFIG);
    assert_null(settings);
    if (strncmp(err.text, place, strlen(place)) != 0) assert_string_equal(err.text, place);
    if (strstr(err.text, part) == NULL) assert_string_equal(err.text, part);
}

#endif
