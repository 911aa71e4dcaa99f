/* SPDX-License-Identifier: BSD-3-Clause */
/* Run by valgrind, which puts its own malloc in tcmalloc's place. tcmalloc does not know the sizes of its objects. */
#include <string.h>
#include <threadmeter/malloc.h>

int main(void)
{
    char *block = tm_malloc(10);
    for (size_t size = 100; size < 4000000 && block; size = size * 9 / 8 + 1) {
        block = tm_realloc(block, size);
        if (block)
            memset(block, 1, size);
    }
    block = block ? tm_realloc(block, 50) : NULL;
    void *aligned = tm_aligned_alloc(64, 100);
    tm_free(block);
    tm_free(aligned);
    return block && aligned ? 0 : 1;
}
