/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ends without exit handlers, as shells, daemons and forked children take them: no crashes, and the published file says so.
 * Part of the preloaded library and of the net.
 */
#define _GNU_SOURCE
#include "base/find_next.h"
#include "base/kernel.h"
#include "state/publish.h"

#include <stdlib.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT __attribute__((noreturn)) void _exit(int status)
{
    tm__mark_own_end();
    tm__sys_exit(status);
}

EXPORT __attribute__((noreturn)) void _Exit(int status)
{
    _exit(status);
}

/*
 * libc's, whose parent ends by an _exit() within libc: so it says so before. Its child has books of its own by the time that
 * this comes back, and is about to begin.
 */
EXPORT int daemon(int no_chdir, int no_close)
{
    static void *_Atomic known;
    int (*next)(int, int) = (int (*)(int, int))tm__find_next(&known, "daemon");
    bool said = tm__mark_own_end();
    int result = next(no_chdir, no_close);
    if (said)
        tm__unmark_ended();
    return result;
}
