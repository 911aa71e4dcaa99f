/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * THREADMETER_PUBLISH: the region is in a file that others may read, while the process runs and after it has ended
 * (docs/formats/published-file.md). The file is temporary at first, and is renamed when it is whole. Without the option
 * nothing here has an effect.
 */
#ifndef TM_PUBLISH_H
#define TM_PUBLISH_H

#include "state/layout.h"

#include <stdbool.h>

/*
 * A temporary file, which readers do not look at: its serial number in this process; 0: none. Code that has one must
 * end it by one of the two functions after the next.
 */
typedef uint64_t tm__temporary;

/*
 * Creates a file and maps it in place of the region, with this extent. False if that is not possible: then a notice
 * says why, and it is not known what is mapped there.
 */
bool tm__map_temporary(tm__temporary *temporary, struct tm__region *region, const struct tm__extent *extent);
void tm__publish_temporary(tm__temporary temporary); /* the region is in it */
void tm__discard_temporary(tm__temporary temporary);

/*
 * Marks in the file, if there is one, that the process ends by itself; others remove the file. It makes no system call,
 * for which a sandbox could kill the process, and stores nothing to memory that may be gone. Called at exit and
 * quick_exit.
 */
void tm__mark_ended(void);

/*
 * The same for _exit and exec. Children of vfork call these, too: they must mark nothing, and are recognized by asking
 * for their tid. Returns whether it was marked. The second function takes the mark back if exec has failed.
 */
__attribute__((visibility("default"))) bool tm__mark_own_end(void);
__attribute__((visibility("default"))) void tm__unmark_ended(void);

/* Creates a temporary file of this size, which is empty. -1 if that is not possible, and a notice says why. */
int tm__create_temporary(tm__temporary *temporary, size_t size);

/* Reserves space in another file for all that has space in this one. 0, or the error. */
int tm__reserve_again(int fd);

/* Says in a notice why there can be no file, and discards the temporary one. */
void tm__abandon_temporary(tm__temporary temporary, int error);

/* Called in a fork's child: the file is its parent's. */
void tm__forget_file(void);

#endif
