/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs top on the terminal. */
#ifndef TM_TOP_SCREEN_H
#define TM_TOP_SCREEN_H

#include "top/top_keys.h"

/* Runs until the user quits, or a signal comes. Returns an exit code, as tool_top() does. */
int tool_top_run(struct top *top, bool colours);

#endif
