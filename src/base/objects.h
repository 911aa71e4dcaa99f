/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Whether one of the backend's objects may begin at an address. Where the backend is also the process's malloc, such an
 * address may be a valid pointer of another library, and is not reported as a misuse.
 */
#ifndef TM_OBJECTS_H
#define TM_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether the address is in an object of the backend (of a large one, in its first page); false if the backend cannot
 * tell.
 */
bool tm__in_backend(const void *address);

/* Bytes that the object spans in which the address lies; 0 if it is in no object of the backend. */
size_t tm__span_at(const void *address);

/*
 * False is a proof that no object begins there. The backend searches all its memory for that; so it is not asked any
 * more for objects of a size for which the search has failed to prove anything too often.
 */
bool tm__may_begin_object(const void *address);

/* The same for any pointer at all. The backend is asked only where it is almost certain that no object begins there. */
bool tm__may_begin_here(const void *address);

#endif
