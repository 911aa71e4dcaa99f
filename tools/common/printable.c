/* SPDX-License-Identifier: BSD-3-Clause */
/* Makes names safe to show, character by character. */
#include "common/printable.h"

#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

/* What becomes of a character. */
enum fate { SHOWN, LEFT_OUT, REPLACED };

/*
 * Reads the next character, of `length` bytes. An invalid one is REPLACED; so is one that is cut at the end, as the
 * kernel cuts threads' names at 15 bytes: it becomes one ?, not one for each byte.
 */
static enum fate next_character(const char *text, wchar_t *wide, size_t *length, enum fate (*judge)(wchar_t wide))
{
    mbstate_t state = {0};
    size_t result;
    *length = 0;
    do
        result = mbrtowc(wide, text + *length, 1, &state);
    while (++*length && result == (size_t)-2 && text[*length]);
    if (result == (size_t)-1 && *length > 1)
        --*length; /* the byte that does not continue this character may begin the next one */
    return result == (size_t)-1 || result == (size_t)-2 ? REPLACED : judge(*wide);
}

/* Copies a name; each REPLACED character becomes a ?. */
static char *copy_name(char *text, size_t size, const char *name, enum fate (*judge)(wchar_t wide))
{
    size_t used = 0, length;
    for (; *name; name += length) {
        wchar_t wide = 0;
        enum fate fate = next_character(name, &wide, &length, judge);
        /* A character without width is drawn over the one before it, which must not be a character outside the name. */
        if (fate == SHOWN && used == 0 && wcwidth(wide) == 0)
            fate = REPLACED;
        size_t takes = fate == SHOWN ? length : fate == REPLACED;
        if (used + takes + 1 > size)
            break;
        if (fate == SHOWN)
            memmove(text + used, name, length);
        else if (fate == REPLACED)
            text[used] = '?';
        used += takes;
    }
    text[used] = '\0';
    return text;
}

/*
 * Characters that are invisible, but change how a terminal or a page shows their neighbours: they turn the direction,
 * join, hide or annotate. iswprint() says that most of these are printable.
 */
static bool is_format(wchar_t wide)
{
    static const wchar_t ranges[][2] = {
        {0x00ad, 0x00ad}, {0x061c, 0x061c},   {0x180e, 0x180e},   {0x200b, 0x200b},
        {0x200e, 0x200f}, {0x2028, 0x202e},   {0x2060, 0x206f},   {0xfeff, 0xfeff},
        {0xfff9, 0xfffb}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe007f},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (wide >= ranges[i][0] && wide <= ranges[i][1])
            return true;
    return false;
}

static enum fate judge_for_text(wchar_t wide)
{
    return iswprint((wint_t)wide) && wcwidth(wide) >= 0 && !is_format(wide) ? SHOWN : REPLACED;
}

/* Joiners and variation selectors are left out: terminals do not agree on the width of the text after one. */
static enum fate judge_for_columns(wchar_t wide)
{
    bool varies =
        wide == 0x200c || wide == 0x200d || (wide >= 0xfe00 && wide <= 0xfe0f) || (wide >= 0xe0100 && wide <= 0xe01ef);
    return varies && iswprint((wint_t)wide) ? LEFT_OUT : judge_for_text(wide);
}

char *tool_printable(char *text, size_t size, const char *name)
{
    return copy_name(text, size, name, judge_for_columns);
}

char *tool_utf8(char *text, size_t size, const char *name)
{
    static locale_t utf8; /* if there is no such locale, all but ASCII becomes ? */
    if (!utf8)
        utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (!utf8)
        utf8 = newlocale(LC_CTYPE_MASK, "C", (locale_t)0);
    locale_t before = uselocale(utf8);
    copy_name(text, size, name, judge_for_text);
    uselocale(before);
    return text;
}

int tool_columns(const char *text, int most, size_t *length)
{
    int columns = 0;
    size_t used = 0, step;
    for (; text[used]; used += step) {
        wchar_t wide = 0;
        enum fate fate = next_character(text + used, &wide, &step, judge_for_columns);
        int takes = fate == REPLACED ? 1 : fate == LEFT_OUT ? 0 : wcwidth(wide);
        if (columns + takes > most)
            break;
        columns += takes;
    }
    if (length)
        *length = used;
    return columns;
}

char *tool_fit(char text[TOOL_FIT], const char *name, int columns)
{
    char printable[TOOL_FIT];
    size_t length;
    int wanted = abs(columns);
    /* Recordings of 0.1.1 contain empty names. */
    tool_printable(printable, sizeof printable, *name ? name : "(unnamed)");
    int blanks = wanted - tool_columns(printable, wanted, &length);
    snprintf(text, TOOL_FIT, "%*s%.*s%*s", columns < 0 ? blanks : 0, "", (int)length, printable,
             columns < 0 ? 0 : blanks, "");
    return text;
}
