/* SPDX-License-Identifier: BSD-3-Clause */
/* Draws the screen. */
#ifndef TM_TOP_VIEW_H
#define TM_TOP_VIEW_H

#include "top/top_keys.h"

void tool_top_draw(struct top *top);

#endif
