/* SPDX-License-Identifier: MIT */
#include "model/tie.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "model/shown.h"

static const struct stk_node *find_task_node(const struct stk_node *root,
                                             const struct stk_task *task, const char *key)
{
    return stk_node_get(stk_node_get(stk_node_get(root, "tasks"), task->name), key);
}

static enum stk_rc tie_limit(const struct stk_settings *settings, const struct stk_node *node,
                             const char *name, struct stk_task *task, struct stk_error *err)
{
    STK_CLEANUP(stk_freep) char *shown = stk_shown(name);
    const struct stk_limit_spec *limit = stk_settings_limit(settings, name);
    if (limit == NULL) {
        return stk_node_fail(node, err, "there is no limit \"%s\" under limits:", shown);
    }
    for (size_t i = 0; i < task->limit_count; i++) {
        if (task->limits[i] == limit) return stk_node_fail(node, err, "names \"%s\" twice", shown);
    }
    bool is_for_starts =
        limit->class_ == STK_LIMIT_CLASS_SUBMIT || limit->class_ == STK_LIMIT_CLASS_ALL;
    bool is_for_keeper = limit->class_ == STK_LIMIT_CLASS_AUTH;
    if (is_for_keeper) {
        return stk_node_fail(node, err,
                             "\"%s\" is of class auth: name it in the session's limits:", shown);
    }
    if (!is_for_starts && task->http == NULL) {
        return stk_node_fail(node, err, "\"%s\" is of class %s, which a command does not have",
                             shown, stk_limit_class_name(limit->class_));
    }
    task->limits[task->limit_count++] = limit;
    return STK_OK;
}

static enum stk_rc tie_limits(const struct stk_settings *settings, const struct stk_node *root,
                              struct stk_task *task, struct stk_error *err)
{
    for (size_t i = 0; task->limit_names != NULL && task->limit_names[i] != NULL; i++) {
        const struct stk_node *node = find_task_node(root, task, "limits");
        enum stk_rc rc = tie_limit(settings, node, task->limit_names[i], task, err);
        if (rc != STK_OK) return rc;
    }
    return STK_OK;
}

static enum stk_rc tie_session(const struct stk_settings *settings, const struct stk_node *root,
                               struct stk_task *task, struct stk_error *err)
{
    if (task->session_name == NULL) return STK_OK;
    task->session = stk_settings_session(settings, task->session_name);
    if (task->session != NULL) return STK_OK;
    STK_CLEANUP(stk_freep) char *shown = stk_shown(task->session_name);
    return stk_node_fail(find_task_node(root, task, "session"), err,
                         "there is no session \"%s\" under sessions:", shown);
}

/* Sign-ins and checks are the keeper's own class: a limit of another one would be
 * held up by jobs, and a session by its own jobs. */
static enum stk_rc tie_auth_limit(const struct stk_settings *settings, const struct stk_node *node,
                                  const char *name, struct stk_session_spec *spec,
                                  struct stk_error *err)
{
    STK_CLEANUP(stk_freep) char *shown = stk_shown(name);
    const struct stk_limit_spec *limit = stk_settings_limit(settings, name);
    if (limit == NULL) {
        return stk_node_fail(node, err, "there is no limit \"%s\" under limits:", shown);
    }
    if (limit->class_ != STK_LIMIT_CLASS_AUTH) {
        return stk_node_fail(node, err, "\"%s\" is of class %s; a session's are of class auth",
                             shown, stk_limit_class_name(limit->class_));
    }
    spec->limits[spec->limit_count++] = limit;
    return STK_OK;
}

static enum stk_rc tie_auth_limits(struct stk_settings *settings, const struct stk_node *root,
                                   struct stk_error *err)
{
    enum stk_rc rc = STK_OK;
    for (size_t i = 0; i < settings->session_count; i++) {
        struct stk_session_spec *spec = &settings->sessions[i];
        const struct stk_node *node =
            stk_node_get(stk_node_get(stk_node_get(root, "sessions"), spec->name), "limits");
        for (size_t k = 0;
             rc == STK_OK && spec->limit_names != NULL && spec->limit_names[k] != NULL; k++) {
            rc = tie_auth_limit(settings, node, spec->limit_names[k], spec, err);
        }
    }
    return rc;
}

static bool need_the_same(const struct stk_task *a, const struct stk_task *b)
{
    return a->session == b->session && a->limit_count == b->limit_count &&
           memcmp(a->limits, b->limits, sizeof(a->limits)) == 0;
}

/* Gates hang on queues: tasks that share one share its session and limits. */
static enum stk_rc check_queue(const struct stk_settings *settings, const struct stk_node *root,
                               const struct stk_task *task, struct stk_error *err)
{
    const struct stk_task *first = stk_settings_queue(settings, task->queue);
    assert(first != NULL); /* at the latest the task itself */
    if (need_the_same(first, task)) return STK_OK;
    return stk_node_fail(stk_node_get(stk_node_get(root, "tasks"), task->name), err,
                         "shares the queue \"%s\" with the task \"%s\", but not its session "
                         "and limits: they belong to the queue, so give it one of its own",
                         task->queue, first->name);
}

enum stk_rc stk_settings_tie(struct stk_settings *settings, const struct stk_node *root,
                             struct stk_error *err)
{
    for (size_t i = 0; i < settings->task_count; i++) {
        enum stk_rc rc = tie_limits(settings, root, &settings->tasks[i], err);
        if (rc == STK_OK) rc = tie_session(settings, root, &settings->tasks[i], err);
        if (rc != STK_OK) return rc;
    }
    enum stk_rc tied = tie_auth_limits(settings, root, err);
    if (tied != STK_OK) return tied;
    bool has_gates = settings->limit_count > 0 || settings->session_count > 0;
    for (size_t i = 0; has_gates && i < settings->task_count; i++) {
        enum stk_rc rc = check_queue(settings, root, &settings->tasks[i], err);
        if (rc != STK_OK) return rc;
    }
    return STK_OK;
}
