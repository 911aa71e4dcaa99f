/* SPDX-License-Identifier: BSD-3-Clause */
/* Arrays that grow. */
#ifndef TM_ARRAYS_H
#define TM_ARRAYS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Make room in the array at *array, for `count` elements of `size` bytes, or for one more than `count`. False if there
 * is no memory.
 */
bool tm__reserve(void *array, size_t *capacity, size_t count, size_t size);
bool tm__grow(void *array, size_t *capacity, size_t count, size_t size);

#endif
