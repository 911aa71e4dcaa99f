/* SPDX-License-Identifier: BSD-3-Clause */
/* The process's own malloc, which need not be the C library's, and what kind of malloc it is. */
#ifndef TM_PROCESS_MALLOC_H
#define TM_PROCESS_MALLOC_H

#include <stdbool.h>
#include <stddef.h>

void *tm__process_malloc(size_t size);
void tm__process_free(void *memory);
void *tm__process_realloc(void *memory, size_t size);
size_t tm__process_usable_size(void *memory);

enum tm__malloc_kind { TM__MALLOC_UNDECIDED, TM__MALLOC_OF_BACKEND, TM__MALLOC_OF_GLIBC, TM__MALLOC_ANOTHER };

/* Found out by what it does, not by its name. */
enum tm__malloc_kind tm__malloc_kind(void);

/*
 * Whether the process's own malloc is our backend, or may be: then an address of the backend may be valid and not ours.
 */
bool tm__backend_serves_malloc(void);

/*
 * The size of a glibc chunk, which is before each block of glibc, without its three flag bits. 0 if it cannot be read.
 */
size_t tm__chunk_size(const void *user);

#endif
