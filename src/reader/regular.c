/* SPDX-License-Identifier: BSD-3-Clause */
#include "reader/regular.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int close_with(int fd, int error)
{
    close(fd);
    errno = error;
    return -1;
}

int tm__find_regular(int directory, const char *path, int flags, struct stat *file)
{
    int found = openat(directory, path, O_PATH | O_CLOEXEC | flags);
    if (found < 0)
        return -1;
    if (fstat(found, file) != 0)
        return close_with(found, errno);
    return S_ISREG(file->st_mode) ? found : close_with(found, EINVAL);
}

/* If there is no /proc, the path is opened again, and it is checked that it still leads to the same file. */
int tm__open_found(int found, int directory, const char *path)
{
    const int flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    char itself[32];
    struct stat first, second;
    snprintf(itself, sizeof itself, "/proc/self/fd/%d", found);
    int fd = open(itself, flags);
    if (fd < 0 && errno == ENOENT) {
        fd = openat(directory, path, flags);
        if (fd >= 0 && (fstat(found, &first) != 0 || fstat(fd, &second) != 0 || first.st_dev != second.st_dev ||
                        first.st_ino != second.st_ino))
            fd = close_with(fd, ENOENT);
    }
    int error = errno;
    close(found);
    errno = error;
    return fd;
}
