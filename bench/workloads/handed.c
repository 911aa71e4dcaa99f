/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Workloads in which one thread allocates and others free. A consumer that has never allocated is a case of its own:
 * tcmalloc gives a thread its cache at its first malloc, so without one each free takes the lock of the central lists.
 * Consumers in real programs have mostly allocated something.
 */
#define _GNU_SOURCE
#include "started.h"
#include "workloads.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { BATCH = 128, BATCHES = 16, MOST_CONSUMERS = 8, HANDED = 200 * BATCH };

/* How a run differs from the plainest one. */
struct way {
    unsigned consumers;
    bool allocate_once; /* each consumer, before its first free */
    bool written;       /* blocks are written by the producer, and read by the consumer */
};

/* Batches are used in a ring: the producer fills an empty one, the consumer empties it. */
struct channel {
    struct batch {
        _Alignas(64) _Atomic bool full;
        void *blocks[BATCH];
        uint16_t sizes[BATCH];
    } batches[BATCHES];
    unsigned rounds;
    const struct way *way;
};

static void await(_Atomic bool *flag, bool value)
{
    for (unsigned spins = 0; atomic_load_explicit(flag, memory_order_acquire) != value; spins++)
        if (spins % 256 == 255)
            sched_yield();
}

static void *consume(void *argument)
{
    struct channel *channel = argument;
    if (channel->way->allocate_once)
        free(used(malloc(64)));
    for (unsigned i = 0; i < channel->rounds; i++) {
        struct batch *batch = &channel->batches[i % BATCHES];
        await(&batch->full, true);
        for (unsigned k = 0; k < BATCH; k++) {
            if (channel->way->written)
                read_block(batch->blocks[k], batch->sizes[k]);
            free(batch->blocks[k]);
        }
        atomic_store_explicit(&batch->full, false, memory_order_release);
    }
    return NULL;
}

static void fill(struct batch *batch, uint64_t *seed, bool written)
{
    for (unsigned k = 0; k < BATCH; k++) {
        size_t size = (next_random(seed) & 255) + 1;
        batch->blocks[k] = malloc(size);
        if (written) {
            write_block(batch->blocks[k], size);
            batch->sizes[k] = (uint16_t)size;
        }
    }
}

static double produced(const struct way *way)
{
    static struct channel channels[MOST_CONSUMERS];
    pthread_t threads[MOST_CONSUMERS];
    uint64_t seed = 1;
    for (unsigned c = 0; c < way->consumers; c++) {
        channels[c].rounds = HANDED / BATCH / way->consumers;
        channels[c].way = way;
        threads[c] = started(consume, &channels[c]);
    }
    double start = now_ns();
    for (unsigned i = 0; i < HANDED / BATCH; i++) {
        struct batch *batch = &channels[i % way->consumers].batches[i / way->consumers % BATCHES];
        await(&batch->full, false);
        fill(batch, &seed, way->written);
        atomic_store_explicit(&batch->full, true, memory_order_release);
    }
    for (unsigned c = 0; c < way->consumers; c++)
        pthread_join(threads[c], NULL);
    return (now_ns() - start) / HANDED;
}

double handover(void)
{
    return produced(&(struct way){.consumers = 1, .allocate_once = true});
}

double fan_out(void)
{
    return produced(&(struct way){.consumers = MOST_CONSUMERS, .allocate_once = true});
}

double handover_free_only(void)
{
    return produced(&(struct way){.consumers = 1});
}

double fan_out_free_only(void)
{
    return produced(&(struct way){.consumers = MOST_CONSUMERS});
}

double written_handover(void)
{
    return produced(&(struct way){.consumers = 1, .allocate_once = true, .written = true});
}
