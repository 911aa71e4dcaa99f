/* SPDX-License-Identifier: BSD-3-Clause */
/* The input, byte by byte. Every input is valid. After its end all bytes are 0. */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void input_begin(const uint8_t *bytes, size_t size);
bool input_ended(void);

uint8_t take_byte(void);
size_t take_size(void);       /* 0 to some 700 KiB, and most are small; the largest ones have pages of their own */
size_t take_alignment(void);  /* most are powers of two up to 16 KiB; the others are up to 31, any number */
size_t take_impossible(void); /* more than the size of any object */

#endif
