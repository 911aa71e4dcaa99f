/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * THREADMETER_PUBLISH: the books in a file that others may read, live, and after this process is gone
 * (docs/formats/published-file.md). The file is written aside, and renamed when it is whole; without the
 * option nothing here does anything.
 */
#ifndef TM_PUBLISH_H
#define TM_PUBLISH_H

#include "state/layout.h"

#include <stdbool.h>

/*
 * A file that is not yet where readers look for it: its number among those of this process; 0: there is none. Whoever
 * has one ends it by one of the last two.
 */
typedef uint64_t tm__temporary;

/*
 * A new file, mapped in place of the books, which are of this extent; false if there cannot be one: then stderr says why,
 * and nobody knows what is mapped there.
 */
bool tm__map_temporary(tm__temporary *temporary, struct tm__region *region, const struct tm__extent *extent);
void tm__publish_temporary(tm__temporary temporary); /* the books are in it */
void tm__discard_temporary(tm__temporary temporary);

/*
 * The process ends of itself: says so in the file, if it has one, which stays for others to remove. No system call, for
 * a sandbox may kill whoever makes one, or a store in memory that is not there any more. At exit and quick_exit.
 */
void tm__mark_ended(void);

/*
 * The same for _exit and exec, which children of vfork call, too: those say nothing, and are known by asking for their
 * number. Whether it was said; the second takes it back, where exec failed.
 */
__attribute__((visibility("default"))) bool tm__mark_own_end(void);
__attribute__((visibility("default"))) void tm__unmark_ended(void);

/* publish_sweep.c: removes files, in an open directory, of processes that said so and are gone. Now and then, see there. */
void tm__remove_stale_files(int directory, const struct tm__head *head);

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
