/* SPDX-License-Identifier: BSD-3-Clause */
#include "support/report_rows.h"
#include "support/support.h"

static const char *next_report(const char *text)
{
    return strstr(text, "threadmeter: ");
}

int count_reports(const char *text)
{
    int count = 0;
    for (const char *at = text; (at = next_report(at)); at++)
        count++;
    return count;
}

struct row row_of(const char *text, int report, const char *name)
{
    const char *start = text, *line;
    for (int i = 0; (start = next_report(start)) && i < report; i++)
        start++;
    ck_assert_msg(start != NULL, "no report %d in \"%s\"", report, text);
    char begin[40];
    sprintf(begin, "\n%s ", name);
    line = strstr(start, begin);
    ck_assert_msg(line != NULL, "no row of %s in \"%s\"", name, text);

    struct row row = {.state = "total"};
    int fields = strcmp(name, "total") == 0 ? 1 + sscanf(line, " total %lu B %lu <= %lu B %lu B %lu B", &row.live,
                                                         &row.blocks, &row.peak, &row.allocated, &row.others)
                                            : sscanf(line, " %*s %*d %15s %lu B %lu %lu B %lu B %lu B", row.state,
                                                     &row.live, &row.blocks, &row.peak, &row.allocated, &row.others);
    ck_assert_msg(fields == 6, "not to the byte: \"%.100s\"", line);
    return row;
}

void expect_row(const char *text, int report, const char *name, const char *state, unsigned long live,
                unsigned long blocks, unsigned long allocated, unsigned long others)
{
    struct row row = row_of(text, report, name);
    ck_assert_msg(strcmp(row.state, state) == 0 && row.live == live && row.blocks == blocks &&
                      row.allocated == allocated && row.others == others,
                  "of %s, not %s, %lu live in %lu, %lu allocated, %lu freed by others:\n%s", name, state, live, blocks,
                  allocated, others, text);
}

void run_reported(const char *const argv[], char *text, size_t capacity)
{
    ck_assert_int_eq(setenv("THREADMETER_REPORT", "stderr", 1), 0);
    int status = run_program(argv, text, capacity);
    ck_assert_msg(status == 0, "%s %s: status %#x, \"%s\"", argv[0], argv[1] ? argv[1] : "", status, text);
}
