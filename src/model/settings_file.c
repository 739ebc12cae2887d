/* SPDX-License-Identifier: MIT */
#include "model/settings_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"

#define FILE_SYSTEM "/etc/stoker/stoker.yaml"

static bool is_there(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 || errno != ENOENT; /* unreadable: let opening it say so */
}

enum stk_rc stk_settings_file_find(const char *path, const char **ret, struct stk_error *err)
{
    const char *named = getenv("STOKER_CONFIG");
    bool has_named = named != NULL && *named != '\0';

    if (path != NULL) {
        if (!is_there(path)) return stk_fail(err, STK_NOT_FOUND, "%s: no such file", path);
        *ret = path;
    } else if (is_there(STK_SETTINGS_FILE)) {
        *ret = STK_SETTINGS_FILE;
    } else if (has_named) {
        if (!is_there(named)) {
            return stk_fail(err, STK_NOT_FOUND, "STOKER_CONFIG: %s: no such file", named);
        }
        *ret = named;
    } else {
        *ret = is_there(FILE_SYSTEM) ? FILE_SYSTEM : NULL;
    }
    return STK_OK;
}

enum stk_rc stk_settings_file_folder(const char *path, char **ret, struct stk_error *err)
{
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL ? 0 : (size_t)(slash - path) + 1;
    STK_CLEANUP(stk_freep) char *folder = len > 0 ? stk_strndup(path, len) : stk_strdup(".");

    char *absolute = realpath(folder, NULL);
    if (absolute == NULL) {
        return stk_fail(err, STK_BAD_CONFIG, "%s: could not find its folder: %s", path,
                        strerror(errno));
    }
    *ret = absolute;
    return STK_OK;
}
