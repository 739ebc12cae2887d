/* SPDX-License-Identifier: MIT */
#include "model/session_value.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "model/keys.h"
#include "model/shown.h"
#include "model/task_config.h"
#include "model/zone.h"

#define SPAN_MAX (3650 * STK_DAY)

enum { TEXT_BYTES_MAX = 4096, ARGV_MAX = 256 };

static enum stk_rc read_line(const struct stk_node *node, const char **ret, struct stk_error *err)
{
    enum stk_rc rc = stk_node_text(node, ret, err);
    if (rc != STK_OK) return rc;
    const char *text = *ret;
    if (*text == '\0') return stk_node_fail(node, err, "is empty");
    if (strlen(text) > TEXT_BYTES_MAX) {
        return stk_node_fail(node, err, "is longer than %d bytes", TEXT_BYTES_MAX);
    }
    for (const char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f) {
            return stk_node_fail(node, err, "holds a control character");
        }
    }
    return STK_OK;
}

static void put(void *place, char *value)
{
    char **text = place;
    free(*text);
    *text = value;
}

enum stk_rc stk_session_text(const struct stk_node *node, const char *dir, void *place,
                             struct stk_error *err)
{
    (void)dir;
    const char *text = NULL;
    enum stk_rc rc = read_line(node, &text, err);
    if (rc == STK_OK) put(place, stk_strdup(text));
    return rc;
}

enum stk_rc stk_session_path(const struct stk_node *node, const char *dir, void *place,
                             struct stk_error *err)
{
    const char *text = NULL;
    enum stk_rc rc = read_line(node, &text, err);
    if (rc == STK_OK) put(place, stk_path_under(dir, text));
    return rc;
}

/* --- URLs ----------------------------------------------------------------- */

/* What follows http:// or https://, else NULL. */
static const char *after_scheme(const char *text)
{
    if (strncmp(text, "https://", 8) == 0) return text + 8;
    return strncmp(text, "http://", 7) == 0 ? text + 7 : NULL;
}

static enum stk_rc check_url(const struct stk_node *node, const char *text, struct stk_error *err)
{
    const char *host = after_scheme(text);
    size_t len = host == NULL ? 0 : strcspn(host, "/?#");
    if (host != NULL && memchr(host, '@', len) != NULL) { /* not shown: it may be a password */
        return stk_node_fail(node, err, "a URL may not hold a user: secrets only from files");
    }
    STK_CLEANUP(stk_freep) char *shown = stk_shown(text);
    if (len == 0 || *host == ':') {
        return stk_node_fail(node, err, "\"%s\" is not a URL such as https://lab.example", shown);
    }
    if (strpbrk(text, " \"<>\\^`{|}") != NULL) {
        return stk_node_fail(node, err, "\"%s\" holds what no URL does: write it as %%XX", shown);
    }
    return STK_OK;
}

enum stk_rc stk_session_url(const struct stk_node *node, const char *dir, void *place,
                            struct stk_error *err)
{
    (void)dir;
    const char *text = NULL;
    enum stk_rc rc = read_line(node, &text, err);
    if (rc == STK_OK) rc = check_url(node, text, err);
    if (rc == STK_OK) put(place, stk_strdup(text));
    return rc;
}

/* The text is not shown: `token: SECRET` is a mistake that people make. */
enum stk_rc stk_session_ref(const struct stk_node *node, const char *dir, void *place,
                            struct stk_error *err)
{
    const char *text = NULL;
    enum stk_rc rc = read_line(node, &text, err);
    if (rc != STK_OK) return rc;
    if (after_scheme(text) != NULL) return stk_session_url(node, dir, place, err);
    if (*text != '/' || text[1] == '/') {
        return stk_node_fail(node, err, "must be a path (/authentication) or a URL (https://...)");
    }
    if (strchr(text, ' ') != NULL) return stk_node_fail(node, err, "a path holds no blanks");
    put(place, stk_strdup(text));
    return STK_OK;
}

/* --- lists ---------------------------------------------------------------- */

static enum stk_rc read_list(const struct stk_node *node, size_t max, const char *example,
                             char ***ret, struct stk_error *err)
{
    if (node->kind != STK_NODE_LIST || node->count == 0) {
        return stk_node_fail(node, err, "must be a list, such as %s", example);
    }
    if (node->count > max) {
        return stk_node_fail(node, err, "has %zu items; the limit is %zu", node->count, max);
    }
    *ret = stk_alloc((node->count + 1) * sizeof(char *));
    for (size_t i = 0; i < node->count; i++) {
        const char *text = NULL;
        enum stk_rc rc = stk_node_text(node->children[i], &text, err);
        if (rc != STK_OK) return rc;
        (*ret)[i] = stk_strdup(text);
    }
    return STK_OK;
}

enum stk_rc stk_session_argv(const struct stk_node *node, const char *dir, void *place,
                             struct stk_error *err)
{
    (void)dir;
    char ***argv = place;
    enum stk_rc rc = read_list(node, ARGV_MAX, "[./renew, --quiet]: there is no shell", argv, err);
    if (rc != STK_OK) return rc;
    if (*(*argv)[0] == '\0') return stk_node_fail(node, err, "the program's name is empty");
    return STK_OK;
}

enum stk_rc stk_session_names(const struct stk_node *node, const char *dir, void *place,
                              struct stk_error *err)
{
    (void)dir;
    char ***names = place;
    enum stk_rc rc = read_list(node, STK_RENEWERS_MAX, "[ops, anna]", names, err);
    if (rc != STK_OK) return rc;
    for (size_t i = 0; i < node->count; i++) {
        if (stk_name_is_valid((*names)[i])) continue;
        STK_CLEANUP(stk_freep) char *shown = stk_shown((*names)[i]);
        return stk_node_fail(node->children[i], err, "\"%s\" is not the name of a user", shown);
    }
    return STK_OK;
}

enum stk_rc stk_session_limits(const struct stk_node *node, const char *dir, void *place,
                               struct stk_error *err)
{
    (void)dir;
    return read_list(node, STK_TASK_LIMITS_MAX, "[lab-auth]", place, err);
}

/* --- the rest ------------------------------------------------------------- */

enum stk_rc stk_session_header(const struct stk_node *node, const char *dir, void *place,
                               struct stk_error *err)
{
    const char *text = NULL;
    enum stk_rc rc = read_line(node, &text, err);
    if (rc != STK_OK) return rc;
    const char *colon = strchr(text, ':');
    if (colon == NULL || colon == text || strcspn(text, " \t{}") < (size_t)(colon - text)) {
        return stk_node_fail(node, err, "must be as \"Authorization: Bearer {secret}\"");
    }
    if (strchr(colon, '{') == NULL) { /* not shown: what stands there may be the secret */
        return stk_node_fail(node, err, "holds no {secret}: secrets only from files");
    }
    return stk_session_text(node, dir, place, err);
}

enum stk_rc stk_session_pointer(const struct stk_node *node, const char *dir, void *place,
                                struct stk_error *err)
{
    const char *text = NULL;
    enum stk_rc rc = read_line(node, &text, err);
    if (rc != STK_OK) return rc;
    if (*text != '/') {
        STK_CLEANUP(stk_freep) char *shown = stk_shown(text);
        return stk_node_fail(node, err, "\"%s\" is not a JSON pointer such as /token/expiry",
                             shown);
    }
    return stk_session_text(node, dir, place, err);
}

enum stk_rc stk_session_zone(const struct stk_node *node, const char *dir, void *place,
                             struct stk_error *err)
{
    const char *name = NULL;
    enum stk_rc rc = read_line(node, &name, err);
    if (rc != STK_OK) return rc;
    struct stk_error cause = { 0 };
    struct stk_zone *zone = NULL;
    rc = stk_zone_open(name, &zone, &cause);
    stk_zone_free(zone);
    if (rc != STK_OK) return stk_node_fail(node, err, "%s", cause.text);
    return stk_session_text(node, dir, place, err);
}

enum stk_rc stk_session_span(const struct stk_node *node, const char *dir, void *place,
                             struct stk_error *err)
{
    (void)dir;
    return stk_key_duration(node, STK_MS, SPAN_MAX, place, err);
}

enum stk_rc stk_session_pause(const struct stk_node *node, const char *dir, void *place,
                              struct stk_error *err)
{
    (void)dir;
    return stk_key_duration(node, 0, SPAN_MAX, place, err);
}
