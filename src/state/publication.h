/* SPDX-License-Identifier: BSD-3-Clause */
/* What publish.c, publish_copy.c and publish_fork.c share. */
#ifndef TM_PUBLICATION_H
#define TM_PUBLICATION_H

#include "state/region.h"
#include "base/options.h"
#include "state/publish.h"

#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* The books' three areas, one behind the other; each is used from its beginning on. */
enum tm__area { TM__TAGS_AREA, TM__SLOTS_AREA, TM__FLOWS_AREA, TM__AREAS }; /* the head is in the first */

struct tm__publication {
    _Atomic uint64_t start_ticks;   /* of the process, + 1; 0: not yet asked for. Of whatever order: only a number */
    _Atomic uint64_t pid_namespace; /* that it is in; 0: not yet asked for. The same */
    _Atomic bool has_file;   /* which is in its place, and this process's; who sees it sees the books (default) */
    _Atomic size_t page;     /* what can be mapped by itself: the machine's, which may be several of ours */
    _Atomic size_t reserved; /* bytes of it that can be written to, where that is known from the start; 0: it is not */
    _Atomic bool flows_have_no_room; /* of such a file, or of another that was begun at the same time: only ever set */
    _Atomic int seccomp;             /* the mode of the kernel's sandbox as the books were opened; < 0: not known */
    size_t let_go[TM__AREAS];        /* bytes at the end of each that are not ours any more, see publish_fork.c */
};
extern struct tm__publication tm__publication __attribute__((visibility("hidden")));

/* The books are a file's memory. They say so from the start: a fork may come at any moment of another thread's. */
static inline bool tm__region_is_file(void)
{
    return tm__region_now()->head.pid != 0;
}

static inline size_t tm__start_of(enum tm__area area)
{
    const struct tm__head *head = &tm__region_now()->head;
    return area == TM__TAGS_AREA    ? 0
           : area == TM__SLOTS_AREA ? head->slots_offset
           : area == TM__FLOWS_AREA ? head->flows_offset
           : tm__flow_requested     ? head->size
                                    : head->flows_offset; /* what is mapped ends there */
}

static inline enum tm__area tm__area_at(size_t offset)
{
    return offset < tm__start_of(TM__SLOTS_AREA)   ? TM__TAGS_AREA
           : offset < tm__start_of(TM__FLOWS_AREA) ? TM__SLOTS_AREA
                                                   : TM__FLOWS_AREA;
}

/* Of it that is there. */
static inline size_t tm__size_of(enum tm__area area)
{
    return tm__start_of(area + 1) - tm__start_of(area) - tm__publication.let_go[area];
}

static inline bool tm__flows_have_room(void)
{
    return tm__flow_requested && !tm__publication.flows_have_no_room;
}

/* That a part of the books begins in. They begin with one themselves. */
static inline char *tm__page_of(const struct tm__region *region, const void *part)
{
    size_t offset = (size_t)((const char *)part - (const char *)region);
    return (char *)region + offset / tm__publication.page * tm__publication.page;
}

/* An empty file of this size; -1 if it cannot be created, and that was said. */
int tm__create_temporary(tm__temporary *temporary, size_t size);

/* Room in another file for what has been given room in this one; 0, or the error. */
int tm__reserve_again(int fd);

/* Says why there cannot be one, and discards it. */
void tm__abandon_temporary(tm__temporary temporary, int error);

/* By the name of a published file. */
bool tm__is_of_own_pid_namespace(const char *name);

/* Whose books they are. */
void tm__describe_process(struct tm__head *head, pid_t parent);

/* publish_copy.c: to be called as a process begins to publish. What it needs at a fork, while there are few threads. */
void tm__keep_place_for_copy(void);

/* In the child: from now on it says what its books have. */
void tm__begin_child(pid_t parent);

/* Bytes, whole pages. */
size_t tm__used_in_child(enum tm__area area);

/* One page of them, which stands until the next; as they are in a file, or in memory of its own. */
const char *tm__child_page(enum tm__area area, size_t offset, bool published);

/* The page of the copy that it was made of, if there is one. */
char *tm__copied_page(enum tm__area area, size_t offset);

#endif
