/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A program that links the library after libc, or after another malloc, finds that malloc first, and nothing would be
 * counted. So one line says so. What is preloaded stands where it was put.
 */
#define _GNU_SOURCE
#include "api/intercepted.h"
#include "base/messages.h"
#include "base/text.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

/* By a call, since an address may be that of a stub in the program. */
static bool malloc_is_ours(void)
{
    size_t size;
    void *block = malloc(1);
    bool is_ours = !block || tm__intercepted_usable_size(block, &size);
    free(block);
    return is_ours;
}

__attribute__((constructor)) static void start(void)
{
    char line[1024];
    Dl_info info;
    int saved = errno;
    if (!getenv("LD_PRELOAD") && !malloc_is_ours()) {
        struct tm__text text = TM__TEXT(line, tm__fd_for_notice());
        tm__put(&text, "threadmeter: malloc comes from ");
        tm__put(&text, dladdr((const void *)malloc, &info) ? info.dli_fname : "another library");
        tm__put(&text, ", in front of ours: nothing of it is counted; see threadmeter(7)\n");
        tm__flush(&text);
    }
    errno = saved;
}
