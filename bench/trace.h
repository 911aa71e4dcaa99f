/* SPDX-License-Identifier: BSD-3-Clause */
/* A trace: calls in the order in which a program made them. */
#ifndef TM_BENCH_TRACE_H
#define TM_BENCH_TRACE_H

#include <stdint.h>

enum call_kind { CALL_MALLOC, CALL_CALLOC, CALL_REALLOC, CALL_FREE };

struct call {
    uint32_t kind_and_block; /* the kind in the upper 4 bits, the number of the block in the others */
    uint32_t size;
};

#endif
