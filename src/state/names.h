/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names of threads. The kernel knows a thread's name while it lives; an identity keeps the last name that was learned.
 * A thread that attaches or exits does not ask the kernel, since a sandbox may kill it for that; a reader asks while
 * the thread lives. Nothing here allocates.
 */
#ifndef TM_NAMES_H
#define TM_NAMES_H

#include "state/slot.h"

/* Asks the kernel for the calling thread's name, and stores it in the identity. */
void tm__learn_own_name(struct tm__identity *identity);

/*
 * Stores the calling thread's name as far as it is known without a system call; "" if it is not. The first thread that
 * attaches asks the kernel.
 */
void tm__init_name(struct tm__identity *identity, bool is_first);

/*
 * For code that interposes libc's functions that name a thread. The first thread calls tm__expect_names() before there
 * are others: from then on names will be noted. tm__note_own_name() says that the caller was given this name.
 */
__attribute__((visibility("default"))) void tm__expect_names(void);
__attribute__((visibility("default"))) void tm__note_own_name(const char *name);

/* The same, of another thread of this process, which may not have attached yet. */
__attribute__((visibility("default"))) void tm__note_name_of(pid_t tid, const char *name);

enum tm__found {
    TM__NOBODY, /* there is no such thread, or it cannot be asked for */
    TM__ITSELF, /* it is the identity's thread, as far as can be told */
    /*
     * A thread with the same tid that began after the identity's attached: that one is dead, unless the identity has
     * changed.
     */
    TM__ANOTHER,
};

/* Asks the kernel for the name of the identity's thread, and stores it if the thread is that one. */
enum tm__found tm__refresh_name(struct tm__identity *identity);

/* The name with which the program was started, cut to `size` bytes with the terminating 0. Async-signal-safe. */
void tm__read_program_name(char *name, size_t size);

/* The name that was learned last, with a terminating 0; "(unknown)" if there is none. */
void tm__copy_name(const struct tm__identity *identity, char name[TM__NAME]);

#endif
