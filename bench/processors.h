/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a workload's threads run. */
#ifndef TM_BENCH_PROCESSORS_H
#define TM_BENCH_PROCESSORS_H

/* The calling thread, and those that it starts: on the last processor alone, which interrupts like less, or on all. */
void use_processors(int count);

/* The calling thread alone: on this one from the last, or on any where there are not so many. */
void stay_on_processor(int from_last);

#endif
