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

/* An empty file of this size; -1 if it cannot be created, and that was said. */
int tm__create_temporary(tm__temporary *temporary, size_t size);

/* Room in another file for what has been given room in this one; 0, or the error. */
int tm__reserve_again(int fd);

/* Says why there cannot be one, and discards it. */
void tm__abandon_temporary(tm__temporary temporary, int error);

/* In a fork's child: the file is its parent's. */
void tm__forget_file(void);

#endif
