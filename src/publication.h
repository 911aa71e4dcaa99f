/* SPDX-License-Identifier: BSD-3-Clause */
/* What publish.c and publish_fork.c share. */
#ifndef TM_PUBLICATION_H
#define TM_PUBLICATION_H

#include "books.h"
#include "publish.h"

struct tm__publication {
    _Atomic uint64_t start_ticks; /* of the process, + 1; 0: not yet asked for. Of whatever order: only a number */
    _Atomic bool has_file;        /* which is in its place, and this process's; who sees it sees the books (default) */
    size_t reserved;         /* bytes of it that can be written to, where that is known from the start; 0: it is not */
    bool flows_have_no_room; /* of such a file, or of another that was begun at the same time: only ever set */
};
extern struct tm__publication tm__publication __attribute__((visibility("hidden")));

/* The books are a file's memory. They say so from the start: a fork may come at any moment of another thread's. */
static inline bool tm__books_are_shared(void)
{
    return tm__books_now()->head.pid != 0;
}

/* An empty file of this size; -1 if it cannot be created, and that was said. */
int tm__create_draft(tm__draft *draft, size_t size);

/* Room in another file for what has been given room in this one; 0, or the error. */
int tm__reserve_again(int fd);

/* Says why there cannot be one, and discards it. */
void tm__give_up_draft(tm__draft draft, int error);

/* Whose books they are. */
void tm__introduce(struct tm__head *head, pid_t parent);

#endif
