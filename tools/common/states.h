/* SPDX-License-Identifier: BSD-3-Clause */
/* States, each in one word. */
#ifndef TM_STATES_H
#define TM_STATES_H

#include <stdbool.h>

#include <threadmeter/reader.h>

/* Of a process; "unknown" may be "live". */
const char *tool_state(const struct tm_reading *reading);

/* Of a thread, or of a slot that threads share. */
const char *tool_slot_state(enum tm_slot_state state);

const char *tool_tag_state(bool open);

/* The name and the state of a shared slot, where there is no column for the state. */
const char *tool_shared_name(enum tm_slot_state state);

#endif
