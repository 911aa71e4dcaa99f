/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Part of the library where coverage is measured (-Db_coverage=true), and nowhere else. Counters are written by exit();
 * a process that ends by abort() or _exit() would lose them. So the first's signal writes them, and so does the second,
 * which is this one for any program that is linked with the library.
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
