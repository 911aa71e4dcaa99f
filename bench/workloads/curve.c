/* SPDX-License-Identifier: BSD-3-Clause */
/* Time as a curve over the size of blocks, which shows where an allocator's ways for small and large ones meet. */
#include "workloads.h"

enum { LIVE = 256, OPERATIONS = 50000, MOST_SIZES = 1 << 12 };

double pair_by_size(unsigned size)
{
    double start = now_ns();
    for (unsigned i = 0; i < OPERATIONS; i++)
        free(used(malloc(size)));
    return (now_ns() - start) / OPERATIONS;
}

double random_by_size(unsigned size)
{
    static void *live[LIVE];
    static uint32_t sizes[MOST_SIZES]; /* drawn before, so that each size takes as long to draw */
    uint64_t seed = 1;
    for (unsigned i = 0; i < MOST_SIZES; i++)
        sizes[i] = size / 2 + next_random(&seed) % (size + 1);
    double start = now_ns();
    for (unsigned i = 0; i < OPERATIONS; i++) {
        uint32_t r = next_random(&seed);
        void **at = &live[r % LIVE];
        free(*at);
        *at = malloc(sizes[r >> 16 & (MOST_SIZES - 1)]);
        *(volatile char *)*at = 1;
    }
    double ns = now_ns() - start;
    for (unsigned i = 0; i < LIVE; i++) {
        free(live[i]);
        live[i] = NULL;
    }
    return ns / OPERATIONS;
}
