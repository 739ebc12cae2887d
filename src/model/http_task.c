/* SPDX-License-Identifier: MIT */
#include "model/http_task.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "model/keys.h"
#include "model/shown.h"
#include "model/task_config.h"

#define EVERY_USUAL   (5 * STK_SECOND)
#define EVERY_MIN     (100 * STK_MS)
#define EVERY_MAX     STK_DAY
#define TIMEOUT_USUAL (30 * STK_SECOND)
#define TIMEOUT_MAX   (10 * STK_MINUTE)

enum {
    HAS_AT_SUBMIT = STK_HTTP_HAS_PARAMS,
    HAS_AT_POLL = STK_HTTP_HAS_PARAMS | STK_HTTP_HAS_HANDLE,
    HAS_AT_RESULT = HAS_AT_POLL | STK_HTTP_HAS_ANSWER
};

struct reading {
    const struct stk_task *task;
    const char *dir;
    struct stk_http_spec *spec;
};

/* --- requests ------------------------------------------------------------- */

static enum stk_rc read_submit(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct reading *self = into;
    return stk_http_ask_read(node, self->task, "POST", HAS_AT_SUBMIT, &self->spec->submit, err);
}

static enum stk_rc read_result(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct reading *self = into;
    struct stk_http_ask *ask = &self->spec->result;
    enum stk_rc rc = stk_http_ask_read(node, self->task, "GET", HAS_AT_RESULT, ask, err);
    if (rc != STK_OK || strcmp(ask->method, "GET") == 0) return rc;
    return stk_node_fail(node, err, "a result is read with GET: it may have to be read again");
}

static enum stk_rc read_cancel(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct reading *self = into;
    return stk_http_ask_read(node, self->task, "DELETE", HAS_AT_POLL, &self->spec->cancel, err);
}

/* A map with the keys of a request and more: the others are read here. */
static struct stk_node *without(const struct stk_node *node, const char *const *names,
                                struct stk_node *copy)
{
    *copy = *node;
    copy->count = 0;
    if (node->kind != STK_NODE_MAP) return copy;
    copy->children = stk_alloc((node->count + 1) * sizeof(*copy->children));
    for (size_t i = 0; i < node->count; i++) {
        bool is_own = false;
        for (const char *const *name = names; *name != NULL; name++) {
            is_own |= strcmp(node->children[i]->name, *name) == 0;
        }
        if (!is_own) copy->children[copy->count++] = node->children[i];
    }
    return copy;
}

static enum stk_rc read_rest(const struct stk_node *node, const char *const *names,
                             const struct stk_task *task, unsigned has, struct stk_http_ask *ask,
                             struct stk_error *err)
{
    struct stk_node copy;
    enum stk_rc rc = stk_http_ask_read(without(node, names, &copy), task, "GET", has, ask, err);
    if (node->kind == STK_NODE_MAP) free(copy.children);
    return rc;
}

static enum stk_rc read_poll(const struct stk_node *node, void *into, struct stk_error *err)
{
    static const char *const own[] = { "every", "first", NULL };
    struct reading *self = into;
    struct stk_http_spec *spec = self->spec;
    enum stk_rc rc = read_rest(node, own, self->task, HAS_AT_POLL, &spec->poll, err);
    const struct stk_node *every = stk_node_get(node, "every");
    const struct stk_node *first = stk_node_get(node, "first");
    if (rc == STK_OK && every != NULL) {
        rc = stk_key_duration(every, EVERY_MIN, EVERY_MAX, &spec->every_ns, err);
    }
    spec->first_ns = spec->every_ns;
    if (rc == STK_OK && first != NULL) {
        rc = stk_key_duration(first, 0, EVERY_MAX, &spec->first_ns, err);
    }
    return rc;
}

/* --- the handle ----------------------------------------------------------- */

static enum stk_rc read_handle_header(const struct stk_node *node, void *into,
                                      struct stk_error *err)
{
    struct stk_http_spec *spec = into;
    const char *name = NULL;
    enum stk_rc rc = stk_node_text(node, &name, err);
    if (rc == STK_OK) spec->handle_header = stk_strdup(name);
    return rc;
}

static enum stk_rc read_handle_pointer(const struct stk_node *node, void *into,
                                       struct stk_error *err)
{
    struct stk_http_spec *spec = into;
    return stk_http_read_pointer(node, &spec->handle_pointer, err);
}

static enum stk_rc read_handle(const struct stk_node *node, void *into, struct stk_error *err)
{
    static const struct stk_key keys[] = { { "header", read_handle_header },
                                           { "pointer", read_handle_pointer } };
    struct reading *self = into;
    enum stk_rc rc = stk_keys_read(node, keys, STK_ARRAY_LEN(keys), self->spec, err);
    if (rc != STK_OK) return rc;
    bool has_header = self->spec->handle_header != NULL;
    bool has_pointer = self->spec->handle_pointer != NULL;
    if (has_header != has_pointer) return STK_OK;
    return stk_node_fail(node, err, "must be {header: Location} or {pointer: /id}");
}

/* --- what answers look like ----------------------------------------------- */

static enum stk_rc read_accepted(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct reading *self = into;
    return stk_http_condition_read(node, &self->spec->accepted, err);
}

static enum stk_rc read_running(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct reading *self = into;
    return stk_http_condition_read(node, &self->spec->running, err);
}

static enum stk_rc read_completed(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct reading *self = into;
    return stk_http_condition_read(node, &self->spec->completed, err);
}

static enum stk_rc read_failed(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct reading *self = into;
    return stk_http_condition_read(node, &self->spec->failed, err);
}

static enum stk_rc read_progress(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct reading *self = into;
    return stk_http_read_pointer(node, &self->spec->progress, err);
}

static enum stk_rc read_message(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct reading *self = into;
    return stk_http_read_pointer(node, &self->spec->message, err);
}

static enum stk_rc read_lost_status(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_http_spec *spec = ((struct reading *)into)->spec;
    return stk_http_read_statuses(node, spec->lost_status, &spec->lost_status_count, err);
}

static enum stk_rc read_lost_marker(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct reading *self = into;
    return stk_http_read_texts(node, &self->spec->lost_marker, err);
}

static enum stk_rc read_slots_marker(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct reading *self = into;
    return stk_http_read_texts(node, &self->spec->slots_marker, err);
}

static enum stk_rc read_quota_marker(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct reading *self = into;
    return stk_http_read_texts(node, &self->spec->quota_marker, err);
}

/* --- ambiguous ------------------------------------------------------------ */

static enum stk_rc read_ambiguous(const struct stk_node *node, void *into, struct stk_error *err)
{
    static const char *const names[] = { [STK_AMBIGUOUS_QUARANTINE] = "quarantine",
                                         [STK_AMBIGUOUS_RESUBMIT] = "resubmit",
                                         [STK_AMBIGUOUS_ADOPT] = "adopt" };
    struct reading *self = into;
    const char *text = NULL;
    enum stk_rc rc = stk_node_text(node, &text, err);
    for (size_t i = 0; rc == STK_OK && i < STK_ARRAY_LEN(names); i++) {
        if (strcmp(names[i], text) != 0) continue;
        self->spec->ambiguous = (enum stk_ambiguous)i;
        return STK_OK;
    }
    if (rc != STK_OK) return rc;
    STK_CLEANUP(stk_freep) char *shown = stk_shown(text);
    return stk_node_fail(node, err, "\"%s\" is not quarantine, adopt or resubmit", shown);
}

static enum stk_rc read_match(const struct stk_node *node, const struct stk_task *task,
                              struct stk_http_list *list, struct stk_error *err)
{
    enum stk_rc rc = stk_node_map_of(node, NULL, err);
    if (rc != STK_OK) return rc;
    if (node->count == 0 || node->count > STK_HTTP_MATCHES_MAX) {
        return stk_node_fail(node, err, "needs 1 to %d pairs such as {/n: \"{n}\"}",
                             STK_HTTP_MATCHES_MAX);
    }
    for (size_t i = 0; i < node->count; i++) {
        const struct stk_node *child = node->children[i];
        struct stk_http_match *match = &list->match[list->match_count++];
        if (*child->name != '/') {
            return stk_node_fail(child, err, "is not a JSON pointer such as /n");
        }
        match->pointer = stk_strdup(child->name);
        rc = stk_http_read_template(child, task, STK_HTTP_FORM_TEXT, HAS_AT_SUBMIT, &match->value,
                                    err);
        if (rc != STK_OK) return rc;
    }
    return STK_OK;
}

static enum stk_rc read_list(const struct stk_node *node, void *into, struct stk_error *err)
{
    static const char *const own[] = { "pointer", "match", "handle", NULL };
    struct reading *self = into;
    struct stk_http_list *list = &self->spec->list;
    const struct stk_node *pointer = stk_node_get(node, "pointer");
    const struct stk_node *match = stk_node_get(node, "match");
    const struct stk_node *handle = stk_node_get(node, "handle");
    enum stk_rc rc = read_rest(node, own, self->task, HAS_AT_SUBMIT, &list->ask, err);
    if (rc != STK_OK) return rc;
    list->pointer = stk_strdup("");
    if (match == NULL) {
        return stk_node_fail(node, err, "needs match: {/n: \"{n}\"}: which of them is the job?");
    }
    if (pointer != NULL) rc = stk_http_read_pointer(pointer, &list->pointer, err);
    if (rc == STK_OK) rc = read_match(match, self->task, list, err);
    if (rc != STK_OK || handle == NULL) return rc;
    return stk_http_read_template(handle, self->task, STK_HTTP_FORM_URL,
                                  HAS_AT_SUBMIT | STK_HTTP_HAS_ANSWER, &list->handle, err);
}

/* --- the rest ------------------------------------------------------------- */

static enum stk_rc read_timeout(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct reading *self = into;
    return stk_key_duration(node, STK_MS, TIMEOUT_MAX, &self->spec->timeout_ns, err);
}

static enum stk_rc read_ca_file(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct reading *self = into;
    const char *path = NULL;
    enum stk_rc rc = stk_node_text(node, &path, err);
    if (rc == STK_OK) self->spec->ca_file = stk_path_under(self->dir, path);
    return rc;
}

/* clang-format off */
static const struct stk_key keys[] = {
    { "submit",       read_submit       },
    { "accepted",     read_accepted     },
    { "handle",       read_handle       },
    { "poll",         read_poll         },
    { "running",      read_running      },
    { "completed",    read_completed    },
    { "failed",       read_failed       },
    { "progress",     read_progress     },
    { "message",      read_message      },
    { "result",       read_result       },
    { "cancel",       read_cancel       },
    { "ambiguous",    read_ambiguous    },
    { "list",         read_list         },
    { "lost_status",  read_lost_status  },
    { "lost_marker",  read_lost_marker  },
    { "slots_marker", read_slots_marker },
    { "quota_marker", read_quota_marker },
    { "timeout",      read_timeout      },
    { "ca_file",      read_ca_file      },
};
/* clang-format on */
_Static_assert(STK_ARRAY_LEN(keys) <= STK_KEYS_MAX, "stk_keys_read holds them all");

static enum stk_rc check_names(const struct stk_node *node, const struct stk_task *task,
                               struct stk_error *err)
{
    for (size_t i = 0; i < task->param_count; i++) {
        const char *name = task->params[i].name;
        if (!stk_http_name_is_taken(name)) continue;
        return stk_node_fail(
            node, err, "{%s} means something else here: give the parameter another name", name);
    }
    return STK_OK;
}

static enum stk_rc check_adopt(const struct stk_node *node, struct stk_http_spec *spec,
                               struct stk_error *err)
{
    bool has_list = spec->list.ask.url != NULL;
    if (spec->ambiguous == STK_AMBIGUOUS_ADOPT && !has_list) {
        return stk_node_fail(stk_node_get(node, "ambiguous"), err,
                             "adopt needs list: {url: ..., match: {...}}: where to look for jobs");
    }
    if (!has_list || spec->list.handle != NULL) return STK_OK;
    if (spec->handle_pointer == NULL) {
        return stk_node_fail(stk_node_get(node, "list"), err,
                             "needs handle: \"https://.../{/id}\": what to make it of");
    }
    spec->list.handle = stk_format("{%s}", spec->handle_pointer);
    return STK_OK;
}

static enum stk_rc check_spec(const struct stk_node *node, struct stk_http_spec *spec,
                              struct stk_error *err)
{
    const struct {
        const char *name;
        bool is_there;
    } needed[] = {
        { "submit", spec->submit.url != NULL },
        { "handle", spec->handle_header != NULL || spec->handle_pointer != NULL },
        { "poll", spec->poll.url != NULL },
        { "completed", spec->completed.is_set },
    };
    for (size_t i = 0; i < STK_ARRAY_LEN(needed); i++) {
        if (!needed[i].is_there) return stk_node_fail(node, err, "needs %s:", needed[i].name);
    }
    return check_adopt(node, spec, err);
}

enum stk_rc stk_http_spec_read(const struct stk_node *node, const char *dir, struct stk_task *task,
                               struct stk_error *err)
{
    struct stk_http_spec *spec = stk_alloc(sizeof(*spec));
    struct reading reading = { .task = task, .dir = dir, .spec = spec };
    task->http = spec;
    spec->every_ns = spec->first_ns = EVERY_USUAL;
    spec->timeout_ns = TIMEOUT_USUAL;
    spec->progress = stk_strdup("/progress");
    spec->message = stk_strdup("/message");

    enum stk_rc rc = check_names(node, task, err);
    if (rc == STK_OK) rc = stk_keys_read(node, keys, STK_ARRAY_LEN(keys), &reading, err);
    return rc == STK_OK ? check_spec(node, spec, err) : rc;
}

static void release_list(struct stk_http_list *list)
{
    stk_http_ask_release(&list->ask);
    free(list->pointer);
    free(list->handle);
    for (size_t i = 0; i < list->match_count; i++) {
        free(list->match[i].pointer);
        free(list->match[i].value);
    }
}

void stk_http_spec_free(struct stk_http_spec *spec)
{
    if (spec == NULL) return;
    struct stk_http_ask *asks[] = { &spec->submit, &spec->poll, &spec->result, &spec->cancel };
    struct stk_http_condition *conditions[] = { &spec->accepted, &spec->running, &spec->completed,
                                                &spec->failed };
    for (size_t i = 0; i < STK_ARRAY_LEN(asks); i++) {
        stk_http_ask_release(asks[i]);
        stk_http_condition_release(conditions[i]);
    }
    release_list(&spec->list);
    free(spec->handle_header);
    free(spec->handle_pointer);
    free(spec->progress);
    free(spec->message);
    stk_http_texts_free(spec->lost_marker);
    stk_http_texts_free(spec->slots_marker);
    stk_http_texts_free(spec->quota_marker);
    free(spec->ca_file);
    free(spec);
}
