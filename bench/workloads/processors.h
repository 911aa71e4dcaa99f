/* SPDX-License-Identifier: BSD-3-Clause */
/* On which processors a workload's threads run. */
#ifndef TM_BENCH_PROCESSORS_H
#define TM_BENCH_PROCESSORS_H

/*
 * For the calling thread, and those that it starts: with a count of 1 only the last processor, which gets the fewest
 * interrupts; otherwise all.
 */
void use_processors(int count);

/* For the calling thread alone: this processor, counted from the last; or any if there are not so many. */
void stay_on_processor(int from_last);

#endif
