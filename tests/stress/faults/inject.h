/* SPDX-License-Identifier: BSD-3-Clause */
/* What the library calls and what may fail, made to fail: the linker puts inject.c in front of it (--wrap). */
#ifndef TESTS_FAULTS_INJECT_H
#define TESTS_FAULTS_INJECT_H

#include <stdbool.h>
#include <stdint.h>

/* The calls that are counted, and fail, together. */
enum fault {
    FAULT_MALLOC,   /* the backend's malloc and realloc, and the process's malloc */
    FAULT_MMAP,     /* the table, and what else is reserved */
    FAULT_KEY,      /* pthread_key_create, pthread_setspecific */
    FAULT_ATFORK,   /* pthread_atfork */
    FAULT_QUESTION, /* what the kernel is asked, and not needed: getrandom, a name, open, read, tgkill */
    FAULT_LIBC,     /* what libc allocates for us, and formats: scandir, getdelim, realpath, fopencookie, ... */
    FAULTS,
};

enum fault_mode {
    FAULT_ONCE,         /* the n-th call */
    FAULT_FROM_THEN_ON, /* that and all after it */
    FAULT_AT_RANDOM,    /* one of n */
};

/* From now on calls fail, of the kinds in `kinds` (a bit each), until faults_end(); that tells how many did. */
void faults_begin(unsigned kinds, enum fault_mode mode, uint64_t n, uint64_t seed);
uint64_t faults_end(void);

/* Objects of the backend that were given and not taken back; 0 for ever where nobody can tell. */
uint64_t objects_out(void);

#endif
