/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names of threads: the kernel knows them while they live, a record keeps the last one that was learned. A thread that
 * comes or goes asks for none, for a sandbox may kill whoever asks: whoever lists does, while the thread lives. Nothing
 * here allocates.
 */
#ifndef TM_NAMES_H
#define TM_NAMES_H

#include "state/slot.h"

/* Asks the kernel for the calling thread's name, and stores it in a record. */
void tm__learn_own_name(struct tm__identity *identity);

/*
 * Stores the calling thread's name as far as it is known without a system call: "" if it is not. The first thread to attach
 * asks.
 */
void tm__init_name(struct tm__identity *identity, bool is_first);

/*
 * For whoever stands in front of the functions of libc's by which a thread gets a name. Said by the first thread, before there
 * are others: from now on names will be noted. And: the caller has got this one.
 */
__attribute__((visibility("default"))) void tm__expect_names(void);
__attribute__((visibility("default"))) void tm__note_own_name(const char *name);

/* thread_names.c: a constructor. Linkers are told to take it out of an archive, see src/meson.build. */
void tm__intercept_names(void);

enum tm__found {
    TM__NOBODY,  /* the thread lives nowhere, or cannot be asked for */
    TM__ITSELF,  /* as far as can be told */
    TM__ANOTHER, /* has its tid, and began after it had come: it is dead, if the record was of one thread meanwhile */
};

/* Asks the kernel for the name of a record's thread, and stores it if it is itself. */
enum tm__found tm__refresh_name(struct tm__identity *identity);

/* The program's as it was started, as far as it fits into `size` bytes with the terminating 0. Async-signal-safe. */
void tm__read_program_name(char *name, size_t size);

/* The name as last learned, with a terminating 0; "(unknown)" if none was. */
void tm__copy_name(const struct tm__identity *identity, char name[TM__NAME]);

#endif
