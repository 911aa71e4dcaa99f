/* SPDX-License-Identifier: BSD-3-Clause */
/* What a reading's slots say of its threads. */
#ifndef TM_RECORDING_THREADS_H
#define TM_RECORDING_THREADS_H

#include "recording/recording_kinds.h"

/* Threads as the slots have them, which nearly always is as they are; the slots are in order of their keys. */
void rows_expect_threads(struct rows *threads, const struct rows *slots);

#endif
