/* SPDX-License-Identifier: BSD-3-Clause */
/* What a step of an input may do. Each function takes its arguments from the input. */
#ifndef FUZZ_CALLS_H
#define FUZZ_CALLS_H

#include <stdbool.h>

/* calls.c: allocate, resize and free blocks */
void call_malloc(void);
void call_calloc(void);
void call_realloc(void);
void call_reallocarray(void);
void call_aligned_alloc(void);
void call_posix_memalign(void);
void call_memalign(void);
void call_valloc(void);
void call_pvalloc(void);
void call_free(void);
void call_free_sized(void);
void call_free_aligned_sized(void);
void call_cfree(void);
void call_usable_size(void);
void call_impossible(void);
void call_huge(void);
void call_libc(void);

/* texts.c: strings, lines and streams */
void call_strdup(void);
void call_strndup(void);
void call_wcsdup(void);
void call_asprintf(void);
void call_path(void);
void call_getline(void);
void call_stream(void);
void close_all_streams(void);

/* purposes.c: tags, claims, limits, sections */
void call_tag_open(void);
void call_tag_close(void);
void call_tag_enter(void);
void call_tag_leave(void);
void call_claim(void);
void call_thread_limit(void);
void call_tag_limit(void);
void call_soft_limit(void);
void call_section(void);

/* misuse.c: what the library must report, and must survive with THREADMETER_ON_ERROR=report */
void misuse_begin(void);
void call_misuse(void);

#endif
