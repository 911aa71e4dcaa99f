/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Removes published and temporary files of processes that are gone: by the directory's descriptor, and only if no other
 * user could replace the file by another one. The reader library decides whether the process is gone.
 */
#include "common/prune.h"
#include "common/messages.h"
#include "common/printable.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <threadmeter/reader.h>

int tool_remove(const struct tool_place *place)
{
    struct stat now;
    if (place->why_foreign)
        return -EPERM;
    if (fstatat(place->directory, place->name, &now, AT_SYMLINK_NOFOLLOW) != 0)
        return -errno;
    if (now.st_dev != place->file.st_dev || now.st_ino != place->file.st_ino)
        return -EBUSY;
    return now.st_uid == geteuid() ? tm_reader_remove(place->directory, place->name) : -EPERM;
}

/* PID-TICKS.newN. A rough check is enough, since tm_reader_remove() checks the name exactly. */
bool tool_is_temporary(const char *name)
{
    return isdigit((unsigned char)name[0]) && name[strspn(name, "0123456789-")] == '.' && strstr(name, ".new");
}

void tool_prune_temporary(struct tool_place *place)
{
    char shown[PATH_MAX];
    if (fstatat(place->directory, place->name, &place->file, AT_SYMLINK_NOFOLLOW) != 0 ||
        place->file.st_uid != geteuid())
        return;
    int error = tool_remove(place);
    if (error == 0)
        printf("%s is a temporary file of a process that is gone (removed)\n",
               tool_utf8(shown, sizeof shown, place->path));
    else if (error != -EBUSY && error != -ENOENT && error != -EINVAL && error != -ELOOP)
        tool_warn("cannot remove %s: %s", place->path, strerror(-error));
}
