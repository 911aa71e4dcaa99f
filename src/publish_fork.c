/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A fork of a process that publishes. One thread at a time is here: forks hold the tags' lock. The copy is its alone:
 * what is stored there, and read from there, is of whatever order.
 */
#define _GNU_SOURCE
#include "books.h"
#include "kernel.h"
#include "publication.h"
#include "slot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The used parts of the books, as they were just before the fork; the rest is not touched. */
static struct tm__books *copy;
static uint32_t slots_copied;

/*
 * Word by word, each whole. What is its owner's alone (a watermark, say) is not atomic, but nobody asks for it in a
 * thread that is not there any more, which a thread sanitizer need not know.
 *
 * Relaxed: words are of different moments anyway, but where copy_slot() sees to it. What the child reads of its
 * parent's it reads behind the fork, which is a fence: so it finds each allocation that a free in the copy follows.
 */
__attribute__((no_sanitize("thread"))) static void copy_part(const void *part, size_t size)
{
    size_t offset = (size_t)((const char *)part - (const char *)tm__books_now());
    const uint64_t *from = part;
    uint64_t *to = (uint64_t *)((char *)copy + offset);
    for (size_t i = 0; i < size / sizeof *from; i++)
        to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
    atomic_thread_fence(memory_order_acquire); /* what is read next is no older: see copy_slot() */
}

/*
 * All of it of one generation and state, as a reader reads it: a slot that changes hands meanwhile is copied again. Or
 * its frees might be of an earlier owner's time, and what earlier owners had in all of a later one's. The fence between
 * is the counterpart of those in tm__settle() and tm__open_slot().
 */
static void copy_slot(const struct tm__slot *slot)
{
    uint64_t life;
    do {
        life = atomic_load_explicit(&slot->record.life, memory_order_acquire);
        copy_part(slot, sizeof *slot);
    } while (tm__get(&slot->record.life) != life);
}

static bool reserve_copy(void)
{
    void *memory = tm__sys_mmap(NULL, tm__books_now()->head.size, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
    copy = tm__sys_failed(memory) ? NULL : memory;
    return copy != NULL;
}

/*
 * All but the slots. Tags are not changed meanwhile, and their lock acquired them. Whether flow is on is asked behind
 * the copying of the head: where the copy says so, there are its tables.
 */
static void copy_rest(void)
{
    const struct tm__books *books = tm__books_now();
    copy_part(&books->head, sizeof books->head);
    copy_part(books->tags, atomic_load(&books->head.tags_used) * sizeof books->tags[0]);
    if (atomic_load(&books->head.flow_is_on))
        copy_part(tm__flows_now(), sizeof(struct tm__flows));
}

void tm__copy_before_fork(void)
{
    if (!tm__books_are_shared())
        return;
    if (reserve_copy()) {
        copy_rest();
        slots_copied = tm__slots_used();
        for (uint32_t i = 0; i < slots_copied; i++)
            copy_slot(tm__slot_at(i));
    }
}

/*
 * In the child, where there was no memory for it before, or no books: another thread opened them during the fork. Then
 * only that thread has anything in them, but for what the caller did itself.
 */
static bool copy_late(uint64_t survivor)
{
    const struct tm__books *books = tm__books_now();
    if (!reserve_copy())
        return false;
    copy_rest();
    slots_copied = tm__slots_used();
    for (uint32_t i = 0; i < slots_copied; i++)
        if (i < TM__SHARED_SLOTS || (survivor != 0 && tm__get(&books->slots[i].record.thread) == survivor))
            copy_slot(&books->slots[i]);
    return true;
}

void tm__drop_copy(void)
{
    if (copy)
        tm__sys_munmap(copy, copy->head.size);
    copy = NULL;
}

static uint64_t freed_bytes(const struct tm__slot *slot)
{
    uint64_t bytes = tm__get(&slot->owner.freed_bytes);
    for (int i = 0; i < TM__LANES; i++)
        bytes += tm__lane_bytes(&slot->others[i]);
    return bytes;
}

static uint64_t freed_blocks(const struct tm__slot *slot)
{
    uint64_t blocks = tm__get(&slot->owner.freed_blocks);
    for (int i = 0; i < TM__LANES; i++)
        blocks += tm__lane_blocks(&slot->others[i]);
    return blocks;
}

/* What the copy has as freed is all of earlier owners'; it may have been copied in the midst of tm__settle(). */
static void begin_generation(struct tm__slot *slot)
{
    uint64_t bytes = 0, blocks = 0;
    for (int i = 0; i < TM__LANES; i++) {
        bytes += tm__lane_bytes(&slot->others[i]);
        blocks += tm__lane_blocks(&slot->others[i]);
    }
    tm__set(&slot->record.before_bytes, tm__get(&slot->owner.freed_bytes) + bytes);
    tm__set(&slot->record.before_blocks, tm__get(&slot->owner.freed_blocks) + blocks);
    tm__set(&slot->record.before_others_bytes, bytes);
    tm__set(&slot->record.before_others_blocks, blocks);
    tm__set(&slot->consumed.before_bytes, tm__get(&slot->consumed.bytes));
}

static void become_orphan(struct tm__slot *slot, const struct tm__slot *now)
{
    uint64_t life = tm__get(&now->record.life);
    begin_generation(slot);
    tm__set(&slot->record.life, (life & ~UINT64_C(0xff)) | TM__ORPHAN);
    tm__set(&slot->record.thread, tm__get(&now->record.thread));
    tm__set(&slot->record.thread_peak_bytes, tm__get(&now->record.thread_peak_bytes));
    atomic_store(&slot->home, atomic_load(&now->home));
    atomic_store(&slot->record.tid, atomic_load(&now->record.tid));
    atomic_store(&slot->record.forked_from, atomic_load(&now->record.forked_from));
    for (int i = 0; i < 2; i++)
        tm__set(&slot->record.name[i], tm__get(&now->record.name[i]));
    slot->owner.account = now->owner.account;
    slot->owner.key = now->owner.key;
}

/*
 * `now`, which is the parent's, may be ahead of what the child has: what was allocated is taken from it, what was freed
 * from the copy, so that nothing the child has is missing. A slot that was free has something left, too, where somebody
 * has had it since.
 */
static void mend(struct tm__slot *slot, const struct tm__slot *now)
{
    bool is_shared = slot < copy->slots + TM__SHARED_SLOTS;
    bool is_free = !is_shared && tm__life_in(tm__get(&slot->record.life)) == TM__FREE;
    /* Acquired: whoever allocated it is known in `now` by then. The parent goes on; so each is read once. */
    uint64_t bytes = atomic_load_explicit(&now->owner.allocated_bytes, memory_order_acquire);
    uint64_t blocks = atomic_load_explicit(&now->owner.allocated_blocks, memory_order_acquire);
    if (!is_free && !is_shared && tm__get(&slot->owner.allocated_bytes) == bytes &&
        tm__get(&slot->owner.allocated_blocks) == blocks)
        return;
    tm__set(&slot->owner.allocated_bytes, bytes);
    tm__set(&slot->owner.allocated_blocks, blocks);
    uint64_t live = bytes - freed_bytes(slot);
    if (live > tm__get(&slot->record.peak_bytes))
        tm__set(&slot->record.peak_bytes, live);
    if (is_shared) /* may have been copied in the midst of a free */
        tm__set(&slot->record.live_bytes, live);
    if (is_free && (live != 0 || blocks != freed_blocks(slot)))
        become_orphan(slot, now);
}

/* Of a thread that began during the fork: nothing of it is known to be freed. */
static void add_newcomers(void)
{
    const struct tm__books *books = tm__books_now();
    uint32_t used = tm__slots_used();
    for (uint32_t i = slots_copied; i < used; i++)
        mend(&copy->slots[i], &books->slots[i]);
    atomic_store(&copy->head.slots_used, used);
}

static void mend_copy(uint64_t survivor)
{
    const struct tm__books *books = tm__books_now();
    for (uint32_t i = 0; i < slots_copied; i++)
        if (survivor == 0 || tm__get(&copy->slots[i].record.thread) != survivor)
            mend(&copy->slots[i], &books->slots[i]);
    add_newcomers();
}

/* 0, or the error; so the next two. */
static int write_part(int fd, const void *part, size_t size)
{
    off_t offset = (const char *)part - (const char *)copy;
    while (size > 0) {
        ssize_t written = tm__sys_pwrite(fd, part, size, offset);
        if (written == -EINTR)
            continue;
        if (written <= 0)
            return written < 0 ? (int)-written : EIO;
        part = (const char *)part + written;
        offset += written;
        size -= (size_t)written;
    }
    return 0;
}

/* Whole pages, so that there is room for what comes next in them. */
static int write_copy(int fd)
{
    enum { PAGE = 4096 };
    const struct tm__head *head = &copy->head;
    size_t tags = atomic_load(&head->tags_used) * sizeof copy->tags[0],
           slots = atomic_load(&head->slots_used) * sizeof copy->slots[0];
    const struct tm__flows *flows = (const struct tm__flows *)((const char *)copy + head->flows_offset);
    const struct {
        const void *start;
        size_t size;
    } parts[] = {
        {head, sizeof *head},
        {copy->tags, (tags + PAGE - 1) / PAGE * PAGE},
        {copy->slots, (slots + PAGE - 1) / PAGE * PAGE},
        {flows, atomic_load(&head->flow_is_on) ? sizeof *flows : 0},
    };
    int error = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && error == 0; i++)
        error = write_part(fd, parts[i].start, parts[i].size);
    return error;
}

/* In place of the parent's. */
static bool map_file(tm__draft *draft)
{
    size_t size = copy->head.size;
    int fd = tm__create_draft(draft, size);
    if (fd < 0)
        return false;
    int error = tm__reserve_again(fd);
    if (error == 0)
        error = write_copy(fd);
    if (error == 0)
        error = tm__sys_failed(
            tm__sys_mmap(tm__books_now(), size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, fd));
    if (error != 0)
        tm__give_up_draft(*draft, error);
    tm__sys_close(fd);
    return error == 0;
}

/* It would write to its parent's books. */
static void die(void)
{
    static const char line[] = "threadmeter: no memory for the books of a fork's child\n";
    tm__sys_write(STDERR_FILENO, line, sizeof line - 1);
    abort();
}

void tm__publish_in_child(uint64_t survivor, pid_t parent)
{
    if (!tm__books_are_shared())
        return;
    tm__draft draft;
    atomic_store(&tm__publication.start_ticks, 0);  /* there is one thread */
    atomic_store(&tm__publication.has_file, false); /* it is the parent's */
    if (!copy && !copy_late(survivor))
        die();
    mend_copy(survivor);
    tm__introduce(&copy->head, parent);
    if (map_file(&draft)) {
        tm__publish_draft(draft);
        tm__drop_copy();
    } else {
        copy->head.pid = 0; /* they are its own */
        if (tm__sys_failed(tm__sys_move(copy, copy->head.size, tm__books_now())))
            die();
        copy = NULL;
    }
}
