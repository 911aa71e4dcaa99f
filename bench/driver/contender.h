/* SPDX-License-Identifier: BSD-3-Clause */
/* The processes that do the work. Each contender is a process with its own malloc; all but one wait for their turn. */
#ifndef TM_BENCH_CONTENDER_H
#define TM_BENCH_CONTENDER_H

#include "table.h"

void start(struct contender *contender, const char *trace_file);
void stop(const struct contender *contender);

/* Lets it run a workload once, and returns its answer. */
double run(const struct contender *contender, const struct row *row);

/* In MiB: what is resident, and the most that ever was. */
void read_resident(const struct contender *contender, double *peak, double *now);

#endif
