/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A plugin that finds libc's free before ours gives it blocks of ours, and the program crashes. So no plugin does. What is
 * lost is that it finds its own definition of any other name before the program's.
 */
#define _GNU_SOURCE
#include "preload/dlopen.h"

#include <dlfcn.h>

int tm__dlopen_mode(const char *file, int mode)
{
    (void)file;
    return mode & ~RTLD_DEEPBIND;
}
