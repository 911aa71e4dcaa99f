/* SPDX-License-Identifier: BSD-3-Clause */
/* The process's own malloc, which need not be the C library's; and what kind of one that is. */
#ifndef TM_PROCESS_MALLOC_H
#define TM_PROCESS_MALLOC_H

#include <stdbool.h>
#include <stddef.h>

void *tm__process_malloc(size_t size);
void tm__process_free(void *memory);
void *tm__process_realloc(void *memory, size_t size);
size_t tm__process_usable_size(void *memory);

enum tm__malloc_kind { TM__MALLOC_UNDECIDED, TM__MALLOC_OF_BACKEND, TM__MALLOC_OF_GLIBC, TM__MALLOC_ANOTHER };

/* By what it does, not by its name. */
enum tm__malloc_kind tm__malloc_kind(void);

/* Whether the process's own malloc is our backend's: then an address of the backend's may be legal and not ours. */
bool tm__backend_serves_malloc(void);

/* What glibc has before each block: the size of its chunk, three low bits for flags. 0 if there is nothing to read. */
size_t tm__chunk_size(const void *user);

#endif
