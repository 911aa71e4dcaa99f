/* SPDX-License-Identifier: BSD-3-Clause */
/* An end without exit handlers, as shells and forked children take it: not a crash, so nothing stays published. */
#define _GNU_SOURCE
#include "../kernel.h"
#include "../publish.h"

#include <stdlib.h>
#include <unistd.h>

__attribute__((visibility("default"), noreturn)) void _exit(int status)
{
    tm__unpublish();
    tm__sys_exit(status);
}

__attribute__((visibility("default"), noreturn)) void _Exit(int status)
{
    _exit(status);
}
