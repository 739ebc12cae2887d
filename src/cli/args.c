/* SPDX-License-Identifier: MIT */
#include "cli/args.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "model/shown.h"

enum { OPTIONS_MAX = 64 };

const struct stk_option *stk_option_find(const struct stk_option *const *tables, const char *name,
                                         size_t len)
{
    for (; *tables != NULL; tables++) {
        for (const struct stk_option *option = *tables; option->name != NULL; option++) {
            if (strlen(option->name) == len && memcmp(option->name, name, len) == 0) return option;
        }
    }
    return NULL;
}

static const struct stk_option *find_letter(const struct stk_option *const *tables, char letter)
{
    for (; *tables != NULL; tables++) {
        for (const struct stk_option *option = *tables; option->name != NULL; option++) {
            if (option->letter == letter) return option;
        }
    }
    return NULL;
}

static enum stk_rc fail_unknown(const struct stk_option *const *tables, const char *text,
                                struct stk_error *err)
{
    const char *names[OPTIONS_MAX];
    size_t count = 0;
    for (; *tables != NULL; tables++) {
        for (const struct stk_option *option = *tables; option->name != NULL; option++) {
            if (count < OPTIONS_MAX) names[count++] = option->name;
        }
    }

    STK_CLEANUP(stk_freep) char *shown = stk_shown(text);
    STK_CLEANUP(stk_freep) char *name = stk_strndup(text, strcspn(text, "="));
    const char *near =
        name[0] == '-' && name[1] == '-' ? stk_nearest(name + 2, names, count) : NULL;
    if (near == NULL) return stk_fail(err, STK_INVALID, "unknown option %s", shown);
    return stk_fail(err, STK_INVALID, "unknown option %s; did you mean --%s?", shown, near);
}

/* "a|b|c" holds the word. */
static bool is_choice(const char *choices, const char *word)
{
    size_t len = strlen(word);
    while (len > 0 && *choices != '\0') {
        size_t part = strcspn(choices, "|");
        if (part == len && memcmp(choices, word, len) == 0) return true;
        choices += part + (choices[part] == '|' ? 1 : 0);
    }
    return false;
}

static enum stk_rc check_value(struct stk_given *given, struct stk_error *err)
{
    const struct stk_option *option = given->option;
    STK_CLEANUP(stk_freep) char *shown = stk_shown(given->value);

    if (strchr(option->value, '|') != NULL && !is_choice(option->value, given->value)) {
        return stk_fail(err, STK_INVALID, "option --%s takes one of %s, not \"%s\"", option->name,
                        option->value, shown);
    }
    if (!option->is_int) return STK_OK;

    bool is_number = stk_parse_i64(given->value, &given->number);
    if (is_number && given->number >= option->min && given->number <= option->max) return STK_OK;
    return stk_fail(err, STK_INVALID,
                    "option --%s takes a whole number from %" PRId64 " to %" PRId64 ", not \"%s\"",
                    option->name, option->min, option->max, shown);
}

static enum stk_rc add_given(struct stk_args *args, struct stk_given given, struct stk_error *err)
{
    if (given.value != NULL) {
        enum stk_rc rc = check_value(&given, err);
        if (rc != STK_OK) return rc;
    }
    args->given = stk_realloc(args->given, args->given_count + 1, sizeof(*args->given));
    args->given[args->given_count++] = given;
    return STK_OK;
}

/* Reads argv[*i], an option, and its value, which may be the next of argv. */
static enum stk_rc read_option(const struct stk_option *const *tables, char *const *argv,
                               size_t count, size_t *i, struct stk_args *args,
                               struct stk_error *err)
{
    const char *text = argv[*i];
    bool is_long = text[1] == '-';
    size_t len = is_long ? strcspn(text + 2, "=") : 1;
    const struct stk_option *option = is_long           ? stk_option_find(tables, text + 2, len)
                                      : text[2] == '\0' ? find_letter(tables, text[1])
                                                        : NULL;
    if (option == NULL) return fail_unknown(tables, text, err);

    const char *value = is_long && text[2 + len] == '=' ? text + 2 + len + 1 : NULL;
    if (option->value == NULL && value != NULL) {
        return stk_fail(err, STK_INVALID, "option --%s takes no value", option->name);
    }
    if (option->value != NULL && value == NULL) {
        if (*i + 1 == count) {
            return stk_fail(err, STK_INVALID, "option --%s needs a value: --%s %s", option->name,
                            option->name, option->value);
        }
        value = argv[++*i];
    }
    return add_given(args, (struct stk_given){ .option = option, .value = value }, err);
}

static void add_word(struct stk_args *args, const char *word)
{
    args->words = stk_realloc(args->words, args->word_count + 1, sizeof(*args->words));
    args->words[args->word_count++] = word;
}

enum stk_rc stk_args_parse(const struct stk_option *const *tables, char *const *argv, size_t count,
                           struct stk_args *ret, struct stk_error *err)
{
    STK_CLEANUP(stk_args_release) struct stk_args args = STK_ARGS_INIT;
    bool options_ended = false;

    for (size_t i = 0; i < count; i++) {
        const char *text = argv[i];
        bool is_word = options_ended || text[0] != '-' || text[1] == '\0';
        if (is_word) {
            add_word(&args, text);
        } else if (strcmp(text, "--") == 0) {
            options_ended = true;
        } else {
            enum stk_rc rc = read_option(tables, argv, count, &i, &args, err);
            if (rc != STK_OK) return rc;
        }
    }

    *ret = args;
    args = (struct stk_args)STK_ARGS_INIT;
    return STK_OK;
}

void stk_args_release(struct stk_args *args)
{
    free(args->given);
    free(args->words);
    *args = (struct stk_args)STK_ARGS_INIT;
}

/* The last one given counts: a person adds to the end of a line. */
static const struct stk_given *find_given(const struct stk_args *args, const char *name)
{
    for (size_t i = args->given_count; i > 0; i--) {
        const struct stk_given *given = &args->given[i - 1];
        if (strcmp(given->option->name, name) == 0) return given;
    }
    return NULL;
}

bool stk_args_has(const struct stk_args *args, const char *name)
{
    return find_given(args, name) != NULL;
}

const char *stk_args_text(const struct stk_args *args, const char *name)
{
    const struct stk_given *given = find_given(args, name);
    return given == NULL ? NULL : given->value;
}

int64_t stk_args_int(const struct stk_args *args, const char *name, int64_t fallback)
{
    const struct stk_given *given = find_given(args, name);
    return given == NULL ? fallback : given->number;
}

const char *stk_args_nth(const struct stk_args *args, const char *name, size_t n)
{
    for (size_t i = 0; i < args->given_count; i++) {
        bool is_it = strcmp(args->given[i].option->name, name) == 0;
        if (is_it && n == 0) return args->given[i].value;
        if (is_it) n--;
    }
    return NULL;
}
