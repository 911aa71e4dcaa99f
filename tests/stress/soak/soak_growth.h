/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether the process of the soak grows: in resident memory, and in the number of slots that were ever used. */
#ifndef TESTS_SOAK_GROWTH_H
#define TESTS_SOAK_GROWTH_H

enum { QUARTERS = 4 }; /* of the run, from 0 on */

double resident_mib(void);

/* To be called at a rest. `part` is how much of the run is over, from 0 to 1. */
void note_growth(double part);

double most_resident(int quarter);

/* Fails if the last quarter had more memory or slots than the second. */
void check_growth(double seconds);

#endif
