/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * C++'s operators. libstdc++'s call malloc, which would be enough. But tcmalloc, which we depend on, has its own, and
 * they would come first in a program in which only a library of a library links libstdc++.
 */
#include <cstddef>
#include <new>

#include <threadmeter/malloc.h>

#define EXPORT __attribute__((visibility("default")))

namespace
{

constexpr std::size_t usual = alignof(std::max_align_t);

/* Asks the program's handler for memory until it has some, or throws, as [new.delete.single] says. */
void *allocate(std::size_t size, std::size_t alignment)
{
    for (;;) {
        void *block = alignment <= usual ? tm_malloc(size) : tm_memalign(alignment, size);
        if (block)
            return block;
        std::new_handler handler = std::get_new_handler();
        if (!handler)
            throw std::bad_alloc();
        handler();
    }
}

void *try_to_allocate(std::size_t size, std::size_t alignment) noexcept
{
    try {
        return allocate(size, alignment);
    } catch (...) {
        return nullptr;
    }
}

} // namespace

EXPORT void *operator new(std::size_t size)
{
    return allocate(size, usual);
}

EXPORT void *operator new[](std::size_t size)
{
    return allocate(size, usual);
}

EXPORT void *operator new(std::size_t size, const std::nothrow_t &) noexcept
{
    return try_to_allocate(size, usual);
}

EXPORT void *operator new[](std::size_t size, const std::nothrow_t &) noexcept
{
    return try_to_allocate(size, usual);
}

EXPORT void *operator new(std::size_t size, std::align_val_t alignment)
{
    return allocate(size, static_cast<std::size_t>(alignment));
}

EXPORT void *operator new[](std::size_t size, std::align_val_t alignment)
{
    return allocate(size, static_cast<std::size_t>(alignment));
}

EXPORT void *operator new(std::size_t size, std::align_val_t alignment, const std::nothrow_t &) noexcept
{
    return try_to_allocate(size, static_cast<std::size_t>(alignment));
}

EXPORT void *operator new[](std::size_t size, std::align_val_t alignment, const std::nothrow_t &) noexcept
{
    return try_to_allocate(size, static_cast<std::size_t>(alignment));
}

/*
 * Sizes and alignments are not compared with the block's: a program that passes wrong ones runs as it did without us.
 */

EXPORT void operator delete(void *block) noexcept
{
    tm_free(block);
}

EXPORT void operator delete[](void *block) noexcept
{
    tm_free(block);
}

EXPORT void operator delete(void *block, std::size_t) noexcept
{
    tm_free(block);
}

EXPORT void operator delete[](void *block, std::size_t) noexcept
{
    tm_free(block);
}

EXPORT void operator delete(void *block, const std::nothrow_t &) noexcept
{
    tm_free(block);
}

EXPORT void operator delete[](void *block, const std::nothrow_t &) noexcept
{
    tm_free(block);
}

EXPORT void operator delete(void *block, std::align_val_t) noexcept
{
    tm_free(block);
}

EXPORT void operator delete[](void *block, std::align_val_t) noexcept
{
    tm_free(block);
}

EXPORT void operator delete(void *block, std::size_t, std::align_val_t) noexcept
{
    tm_free(block);
}

EXPORT void operator delete[](void *block, std::size_t, std::align_val_t) noexcept
{
    tm_free(block);
}

EXPORT void operator delete(void *block, std::align_val_t, const std::nothrow_t &) noexcept
{
    tm_free(block);
}

EXPORT void operator delete[](void *block, std::align_val_t, const std::nothrow_t &) noexcept
{
    tm_free(block);
}
