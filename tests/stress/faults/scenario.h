/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_FAULTS_SCENARIO_H
#define TESTS_FAULTS_SCENARIO_H

/*
 * Everything there is to call, on several threads, who then free and resize each other's blocks, and end. Whatever
 * fails does so with ENOMEM and changes nothing; at each rest what lives is what the ledgers say, at the end nothing.
 * What is not so ends the process, with a line on stderr.
 */
void play(void);

/* Before it, and before anything fails. */
void prepare(void);

#endif
