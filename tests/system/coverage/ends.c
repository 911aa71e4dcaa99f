/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Part of the library only when coverage is measured (-Db_coverage=true). exit() writes the counters, but abort() and
 * _exit() do not. So a handler of SIGABRT writes them, and so does this _exit(), which all programs call that are
 * linked with the library.
 */
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

extern void __gcov_dump(void);

static void dump(int number)
{
    (void)number;
    __gcov_dump(); /* abort() ends the process when this returns */
}

__attribute__((constructor)) static void catch_abort(void)
{
    signal(SIGABRT, dump);
}

__attribute__((visibility("default"), noreturn)) void _exit(int status)
{
    __gcov_dump();
    for (;;)
        syscall(SYS_exit_group, status);
}
