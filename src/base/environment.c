/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "base/environment.h"
#include "base/kernel.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/auxv.h>
#include <unistd.h>

/* What the kernel gave the process as it started, from the kernel. If that cannot be read, the worst is assumed. */
static bool ask_kernel(void)
{
    enum { MOST = 64 };
    ElfW(auxv_t) vector[MOST];
    int fd = tm__sys_openat(AT_FDCWD, "/proc/self/auxv", O_RDONLY | O_CLOEXEC, 0);
    ssize_t got = fd < 0 ? 0 : tm__sys_read(fd, vector, sizeof vector);
    if (fd >= 0)
        tm__sys_close(fd);
    for (ssize_t i = 0; i < got / (ssize_t)sizeof vector[0]; i++)
        if (vector[i].a_type == AT_SECURE)
            return vector[i].a_un.a_val != 0;
    return true;
}

/* libc knows it, and needs no file for it. But where a getauxval of somebody's comes back here, it is not asked again. */
static bool is_secure(void)
{
    /* volatile: the compiler believes that libc's own does not come back */
    static _Thread_local volatile bool asking __attribute__((tls_model("initial-exec")));
    enum { NOT_KNOWN, NO, YES };
    static _Atomic int known; /* relaxed: who asks again is told the same */
    int answer = atomic_load_explicit(&known, memory_order_relaxed);
    if (answer != NOT_KNOWN)
        return answer == YES;
    bool secure;
    if (asking) {
        secure = ask_kernel();
    } else {
        asking = true;
        secure = getauxval(AT_SECURE) != 0;
        asking = false;
    }
    atomic_store_explicit(&known, secure ? YES : NO, memory_order_relaxed);
    return secure;
}

/* What is behind `name=`; NULL if the string does not begin so. */
static const char *value_in(const char *string, const char *name)
{
    while (*name && *string == *name) {
        string++;
        name++;
    }
    return !*name && *string == '=' ? string + 1 : NULL;
}

const char *tm__getenv(const char *name)
{
    if (is_secure())
        return NULL;
    for (char **string = environ; string && *string; string++) {
        const char *value = value_in(*string, name);
        if (value)
            return value;
    }
    return NULL;
}
