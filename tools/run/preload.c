/* SPDX-License-Identifier: BSD-3-Clause */
/* The environment in which a program is metered. This file knows nothing about the program. */
#include "run/preload.h"
#include "common/allocate.h"
#include "common/directories.h"
#include "common/messages.h"
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIBRARY "libthreadmeter_preload.so"

/* In a build directory, the library is found relative to this program. */
static bool find_in_build(char *path)
{
    char program[PATH_MAX], library[PATH_MAX + sizeof LIBRARY + 32];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length <= 0)
        return false;
    program[length] = '\0';
    char *slash = strrchr(program, '/');
    if (!slash)
        return false;
    *slash = '\0';
    snprintf(library, sizeof library, "%s/../src/preload/" LIBRARY, program);
    return realpath(library, path) != NULL;
}

bool tool_find_preload(char *path, size_t size)
{
    char found[PATH_MAX];
    const char *chosen = getenv("THREADMETER_PRELOAD");
    if (chosen && *chosen) {
        if (!realpath(chosen, found)) {
            tool_warn("THREADMETER_PRELOAD=%s: %s", chosen, strerror(errno));
            return false;
        }
    } else if (!find_in_build(found) && !realpath(TM_LIBDIR "/" LIBRARY, found)) {
        tool_warn("no " LIBRARY " in " TM_LIBDIR ": %s; THREADMETER_PRELOAD may say where it is", strerror(errno));
        return false;
    }
    if (strpbrk(found, " :$")) {
        tool_warn("%s: the dynamic linker takes no path with a space, ':' or '$' in it", found);
        return false;
    }
    if (strlen(found) >= size) {
        tool_warn("%s: %s", found, strerror(ENAMETOOLONG));
        return false;
    }
    strcpy(path, found);
    return true;
}

bool tool_find_directory(char *path, size_t size, const char *directory)
{
    char found[PATH_MAX];
    struct stat file;
    if (!directory)
        return tool_default_directory(path, size);
    if (mkdir(directory, 0700) != 0 && errno != EEXIST) {
        tool_warn("cannot create %s: %s", directory, strerror(errno));
        return false;
    }
    int error = realpath(directory, found) && stat(found, &file) == 0 ? 0 : errno;
    if (!error && !S_ISDIR(file.st_mode))
        error = ENOTDIR;
    if (!error && strlen(found) >= size)
        error = ENAMETOOLONG;
    if (error) {
        tool_warn("%s: %s", directory, strerror(error));
        return false;
    }
    strcpy(path, found); /* an absolute path, since a program may change its working directory */
    return true;
}

bool tool_meter_programs(const char *directory)
{
    char library[PATH_MAX];
    if (!tool_find_preload(library, sizeof library))
        return false;
    const char *inherited = getenv("LD_PRELOAD");
    bool any = inherited && *inherited;
    size_t size = strlen(library) + (any ? strlen(inherited) : 0) + 2;
    char *all = tool_allocate(size, 1);
    snprintf(all, size, "%s%s%s", library, any ? ":" : "", any ? inherited : "");
    int failed = setenv("LD_PRELOAD", all, 1);
    free(all);
    failed |= directory ? setenv("THREADMETER_PUBLISH", directory, 1) : unsetenv("THREADMETER_PUBLISH");
    if (failed)
        tool_warn("%s", strerror(errno));
    return !failed;
}
