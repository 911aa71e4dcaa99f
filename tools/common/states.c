/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/states.h"

static const struct {
    const char *word, *clause;
} states[] = {
    {"live", ""},
    {"ended", ", which has ended"},
    {"unknown", ", which cannot be seen from here: it may run"},
    {"crashed", ", which crashed"},
};

static int state_of(const struct tm_reading *reading)
{
    return reading->live ? 0 : reading->ended ? 1 : reading->unknown ? 2 : 3;
}

const char *tool_state(const struct tm_reading *reading)
{
    return states[state_of(reading)].word;
}

const char *tool_state_clause(const struct tm_reading *reading)
{
    return states[state_of(reading)].clause;
}

const char *tool_tag_state(bool open)
{
    return open ? "open" : "ended";
}

const char *tool_shared_name(enum tm_slot_state state)
{
    return state == TM_LATE ? "(shared) late" : "(shared) overflow";
}
