/* SPDX-License-Identifier: BSD-3-Clause */
/* Arrays that grow. */
#ifndef TM_ARRAYS_H
#define TM_ARRAYS_H

#include <stdbool.h>
#include <stddef.h>

/* Room for `count` of this size, or for one more than that, in the array at *array; false if there is no memory. */
bool tm__reserve(void *array, size_t *capacity, size_t count, size_t size);
bool tm__grow(void *array, size_t *capacity, size_t count, size_t size);

#endif
