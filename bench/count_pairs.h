/* SPDX-License-Identifier: BSD-3-Clause */
/* Pairs of malloc and free, by their plain names. Compiled once as they are, and once with redirection. */
#ifndef BENCH_COUNT_PAIRS_H
#define BENCH_COUNT_PAIRS_H

#include <stddef.h>

void count_pairs(size_t times);         /* of 64 bytes */
void count_larger_pairs(size_t times);  /* of 1,000 bytes */
void count_threads_pairs(size_t times); /* of 64 bytes; `times` is the sum over four threads that begin at once */
void count_handed_pairs(size_t times);  /* of 1 to 256 bytes, freed by another thread, 128 at a time */

#endif
