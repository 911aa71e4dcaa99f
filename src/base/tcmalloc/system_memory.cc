// SPDX-License-Identifier: BSD-3-Clause
/*
 * Where tcmalloc gets its memory: from mmap only, never from the break. If glibc's malloc stays the process's malloc
 * there are two allocators, and sbrk() is not thread-safe: two threads that call it at once may get the same memory.
 *
 * gperftools has two interfaces for that, both in malloc_extension.h: a function that it calls when it starts, and one
 * to set another allocator later, for a process in which tcmalloc started before us. Both are C++.
 */
#include "base/tcmalloc/system_memory.h"
#include "base/kernel.h"
#include "base/tcmalloc/first_pages.h"

#include <gperftools/malloc_extension.h>
#include <gperftools/tcmalloc.h>
#include <new>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

namespace
{

/* tcmalloc calls this with a lock of its own held. */
class MappedMemory : public SysAllocator
{
  public:
    void *Alloc(size_t size, size_t *actual_size, size_t alignment) override;
    static void operator delete(void *)
    {
    } /* the object is in static memory */

  private:
    void *map_records(size_t *actual_size);

    /* Where the last mapping begins. The next one should end there, so that the kernel merges the two. */
    uintptr_t lowest = 0;
};

uintptr_t map(uintptr_t where, size_t size, int flags)
{
    void *memory = tm__sys_mmap(reinterpret_cast<void *>(where), size, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | flags, -1);
    return tm__sys_failed(memory) ? 0 : reinterpret_cast<uintptr_t>(memory);
}

/* Whether a program may have less than there is: then it needs what alignment takes. */
bool is_limited()
{
    for (int resource : {RLIMIT_AS, RLIMIT_DATA}) {
        struct rlimit limit;
        if (tm__sys_getrlimit(resource, &limit) != 0 || limit.rlim_cur != RLIM_INFINITY)
            return true;
    }
    return false;
}

/* Maps at this address or fails. A kernel before 4.17 does not know the flag, and may choose another address. */
uintptr_t map_there(uintptr_t where, size_t size)
{
    uintptr_t start = map(where, size, MAP_FIXED_NOREPLACE);
    if (start == 0 || start == where)
        return start;
    tm__sys_munmap(reinterpret_cast<void *>(start), size);
    return 0;
}

/* The leaf is at a multiple of its size, so that it can be a huge page. */
void *MappedMemory::map_records(size_t *actual_size)
{
    lowest = map(0, TM__RECORDS + TM__LEAF, 0);
    if (lowest == 0)
        return nullptr;
    uintptr_t leaf = (lowest + TM__LEAF_OFFSET + TM__LEAF - 1) & -static_cast<uintptr_t>(TM__LEAF);
    tm__populate_leaf(reinterpret_cast<void *>(leaf));
    if (actual_size)
        *actual_size = TM__RECORDS;
    return reinterpret_cast<void *>(leaf - TM__LEAF_OFFSET);
}

void *MappedMemory::Alloc(size_t size, size_t *actual_size, size_t alignment)
{
    /* tcmalloc's pages may be smaller than the kernel's, which maps whole pages only */
    enum { LARGEST_PAGE = 65536 };
    size_t whole = (size + LARGEST_PAGE - 1) & -static_cast<size_t>(LARGEST_PAGE);
    if (alignment < LARGEST_PAGE)
        alignment = LARGEST_PAGE;
    if (lowest == 0 && size == TM__RECORDS && alignment == LARGEST_PAGE && !is_limited()) {
        void *records = map_records(actual_size);
        if (records)
            return records; /* else there may be room for less */
    }
    if (whole < size || whole + alignment < whole)
        return nullptr;
    uintptr_t start = lowest > whole ? (lowest - whole) & -static_cast<uintptr_t>(alignment) : 0;
    if (start != 0 && (start = map_there(start, lowest - start)) != 0) {
        lowest = start;
    } else {
        /*
         * The mapping is so much larger that there is a multiple of the alignment in it. The excess stays mapped, and
         * untouched: bare tcmalloc, which grows by the break, never calls munmap, and so a sandbox need not allow it.
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
 * Constructed at the first call, which may come before any constructor; and only once, since it knows what it has
 * mapped. NULL while another thread constructs it: that thread is about to pass it to tcmalloc.
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

/*
 * Whether tcmalloc has it. Relaxed: a thread that sees this too late passes it to tcmalloc a second time, with no
 * effect.
 */
bool is_installed;

} // namespace

SysAllocator *tc_get_sysalloc_override(SysAllocator *def) __attribute__((visibility("default")));

/* tcmalloc calls this once, with its lock held, before it gets its first memory. */
SysAllocator *tc_get_sysalloc_override(SysAllocator *def)
{
    SysAllocator *memory = mapped_memory();
    if (!memory)
        return def;
    __atomic_store_n(&is_installed, true, __ATOMIC_RELAXED);
    return memory;
}

extern "C" void tm__avoid_brk()
{
    /*
     * tcmalloc did not call the function above: it started before we were loaded, or it found another library's
     * function of that name. If tcmalloc is the process's malloc as well, no other allocator uses the break, and memory
     * that somebody else chose for it must stay its memory.
     */
    /* volatile, since the compiler assumes that two functions have different addresses */
    void *(*volatile process_malloc)(size_t) = malloc;
    if (__atomic_load_n(&is_installed, __ATOMIC_RELAXED) || process_malloc == tc_malloc)
        return;
    SysAllocator *memory = mapped_memory();
    if (memory) {
        MallocExtension::instance()->SetSystemAllocator(memory);
        __atomic_store_n(&is_installed, true, __ATOMIC_RELAXED);
    }
}

/*
 * Where tcmalloc was loaded before us, this comes before there is a block of ours. tcmalloc must have started itself
 * before: what is set earlier is lost.
 */
__attribute__((constructor)) static void avoid_brk_from_the_start()
{
    if (!__atomic_load_n(&is_installed, __ATOMIC_RELAXED)) {
        tc_free(tc_malloc(1));
        tm__avoid_brk();
    }
}
