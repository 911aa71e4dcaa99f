/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers and bytes one after another. This file does not know what they mean. */
#include "recording/recording_bytes.h"
#include "common/allocate.h"

#include <string.h>

void bytes_put(struct bytes *bytes, const void *data, size_t size)
{
    if (bytes->capacity - bytes->size < size) {
        bytes->capacity = 2 * bytes->capacity + size;
        bytes->data = tool_resize(bytes->data, bytes->capacity, 1);
    }
    if (size > 0)
        memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

void bytes_put_number(struct bytes *bytes, uint64_t number)
{
    uint8_t text[10];
    size_t size = 0;
    for (; number >= 0x80; number >>= 7)
        text[size++] = (uint8_t)(number | 0x80);
    text[size++] = (uint8_t)number;
    bytes_put(bytes, text, size);
}

const void *view_take(struct view *view, size_t size)
{
    if (!view->data || view->size < size) {
        *view = (struct view){NULL, 0};
        return NULL;
    }
    const uint8_t *taken = view->data;
    view->data += size;
    view->size -= size;
    return taken;
}

uint64_t view_number(struct view *view)
{
    uint64_t number = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        const uint8_t *byte = view_take(view, 1);
        if (!byte)
            return 0;
        if (shift == 63 && *byte > 1) /* the tenth byte has one bit */
            break;
        number |= (uint64_t)(*byte & 0x7f) << shift;
        if (*byte < 0x80)
            return number;
    }
    *view = (struct view){NULL, 0};
    return 0;
}
