/* SPDX-License-Identifier: BSD-3-Clause */
/* A library that is linked with threadmeter, or with bare tcmalloc, for linking/host.c and space/load.c. */
#ifndef WITH_BARE_TCMALLOC
#include <threadmeter/malloc.h>
#else
#include <gperftools/tcmalloc.h>
#define tm_malloc tc_malloc
#define tm_free tc_free
#endif

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
