/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A map from a block's address to a value, as a meter without headers needs it. It is divided by address into shards,
 * each with a spinlock and an open-addressed table, whose size doubles when it is three quarters full.
 */
#ifndef TM_BENCH_POINTER_MAP_H
#define TM_BENCH_POINTER_MAP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { SHARDS = 64, FIRST_CAPACITY = 1024 };

struct known {
    uintptr_t block; /* 0: an empty place */
    uint64_t value;
};

static struct shard {
    _Alignas(64) atomic_flag lock;
    struct known *table;
    size_t capacity, used;
} shards[SHARDS];

static inline uint64_t hash_of(uintptr_t block)
{
    return (block >> 4) * UINT64_C(0x9e3779b97f4a7c15);
}

static inline struct shard *locked_shard(uintptr_t block)
{
    struct shard *shard = &shards[hash_of(block) >> 58];
    while (atomic_flag_test_and_set_explicit(&shard->lock, memory_order_acquire))
        __builtin_ia32_pause();
    return shard;
}

static inline void unlock(struct shard *shard)
{
    atomic_flag_clear_explicit(&shard->lock, memory_order_release);
}

static inline size_t home(const struct shard *shard, uintptr_t block)
{
    return (size_t)(hash_of(block) >> 26) & (shard->capacity - 1);
}

/* Where the block is, or would be. */
static inline struct known *place_of(const struct shard *shard, uintptr_t block)
{
    size_t at = home(shard, block);
    while (shard->table[at].block && shard->table[at].block != block)
        at = (at + 1) & (shard->capacity - 1);
    return &shard->table[at];
}

static void grow(struct shard *shard)
{
    struct shard old = *shard;
    shard->capacity = old.capacity ? old.capacity * 2 : FIRST_CAPACITY;
    shard->table =
        mmap(NULL, shard->capacity * sizeof(struct known), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (shard->table == MAP_FAILED)
        abort();
    for (size_t i = 0; i < old.capacity; i++)
        if (old.table[i].block)
            *place_of(shard, old.table[i].block) = old.table[i];
    if (old.table)
        munmap(old.table, old.capacity * sizeof(struct known));
}

static inline void map_insert(const void *block, uint64_t value)
{
    struct shard *shard = locked_shard((uintptr_t)block);
    if (shard->used * 4 >= shard->capacity * 3)
        grow(shard);
    *place_of(shard, (uintptr_t)block) = (struct known){(uintptr_t)block, value};
    shard->used++;
    unlock(shard);
}

/* Removes the block; false if it was not in the map. */
static inline bool map_remove(const void *block, uint64_t *value)
{
    struct shard *shard = locked_shard((uintptr_t)block);
    struct known *gap = shard->table ? place_of(shard, (uintptr_t)block) : NULL;
    bool found = gap && gap->block;
    if (found) {
        *value = gap->value;
        size_t mask = shard->capacity - 1, hole = (size_t)(gap - shard->table);
        /* Entries after the hole move into it, unless that would put them before their home. */
        for (size_t at = (hole + 1) & mask; shard->table[at].block; at = (at + 1) & mask)
            if (((at - home(shard, shard->table[at].block)) & mask) >= ((at - hole) & mask)) {
                shard->table[hole] = shard->table[at];
                hole = at;
            }
        shard->table[hole].block = 0;
        shard->used--;
    }
    unlock(shard);
    return found;
}

#endif
