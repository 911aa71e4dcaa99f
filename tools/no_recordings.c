/* SPDX-License-Identifier: BSD-3-Clause */
/* In the place of recordings, where this was built without zlib. */
#include "common/messages.h"
#include "record/record.h"
#include "report/report.h"

static int fail(void)
{
    return tool_fail("this threadmeter was built without recordings: with zlib (Debian's zlib1g-dev) it has them");
}

int tool_record(int argc, char **argv)
{
    (void)argc, (void)argv;
    return fail();
}

int tool_report(int argc, char **argv)
{
    (void)argc, (void)argv;
    return fail();
}
