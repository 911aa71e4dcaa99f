/* SPDX-License-Identifier: BSD-3-Clause */
/* A thread's first allocation, or free of another's block, and its end. */
#ifndef TM_ATTACH_H
#define TM_ATTACH_H

#include "state/thread.h"

/* Gives the calling thread a slot and returns what tm__thread.me is from now on. */
struct tm__owner *tm__attach(void);

#endif
