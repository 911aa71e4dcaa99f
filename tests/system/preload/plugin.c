/* SPDX-License-Identifier: BSD-3-Clause */
/* A plugin that gives a block, frees one, and opens a library that only its own RUNPATH says where to find. */
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
    void *volatile opened =
        dlopen(library, RTLD_NOW); /* or a compiler makes a jump of it, and the plugin calls nobody */
    return opened;
}
