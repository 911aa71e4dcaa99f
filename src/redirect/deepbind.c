/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A plugin that is opened with RTLD_DEEPBIND passes by the net. That does no harm until it frees a block of the program's,
 * so the program has what it asked for; but if it crashes, it should be known why.
 */
#define _GNU_SOURCE
#include "preload/dlopen.h"
#include "base/messages.h"
#include "base/text.h"

#include <dlfcn.h>
#include <stdatomic.h>

static void warn(const char *file)
{
    char line[1024];
    struct tm__text text = TM__TEXT(line, tm__fd_for_notice());
    tm__put(&text, "threadmeter: ");
    tm__put(&text, file);
    tm__put(&text,
            " is opened with RTLD_DEEPBIND, and passes by our free: it will crash on blocks of threadmeter that it "
            "frees; see threadmeter(7)\n");
    tm__flush(&text);
}

/* Once is enough: programs open all their plugins alike. Not for what is loaded already, on which the flag has no effect. */
int tm__dlopen_mode(const char *file, int mode)
{
    static atomic_flag told = ATOMIC_FLAG_INIT;
    bool passes_by = file && mode & RTLD_DEEPBIND && !(mode & RTLD_NOLOAD);
    if (passes_by && !atomic_flag_test_and_set_explicit(&told, memory_order_relaxed))
        warn(file);
    return mode;
}
