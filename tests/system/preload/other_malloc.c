/* SPDX-License-Identifier: BSD-3-Clause */
/* What another malloc says of its blocks, as jemalloc does, in a library that a program is linked with. */
#include <stddef.h>

size_t nallocx(size_t size, int flags);

size_t nallocx(size_t size, int flags)
{
    (void)flags;
    return (size + 511) / 512 * 512;
}
