/* SPDX-License-Identifier: MIT
 *
 * recipes - tasks to sweep over, and recipes as short texts, for these tests.
 *
 * backtest takes fast and slow (int). fit takes rate (float), depth (int, 1 to
 * 50), kind (one of tree, line), note (text, default "~"), dry (bool,
 * default false). ping takes nothing.
 *
 * Memory:  settings and tasks live until recipes_end; JSON, and what is read,
 *          is the caller's.
 */
#ifndef STK_TESTS_FEED_RECIPES_H
#define STK_TESTS_FEED_RECIPES_H

#include "feed/sweep.h"

const struct stk_settings *recipes_settings(void);
const struct stk_task *recipes_task(const char *name);
struct stk_settings *recipes_read(const char *text); /* stoker.yaml */
int recipes_end(void **unused);                      /* a group teardown */

/* JSON with ' for ": {'axes':[['fast','1:3']]}. Fails the test when it is none. */
json_t *recipe(const char *text);

/* What the call gave was this error. */
void assert_error(enum stk_rc rc, const struct stk_error *err, enum stk_rc want, const char *text);
/* It went well; otherwise the sentence is shown. */
void assert_ok(enum stk_rc rc, const struct stk_error *err);

#endif
