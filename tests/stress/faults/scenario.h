/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_FAULTS_SCENARIO_H
#define TESTS_FAULTS_SCENARIO_H

/*
 * Calls all functions, on several threads, which then free, resize and claim each other's blocks, and exit. A call that
 * fails must set ENOMEM and change nothing. At each rest live bytes must be those that the scenario counted, and 0 at
 * the end. The first error ends the process, with a line on stderr.
 */
void run_scenario(void);

/* To be called before run_scenario(), and before calls fail. */
void prepare_scenario(void);

#endif
