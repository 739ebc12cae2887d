/* SPDX-License-Identifier: MIT */
#include "model/http_task.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "model/http_step.h"
#include "model/http_template.h"
#include "model/keys.h"
#include "model/shown.h"
#include "model/task_config.h"

#define EVERY_DEFAULT   (5 * STK_SECOND)
#define TIMEOUT_DEFAULT (30 * STK_SECOND)

/* --- what steps have besides a request ------------------------------------ */

static enum stk_rc read_every(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_http_step_reading *self = into;
    return stk_key_duration(node, 10 * STK_MS, STK_DAY, &self->spec->every, err);
}

static enum stk_rc read_first(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_http_step_reading *self = into;
    return stk_key_duration(node, 10 * STK_MS, STK_DAY, &self->spec->first, err);
}

static enum stk_rc read_result_pointer(const struct stk_node *node, void *into,
                                       struct stk_error *err)
{
    struct stk_http_step_reading *self = into;
    return stk_http_pointer(node, &self->spec->result_pointer, err);
}

static enum stk_rc read_list_pointer(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_http_step_reading *self = into;
    return stk_http_pointer(node, &self->spec->list_pointer, err);
}

static enum stk_rc read_list_handle(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_http_step_reading *self = into;
    return stk_http_text(node, self->task, STK_HOLE_POINTER, &self->spec->list_handle, err);
}

static enum stk_rc read_match(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct stk_http_step_reading *self = into;
    enum stk_rc rc = stk_node_map_of(node, NULL, err);
    if (rc != STK_OK) return rc;
    if (node->count == 0 || node->count > STK_HTTP_MATCH_MAX) {
        return stk_node_fail(node, err, "must have 1 to %d members such as {/name: \"n{job}\"}",
                             STK_HTTP_MATCH_MAX);
    }
    for (size_t i = 0; i < node->count; i++) {
        struct stk_http_match *match = &self->spec->matches[self->spec->match_count++];
        if (node->children[i]->name[0] != '/') {
            return stk_node_fail(node->children[i], err, "must be a JSON pointer, such as /name");
        }
        match->pointer = stk_strdup(node->children[i]->name);
        rc = stk_http_text(node->children[i], self->task, 0, &match->text, err);
        if (rc != STK_OK) return rc;
    }
    return STK_OK;
}

/* --- the steps ------------------------------------------------------------ */

/* clang-format off */
#define REQUEST_KEYS                         \
    { "method",  stk_http_step_method  },    \
    { "url",     stk_http_step_url     },    \
    { "headers", stk_http_step_headers }
#define BODY_KEYS                            \
    { "json",    stk_http_step_json    },    \
    { "body",    stk_http_step_body    }

static const struct stk_key sending_keys[] = { REQUEST_KEYS, BODY_KEYS };
static const struct stk_key poll_keys[] = {
    REQUEST_KEYS, BODY_KEYS,
    { "every",   read_every          },
    { "first",   read_first          },
};
static const struct stk_key result_keys[] = {
    REQUEST_KEYS,
    { "pointer", read_result_pointer },
};
static const struct stk_key list_keys[] = {
    REQUEST_KEYS,
    { "pointer", read_list_pointer   },
    { "match",   read_match          },
    { "handle",  read_list_handle    },
};
/* clang-format on */

/* What all keys of `http:` are read into. */
struct reading {
    struct stk_task *task;
    struct stk_http_spec *spec;
};

struct step_form {
    const char *method;
    const struct stk_key *keys;
    size_t key_count;
    int holes, url_holes;
    bool starts_all;
    bool may_lack_url;
};

static enum stk_rc read_step(const struct stk_node *node, const struct step_form *form,
                             struct reading *reading, struct stk_http_step *step,
                             struct stk_error *err)
{
    struct stk_http_step_reading self = {
        .task = reading->task,
        .spec = reading->spec,
        .step = step,
        .holes = form->holes,
        .url_holes = form->url_holes,
        .starts_all = form->starts_all,
    };
    step->method = stk_strdup(form->method);
    enum stk_rc rc = stk_keys_read(node, form->keys, form->key_count, &self, err);
    if (rc != STK_OK || step->url != NULL || form->may_lack_url) return rc;
    return stk_node_fail(node, err, "needs a url");
}

static enum stk_rc read_submit(const struct stk_node *node, void *into, struct stk_error *err)
{
    static const struct step_form form = { "POST", sending_keys, STK_ARRAY_LEN(sending_keys), 0, 0,
                                           true,   false };
    struct reading *self = into;
    return read_step(node, &form, self, &self->spec->submit, err);
}

static enum stk_rc read_poll(const struct stk_node *node, void *into, struct stk_error *err)
{
    static const struct step_form form = {
        "GET", poll_keys, STK_ARRAY_LEN(poll_keys), STK_HOLE_HANDLE, STK_HOLE_HANDLE, false, false
    };
    struct reading *self = into;
    return read_step(node, &form, self, &self->spec->poll, err);
}

static enum stk_rc read_result(const struct stk_node *node, void *into, struct stk_error *err)
{
    static const struct step_form form = { "GET",
                                           result_keys,
                                           STK_ARRAY_LEN(result_keys),
                                           STK_HOLE_HANDLE,
                                           STK_HOLE_HANDLE | STK_HOLE_POINTER,
                                           false,
                                           true };
    struct reading *self = into;
    enum stk_rc rc = read_step(node, &form, self, &self->spec->result, err);
    if (rc != STK_OK) return rc;
    bool says_something = self->spec->result.url != NULL || self->spec->result_pointer != NULL;
    return says_something ? STK_OK : stk_node_fail(node, err, "needs a url or a pointer");
}

static enum stk_rc read_cancel(const struct stk_node *node, void *into, struct stk_error *err)
{
    static const struct step_form form = {
        "DELETE", sending_keys, STK_ARRAY_LEN(sending_keys), STK_HOLE_HANDLE, STK_HOLE_HANDLE,
        false,    false
    };
    struct reading *self = into;
    return read_step(node, &form, self, &self->spec->cancel, err);
}

static enum stk_rc read_list(const struct stk_node *node, void *into, struct stk_error *err)
{
    static const struct step_form form = { "GET", list_keys, STK_ARRAY_LEN(list_keys), 0, 0,
                                           false, false };
    struct reading *self = into;
    enum stk_rc rc = read_step(node, &form, self, &self->spec->list, err);
    if (rc != STK_OK) return rc;
    if (self->spec->match_count == 0) {
        return stk_node_fail(node, err,
                             "needs match: by what an entry is known to be the job, "
                             "such as {/name: \"n{job}\"}");
    }
    if (self->spec->list_pointer == NULL) self->spec->list_pointer = stk_strdup("");
    return STK_OK;
}

/* --- handle, conditions, pointers ----------------------------------------- */

static enum stk_rc read_handle_header(const struct stk_node *node, void *into,
                                      struct stk_error *err)
{
    struct reading *self = into;
    const char *text = NULL;
    enum stk_rc rc = stk_node_text(node, &text, err);
    if (rc == STK_OK) self->spec->handle_header = stk_strdup(text);
    return rc;
}

static enum stk_rc read_handle_pointer(const struct stk_node *node, void *into,
                                       struct stk_error *err)
{
    struct reading *self = into;
    return stk_http_pointer(node, &self->spec->handle_pointer, err);
}

static const struct stk_key handle_keys[] = {
    { "header", read_handle_header },
    { "pointer", read_handle_pointer },
};

static enum stk_rc read_handle(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct reading *self = into;
    enum stk_rc rc = stk_keys_read(node, handle_keys, STK_ARRAY_LEN(handle_keys), into, err);
    if (rc != STK_OK) return rc;
    bool has_header = self->spec->handle_header != NULL;
    bool has_pointer = self->spec->handle_pointer != NULL;
    if (has_header != has_pointer) return STK_OK;
    return stk_node_fail(node, err, "must be {header: Location} or {pointer: /id}");
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

static enum stk_rc read_running(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct reading *self = into;
    return stk_http_condition_read(node, &self->spec->running, err);
}

static enum stk_rc read_lost(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct reading *self = into;
    return stk_http_condition_read(node, &self->spec->lost, err);
}

static enum stk_rc read_progress(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct reading *self = into;
    return stk_http_pointer(node, &self->spec->progress, err);
}

static enum stk_rc read_message(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct reading *self = into;
    return stk_http_pointer(node, &self->spec->message, err);
}

/* --- single values -------------------------------------------------------- */

static enum stk_rc read_ambiguous(const struct stk_node *node, void *into, struct stk_error *err)
{
    static const char *const words[] = {
        [STK_AMBIGUOUS_QUARANTINE] = "quarantine",
        [STK_AMBIGUOUS_RESUBMIT] = "resubmit",
        [STK_AMBIGUOUS_ADOPT] = "adopt",
    };
    struct reading *self = into;
    const char *text = NULL;
    enum stk_rc rc = stk_node_text(node, &text, err);
    if (rc != STK_OK) return rc;
    for (size_t i = 0; i < STK_ARRAY_LEN(words); i++) {
        if (strcmp(words[i], text) != 0) continue;
        self->spec->ambiguous = (enum stk_ambiguous)i;
        return STK_OK;
    }
    STK_CLEANUP(stk_freep) char *shown = stk_shown(text);
    return stk_node_fail(node, err, "must be quarantine, adopt or resubmit, not \"%s\"", shown);
}

static enum stk_rc read_timeout(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct reading *self = into;
    return stk_key_duration(node, 100 * STK_MS, STK_HOUR, &self->spec->timeout_ns, err);
}

static enum stk_rc read_redirects(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct reading *self = into;
    return stk_key_u32(node, 0, STK_HTTP_REDIRECTS_MAX, &self->spec->redirects, err);
}

static enum stk_rc read_ca_file(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct reading *self = into;
    const char *text = NULL;
    enum stk_rc rc = stk_node_text(node, &text, err);
    if (rc == STK_OK) self->spec->ca_file = stk_path_under(self->task->dir, text);
    return rc;
}

static enum stk_rc read_marker(const struct stk_node *node, char **ret, struct stk_error *err)
{
    const char *text = NULL;
    enum stk_rc rc = stk_node_text(node, &text, err);
    if (rc != STK_OK) return rc;
    if (*text == '\0') return stk_node_fail(node, err, "is empty: every answer would hold it");
    *ret = stk_strdup(text);
    return STK_OK;
}

static enum stk_rc read_lost_marker(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct reading *self = into;
    return read_marker(node, &self->spec->lost_marker, err);
}

static enum stk_rc read_slots_marker(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct reading *self = into;
    return read_marker(node, &self->spec->slots_marker, err);
}

static enum stk_rc read_quota_marker(const struct stk_node *node, void *into, struct stk_error *err)
{
    struct reading *self = into;
    return read_marker(node, &self->spec->quota_marker, err);
}

/* --- the whole ------------------------------------------------------------ */

/* clang-format off */
static const struct stk_key http_keys[] = {
    { "submit",       read_submit       },
    { "handle",       read_handle       },
    { "poll",         read_poll         },
    { "running",      read_running      },
    { "completed",    read_completed    },
    { "failed",       read_failed       },
    { "lost",         read_lost         },
    { "progress",     read_progress     },
    { "message",      read_message      },
    { "result",       read_result       },
    { "cancel",       read_cancel       },
    { "list",         read_list         },
    { "ambiguous",    read_ambiguous    },
    { "timeout",      read_timeout      },
    { "redirects",    read_redirects    },
    { "ca_file",      read_ca_file      },
    { "lost_marker",  read_lost_marker  },
    { "slots_marker", read_slots_marker },
    { "quota_marker", read_quota_marker },
};

static const struct { const char *key, *example; } needed[] = {
    { "submit",    "{url: \"https://lab.example/jobs\", json: \"{params}\"}" },
    { "handle",    "{header: Location}"                                      },
    { "poll",      "{url: \"{handle}\", every: 5s}"                          },
    { "completed", "{pointer: /status, in: [DONE]}"                          },
};
/* clang-format on */

static enum stk_rc check_whole(const struct stk_node *node, const struct stk_http_spec *spec,
                               struct stk_error *err)
{
    for (size_t i = 0; i < STK_ARRAY_LEN(needed); i++) {
        if (stk_node_get(node, needed[i].key) != NULL) continue;
        return stk_node_fail(node, err, "needs %s, such as %s", needed[i].key, needed[i].example);
    }
    bool adopts = spec->ambiguous == STK_AMBIGUOUS_ADOPT;
    if (adopts && spec->list.url == NULL) {
        return stk_node_fail(stk_node_get(node, "ambiguous"), err,
                             "adopt needs list:, where the authority lists its jobs");
    }
    bool needs_handle = spec->list.url != NULL && spec->list_handle == NULL;
    if (needs_handle && spec->handle_pointer == NULL) {
        return stk_node_fail(stk_node_get(node, "list"), err,
                             "needs handle: what an entry's handle is, such as \"/tasks/{/id}\"");
    }
    return STK_OK;
}

/* Its own words in templates cannot be parameters too. */
static enum stk_rc check_names(const struct stk_node *node, const struct stk_task *task,
                               struct stk_error *err)
{
    static const char *const words[] = { "params", "handle", "job" };
    for (size_t i = 0; i < STK_ARRAY_LEN(words); i++) {
        if (stk_task_param(task, words[i]) == NULL) continue;
        return stk_node_fail(node, err, "the parameter \"%s\" needs another name: {%s} is %s",
                             words[i], words[i], "something else in templates");
    }
    return STK_OK;
}

enum stk_rc stk_http_task_read(const struct stk_node *node, struct stk_task *task,
                               struct stk_error *err)
{
    struct stk_http_spec *spec = stk_alloc(sizeof(*spec));
    spec->every = EVERY_DEFAULT;
    spec->timeout_ns = TIMEOUT_DEFAULT;
    task->http = spec;
    task->executor = STK_EXECUTOR_HTTP;
    struct reading self = { .task = task, .spec = spec };
    enum stk_rc rc = check_names(node, task, err);
    if (rc == STK_OK) rc = stk_keys_read(node, http_keys, STK_ARRAY_LEN(http_keys), &self, err);
    return rc == STK_OK ? check_whole(node, spec, err) : rc;
}

void stk_http_spec_free(struct stk_http_spec *spec)
{
    if (spec == NULL) return;
    struct stk_http_step *const steps[] = { &spec->submit, &spec->poll, &spec->result,
                                            &spec->cancel, &spec->list };
    struct stk_http_condition *const conditions[] = { &spec->completed, &spec->failed,
                                                      &spec->running, &spec->lost };
    char *const texts[] = { spec->handle_header, spec->handle_pointer, spec->progress,
                            spec->message,       spec->result_pointer, spec->lost_marker,
                            spec->slots_marker,  spec->quota_marker,   spec->ca_file,
                            spec->list_pointer,  spec->list_handle };
    for (size_t i = 0; i < STK_ARRAY_LEN(steps); i++) {
        stk_http_step_release(steps[i]);
    }
    for (size_t i = 0; i < STK_ARRAY_LEN(conditions); i++) {
        stk_http_condition_release(conditions[i]);
    }
    for (size_t i = 0; i < STK_ARRAY_LEN(texts); i++) {
        free(texts[i]);
    }
    for (size_t i = 0; i < spec->match_count; i++) {
        free(spec->matches[i].pointer);
        free(spec->matches[i].text);
    }
    free(spec);
}
