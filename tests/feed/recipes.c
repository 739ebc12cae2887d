/* SPDX-License-Identifier: MIT */
#include "support/test.h"

#include "feed/recipes.h"

#include <string.h>

#include "base/alloc.h"

static struct stk_settings *settings;

static const char yaml[] =
    "tasks:\n"
    "  backtest:\n"
    "    command: [./backtest, '{fast}', '{slow}']\n"
    "    params: {fast: int, slow: int}\n"
    "    priority: 3\n"
    "  fit:\n"
    "    command: [./fit, '{rate}', '{depth}', '{kind}', '{note}', '{dry}']\n"
    "    params:\n"
    "      rate: float\n"
    "      depth: {type: int, min: 1, max: 50}\n"
    "      kind: {enum: [tree, line]}\n"
    "      note: {type: text, default: '~'}\n"
    "      dry: {type: bool, default: false}\n"
    "  ping:\n"
    "    command: [./ping]\n";

struct stk_settings *recipes_read(const char *text)
{
    struct stk_error err = { .rc = STK_OK };
    struct stk_settings *made = NULL;
    struct stk_node *root = NULL;
    assert_ok(stk_config_parse("stoker.yaml", text, strlen(text), &root, &err), &err);
    assert_ok(stk_settings_read(root, "/tmp", &made, &err), &err);
    stk_config_close(root);
    return made;
}

const struct stk_settings *recipes_settings(void)
{
    if (settings == NULL) settings = recipes_read(yaml);
    return settings;
}

const struct stk_task *recipes_task(const char *name)
{
    const struct stk_task *task = stk_settings_task(recipes_settings(), name);
    assert_non_null(task);
    return task;
}

int recipes_end(void **unused)
{
    (void)unused;
    stk_settings_freep(&settings);
    return 0;
}

json_t *recipe(const char *text)
{
    struct stk_error err = { .rc = STK_OK };
    json_t *made = NULL;
    STK_CLEANUP(stk_freep) char *copy = stk_strdup(text);
    for (char *at = copy; *at != '\0'; at++) {
        if (*at == '\'') *at = '"';
    }
    assert_ok(stk_json_parse(copy, strlen(copy), &made, &err), &err);
    return made;
}

void assert_error(enum stk_rc rc, const struct stk_error *err, enum stk_rc want, const char *text)
{
    assert_string_equal(stk_rc_name(rc), stk_rc_name(want));
    assert_string_equal(err->text, text);
}

void assert_ok(enum stk_rc rc, const struct stk_error *err)
{
    if (rc != STK_OK) fail_msg("%s: %s", stk_rc_name(rc), err->text);
}
