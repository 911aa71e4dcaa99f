/* SPDX-License-Identifier: BSD-3-Clause */
/* Directories where programs publish, and whether another user may change them. */
#include "common/directories.h"
#include "common/messages.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* After su or sudo -E, $XDG_RUNTIME_DIR is still that of another user, who can put any file into it. */
static bool is_ours_alone(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 && S_ISDIR(found.st_mode) && found.st_uid == geteuid() &&
           (found.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

void tool_name_default_directory(char *path, size_t size)
{
    const char *runtime = getenv("XDG_RUNTIME_DIR");
    if (runtime && runtime[0] == '/' && is_ours_alone(runtime))
        snprintf(path, size, "%s/threadmeter", runtime);
    else
        snprintf(path, size, "/dev/shm/threadmeter-%u", (unsigned)geteuid());
}

bool tool_default_directory(char *path, size_t size)
{
    tool_name_default_directory(path, size);
    struct stat found;
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        tool_warn("cannot create %s: %s", path, strerror(errno));
        return false;
    }
    /* Everybody may write to /dev/shm, so another user may have created a directory of this name. */
    if (lstat(path, &found) != 0 || !S_ISDIR(found.st_mode) || found.st_uid != geteuid() ||
        (found.st_mode & 077) != 0) {
        tool_warn("%s is not a directory that only you can use (mode 0700)", path);
        return false;
    }
    return true;
}

const char *tool_directory_to_publish(void)
{
    const char *directory = getenv("THREADMETER_PUBLISH");
    struct stat found;
    if (!directory || !*directory)
        return NULL;
    if (geteuid() != 0 || stat(directory, &found) != 0 || found.st_uid == 0)
        return directory;
    tool_warn("THREADMETER_PUBLISH=%s is another user's directory, so it is not used", directory);
    return NULL;
}

const char *tool_why_foreign(const struct stat *directory)
{
    if (directory->st_uid != geteuid() && directory->st_uid != 0)
        return "it is another user's directory";
    if ((directory->st_mode & (S_IWGRP | S_IWOTH)) && !(directory->st_mode & S_ISVTX))
        return "other users may replace your files there (chmod +t)";
    return NULL;
}
