/* SPDX-License-Identifier: BSD-3-Clause */
/* A library that was not rebuilt: it frees what it is given, and gives what is to be freed. */
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
