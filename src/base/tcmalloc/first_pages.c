/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "base/tcmalloc/first_pages.h"
#include "base/kernel.h"
#include "base/populate.h"

#include <dlfcn.h>
#include <link.h>
#include <stdbool.h>

/* Debian's tcmalloc has 1.7 MiB, and touches nearly all of it. A library with much more is a larger one, which it is in. */
enum { MOST = 4 << 20, PAGE = 4096 };

#if __GLIBC_PREREQ(2, 35)

static bool is_bss_around(const ElfW(Phdr) * segment, uintptr_t address)
{
    return segment->p_type == PT_LOAD && (segment->p_flags & PF_W) && address - segment->p_vaddr < segment->p_memsz &&
           segment->p_memsz - segment->p_filesz <= MOST;
}

/* Not by dladdr() or dl_iterate_phdr(): these wait for a lock, which a thread may hold that waits for tcmalloc's. */
void tm__populate_static_memory(const void *part)
{
    struct dl_find_object found;
    if (_dl_find_object((void *)part, &found) != 0 || found.dlfo_link_map->l_name[0] == '\0')
        return;
    uintptr_t moved = found.dlfo_link_map->l_addr;
    const ElfW(Ehdr) *header = found.dlfo_map_start;
    const ElfW(Phdr) *segments = (const void *)((const char *)header + header->e_phoff);
    for (unsigned i = 0; i < header->e_phnum; i++) {
        if (!is_bss_around(&segments[i], (uintptr_t)part - moved))
            continue;
        uintptr_t start = (moved + segments[i].p_vaddr + segments[i].p_filesz + PAGE - 1) & -(uintptr_t)PAGE;
        uintptr_t end = moved + segments[i].p_vaddr + segments[i].p_memsz;
        if (start < end)
            tm__sys_madvise((void *)start, end - start, MADV_POPULATE_WRITE);
    }
}

#else

void tm__populate_static_memory(const void *part)
{
    (void)part;
}

#endif

void tm__populate_leaf(void *leaf)
{
    tm__sys_madvise(leaf, TM__LEAF, MADV_HUGEPAGE);
    tm__sys_madvise(leaf, TM__LEAF, MADV_POPULATE_WRITE);
}
