/* SPDX-License-Identifier: BSD-3-Clause */
/* A library that allocates when it is loaded, and frees these blocks when it is unloaded. */
#include <stdlib.h>
#include <string.h>

char *early_block;
char *early_copy;

__attribute__((constructor(101))) static void allocate_early(void)
{
    early_block = malloc(1234);
    early_copy = strdup("early");
}

__attribute__((destructor(101))) static void free_late(void)
{
    free(early_block);
    free(early_copy);
}
