/* SPDX-License-Identifier: BSD-3-Clause */
/* A program whose own malloc returns static memory: such a block is foreign, and our free passes it on to this free. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <threadmeter/malloc.h>
#include <threadmeter/totals.h>

enum { ARENA = 8 << 20 };
static _Alignas(16) char arena[ARENA];
static size_t used;
static void *volatile last_freed;

void *malloc(size_t size)
{
    size_t *header = (size_t *)(arena + used);
    if (size > ARENA - used - 32)
        return NULL;
    used += (size + 16 + 15) & ~(size_t)15;
    *header = size;
    return (char *)header + 16;
}

void free(void *memory)
{
    last_freed = memory;
}

void *calloc(size_t count, size_t size)
{
    return malloc(count * size); /* no memory is used twice, so it is all 0 */
}

void *realloc(void *memory, size_t size)
{
    void *moved = malloc(size);
    if (moved && memory) {
        size_t had = *(size_t *)((char *)memory - 16);
        memcpy(moved, memory, had < size ? had : size);
        free(memory);
    }
    return moved;
}

int main(void)
{
    struct tm_cross_allocator_calls cross_allocator_calls;
    tm_free(tm_malloc(1));
    char *foreign = malloc(100);
    foreign[0] = 'f';
    tm_free(foreign);
    if (last_freed != foreign)
        return 1;
    foreign = malloc(100);
    foreign[0] = 'r';
    char *moved = tm_realloc(foreign, 200);
    if (last_freed != foreign || !moved || moved[0] != 'r')
        return 2;
    tm_process_cross_allocator_calls(&cross_allocator_calls);
    return cross_allocator_calls.foreign_frees == 1 && cross_allocator_calls.foreign_reallocs == 1 ? 0 : 3;
}
