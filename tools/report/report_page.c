/* SPDX-License-Identifier: BSD-3-Clause */
/* The page: the template that the build made from page/, with a recording's data in the middle. */
#include "report/report_page.h"
#include "common/json_writer.h"
#include "page_data.h"
#include "report/report_page_data.h"
#include "report/summary.h"

#include <errno.h>
#include <stdio.h>

bool report_has_page(void)
{
    return sizeof page_before > 1;
}

bool report_write_page(FILE *out, const struct summary *summary, struct recording *recording)
{
    struct tool_json json = {.out = out, .in_page = true};
    errno = 0;
    fwrite(page_before, 1, sizeof page_before - 1, out);
    report_put_page_data(&json, summary, recording);
    fwrite(page_after, 1, sizeof page_after - 1, out);
    if (!ferror(out))
        return true;
    errno = errno ? errno : EIO;
    return false;
}
