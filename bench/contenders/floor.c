/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The least that a header costs: 16 bytes are written before each block, and read when it is freed; nothing is counted.
 * It has threadmeter's names, so that a program which uses only these can be linked with it in place of threadmeter.
 */
#include <gperftools/tcmalloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct header {
    uint64_t mark, account;
};

void *tm_malloc(size_t size);
void *tm_calloc(size_t count, size_t size);
void *tm_realloc(void *user, size_t size);
void *tm_memalign(size_t alignment, size_t size);
void tm_free(void *user);

static const uint64_t key = 0x123456789abcdef;

static void *seal(struct header *header, uint64_t account)
{
    header->account = account;
    header->mark = key ^ account ^ (uintptr_t)(header + 1);
    return header + 1;
}

void *tm_malloc(size_t size)
{
    struct header *header = tc_malloc(size + sizeof *header);
    return header ? seal(header, size) : NULL;
}

void *tm_calloc(size_t count, size_t size)
{
    void *user = tm_malloc(count * size);
    return user ? memset(user, 0, count * size) : NULL;
}

/* An aligned block has an inverted mark, and its account has the distance to its base. */
void *tm_memalign(size_t alignment, size_t size)
{
    char *base = tc_malloc(alignment + size + sizeof(struct header));
    if (!base)
        return NULL;
    uintptr_t user = ((uintptr_t)base + sizeof(struct header) + alignment - 1) & ~(alignment - 1);
    seal((struct header *)user - 1, (uint64_t)(user - (uintptr_t)base) << 40 | size);
    ((struct header *)user - 1)->mark ^= UINT64_MAX;
    return (void *)user;
}

void *tm_realloc(void *user, size_t size)
{
    if (!user)
        return tm_malloc(size);
    struct header *header = tc_realloc((struct header *)user - 1, size + sizeof *header);
    return header ? seal(header, size) : NULL;
}

__attribute__((noinline)) static void free_aligned(void *user)
{
    struct header *header = (struct header *)user - 1;
    if ((header->mark ^ header->account ^ (uintptr_t)user) != ~key)
        abort();
    tc_free((char *)user - (header->account >> 40));
}

void tm_free(void *user)
{
    if (!user)
        return;
    struct header *header = (struct header *)user - 1;
    if ((header->mark ^ header->account ^ (uintptr_t)user) == key)
        tc_free(header);
    else
        free_aligned(user);
}
