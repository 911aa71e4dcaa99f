/* SPDX-License-Identifier: BSD-3-Clause */
/**
 * threadmeter/macros.h: macros that replace the C library's names by ours, in the files that include this header.
 *
 * Include it last: after every system header, or those would declare tm_malloc instead of malloc. The macros take no
 * arguments, so `table.free = free` and `&malloc` mean ours as well; but mallinfo and mallinfo2 are ours only where
 * they are called. Prefer threadmeter-redirect (redirect.h) where the compiler is gcc or clang; this is for other
 * compilers and for single files.
 *
 * Limits: a member or variable called `free` is renamed, too: everywhere in the file, but not in other files that share
 * its declaration. `#undef malloc` (and in C++ <cstdlib>) takes a macro away. `__attribute__((malloc))` must be spelt
 * `__malloc__`. Token pasting (x##malloc) pastes the new name. Only files that include the header are metered: a block
 * must be freed on the side that allocated it.
 */
#ifndef THREADMETER_MACROS_H
#define THREADMETER_MACROS_H

#include <threadmeter/malloc.h>

#define malloc tm_malloc
#define calloc tm_calloc
#define realloc tm_realloc
#define reallocarray tm_reallocarray
#define free tm_free
#define aligned_alloc tm_aligned_alloc
#define memalign tm_memalign
#define posix_memalign tm_posix_memalign
#define valloc tm_valloc
#define pvalloc tm_pvalloc
#define malloc_usable_size tm_malloc_usable_size
#define free_sized tm_free_sized
#define free_aligned_sized tm_free_aligned_sized
#define cfree tm_cfree
#define strdup tm_strdup
#define strndup tm_strndup
#define wcsdup tm_wcsdup
#define asprintf tm_asprintf
#define vasprintf tm_vasprintf
#define getline tm_getline
#define getdelim tm_getdelim
#define realpath tm_realpath
#define canonicalize_file_name tm_canonicalize_file_name
#define getcwd tm_getcwd
#define get_current_dir_name tm_get_current_dir_name
#define tempnam tm_tempnam
#define scandir tm_scandir
#define scandirat tm_scandirat
#define backtrace_symbols tm_backtrace_symbols
#define open_memstream tm_open_memstream
#define malloc_stats tm_malloc_stats
#define malloc_info tm_malloc_info
#define malloc_trim tm_malloc_trim
#define mallopt tm_mallopt
/* Only calls of these are replaced: the structs that they return have the same names, and keep them. */
#define mallinfo() tm_mallinfo()
#define mallinfo2() tm_mallinfo2()

#endif
