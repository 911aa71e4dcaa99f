// SPDX-License-Identifier: BSD-3-Clause
/*
 * Where tcmalloc gets its memory from: by mmap alone, never from the break. Where glibc stays the process's malloc there
 * are two allocators, and sbrk() is not thread-safe: two threads that call it at once are given the same memory.
 *
 * gperftools has two interfaces for that, both in malloc_extension.h: a function that it asks as it starts, and one to
 * set another allocator later, for a process in which tcmalloc started before us. Both are C++.
 */
#include "base/tcmalloc/system_memory.h"
#include "base/kernel.h"

#include <gperftools/malloc_extension.h>
#include <gperftools/tcmalloc.h>
#include <new>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

namespace
{

/* tcmalloc holds a lock of its own where it calls this. */
class MappedMemory : public SysAllocator
{
  public:
    void *Alloc(size_t size, size_t *actual_size, size_t alignment) override;
    static void operator delete(void *)
    {
    } /* it lies in static memory */

  private:
    uintptr_t lowest = 0; /* where the last mapping begins; the next is to end there, and so become one with it */
};

uintptr_t map(uintptr_t where, size_t size, int flags)
{
    void *memory = tm__sys_mmap(reinterpret_cast<void *>(where), size, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | flags, -1);
    return tm__sys_failed(memory) ? 0 : reinterpret_cast<uintptr_t>(memory);
}

/* There, or nowhere. A kernel before 4.17 does not know the flag, and takes the address for a wish. */
uintptr_t map_there(uintptr_t where, size_t size)
{
    uintptr_t start = map(where, size, MAP_FIXED_NOREPLACE);
    if (start == 0 || start == where)
        return start;
    tm__sys_munmap(reinterpret_cast<void *>(start), size);
    return 0;
}

void *MappedMemory::Alloc(size_t size, size_t *actual_size, size_t alignment)
{
    /* tcmalloc's pages may be smaller than the kernel's: of which only whole ones are mapped. */
    enum { LARGEST_PAGE = 65536 };
    size_t whole = (size + LARGEST_PAGE - 1) & -static_cast<size_t>(LARGEST_PAGE);
    if (alignment < LARGEST_PAGE)
        alignment = LARGEST_PAGE;
    if (whole < size || whole + alignment < whole)
        return nullptr;
    uintptr_t start = lowest > whole ? (lowest - whole) & -static_cast<uintptr_t>(alignment) : 0;
    if (start != 0 && (start = map_there(start, lowest - start)) != 0) {
        lowest = start;
    } else {
        /*
         * By so much more that there is a multiple of the alignment in it. What is too much stays, untouched: bare
         * tcmalloc, which grows by the break, calls no munmap, and so a sandbox need not allow it.
         */
        start = map(0, whole + alignment, 0);
        if (start == 0)
            return nullptr;
        lowest = start;
        start = (start + alignment - 1) & -static_cast<uintptr_t>(alignment);
    }
    if (actual_size)
        *actual_size = whole;
    return reinterpret_cast<void *>(start);
}

/*
 * Made where it is first asked for, which may be before any constructor; once, for it knows what it has mapped. Null while
 * somebody else makes it, who is about to give it to tcmalloc.
 */
SysAllocator *mapped_memory()
{
    alignas(MappedMemory) static char room[sizeof(MappedMemory)];
    static SysAllocator *made;
    static bool begun;
    if (!__atomic_exchange_n(&begun, true, __ATOMIC_RELAXED))
        __atomic_store_n(&made, new (room) MappedMemory, __ATOMIC_RELEASE);
    return __atomic_load_n(&made, __ATOMIC_ACQUIRE);
}

/* Whether tcmalloc has it. Relaxed: who sees it too late gives it once more. */
bool given;

} // namespace

SysAllocator *tc_get_sysalloc_override(SysAllocator *def) __attribute__((visibility("default")));

/* tcmalloc asks once, under its lock, before the first memory that it gets. */
SysAllocator *tc_get_sysalloc_override(SysAllocator *def)
{
    SysAllocator *memory = mapped_memory();
    if (!memory)
        return def;
    __atomic_store_n(&given, true, __ATOMIC_RELAXED);
    return memory;
}

extern "C" void tm__avoid_brk()
{
    /*
     * Not asked: tcmalloc started before we were there, or somebody is in front. If it is the process's malloc as well,
     * there is no other allocator that uses the break, and whoever gave it other memory is to keep that.
     */
    void *(*volatile process_malloc)(size_t) = malloc; /* volatile, or the compiler is sure that names tell addresses */
    if (__atomic_load_n(&given, __ATOMIC_RELAXED) || process_malloc == tc_malloc)
        return;
    SysAllocator *memory = mapped_memory();
    if (memory) {
        MallocExtension::instance()->SetSystemAllocator(memory);
        __atomic_store_n(&given, true, __ATOMIC_RELAXED);
    }
}

/*
 * Before there is a block of ours, if tcmalloc was there before us. It must have started itself: what is set before that
 * is lost.
 */
__attribute__((constructor)) static void keep_off_from_the_start()
{
    if (!__atomic_load_n(&given, __ATOMIC_RELAXED)) {
        tc_free(tc_malloc(1));
        tm__avoid_brk();
    }
}
