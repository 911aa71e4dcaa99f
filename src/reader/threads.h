/* SPDX-License-Identifier: BSD-3-Clause */
/* Threads, of the slots that they have. */
#ifndef TM_READER_THREADS_H
#define TM_READER_THREADS_H

#include "reader/rows_store.h"

/* The array grows; the largest first, and last what threads share. False if there is no memory. */
bool tm__sum_threads(const struct tm__rows *rows, struct tm_thread_reading **threads, size_t *capacity, size_t *count);

#endif
