/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A thread "grower" allocates 1000 blocks of 1000 bytes, of which the main thread frees half. Then the program prints
 * "ready", waits until stdin ends, and exits with 7. It does not use threadmeter itself.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { BLOCKS = 1000, SIZE = 1000 };

static void *blocks[BLOCKS];
static pthread_barrier_t barrier;

static void *grow(void *unused)
{
    (void)unused;
    pthread_setname_np(pthread_self(), "grower");
    for (int i = 0; i < BLOCKS; i++)
        blocks[i] = malloc(SIZE);
    pthread_barrier_wait(&barrier);
    while (pause() != 0)
        continue;
    return NULL;
}

int main(void)
{
    pthread_t grower;
    char byte;
    pthread_barrier_init(&barrier, NULL, 2);
    if (pthread_create(&grower, NULL, grow, NULL) != 0)
        return 1;
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < BLOCKS / 2; i++)
        free(blocks[i]);
    if (write(STDOUT_FILENO, "ready\n", 6) != 6)
        return 1;
    while (read(STDIN_FILENO, &byte, 1) > 0)
        continue;
    return 7;
}
