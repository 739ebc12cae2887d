/* SPDX-License-Identifier: MIT
 *
 * What every store engine must do, noun by noun. The store comes in
 * STK_TEST_STORE: a URL, or the name of an engine that needs no server
 * ("sqlite"), which is given a fresh file. One store serves the whole run, so
 * each test has a task of its own.
 */
#include "store/jobs.h"

#include <stdlib.h>

static int (*const groups[])(void) = {
    conformance_faults, conformance_submit,   conformance_claim,  conformance_settle,
    conformance_deeds,  conformance_rescue,   conformance_sweeps, conformance_lists,
    conformance_rows,   conformance_counters,
};

int main(void)
{
    /* The third commit, after the pool's, and some later submit. */
    (void)setenv("STK_FAULT", "commit.before:3:fail,submit.inserted:5:fail", 1);
    int failed = 0;
    run_make_file();
    (void)run_open(NULL);
    for (size_t i = 0; i < STK_ARRAY_LEN(groups); i++) {
        failed += groups[i]();
    }
    (void)run_close(NULL);
    run_remove_file();
    return failed;
}
