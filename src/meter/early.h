/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a thread allocates while it attaches. That calls libc, whose functions may be somebody else's, and these allocate:
 * then the thread attaches in the midst of attaching, and would again and again. So the second time is the last; what is
 * allocated after that, and while the options are read, which say what the books are, is charged to the overflow slot, and
 * here till the thread has attached, for until then there may be no books.
 */
#ifndef TM_EARLY_H
#define TM_EARLY_H

#include "state/slot.h"

/* As often as a thread may be attaching: interrupted once, by a signal handler, say, it is not held up. */
enum { TM__ATTACHING_MOST = 2 };

/* Whether what the calling thread allocates and frees of the overflow slot's is to be counted here. */
static inline bool tm__is_early(void)
{
    return tm__thread.me == &tm__unattached && (tm__thread.attaching == TM__ATTACHING_MOST || tm__thread.reads_options);
}

void tm__charge_early(size_t size);
void tm__credit_early(size_t size);

/* Now there are books. */
void tm__flush_early_charges(void);

#endif
