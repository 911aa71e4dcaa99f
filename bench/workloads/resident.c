/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory instead of time: what stays resident in a process that has done nothing else. */
#define _GNU_SOURCE
#include "started.h"
#include "workloads.h"

#include <malloc.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

static double resident_bytes(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%*u %lu", &pages) != 1)
        abort();
    fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

/* ---- threads that have worked, and now wait ---- */

enum { IDLE = 2000, BLOCKS_EACH = 512 };

/* Blocks of all threads. It is unmapped before the memory is measured. */
static char *(*kept)[BLOCKS_EACH];

static struct {
    sem_t have_worked, may_exit;
    pthread_barrier_t all_have_allocated;
    bool at_once;
    size_t step;
} idle;

static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0) {
    }
}

static void *work_and_wait(void *argument)
{
    char **blocks = argument;
    for (unsigned i = 0; i < BLOCKS_EACH; i++) {
        size_t size = (i + 1) * idle.step;
        blocks[i] = used(malloc(size));
        blocks[i][0] = blocks[i][size - 1] = 1;
    }
    if (idle.at_once)
        pthread_barrier_wait(&idle.all_have_allocated);
    for (unsigned i = 0; i < BLOCKS_EACH; i++)
        free(blocks[i]);
    sem_post(&idle.have_worked);
    wait_for(&idle.may_exit);
    return NULL;
}

static double resident_of_idle(unsigned largest, bool at_once)
{
    static pthread_t threads[IDLE];
    sem_init(&idle.have_worked, 0, 0);
    sem_init(&idle.may_exit, 0, 0);
    pthread_barrier_init(&idle.all_have_allocated, NULL, IDLE);
    idle.at_once = at_once;
    idle.step = largest / BLOCKS_EACH;
    kept = mmap(NULL, IDLE * sizeof *kept, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (kept == MAP_FAILED)
        abort();
    for (unsigned t = 0; t < IDLE; t++) {
        threads[t] = started(work_and_wait, kept[t]);
        if (!at_once)
            wait_for(&idle.have_worked);
    }
    for (unsigned t = 0; at_once && t < IDLE; t++)
        wait_for(&idle.have_worked);
    munmap(kept, IDLE * sizeof *kept);
    double bytes = resident_bytes();
    for (unsigned t = 0; t < IDLE; t++)
        sem_post(&idle.may_exit);
    for (unsigned t = 0; t < IDLE; t++)
        pthread_join(threads[t], NULL);
    return bytes / (1 << 20);
}

/* All blocks of all threads live at once, and are in their caches, or the allocator's, afterwards. */
double idle_threads(unsigned largest)
{
    return resident_of_idle(largest, true);
}

/* One thread works after the other: what they keep for themselves is nearly all that is resident. */
double idle_threads_in_turn(unsigned largest)
{
    return resident_of_idle(largest, false);
}

/* ---- blocks that are aligned to their own size ---- */

double aligned_blocks(unsigned size)
{
    enum { BLOCKS = 20000 };
    static char *blocks[BLOCKS];
    memset(blocks, 1, sizeof blocks); /* so that its own pages are not counted, nor those of an empty heap */
    free(used(malloc(64)));
    double before = resident_bytes();
    for (unsigned i = 0; i < BLOCKS; i++) {
        blocks[i] = used(memalign(size, size));
        memset(blocks[i], 1, size);
    }
    double bytes = resident_bytes() - before;
    for (unsigned i = 0; i < BLOCKS; i++)
        free(blocks[i]);
    return bytes / BLOCKS;
}
