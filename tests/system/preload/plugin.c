/* SPDX-License-Identifier: BSD-3-Clause */
/* A plugin that returns a block, frees one, and opens a library that is found only by the plugin's own RUNPATH. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

char *plugin_text(void);
char *plugin_text(void)
{
    return strdup("123456789");
}

void plugin_free(void *block);
void plugin_free(void *block)
{
    free(block);
}

void *plugin_open(const char *library);
void *plugin_open(const char *library)
{
    /* Volatile, so that this is no tail call: else dlopen() would take the caller of the plugin for its own. */
    void *volatile opened = dlopen(library, RTLD_NOW);
    return opened;
}
