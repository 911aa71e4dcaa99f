/* SPDX-License-Identifier: BSD-3-Clause */
#include "recording/recording.h"

const char *recording_end_name(enum recording_end end)
{
    static const char *const names[RECORDING_ENDS] = {"cut", "ended", "stopped", "time over", "failed", "write failed"};
    return names[end];
}
