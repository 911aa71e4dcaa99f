/* SPDX-License-Identifier: BSD-3-Clause */
#include "reader/arrays.h"

#include <stdlib.h>

bool tm__reserve(void *array, size_t *capacity, size_t count, size_t size)
{
    void **memory = array;
    if (count <= *capacity)
        return true;
    void *grown = reallocarray(*memory, count, size);
    if (!grown)
        return false;
    *memory = grown;
    *capacity = count;
    return true;
}

bool tm__grow(void *array, size_t *capacity, size_t count, size_t size)
{
    return count < *capacity || tm__reserve(array, capacity, *capacity ? *capacity * 2 : 64, size);
}
