/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/states.h"

const char *tool_state(const struct tm_reading *reading)
{
    return reading->live ? "live" : reading->ended ? "ended" : reading->unknown ? "unknown" : "crashed";
}

const char *tool_slot_state(enum tm_slot_state state)
{
    static const char *const names[] = {
        [TM_LIVE] = "live", [TM_ORPHAN] = "orphan", [TM_LATE] = "late", [TM_OVERFLOW] = "overflow"};
    return names[state];
}

const char *tool_tag_state(bool open)
{
    return open ? "open" : "ended";
}

const char *tool_shared_name(enum tm_slot_state state)
{
    return state == TM_LATE ? "(shared) late" : "(shared) overflow";
}
