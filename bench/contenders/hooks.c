/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A meter by hooks: tcmalloc's own New and Delete hooks add to counters of the calling thread. It cannot know which
 * thread owns a block that is freed. To be preloaded, with tcmalloc.
 */
#include <gperftools/malloc_extension_c.h>
#include <gperftools/malloc_hook_c.h>
#include <stdint.h>

static _Thread_local struct {
    uint64_t allocated_bytes, allocated_blocks, freed_bytes, freed_blocks;
} mine __attribute__((tls_model("initial-exec")));

static void on_new(const void *block, size_t size)
{
    (void)block;
    mine.allocated_bytes += size;
    mine.allocated_blocks++;
}

static void on_delete(const void *block)
{
    if (block) {
        mine.freed_bytes += MallocExtension_GetAllocatedSize(block);
        mine.freed_blocks++;
    }
}

__attribute__((constructor)) static void hook(void)
{
    MallocHook_AddNewHook(on_new);
    MallocHook_AddDeleteHook(on_delete);
}
