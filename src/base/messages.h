/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All lines that the library writes about itself go through here. They go to fd 2, but only while that is the same file
 * as at the start: a program may have closed it, and may have its own data there. A line that ends the program, or
 * would without THREADMETER_ON_ERROR, is written by every process. All other lines are notices. Only the process that
 * was started writes notices: its forks do not, nor does a program that it executes, nor the process itself after it
 * has changed its user. Their output may be read by somebody who does not expect such a line.
 */
#ifndef TM_MESSAGES_H
#define TM_MESSAGES_H

#include "base/text.h"

/*
 * Takes this moment as the start, and the file that is fd 2 now as the one to write to. The library's constructor calls
 * it; tests that put another file there call it again.
 */
__attribute__((visibility("default"))) void tm__begin_messages(void);

/* The descriptor for a notice, which is to be written at once; -1: no notice may be written. */
__attribute__((visibility("default"))) int tm__fd_for_notice(void);

/* Writes a notice of one whole line. */
void tm__notice(const char *line);

/* Writes a line that was composed without a descriptor, if it may be written, and keeps it in tm__last_message. */
void tm__print_fatal(struct tm__text *text);

/*
 * The last such line, for a debugger, also in a core dump, where nobody saw it on fd 2. The manual documents this
 * variable.
 */
enum { TM__MESSAGE = 512 };
extern char tm__last_message[TM__MESSAGE] __attribute__((visibility("default")));

#endif
