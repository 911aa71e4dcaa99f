/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Exits without exit handlers, as shells, daemons and forked children do. They are no crashes, so the published file is
 * marked as ended. Part of the preloaded library and of the interposer.
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
 * Calls libc's daemon(), in which the parent ends by an _exit() inside libc: so its file is marked before. daemon()
 * returns in the child, which has a region of its own by then, or in the parent if it failed. Both continue, so the
 * mark is removed.
 */
EXPORT int daemon(int no_chdir, int no_close)
{
    static void *_Atomic known;
    int (*next)(int, int) = (int (*)(int, int))tm__find_next(&known, "daemon");
    bool marked = tm__mark_own_end();
    int result = next(no_chdir, no_close);
    if (marked)
        tm__unmark_ended();
    return result;
}
