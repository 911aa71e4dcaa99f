/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/numbers.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *tool_format_bytes(char text[TOOL_BYTES], uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    int unit = 0;
    /* A value that would be rounded to four digits is shown in the next unit. */
    while (unit < 6 && value >= 999.5) {
        value /= 1024;
        unit++;
    }
    int decimals = unit == 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
    snprintf(text, TOOL_BYTES, "%.*f %s", decimals, value, units[unit]);
    return text;
}

bool tool_parse_seconds(const char *text, uint64_t *ns)
{
    static const struct {
        const char *name;
        double seconds;
    } units[] = {{"", 1}, {"s", 1}, {"ms", 1e-3}, {"us", 1e-6}, {"m", 60}, {"min", 60}, {"h", 3600}};
    enum { LONGEST = 24 * 3600 };
    if (*text < '0' || *text > '9') /* strtod() takes signs, blanks and names */
        return false;
    char *end;
    double value = strtod(text, &end);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (strcmp(end, units[i].name) != 0)
            continue;
        double seconds = value * units[i].seconds;
        if (!(seconds >= 1e-9 && seconds <= LONGEST))
            return false;
        *ns = (uint64_t)(seconds * 1e9 + 0.5);
        return true;
    }
    return false;
}

bool tool_parse_bytes(const char *text, uint64_t *bytes)
{
    static const char units[] = "KMG";
    char *end;
    if (*text < '0' || *text > '9') /* strtoull() takes signs and blanks */
        return false;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    const char *unit = *end ? strchr(units, *end) : NULL;
    int shift = unit ? 10 * (int)(unit - units + 1) : 0;
    *bytes = (uint64_t)number << shift;
    return errno == 0 && end[unit != NULL] == '\0' && number <= UINT64_MAX >> shift;
}

bool tool_parse_pid(const char *text, pid_t *pid)
{
    static const char blanks[] = " \t\n\v\f\r", digits[] = "0123456789";
    const char *number = text + strspn(text, blanks);
    number += strspn(number, "+-");
    size_t length = strspn(number, digits);
    *pid = 0;
    if (length == 0 || number[length + strspn(number + length, blanks)] != '\0')
        return true;
    errno = 0;
    long value = strtol(number, NULL, 10);
    if (number != text || number[length] != '\0' || errno != 0 || value <= 0 || value > INT_MAX)
        return false;
    *pid = (pid_t)value;
    return true;
}
