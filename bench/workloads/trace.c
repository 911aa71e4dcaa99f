/* SPDX-License-Identifier: BSD-3-Clause */
/* Replays the calls that a real program made to malloc's family. */
#include "../trace.h"
#include "workloads.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_CALLS = 400000, BLOCK = (1 << 28) - 1 };

static const struct call *calls;
static unsigned call_count, block_count;
static void **blocks;

const char *trace_file;

static int load(void)
{
    struct stat status;
    int descriptor = trace_file ? open(trace_file, O_RDONLY | O_CLOEXEC) : -1;
    if (descriptor < 0 || fstat(descriptor, &status) != 0 || status.st_size < (off_t)sizeof *calls)
        return 0;
    calls = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, descriptor, 0);
    close(descriptor);
    if (calls == MAP_FAILED)
        return 0;
    call_count = (unsigned)((size_t)status.st_size / sizeof *calls);
    if (call_count > MOST_CALLS)
        call_count = MOST_CALLS;
    for (unsigned i = 0; i < call_count; i++)
        if ((calls[i].kind_and_block & BLOCK) >= block_count)
            block_count = (calls[i].kind_and_block & BLOCK) + 1;
    blocks = mmap(NULL, block_count * sizeof *blocks, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    return blocks != MAP_FAILED;
}

double trace(void)
{
    if (!blocks && !load())
        return 0;
    double start = now_ns();
    for (unsigned i = 0; i < call_count; i++) {
        void **at = &blocks[calls[i].kind_and_block & BLOCK];
        size_t size = calls[i].size;
        switch (calls[i].kind_and_block >> 28) {
        case CALL_MALLOC:
            *at = malloc(size);
            break;
        case CALL_CALLOC:
            *at = calloc(1, size);
            break;
        case CALL_REALLOC:
            *at = realloc(*at, size);
            break;
        default:
            free(*at);
            *at = NULL;
            continue;
        }
        if (size)
            *(volatile char *)*at = 1;
    }
    double ns = now_ns() - start;
    for (unsigned i = 0; i < block_count; i++) {
        free(blocks[i]);
        blocks[i] = NULL;
    }
    return ns / call_count;
}
