/* SPDX-License-Identifier: BSD-3-Clause */
/* The input, byte by byte: whatever it is, it means something. At its end it is all zeros. */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void input_begin(const uint8_t *bytes, size_t size);
bool input_ended(void);

uint8_t take_byte(void);
size_t take_size(void);       /* most are small; 0 to some 700 KiB, which is in pages of its own */
size_t take_alignment(void);  /* most are powers of two up to 16 KiB; the rest no power of two, or 0 */
size_t take_impossible(void); /* more than any object may have */

#endif
