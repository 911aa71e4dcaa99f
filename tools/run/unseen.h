/* SPDX-License-Identifier: BSD-3-Clause */
/* Says what of a program's memory will not be counted, because it does not come from the malloc that is preloaded. */
#ifndef TM_UNSEEN_H
#define TM_UNSEEN_H

#include "run/program.h"

/*
 * Prints a line on stderr for each reason that is found in the program's file, its libraries, or LD_PRELOAD; nothing for
 * most programs, or with THREADMETER_MESSAGES=0. The program runs all the same.
 */
void tool_tell_unseen(const struct tool_program *program);

#endif
