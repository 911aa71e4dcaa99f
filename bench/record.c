/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Records a program's calls of malloc's family, for `trace.c` to replay: preload this, and name the file in TM_TRACE.
 * Each block gets a number that is not in use, so that the replay needs an array no longer than the most blocks alive
 * at once.
 */
#include "contenders/pointer_map.h"
#include "trace.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *block);

enum { BUFFER = 4096, MOST_BLOCKS = 1 << 22 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct call buffer[BUFFER];
static unsigned buffered;
static int file = -1;
static uint32_t *free_numbers; /* a stack */
static uint32_t free_count, most;

static void flush(void)
{
    if (file >= 0 && write(file, buffer, buffered * sizeof *buffer) < 0)
        file = -1;
    buffered = 0;
}

__attribute__((constructor)) static void begin(void)
{
    const char *name = getenv("TM_TRACE");
    free_numbers = mmap(NULL, MOST_BLOCKS * sizeof *free_numbers, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (name && free_numbers != MAP_FAILED)
        file = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666); /* a child must not overwrite its parent's */
}

__attribute__((destructor)) static void end(void)
{
    pthread_mutex_lock(&lock);
    flush();
    if (file >= 0)
        close(file);
    file = -1;
    pthread_mutex_unlock(&lock);
}

static void note(enum call_kind kind, uint32_t number, size_t size)
{
    buffer[buffered++] = (struct call){(uint32_t)kind << 28 | number, (uint32_t)size};
    if (buffered == BUFFER)
        flush();
}

static void *came(enum call_kind kind, void *block, size_t size)
{
    if (file >= 0 && block) {
        pthread_mutex_lock(&lock);
        if (free_count || most < MOST_BLOCKS) {
            uint32_t number = free_count ? free_numbers[--free_count] : most++;
            map_insert(block, number);
            note(kind, number, size);
        }
        pthread_mutex_unlock(&lock);
    }
    return block;
}

static void goes(const void *block)
{
    uint64_t number;
    if (file < 0 || !block)
        return;
    pthread_mutex_lock(&lock);
    if (map_remove(block, &number)) {
        note(CALL_FREE, (uint32_t)number, 0);
        free_numbers[free_count++] = (uint32_t)number;
    }
    pthread_mutex_unlock(&lock);
}

void *malloc(size_t size)
{
    return came(CALL_MALLOC, __libc_malloc(size), size);
}

void *calloc(size_t count, size_t size)
{
    return came(CALL_CALLOC, __libc_calloc(count, size), count * size);
}

void *memalign(size_t alignment, size_t size)
{
    return came(CALL_MALLOC, __libc_memalign(alignment, size), size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size)
{
    *block = memalign(alignment, size);
    return *block ? 0 : 12;
}

void free(void *block)
{
    goes(block);
    __libc_free(block);
}

void *realloc(void *block, size_t size)
{
    uint64_t number;
    if (!block || size == 0) {
        goes(block);
        return came(CALL_MALLOC, __libc_realloc(block, size), size);
    }
    pthread_mutex_lock(&lock);
    bool known = file >= 0 && map_remove(block, &number);
    void *moved = __libc_realloc(block, size);
    if (known) {
        map_insert(moved ? moved : block, number);
        if (moved)
            note(CALL_REALLOC, (uint32_t)number, size);
    }
    pthread_mutex_unlock(&lock);
    return known || !moved ? moved : came(CALL_MALLOC, moved, size);
}
