/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * threadmeter/clang/sys/cdefs.h: libc's own <sys/cdefs.h>, and one macro more for clang.
 *
 * <stdlib.h> of glibc declares how large the block is that malloc returns, but not to a compiler that calls itself gcc
 * 4.2, as clang does. clang knows it by the name malloc, and so not for a redirected malloc: FORTIFY would no longer
 * check blocks of the heap. threadmeter-redirect puts this directory first; redirect.h cannot do it, since libc defines
 * the macro whether there is one already or not.
 */
#pragma GCC system_header
#include_next <sys/cdefs.h>

#ifdef __clang__
#undef __attribute_alloc_size__
#define __attribute_alloc_size__(positions) __attribute__((__alloc_size__ positions))
#endif
