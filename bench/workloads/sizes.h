/* SPDX-License-Identifier: BSD-3-Clause */
/* Sizes as programs ask for them, for several workloads. */
#ifndef TM_BENCH_SIZES_H
#define TM_BENCH_SIZES_H

#include <stdint.h>

enum { SIZES = 1 << 12 };

/* In ascending order: an entry is to be taken at random. */
void draw_sizes_of_programs(uint16_t sizes[SIZES]);

#endif
