/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Interposes libc's functions that name a thread. So the name that a thread has at its end is known, without asking the
 * kernel, which a sandbox need not allow. This is part of the library, which comes before libc in programs that are
 * linked with it; and of the preloaded library, for programs in which the library itself comes after libc.
 */
#define _GNU_SOURCE
#include "state/thread_names.h"
#include "base/kernel.h"
#include "base/text.h"
#include "state/names.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>

#define EXPORT __attribute__((visibility("default")))

/* Does what libc does. */
static int name_another(pthread_t thread, const char *name)
{
    clockid_t clock; /* contains the thread's tid: see clock_getcpuclockid(3), and include/linux/posix-timers.h */
    int error = pthread_getcpuclockid(thread, &clock);
    if (error)
        return error;
    char path[64];
    struct tm__text text = TM__TEXT(path, -1);
    tm__put(&text, "/proc/self/task/");
    pid_t tid = (pid_t) ~(clock >> 3);
    tm__put_number(&text, (uint64_t)tid);
    tm__put(&text, "/comm");
    int file = tm__sys_openat(AT_FDCWD, tm__string(&text), O_RDWR | O_CLOEXEC, 0);
    if (file < 0)
        return -file;
    ssize_t wrote = tm__sys_write(file, name, strlen(name));
    tm__sys_close(file);
    if (wrote != (ssize_t)strlen(name))
        return wrote < 0 ? (int)-wrote : EIO;
    tm__note_name_of(tid, name);
    return 0;
}

EXPORT int pthread_setname_np(pthread_t thread, const char *name)
{
    if (strlen(name) >= TM__NAME)
        return ERANGE;
    if (!pthread_equal(thread, pthread_self()))
        return name_another(thread, name);
    int result = tm__sys_prctl(PR_SET_NAME, (const unsigned long[4]){(unsigned long)name});
    if (result == 0)
        tm__note_own_name(name);
    return -result;
}

/*
 * This runs before there is a thread that could be given a name, except for threads of libraries that start earlier.
 * The program need not call the function above: that of a plugin comes after libc's, and a sanitizer, or the program
 * itself, may have its own.
 */
__attribute__((constructor)) void tm__intercept_names(void)
{
    int (*volatile setname)(pthread_t, const char *) = pthread_setname_np;
    Dl_info found, own;
    if (dladdr((void *)setname, &found) != 0 && dladdr((void *)name_another, &own) != 0 &&
        found.dli_fbase == own.dli_fbase)
        tm__expect_names();
}

/* libc passes five arguments on. Most options have fewer, and the kernel ignores the rest. */
EXPORT int prctl(int option, ...)
{
    unsigned long arguments[4];
    va_list list;
    va_start(list, option);
    for (int i = 0; i < 4; i++)
        arguments[i] = va_arg(list, unsigned long);
    va_end(list);
    int result = tm__sys_prctl(option, arguments);
    if (result == 0 && option == PR_SET_NAME)
        tm__note_own_name((const char *)arguments[0]);
    if (result >= 0)
        return result;
    errno = -result;
    return -1;
}
