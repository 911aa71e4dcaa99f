/* SPDX-License-Identifier: BSD-3-Clause */
/* Pairs of malloc and free, by their plain names: compiled once as they are, once with redirection. */
#ifndef BENCH_COUNT_PAIRS_H
#define BENCH_COUNT_PAIRS_H

#include <stddef.h>

void count_pairs(size_t times);         /* of 64 bytes */
void count_larger_pairs(size_t times);  /* of 1,000, which no thread's cache has */
void count_threads_pairs(size_t times); /* of 64, on four threads that begin at once, together so many */

#endif
