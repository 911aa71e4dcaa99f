/* SPDX-License-Identifier: BSD-3-Clause */
/* A library that was not rebuilt: it frees blocks of its caller, and returns a block that the caller has to free. */
#include <stdlib.h>
#include <string.h>

void other_free(void *block)
{
    free(block);
}

void *other_realloc(void *block, size_t size)
{
    return realloc(block, size);
}

char *other_text(void)
{
    return strdup("from the other side, of some length to be grown");
}
