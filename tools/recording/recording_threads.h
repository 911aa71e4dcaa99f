/* SPDX-License-Identifier: BSD-3-Clause */
/* Computes a reading's threads from its slots. */
#ifndef TM_RECORDING_THREADS_H
#define TM_RECORDING_THREADS_H

#include "recording/recording_kinds.h"

/* The threads as they follow from the slots, which is nearly always right. The slots are sorted by their keys. */
void rows_expect_threads(struct rows *threads, const struct rows *slots);

#endif
