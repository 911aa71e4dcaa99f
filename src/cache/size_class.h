/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Size classes: all objects of a class are made for requests of the same size, so any of them serves each block of the
 * class. Up to 256 bytes each multiple of 16 is a class, above that there are eight to a doubling. Each of tcmalloc's own
 * classes ends where one of these does, so the rounding takes no memory there.
 */
#ifndef TM_SIZE_CLASS_H
#define TM_SIZE_CLASS_H

#include <stddef.h>

enum {
    TM__LINEAR_CLASSES = 16, /* the number of the class that ends at TM__LAST_LINEAR */
    TM__LAST_LINEAR = 256,
    TM__LARGEST_CLASS = 9216, /* bytes, with the header: two blocks of a page, or one of two, have a class */
    TM__FIRST_CLASS = 2,      /* of 32 bytes; one of 16 would have only room for a header */
    TM__CLASSES = 58,
};

/* For 0 < request <= TM__LARGEST_CLASS, in bytes. */
static inline unsigned tm__class_of(size_t request)
{
    if (request <= TM__LAST_LINEAR)
        return (unsigned)(request + 15) / 16;
    unsigned doubling = 63 - (unsigned)__builtin_clzll(request - 1);
    return TM__LINEAR_CLASSES + 8 * (doubling - 8) + (unsigned)((request - 1) >> (doubling - 3)) - 7;
}

/* Bytes for which the objects of the class are requested. */
static inline size_t tm__class_bytes(unsigned class)
{
    if (class <= TM__LINEAR_CLASSES)
        return class * (size_t)16;
    unsigned beyond = class - TM__LINEAR_CLASSES - 1;
    return (size_t)(TM__LAST_LINEAR + 32 * (beyond % 8 + 1)) << beyond / 8;
}

#endif
