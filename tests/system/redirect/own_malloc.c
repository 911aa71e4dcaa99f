/* SPDX-License-Identifier: BSD-3-Clause */
/* A program with a malloc family of its own. Redirected, it exports tm_malloc and the rest, and must get a warning. */
#include <stdlib.h>
#include <string.h>

static _Alignas(16) char arena[1 << 16];
static size_t used;

void *malloc(size_t size)
{
    char *block = arena + used;
    used += (size + 15) & ~(size_t)15;
    return block;
}

void *calloc(size_t count, size_t size)
{
    return malloc(count * size);
}

void *realloc(void *block, size_t size)
{
    void *moved = malloc(size);
    return block ? memmove(moved, block, size) : moved;
}

void free(void *block)
{
    (void)block;
}

int main(void)
{
    char *block = malloc(10);
    int mine = block >= arena && block < arena + sizeof arena;
    free(block);
    return mine ? 0 : 1;
}
