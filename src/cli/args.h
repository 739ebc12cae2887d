/* SPDX-License-Identifier: MIT
 *
 * args - the one option parser, over the tables of the command records.
 *
 * Long options as --limit=20 or --limit 20, one-letter options as -h; `--` ends
 * options; they may stand before, between and behind the words. A word like
 * fast=5 is never an option, whatever its name.
 *
 * Memory:  parse makes, release frees; the texts are those of argv.
 * Threads: pure.
 * Errors:  STK_INVALID naming the option; "did you mean" when one is near.
 */
#ifndef STK_CLI_ARGS_H
#define STK_CLI_ARGS_H

#include "base/err.h"

struct stk_option {
    const char *name; /* "limit" is --limit; NULL ends a table */
    const char
        *value; /* "N": takes a value, so named in the help; "a|b": one of these; NULL: none */
    const char *help; /* "show at most N jobs" */
    bool is_int;      /* a whole number from min to max */
    int64_t min, max;
    char letter; /* 'h': -h as well; 0: none */
};

struct stk_given {
    const struct stk_option *option;
    const char *value; /* NULL for a flag */
    int64_t number;
};
struct stk_args {
    struct stk_given *given;
    size_t given_count;
    const char **words; /* what is no option, in order */
    size_t word_count;
};
#define STK_ARGS_INIT \
    {                 \
        0             \
    }

/* tables[] is ended by NULL; argv does not hold the program's name. */
STK_MUST_USE enum stk_rc stk_args_parse(const struct stk_option *const *tables, char *const *argv,
                                        size_t count, struct stk_args *ret, struct stk_error *err);
void stk_args_release(struct stk_args *args);

bool stk_args_has(const struct stk_args *args, const char *name);
const char *stk_args_text(const struct stk_args *args, const char *name); /* NULL: not given */
int64_t stk_args_int(const struct stk_args *args, const char *name, int64_t fallback);
/* The n-th value of an option given more than once (0 is the first); NULL: no more. */
const char *stk_args_nth(const struct stk_args *args, const char *name, size_t n);

/* The option called name (len bytes) in the tables, or NULL. */
const struct stk_option *stk_option_find(const struct stk_option *const *tables, const char *name,
                                         size_t len);

#endif
