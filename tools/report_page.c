/* SPDX-License-Identifier: BSD-3-Clause */
/* The page: what page/ was made into when this was built, with a recording's data in the middle. */
#include "report.h"
#include "page_data.h"

#include <errno.h>

bool report_has_page(void)
{
    return sizeof page_before > 1;
}

/* Where < is in JSON it is in a string: written so, no name can end the element that the data is in. */
static int put_escaped(const char *text, size_t size, void *out)
{
    for (size_t i = 0; i < size; i++)
        if ((text[i] == '<' ? fputs("\\u003c", out) : putc(text[i], out)) == EOF)
            return -1;
    return 0;
}

bool report_write_page(FILE *out, const json_t *data)
{
    errno = 0;
    if (fwrite(page_before, 1, sizeof page_before - 1, out) != sizeof page_before - 1 ||
        json_dump_callback(data, put_escaped, out, JSON_COMPACT | JSON_ENSURE_ASCII) != 0 ||
        fwrite(page_after, 1, sizeof page_after - 1, out) != sizeof page_after - 1) {
        errno = errno ? errno : EIO;
        return false;
    }
    return true;
}
