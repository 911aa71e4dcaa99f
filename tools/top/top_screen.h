/* SPDX-License-Identifier: BSD-3-Clause */
/* The terminal, and the loop. */
#ifndef TM_TOP_SCREEN_H
#define TM_TOP_SCREEN_H

#include "top/top_keys.h"

/* Returns what tool_top() does. */
int tool_top_run(struct top *top, bool colours);

#endif
