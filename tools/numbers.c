/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers, times and names, as a person reads and writes them. */
#include "tool.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <wchar.h>
#include <wctype.h>

char *tool_format_bytes(char text[TOOL_BYTES], uint64_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    int unit = 0;
    /* What would be rounded to four digits is of the next unit. */
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

uint64_t tool_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* With ? for what is not `shown`. */
static char *copy_name(char *text, size_t size, const char *name, bool (*shown)(wchar_t wide))
{
    mbstate_t state = {0};
    size_t used = 0, left = strlen(name);
    while (left > 0) {
        wchar_t wide;
        size_t length = mbrtowc(&wide, name, left, &state);
        bool bad = length == (size_t)-1 || length == (size_t)-2 || length == 0;
        if (bad) {
            length = 1;
            state = (mbstate_t){0};
        }
        bool plain = !bad && shown(wide);
        size_t takes = plain ? length : 1;
        if (used + takes + 1 > size)
            break;
        if (plain)
            memmove(text + used, name, length);
        else
            text[used] = '?';
        used += takes;
        name += length;
        left -= length;
    }
    text[used] = '\0';
    return text;
}

static bool takes_a_column(wchar_t wide)
{
    return iswprint((wint_t)wide) && wcwidth(wide) == 1;
}

/* Not what is printable, but tells in which direction the text goes on. */
static bool is_legible(wchar_t wide)
{
    return iswprint((wint_t)wide) && wide != 0x200e && wide != 0x200f && !(wide >= 0x202a && wide <= 0x202e) &&
           !(wide >= 0x2066 && wide <= 0x2069);
}

char *tool_printable(char *text, size_t size, const char *name)
{
    return copy_name(text, size, name, takes_a_column);
}

char *tool_utf8(char *text, size_t size, const char *name)
{
    static locale_t utf8; /* without it only ASCII is told */
    if (!utf8)
        utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (!utf8)
        utf8 = newlocale(LC_CTYPE_MASK, "C", (locale_t)0);
    locale_t before = uselocale(utf8);
    copy_name(text, size, name, is_legible);
    uselocale(before);
    return text;
}

char *tool_fit(char text[TOOL_FIT], const char *name, int columns)
{
    char printable[TOOL_FIT];
    bool right = columns < 0;
    size_t wanted = (size_t)abs(columns), length = 0, used = 0;
    mbstate_t state = {0};
    tool_printable(printable, sizeof printable, name);
    for (; used < wanted && printable[length]; used++)
        length += mbrlen(printable + length, sizeof printable - length, &state);
    int blanks = (int)(wanted - used);
    snprintf(text, TOOL_FIT, "%*s%.*s%*s", right ? blanks : 0, "", (int)length, printable, right ? 0 : blanks, "");
    return text;
}
