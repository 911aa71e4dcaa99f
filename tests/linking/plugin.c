/* SPDX-License-Identifier: BSD-3-Clause */
/* A library that is linked with threadmeter, for linking/host.c. */
#include <threadmeter/malloc.h>

void *plugin_take(size_t size);
void plugin_give(void *block);

void *plugin_take(size_t size)
{
    return tm_malloc(size);
}

void plugin_give(void *block)
{
    tm_free(block);
}
