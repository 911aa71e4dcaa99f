/* SPDX-License-Identifier: BSD-3-Clause */
/* Names of threads: the kernel knows them while they live, a record keeps the last one. Nothing here allocates. */
#ifndef TM_NAMES_H
#define TM_NAMES_H

#include "slot.h"

/* Stores the calling thread's name in a record. */
void tm__learn_own_name(struct tm__record *record);

/*
 * Asks the kernel for the name of a record's thread, and stores it. False if that thread lives nowhere, or cannot be
 * asked for.
 */
bool tm__refresh_name(struct tm__record *record);

/* The program's, as far as it fits. */
void tm__read_program_name(char name[TM__NAME]);

/* The name as last learned, with a terminating 0. */
void tm__copy_name(const struct tm__record *record, char name[TM__NAME]);

#endif
