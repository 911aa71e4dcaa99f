/* SPDX-License-Identifier: BSD-3-Clause */
/* Lets functions fail that the library calls: the linker replaces them by the wrappers in inject.c (--wrap). */
#ifndef TESTS_FAULTS_INJECT_H
#define TESTS_FAULTS_INJECT_H

#include <stdbool.h>
#include <stdint.h>

/* Kinds of calls. The calls of one kind are counted together. */
enum fault {
    FAULT_MALLOC,   /* the backend's malloc and realloc, and the process's malloc */
    FAULT_MMAP,     /* the reservation of the region, and others */
    FAULT_KEY,      /* pthread_key_create, pthread_setspecific */
    FAULT_ATFORK,   /* pthread_atfork */
    FAULT_QUESTION, /* questions to the kernel that may stay without an answer: getrandom, a name, open, read, tgkill */
    FAULT_LIBC,     /* functions of libc that allocate or format: scandir, getdelim, realpath, fopencookie, ... */
    FAULTS,
};

enum fault_mode {
    FAULT_ONCE,         /* the n-th call */
    FAULT_FROM_THEN_ON, /* the n-th call and all after it */
    FAULT_AT_RANDOM,    /* one of n calls, by chance */
};

/* Until faults_end(), calls of the kinds in `kinds` (one bit each) fail. faults_end() returns how many failed. */
void faults_begin(unsigned kinds, enum fault_mode mode, uint64_t n, uint64_t seed);
uint64_t faults_end(void);

/* How many objects of the backend are in use; always 0 with the libc backend, whose objects are not counted. */
uint64_t objects_in_use(void);

#endif
