/* SPDX-License-Identifier: BSD-3-Clause */
/* tcmalloc's own list of the ranges of memory that it has: see ranges.cc. */
#ifndef TM_RANGES_H
#define TM_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where an address lies: objects of one size, one behind the other from the start on, or a single one. */
struct tm__range {
    bool has_list;   /* which tcmalloc need not have */
    bool is_listed;  /* the address: it may be left out while the list changes */
    bool in_use;     /* what is not lies in memory that is free */
    uintptr_t start; /* if it is in use */
};

#ifdef __cplusplus
extern "C"
#endif
    /* Looks at all ranges that there are. Allocates nothing. */
    struct tm__range
    tm__find_range(const void *address);

#endif
