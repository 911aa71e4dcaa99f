/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/text.h"
#include "base/kernel.h"

#include <errno.h>
#include <string.h>

static void write_out(struct tm__text *text)
{
    size_t done = 0;
    while (done < text->used && text->error == 0) {
        ssize_t wrote = tm__sys_write(text->fd, text->bytes + done, text->used - done);
        if (wrote >= 0)
            done += (size_t)wrote;
        else if (wrote != -EINTR)
            text->error = (int)wrote;
    }
    text->used = 0;
}

static void put_char(struct tm__text *text, char c)
{
    if (text->used == text->capacity) {
        if (text->fd < 0)
            return;
        write_out(text);
    }
    text->bytes[text->used++] = c;
}

void tm__put(struct tm__text *text, const char *string)
{
    while (*string)
        put_char(text, *string++);
}

/*
 * Puts the next character. A control character is replaced by ?, since a terminal would obey it, or a line would end
 * there. Returns the rest of the string.
 */
static const char *put_next(struct tm__text *text, const char *string)
{
    unsigned char c = (unsigned char)string[0], next = (unsigned char)string[1];
    bool in_utf8 = c == 0xc2 && next >= 0x80 && next < 0xa0;
    put_char(text, c < ' ' || c == 0x7f || in_utf8 ? '?' : (char)c);
    return string + 1 + in_utf8;
}

/* Counts the characters of UTF-8: continuation bytes do not begin one. */
static int count_characters(const char *string)
{
    int count = 0;
    for (; *string; string++)
        count += ((unsigned char)*string & 0xc0) != 0x80;
    return count;
}

void tm__put_padded(struct tm__text *text, const char *string, int width)
{
    int spaces = (width < 0 ? -width : width) - count_characters(string);
    for (int i = 0; width > 0 && i < spaces; i++)
        put_char(text, ' ');
    while (*string)
        string = put_next(text, string);
    for (int i = 0; width < 0 && i < spaces; i++)
        put_char(text, ' ');
}

static void put_based(struct tm__text *text, uint64_t number, unsigned base)
{
    char digits[20];
    int count = 0;
    do
        digits[count++] = "0123456789abcdef"[number % base];
    while ((number /= base) != 0);
    while (count > 0)
        put_char(text, digits[--count]);
}

void tm__put_number(struct tm__text *text, uint64_t number)
{
    put_based(text, number, 10);
}

void tm__put_address(struct tm__text *text, const void *address)
{
    tm__put(text, "0x");
    put_based(text, (uintptr_t)address, 16);
}

/*
 * Three significant digits and a unit; exact below `exact`. This uses integer division only: a signal handler may call
 * it in the middle of the program's own floating point code.
 */
static void put_scaled(struct tm__text *text, uint64_t value, uint64_t exact, uint64_t step, const char *const *units,
                       int width)
{
    char string[32];
    struct tm__text cell = TM__TEXT(string, -1);
    uint64_t unit = 1;
    int index = 0;
    while (units[index + 1] && (index == 0 ? value >= exact : value / unit >= step)) {
        unit *= step;
        index++;
    }
    uint64_t whole = value / unit, rest = value % unit;
    tm__put_number(&cell, whole);
    if (index > 0 && whole < 100) {
        unsigned decimals = whole < 10 ? 100 : 10;
        /* rest < 2^60, so this cannot overflow in 128 bits; cut off, not rounded, so a part never exceeds the whole */
        unsigned fraction = (unsigned)((unsigned __int128)rest * decimals / unit);
        put_char(&cell, '.');
        if (decimals == 100)
            put_char(&cell, (char)('0' + fraction / 10));
        put_char(&cell, (char)('0' + fraction % 10));
    }
    tm__put(&cell, units[index]);
    tm__put_padded(text, tm__string(&cell), width);
}

void tm__put_count(struct tm__text *text, uint64_t count, int width)
{
    static const char *const units[] = {"", "k", "M", "G", "T", "P", "E", NULL};
    put_scaled(text, count, 1000000, 1000, units, width);
}

void tm__put_bytes(struct tm__text *text, uint64_t bytes, int width)
{
    static const char *const units[] = {" B", " KiB", " MiB", " GiB", " TiB", " PiB", " EiB", NULL};
    put_scaled(text, bytes, 1024, 1024, units, width);
}

int tm__flush(struct tm__text *text)
{
    write_out(text);
    return text->error;
}

const char *tm__string(struct tm__text *text)
{
    text->bytes[text->used < text->capacity ? text->used : text->capacity - 1] = '\0';
    return text->bytes;
}
