/* SPDX-License-Identifier: BSD-3-Clause */
#include "input.h"

static const uint8_t *at, *end;

void input_begin(const uint8_t *bytes, size_t size)
{
    at = bytes;
    end = bytes + size;
}

bool input_ended(void)
{
    return at == end;
}

uint8_t take_byte(void)
{
    return at == end ? 0 : *at++;
}

static size_t take_word(void)
{
    size_t low = take_byte();
    return low | (size_t)take_byte() << 8;
}

size_t take_size(void)
{
    uint8_t first = take_byte();
    size_t low = first & 63;
    switch (first >> 6) {
    case 0:
        return low;
    case 1:
        return low * 16 + take_byte() % 32;
    case 2:
        return take_word();
    default: /* 96 KiB and more: from 256 KiB on tcmalloc uses whole pages */
        return (low + 12) * 8192 + take_word() % 8192 + (low > 20 ? 65536 : 0);
    }
}

size_t take_alignment(void)
{
    uint8_t byte = take_byte();
    return byte < 224 ? (size_t)1 << byte % 15 : byte - 224u;
}

size_t take_impossible(void)
{
    uint8_t byte = take_byte();
    return byte & 1 ? SIZE_MAX - byte : (size_t)PTRDIFF_MAX + byte;
}
