/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * threadmeter/redirect.h: charges a program's heap to its threads, with no change to the program:
 *
 *     cc $(pkg-config --cflags threadmeter-redirect) app.c $(pkg-config --libs threadmeter-redirect)
 *
 * For `-include` on the command line, not for #include. After this, each name below means our function where it is
 * called or its address is taken; members and variables of that name stay what they are. Here are only pragmas, and
 * nothing else may be added: a declaration or an include would come before the program's own feature macros, and
 * configure scripts copy lines that are not the preprocessor's.
 *
 * With -DTM_TAG=parser on the command line, too, what the unit allocates is charged to the tag of that name: see
 * redirect_tag.h, which contains more than pragmas.
 *
 * Without the other options that pkg-config prints, clang's FORTIFY checks no blocks of the heap: see
 * clang/sys/cdefs.h.
 */
#ifndef __ASSEMBLER__
/*
 * A function that is called without a declaration returns int, and half of a pointer is lost. The compiler knows
 * malloc's type all the same, but not that of a redirected malloc. -DTM_ALLOW_UNDECLARED: it only warns, as it
 * otherwise would.
 */
#if !defined(__cplusplus) && !defined(TM_ALLOW_UNDECLARED)
#pragma GCC diagnostic error "-Wimplicit-function-declaration"
#endif
/*
 * clang warns that a static function of such a name keeps it, which is what we want. The warning has no name of its
 * own; it goes with that for unknown pragmas. Other misuses of pragmas are still warned about, but are no errors even
 * with -Werror.
 */
#ifdef __clang__
#pragma clang diagnostic ignored "-Wpragmas"
#pragma clang diagnostic warning "-Wignored-pragmas"
#endif
#pragma redefine_extname free tm_free
#pragma redefine_extname malloc_usable_size tm_malloc_usable_size
#pragma redefine_extname free_sized tm_free_sized
#pragma redefine_extname free_aligned_sized tm_free_aligned_sized
#pragma redefine_extname cfree tm_cfree
#pragma redefine_extname open_memstream tm_open_memstream
#pragma redefine_extname mallinfo tm_mallinfo
#pragma redefine_extname mallinfo2 tm_mallinfo2
#pragma redefine_extname malloc_stats tm_malloc_stats
#pragma redefine_extname malloc_info tm_malloc_info
#pragma redefine_extname malloc_trim tm_malloc_trim
#pragma redefine_extname mallopt tm_mallopt
#ifdef TM_TAG
#include "redirect_tag.h"
#else
#pragma redefine_extname malloc tm_malloc
#pragma redefine_extname calloc tm_calloc
#pragma redefine_extname realloc tm_realloc
#pragma redefine_extname reallocarray tm_reallocarray
#pragma redefine_extname aligned_alloc tm_aligned_alloc
#pragma redefine_extname memalign tm_memalign
#pragma redefine_extname posix_memalign tm_posix_memalign
#pragma redefine_extname valloc tm_valloc
#pragma redefine_extname pvalloc tm_pvalloc
#pragma redefine_extname strdup tm_strdup
#pragma redefine_extname __strdup tm___strdup
#pragma redefine_extname strndup tm_strndup
#pragma redefine_extname __strndup tm___strndup
#pragma redefine_extname wcsdup tm_wcsdup
#pragma redefine_extname asprintf tm_asprintf
#pragma redefine_extname vasprintf tm_vasprintf
#pragma redefine_extname __asprintf_chk tm___asprintf_chk
#pragma redefine_extname __vasprintf_chk tm___vasprintf_chk
#pragma redefine_extname getline tm_getline
#pragma redefine_extname getdelim tm_getdelim
#pragma redefine_extname __getdelim tm___getdelim
#pragma redefine_extname realpath tm_realpath
#pragma redefine_extname canonicalize_file_name tm_canonicalize_file_name
#pragma redefine_extname getcwd tm_getcwd
#pragma redefine_extname get_current_dir_name tm_get_current_dir_name
#pragma redefine_extname tempnam tm_tempnam
#pragma redefine_extname scandir tm_scandir
#pragma redefine_extname scandir64 tm_scandir64
#pragma redefine_extname scandirat tm_scandirat
#pragma redefine_extname scandirat64 tm_scandirat64
#pragma redefine_extname backtrace_symbols tm_backtrace_symbols
#endif
#endif
