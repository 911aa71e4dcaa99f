/* SPDX-License-Identifier: BSD-3-Clause */
/* Text without allocation or locale, for reports and fatal messages: a buffer that is written out when it is full. */
#ifndef TM_TEXT_H
#define TM_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tm__text {
    int fd; /* -1: none, and text that does not fit is cut off */
    int error;
    size_t used;
    size_t capacity;
    char *bytes;
};

#define TM__TEXT(array, descriptor)                                                                                    \
    {                                                                                                                  \
        .fd = (descriptor), .capacity = sizeof(array), .bytes = (array)                                                \
    }

void tm__put(struct tm__text *text, const char *string);
/*
 * For a name, or a cell of a table: control characters become question marks. It is padded to at least `width`
 * characters; a negative width means flush left.
 */
void tm__put_padded(struct tm__text *text, const char *string, int width);
void tm__put_number(struct tm__text *text, uint64_t number);
void tm__put_address(struct tm__text *text, const void *address);
void tm__put_count(struct tm__text *text, uint64_t count, int width); /* 12345, 1.23M */
void tm__put_bytes(struct tm__text *text, uint64_t bytes, int width); /* 96 B, 1.5 KiB */

/* Writes out what is left. Raises no signal. Returns 0, or -errno of the first write that failed. */
int tm__flush(struct tm__text *text);

/* The text as a string that ends with 0. Only for a text without a descriptor. */
const char *tm__string(struct tm__text *text);

#endif
