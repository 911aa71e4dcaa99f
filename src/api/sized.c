/* SPDX-License-Identifier: BSD-3-Clause */
/* Functions about a block's size: the frees that are told it, and malloc_usable_size. */
#define _GNU_SOURCE
#include "base/header.h"
#include "base/redzone.h"
#include "block/inspect.h"
#include "block/misuse.h"
#include "block/process_malloc.h"
#include "threadmeter/malloc.h"

/* With a wrong size C23 leaves the behaviour undefined. The header has the right size, so a wrong one is reported. */
static void free_of_size(void *user, size_t alignment, size_t size)
{
    struct tm__block block = tm__inspect(user);
    bool misaligned = alignment != 0 && (uintptr_t)user % alignment != 0;
    if (block.kind == TM__LIVE && (block.size != size || misaligned))
        tm__report_size_error(user, &block, size, alignment);
    else
        tm_free(user);
}

void tm_free_sized(void *user, size_t size)
{
    free_of_size(user, 0, size);
}

void tm_free_aligned_sized(void *user, size_t alignment, size_t size)
{
    free_of_size(user, alignment, size);
}

__attribute__((noinline, cold)) static size_t usable_size_of_unknown_pointer(void *user)
{
    if (!user)
        return 0;
    struct tm__block block = tm__inspect(user);
    return block.kind == TM__FOREIGN ? tm__process_usable_size(user) : block.size;
}

/* Has a fast path, because there are programs that call this at each malloc and each free. */
TM__PEEKS size_t tm_malloc_usable_size(void *user)
{
    if (tm__at_page_edge(user) || tm__has_redzones()) /* NULL, too */
        return usable_size_of_unknown_pointer(user);
    const struct tm__header *header = tm__header_of(user);
    uint64_t account = header->account;
    uint32_t slot;
    return header->mark == tm__plain_mark_for(account, user, &slot) ? tm__size_in(account)
                                                                    : usable_size_of_unknown_pointer(user);
}
