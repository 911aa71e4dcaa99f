/* SPDX-License-Identifier: BSD-3-Clause */
/* A library that a program is linked with, and that has nallocx, as jemalloc does. */
#include <stddef.h>

size_t nallocx(size_t size, int flags);

size_t nallocx(size_t size, int flags)
{
    (void)flags;
    return (size + 511) / 512 * 512;
}
