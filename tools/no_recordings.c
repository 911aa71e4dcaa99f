/* SPDX-License-Identifier: BSD-3-Clause */
/* Replaces record and report if the tool is built without zlib. */
#include "common/messages.h"
#include "record/record.h"
#include "report/report.h"

static int fail(void)
{
    return tool_fail("this threadmeter was built without recordings, which need zlib (Debian's zlib1g-dev)");
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
