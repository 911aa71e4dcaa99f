/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/allocate.h"
#include "common/messages.h"

#include <errno.h>
#include <stdlib.h>

void tool_need_memory(int error)
{
    if (error == -ENOMEM)
        exit(tool_fail("out of memory"));
}

static void *require(void *memory)
{
    tool_need_memory(memory ? 0 : -ENOMEM);
    return memory;
}

void *tool_allocate(size_t count, size_t size)
{
    return require(calloc(count ? count : 1, size));
}

void *tool_resize(void *memory, size_t count, size_t size)
{
    return require(reallocarray(memory, count ? count : 1, size));
}
