/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of threads: the kernel knows them while they live, a record keeps the last one. Nothing here allocates. */
#ifndef TM_NAMES_H
#define TM_NAMES_H

#include "slot.h"

/* Stores the calling thread's name in a record. */
void tm__learn_own_name(struct tm__record *record);

enum tm__found {
    TM__NOBODY,  /* the thread lives nowhere, or cannot be asked for */
    TM__ITSELF,  /* as far as can be told */
    TM__ANOTHER, /* has its tid, and began after it had come: it is dead, if the record was of one thread meanwhile */
};

/* Asks the kernel for the name of a record's thread, and stores it if it is itself. */
enum tm__found tm__refresh_name(struct tm__record *record);

/* The program's as it was started, as far as it fits into `size` bytes with the terminating 0. Async-signal-safe. */
void tm__read_program_name(char *name, size_t size);

/* The name as last learned, with a terminating 0. */
void tm__copy_name(const struct tm__record *record, char name[TM__NAME]);

#endif
