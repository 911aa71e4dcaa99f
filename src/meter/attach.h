/* SPDX-License-Identifier: BSD-3-Clause */
/* What a thread does at its first allocation, or at its first free of another thread's block, and at its exit. */
#ifndef TM_ATTACH_H
#define TM_ATTACH_H

#include "state/thread.h"

/* Gives the calling thread a slot, and returns the new value of tm__thread.me. */
struct tm__owner *tm__attach(void);

#endif
