/* SPDX-License-Identifier: BSD-3-Clause */
/* The figures by a malloc that knows nothing of threadmeter: glibc's, with the size and the owner before each block. */
#include "figures.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

void *__libc_malloc(size_t size);
void __libc_free(void *block);
void *__libc_memalign(size_t alignment, size_t size);

struct account {
    atomic_ulong allocated, freed, blocks;
};
struct header {
    struct account *owner;
    size_t size;
    void *base;
    void *unused; /* so that the block is at a multiple of 16 */
};
enum { ACCOUNTS = 64 };
static struct account accounts[ACCOUNTS];
static atomic_uint taken;
static _Thread_local struct account *mine;

static void *allocate(size_t alignment, size_t size)
{
    if (alignment < sizeof(struct header))
        alignment = sizeof(struct header);
    char *base = size <= PTRDIFF_MAX - alignment ? __libc_memalign(alignment, size + alignment) : NULL;
    if (!base) {
        errno = ENOMEM;
        return NULL;
    }
    if (!mine)
        mine = &accounts[atomic_fetch_add(&taken, 1) % ACCOUNTS];
    struct header *header = (struct header *)(base + alignment) - 1;
    *header = (struct header){mine, size, base, NULL};
    mine->allocated += size;
    mine->blocks++;
    return header + 1;
}

void free(void *block)
{
    if (!block)
        return;
    struct header *header = (struct header *)block - 1;
    header->owner->freed += header->size;
    header->owner->blocks--;
    __libc_free(header->base);
}

void *malloc(size_t size)
{
    return allocate(16, size);
}

void *calloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes))
        return NULL;
    void *block = allocate(16, bytes);
    return block ? memset(block, 0, bytes) : NULL;
}

void *realloc(void *block, size_t size)
{
    if (!block)
        return allocate(16, size);
    if (size == 0) {
        free(block);
        return NULL;
    }
    size_t before = ((struct header *)block - 1)->size;
    void *moved = allocate(16, size);
    if (!moved)
        return NULL;
    memcpy(moved, block, before < size ? before : size);
    free(block);
    return moved;
}

void *memalign(size_t alignment, size_t size)
{
    return allocate(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return allocate(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    void *made = allocate(alignment, size);
    if (!made)
        return ENOMEM;
    *block = made;
    return 0;
}

void take_figures(struct figures *figures)
{
    static struct account none;
    struct account *account = mine ? mine : &none;
    figures->allocated = account->allocated;
    figures->live = account->allocated - account->freed;
    figures->blocks = account->blocks;
}

int end_of_figures(void)
{
    return 0;
}
