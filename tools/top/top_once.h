/* SPDX-License-Identifier: BSD-3-Clause */
/* Prints one reading as text or JSON, for scripts, and for output that is no terminal. */
#ifndef TM_TOP_ONCE_H
#define TM_TOP_ONCE_H

#include "top/top_model.h"

int tool_top_once(const char *target, bool all_users, bool json, enum top_key key, const char *filter);

#endif
