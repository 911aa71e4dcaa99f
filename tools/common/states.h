/* SPDX-License-Identifier: BSD-3-Clause */
/* States of a process. Those of threads are in threadmeter/totals.h. */
#ifndef TM_STATES_H
#define TM_STATES_H

#include <stdbool.h>

#include <threadmeter/reader.h>

/* The state of a process in one word. "unknown": it may or may not run. */
const char *tool_state(const struct tm_reading *reading);

/* To follow the process's name, with a comma before it; "" if it is live. */
const char *tool_state_clause(const struct tm_reading *reading);

const char *tool_tag_state(bool open);

/* The name and the state of a shared slot, where there is no column for the state. */
const char *tool_shared_name(enum tm_slot_state state);

#endif
