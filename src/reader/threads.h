/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads: each is the sum of its slots. */
#ifndef TM_READER_THREADS_H
#define TM_READER_THREADS_H

#include "reader/rows_store.h"

/* Fills the array, which grows: the thread with the most live bytes first, shared slots last. False without memory. */
bool tm__sum_threads(const struct tm__rows *rows, struct tm_thread_reading **threads, size_t *capacity, size_t *count);

#endif
