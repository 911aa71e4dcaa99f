/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TM_EXIT_REPORT_H
#define TM_EXIT_REPORT_H

#include "base/options.h"

/* THREADMETER_REPORT: reports what each thread owns when the program exits. */
void tm__report_at_exit(void) __attribute__((destructor(TM__OUTERMOST)));

#endif
