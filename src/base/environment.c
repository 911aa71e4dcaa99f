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

/*
 * Reads AT_SECURE, which the kernel set when the process started, from /proc. If that fails, the safe answer is true.
 */
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

/*
 * libc knows it without reading a file. But a preloaded getauxval() may allocate and so come back here: then the kernel
 * is asked instead.
 */
static bool is_secure(void)
{
    /* volatile, because the compiler assumes that libc's getauxval() does not come back here */
    static _Thread_local volatile bool asking __attribute__((tls_model("initial-exec")));
    enum { NOT_KNOWN, NO, YES };
    static _Atomic int known; /* relaxed: a thread that asks again gets the same answer */
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

/* The part after `name=`; NULL if the string does not begin with that. */
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
