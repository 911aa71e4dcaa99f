/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A plugin that is opened with RTLD_DEEPBIND bypasses the interposer. That does no harm unless the plugin frees a block
 * of the program, so the flag stays; but a message says why the program may crash.
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

/*
 * One warning is enough, since programs open all their plugins in the same way. There is none for a library that is
 * loaded already: the flag has no effect on it.
 */
int tm__dlopen_mode(const char *file, int mode)
{
    static atomic_flag warned = ATOMIC_FLAG_INIT;
    bool bypasses = file && mode & RTLD_DEEPBIND && !(mode & RTLD_NOLOAD);
    if (bypasses && !atomic_flag_test_and_set_explicit(&warned, memory_order_relaxed))
        warn(file);
    return mode;
}
