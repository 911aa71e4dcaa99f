/* SPDX-License-Identifier: BSD-3-Clause */
/* tcmalloc's own list of the ranges of memory that it has: see ranges.cc. */
#ifndef TM_RANGES_H
#define TM_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The range in which an address lies: objects of one size, one after the other from the start on, or a single one. */
struct tm__range {
    bool has_list;   /* tcmalloc need not have a list */
    bool is_listed;  /* the address is in the list; it may be missing while the list changes */
    bool in_use;     /* false: the range is free memory */
    uintptr_t start; /* if it is in use */
};

#ifdef __cplusplus
extern "C"
#endif
    /* Walks through all ranges. Allocates nothing. */
    struct tm__range
    tm__find_range(const void *address);

#endif
