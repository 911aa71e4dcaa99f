/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ends without exit handlers, as shells, daemons and forked children take them: no crashes, and the published file says so.
 * Part of the preloaded library and of the net.
 */
#define _GNU_SOURCE
#include "../kernel.h"
#include "../publish.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT __attribute__((noreturn)) void _exit(int status)
{
    tm__say_own_end();
    tm__sys_exit(status);
}

EXPORT __attribute__((noreturn)) void _Exit(int status)
{
    _exit(status);
}

static int open_null(void)
{
    struct stat file;
    int null = open("/dev/null", O_RDWR);
    if (null >= 0 && fstat(null, &file) == 0 && S_ISCHR(file.st_mode) && file.st_rdev == makedev(1, 3))
        return null;
    if (null >= 0) {
        close(null);
        errno = ENODEV;
    }
    return -1;
}

/* As libc's, whose parent ends by an _exit() within libc. */
EXPORT int daemon(int no_chdir, int no_close)
{
    pid_t child = fork();
    if (child > 0)
        _exit(0);
    if (child < 0 || setsid() == -1)
        return -1;
    if (!no_chdir && chdir("/") != 0) {
        /* libc does not look either */
    }
    int null = no_close ? -1 : open_null();
    if (no_close)
        return 0;
    if (null < 0)
        return -1;
    for (int fd = 0; fd <= 2; fd++)
        dup2(null, fd);
    if (null > 2)
        close(null);
    return 0;
}
