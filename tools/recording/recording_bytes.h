/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers and bytes one after another. */
#ifndef TM_RECORDING_BYTES_H
#define TM_RECORDING_BYTES_H

#include <stddef.h>
#include <stdint.h>

struct bytes {
    uint8_t *data;
    size_t size, capacity;
};

void bytes_put(struct bytes *bytes, const void *data, size_t size);
void bytes_put_number(struct bytes *bytes, uint64_t number); /* 7 bits a byte, the lowest first */

/* The bytes that are left to read. After an error `data` is NULL, and each number that is read is 0. */
struct view {
    const uint8_t *data;
    size_t size;
};

uint64_t view_number(struct view *view);
const void *view_take(struct view *view, size_t size);

#endif
