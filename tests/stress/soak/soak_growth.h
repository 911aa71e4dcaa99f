/* SPDX-License-Identifier: BSD-3-Clause */
/* Whether the soak's process grows: what is resident, and how many slots were ever used. */
#ifndef TESTS_SOAK_GROWTH_H
#define TESTS_SOAK_GROWTH_H

enum { QUARTERS = 4 }; /* of the run, from 0 on */

double resident_mib(void);

/* At a rest; how much of the run is over, from 0 to 1. */
void note_growth(double part);

double most_resident(int quarter);

/* Fails if there is more in the last quarter than in the second. */
void check_growth(double seconds);

#endif
