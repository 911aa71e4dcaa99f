/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "books.h"
#include "flow.h"
#include "kernel.h"
#include "options.h"
#include "publish.h"
#include "tags.h"

#include <string.h>
#include <sys/mman.h>

#ifndef TM__TABLE_SLOTS
#define TM__TABLE_SLOTS 131072
#endif

enum {
    PAGE = 4096,
    SLOTS_END = offsetof(struct tm__books, slots) + TM__TABLE_SLOTS * sizeof(struct tm__slot),
    FLOWS_OFFSET = (SLOTS_END + PAGE - 1) / PAGE * PAGE,
    BOOKS_SIZE = (FLOWS_OFFSET + sizeof(struct tm__flows) + PAGE - 1) / PAGE * PAGE,
};
static_assert(offsetof(struct tm__books, slots) % PAGE == 0, "slots begin with a page");

/* Touched only where used, as what is no more than zeros is. */
union small_books {
    struct tm__books books;
    char room[offsetof(struct tm__books, slots) + TM__SHARED_SLOTS * sizeof(struct tm__slot)];
};
static union small_books undecided, refused; /* there was no memory for larger ones */

struct tm__slot *_Atomic tm__slots = undecided.books.slots;

/*
 * Memory is zeros, and the caller's alone until its swap of tm__slots publishes it; or `refused`, in which all store
 * the same. So stores are of whatever order.
 */
static void begin(struct tm__books *books)
{
    tm__begin_tags(books);
    atomic_store(&books->head.slots_used, TM__SHARED_SLOTS);
}

static void describe(struct tm__head *head)
{
    memcpy(head->magic, TM__MAGIC, sizeof head->magic);
    head->layout = TM__LAYOUT;
    head->byte_order = TM__BYTE_ORDER;
    head->size = BOOKS_SIZE;
    head->tags_offset = offsetof(struct tm__books, tags);
    head->slots_offset = offsetof(struct tm__books, slots);
    head->flows_offset = FLOWS_OFFSET;
    head->tag_size = sizeof(struct tm__tag);
    head->tag_places = TM__TAG_PLACES;
    head->slot_size = sizeof(struct tm__slot);
    head->slot_places = TM__TABLE_SLOTS;
}

static struct tm__books *new_books(tm__draft *draft)
{
    struct tm__books *books = tm__draft_file(draft, BOOKS_SIZE, FLOWS_OFFSET);
    if (books)
        return books;
    void *memory =
        tm__sys_mmap(NULL, BOOKS_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
    return tm__sys_failed(memory) ? NULL : memory;
}

static void decide(void)
{
    tm__read_options();
    tm__draft draft;
    struct tm__books *fresh = new_books(&draft), *mine = fresh ? fresh : &refused.books;
    struct tm__slot *decided = undecided.books.slots;
    if (fresh)
        describe(&mine->head);
    begin(mine);
    if (atomic_compare_exchange_strong(&tm__slots, &decided, mine->slots)) {
        tm__publish_draft(draft);
    } else if (fresh) {
        tm__sys_munmap(mine, BOOKS_SIZE);
        tm__discard_draft(draft);
    }
}

/*
 * Stored with release behind all of it, and acquired: who finds books that are decided, but not yet this, does the rest
 * itself. Or it might attach before flow is on, and would never count what it frees.
 */
static _Atomic bool opened;

bool tm__open_books(void)
{
    if (!atomic_load_explicit(&opened, memory_order_acquire)) {
        if (tm__books_now() == &undecided.books)
            decide();
        if (tm__flow_is_wanted)
            tm__turn_flow_on();
        atomic_store_explicit(&opened, true, memory_order_release);
    }
    return tm__books_now() != &refused.books;
}

struct tm__flows *tm__flows_now(void)
{
    struct tm__books *books = tm__books_now();
    uint64_t offset = books->head.flows_offset;
    return offset != 0 ? (struct tm__flows *)((char *)books + offset) : NULL;
}
