/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether one of the backend's objects may begin at an address. Where the backend is the process's malloc, too, such an
 * address may be an honest pointer that is not ours, and nothing bad is said of it.
 */
#ifndef TM_OBJECTS_H
#define TM_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the backend has an object at the address, or its first page; false if it does not know of addresses in them. */
bool tm__in_backend(const void *address);

/* Bytes that the object spans in which the address lies; 0 if it is in none of the backend's. */
size_t tm__span_at(const void *address);

/*
 * False: none begins there, which is proved. Asks the backend, which looks at all its memory, whenever it has not done so
 * in vain too often for objects of this size.
 */
bool tm__may_begin_object(const void *address);

/* The same for any pointer at all: asks only where it is nearly sure that none begins there. */
bool tm__may_begin_here(const void *address);

#endif
