/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * THREADMETER_PUBLISH: the books in a file that others may read, live, and after this process is gone (docs/format.md).
 * The file is written aside, and renamed when it is whole; without the option nothing here does anything.
 */
#ifndef TM_PUBLISH_H
#define TM_PUBLISH_H

#include "layout.h"

#include <stdbool.h>

/*
 * A file that is not yet where readers look for it: its number among those of this process; 0: there is none. Whoever
 * has one ends it by one of the last two.
 */
typedef uint64_t tm__draft;

/*
 * A new file, mapped in place of the books, which are of this extent; false if there cannot be one: then stderr says why,
 * and nobody knows what is mapped there.
 */
bool tm__draft_file(tm__draft *draft, struct tm__books *books, const struct tm__extent *extent);
void tm__publish_draft(tm__draft draft); /* the books are in it */
void tm__discard_draft(tm__draft draft);

/* The file is removed, if it is this process's. At exit; for the preloaded library, at _exit. */
__attribute__((visibility("default"))) void tm__unpublish(void);

/*
 * A fork's child shares the mapping with its parent, so it gets books of its own before it writes to them: as they were
 * when before_fork copied them, and a file for them. Memory that is shared is not what it was at the moment of the fork,
 * as other memory is. So of threads that allocate or free during the fork itself what the child has as live is a bound:
 * never below what it is, and too high by no more than what they freed meanwhile, and allocated till the child looked.
 */
void tm__copy_before_fork(void);
void tm__drop_copy(void); /* in the parent */
void tm__publish_in_child(pid_t parent);

#endif
