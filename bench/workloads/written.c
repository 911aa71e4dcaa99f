/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Blocks that are used as programs use them: written when allocated, and read before they are freed. Then the lines of
 * a block, and what stands before it, are in the processor's caches anyway when it is freed. handed.c has one more.
 */
#include "workloads.h"

enum { SOME = 1 << 10, MANY = 1 << 16 };

static struct {
    void *block;
    size_t size;
} live[MANY];

static double written(unsigned count, unsigned operations)
{
    uint64_t seed = 1;
    double start = now_ns();
    for (unsigned i = 0; i < operations; i++) {
        uint32_t r = next_random(&seed);
        unsigned at = r & (count - 1);
        read_block(live[at].block, live[at].size);
        free(live[at].block);
        live[at].size = (r >> 17 & 511) + 1;
        live[at].block = malloc(live[at].size);
        write_block(live[at].block, live[at].size);
    }
    double ns = now_ns() - start;
    for (unsigned i = 0; i < count; i++) {
        free(live[i].block);
        live[i].block = NULL;
        live[i].size = 0;
    }
    return ns / operations;
}

double written_1k(void)
{
    return written(SOME, 100000);
}

double written_64k(void)
{
    return written(MANY, 200000);
}
