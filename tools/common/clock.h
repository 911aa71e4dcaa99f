/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TM_CLOCK_H
#define TM_CLOCK_H

#include <stdint.h>

uint64_t tool_clock(void); /* CLOCK_MONOTONIC, ns */

/* The most time that a search may take: a single one, and one of many. */
enum { TOOL_PATIENCE = 60, TOOL_ROUND = 5 }; /* seconds */
uint64_t tool_in(unsigned seconds);          /* by tool_clock() */

#endif
