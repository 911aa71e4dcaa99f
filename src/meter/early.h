/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a thread allocates while it attaches. That calls libc, whose functions may be somebody else's, and these allocate:
 * then the thread attaches in the midst of attaching, and would again and again. So the second time is the last; what is
 * allocated after that, and while the options are read, which say what the books are, is charged to the overflow slot, and
 * here till the thread has attached, for until then there may be no books.
 */
#ifndef TM_EARLY_H
#define TM_EARLY_H

#include <stddef.h>

void tm__charge_early(size_t size);
void tm__credit_early(size_t size);

/* Now there are books. */
void tm__flush_early_charges(void);

#endif
