/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the region of a fork's child shall contain, if the process publishes: a copy of what was used just before the
 * fork, merged with what the parent has counted since. Only one thread at a time runs this, since forks hold the tags'
 * lock. Only that thread uses the copy, so memory order does not matter for what is in it.
 */
#include "state/fork_copy.h"
#include "base/large.h"
#include "base/kernel.h"
#include "state/process.h"
#include "state/settled.h"
#include "state/slot.h"

#include <string.h>
#include <sys/mman.h>

/*
 * A copy of the used parts of the region, one after the other, in whole pages. It has no more than is used, since
 * address space may be scarce. For a process with few threads the memory is reserved in advance, so that no limit can
 * forbid it later. This struct is before the parts.
 */
struct copy {
    struct tm__head *head;
    struct tm__tag *tags;
    struct tm__retired *retired;
    struct tm__slot *slots;
    struct tm__flows *flows; /* NULL: flow was off */
    uint32_t slot_count;
    size_t mapped; /* bytes to unmap; 0: it is in the memory reserved in advance */
};

/*
 * NULL: there was no memory, or no region. Atomic because of signal handlers: one may interrupt the code that makes a
 * copy, and fork. It makes a copy of its own, which its child gets. The interrupted code, in parent and child, then
 * finds in `copies_begun` that another copy was begun, and starts again.
 */
static struct copy *_Atomic copy;
static _Atomic unsigned copies_begun;
static uint32_t tag_count; /* as it was before the fork; 0: our fork handlers did not run then */

/*
 * Released and acquired, since another thread may have opened the region. Not static memory: its pages may be moved
 * away, and some tools read all static memory.
 */
enum { RESERVED_SIZE = 18 * TM__HEAD };
static char *_Atomic reserved;

void tm__reserve_fork_copy(void)
{
    char *none = NULL;
    char *memory =
        tm__sys_mmap(NULL, RESERVED_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
    if (!tm__sys_failed(memory) && !atomic_compare_exchange_strong(&reserved, &none, memory))
        tm__sys_munmap(memory, RESERVED_SIZE);
}

/*
 * Copies word by word, each by one load. Fields that only the owner uses, such as the watermark, are not atomic; but
 * nobody reads them for a thread that the child does not have. The thread sanitizer cannot know that.
 *
 * Relaxed: the words are of different moments anyway, except where copy_slot() makes sure. What the child reads in its
 * parent's memory it reads after the fork, which is a fence: so it sees each allocation whose free is in the copy.
 */
__attribute__((no_sanitize("thread"))) static void copy_part(void *to, const void *part, size_t size)
{
    const uint64_t *from = part;
    uint64_t *word = to;
    for (size_t i = 0; i < size / sizeof *from; i++)
        word[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
    atomic_thread_fence(memory_order_acquire); /* later loads are not moved before this: see copy_slot() */
}

/*
 * The copy must be of one generation and state, as for a reader: if the slot changes hands in the meantime, it is
 * copied again. Otherwise it could have the frees of an earlier generation, with the `before` counters of a later one.
 * The fence at the end of copy_part() is the counterpart of those in tm__reset_slot() and tm__open_slot().
 */
static void copy_slot(struct tm__slot *to, const struct tm__slot *slot)
{
    uint64_t generation_state;
    do {
        generation_state = atomic_load_explicit(&slot->identity.generation_state, memory_order_acquire);
        copy_part(to, slot, sizeof *slot);
    } while (tm__load(&slot->identity.generation_state) != generation_state);
}

static struct copy *memory_for_copy(size_t size)
{
    struct copy *made = (struct copy *)atomic_load(&reserved);
    if (size > RESERVED_SIZE || !made) {
        void *memory =
            tm__sys_mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1);
        made = tm__sys_failed(memory) ? NULL : memory;
    }
    if (made)
        made->mapped = (char *)made == atomic_load(&reserved) ? 0 : size;
    return made;
}

static size_t whole_pages(size_t size)
{
    return (size + TM__HEAD - 1) / TM__HEAD * TM__HEAD;
}

/* If another thread turns flow on in the meantime the child has it, too, but not in the copy. */
static struct copy *lay_out_copy(uint32_t tags_used, uint32_t retired_used, uint32_t slots_used)
{
    bool flow = atomic_load(&tm__region_now()->head.flow_is_on);
    size_t tags = whole_pages(tags_used * sizeof(struct tm__tag)),
           retired = whole_pages(retired_used * sizeof(struct tm__retired)),
           slots = whole_pages(slots_used * sizeof(struct tm__slot)),
           flows = flow ? whole_pages(sizeof(struct tm__flows)) : 0;
    struct copy *made = memory_for_copy(2 * TM__HEAD + tags + retired + slots + flows);
    if (!made)
        return NULL;
    char *memory = (char *)made + TM__HEAD;
    made->head = (struct tm__head *)memory;
    made->tags = (struct tm__tag *)(memory + TM__HEAD);
    made->retired = (struct tm__retired *)(memory + TM__HEAD + tags);
    made->slots = (struct tm__slot *)(memory + TM__HEAD + tags + retired);
    made->flows = flow ? (struct tm__flows *)(memory + TM__HEAD + tags + retired + slots) : NULL;
    made->slot_count = slots_used;
    return made;
}

/*
 * The caller holds the tags' lock, so no tag changes and no slot is retired, and all earlier changes are visible. NULL
 * if there is no memory.
 */
static struct copy *make_copy(void)
{
    const struct tm__region *region = tm__region_now();
    uint32_t tags_used = atomic_load(&region->head.tags_used), slots_used = tm__slots_used();
    uint32_t retired_used = atomic_load(&region->head.retired_used);
    struct copy *made = lay_out_copy(tags_used, retired_used, slots_used);
    tag_count = tags_used;
    if (!made)
        return NULL;
    copy_part(made->head, &region->head, sizeof region->head);
    copy_part(made->tags, region->tags, tags_used * sizeof region->tags[0]);
    copy_part(made->retired, region->retired, retired_used * sizeof region->retired[0]);
    if (made->flows)
        copy_part(made->flows, tm__flows_now(), sizeof *made->flows);
    for (uint32_t i = 0; i < slots_used; i++)
        copy_slot(&made->slots[i], tm__slot_at(i));
    return made;
}

static void discard(struct copy *made)
{
    if (made && made->mapped != 0)
        tm__sys_munmap(made, made->mapped);
}

void tm__copy_before_fork(void)
{
    if (!tm__region_is_file())
        return;
    for (;;) {
        unsigned number = atomic_fetch_add(&copies_begun, 1) + 1;
        discard(atomic_exchange(&copy, NULL));
        struct copy *made = make_copy();
        atomic_store(&copy, made);
        if (atomic_load(&copies_begun) == number)
            return;
    }
}

void tm__drop_copy(void)
{
    discard(atomic_exchange(&copy, NULL));
    tag_count = 0;
}

static uint64_t freed_bytes(const struct tm__slot *slot)
{
    return tm__load(&slot->owner.freed_bytes) + tm__remote_freed_bytes(slot);
}

static uint64_t freed_blocks(const struct tm__slot *slot)
{
    return tm__load(&slot->owner.freed_blocks) + tm__remote_freed_blocks(slot);
}

/*
 * Assigns all that the copy has as freed to earlier generations. The slot may have been copied while tm__reset_slot()
 * ran.
 */
static void begin_generation(struct tm__slot *slot)
{
    struct tm_totals all = {0};
    all.remote_frees_received_bytes = tm__remote_freed_bytes(slot);
    all.remote_frees_received_blocks = tm__remote_freed_blocks(slot);
    all.allocated_bytes = tm__load(&slot->owner.freed_bytes) + all.remote_frees_received_bytes;
    all.allocated_blocks = tm__load(&slot->owner.freed_blocks) + all.remote_frees_received_blocks;
#define READ(name) all.name = tm__load(&slot->own.name);
    TM__OWN_COUNTERS(READ)
#undef READ
    tm__store_settled(&slot->identity.before, &all);
}

static void become_orphan(struct tm__slot *slot, const struct tm__slot *parents)
{
    uint64_t generation_state = tm__load(&parents->identity.generation_state);
    begin_generation(slot);
    tm__store(&slot->identity.generation_state, (generation_state & ~UINT64_C(0xff)) | TM__ORPHAN);
    tm__store(&slot->identity.thread, tm__load(&parents->identity.thread));
    tm__store(&slot->identity.thread_peak_bytes, tm__load(&parents->identity.thread_peak_bytes));
    atomic_store(&slot->home, atomic_load(&parents->home));
    atomic_store(&slot->identity.tid, atomic_load(&parents->identity.tid));
    atomic_store(&slot->identity.forked_from, atomic_load(&parents->identity.forked_from));
    for (int i = 0; i < 2; i++)
        tm__store(&slot->identity.name[i], tm__load(&parents->identity.name[i]));
    slot->owner.account = parents->owner.account;
    slot->owner.key = parents->owner.key;
}

/*
 * `parents`, the slot in the parent's memory, may be ahead of the copy. The child takes what was allocated from the
 * parent, and what was freed from the copy, so that it misses nothing that is live in the child. A slot that was free
 * in the copy may have such blocks, too, if a thread has taken it since.
 */
static void merge_with_parent(struct tm__slot *slot, const struct tm__slot *parents, bool is_shared)
{
    bool is_free = !is_shared && tm__state_in(tm__load(&slot->identity.generation_state)) == TM__FREE;
    /*
     * Acquire: then the identity of the thread that allocated is in `parents`, too. The parent goes on running, so each
     * counter is read only once.
     */
    uint64_t bytes = atomic_load_explicit(&parents->owner.allocated_bytes, memory_order_acquire);
    uint64_t blocks = atomic_load_explicit(&parents->owner.allocated_blocks, memory_order_acquire);
    if (!is_free && !is_shared && tm__load(&slot->owner.allocated_bytes) == bytes &&
        tm__load(&slot->owner.allocated_blocks) == blocks)
        return;
    tm__store(&slot->owner.allocated_bytes, bytes);
    tm__store(&slot->owner.allocated_blocks, blocks);
    uint64_t live = bytes - freed_bytes(slot);
    if (live > tm__load(&slot->identity.peak_bytes))
        tm__store(&slot->identity.peak_bytes, live);
    if (is_shared) /* it may have been copied in the middle of a free */
        tm__store(&slot->live_bytes, live);
    if (is_free && (live != 0 || blocks != freed_blocks(slot)))
        become_orphan(slot, parents);
}

/* ---- in the child, page by page ---- */

static struct {
    pid_t parent;
    uint32_t tag_count, retired_count, slot_count;
    bool flow;
} child;

union {
    alignas(TM__HEAD) char bytes[TM__HEAD];
    struct tm__head head;
    struct tm__tag tags[TM__HEAD / sizeof(struct tm__tag)];
    struct tm__retired retired[TM__HEAD / sizeof(struct tm__retired)];
    struct tm__slot slots[TM__HEAD / sizeof(struct tm__slot)];
} tm__made_page TM__LARGE;

void tm__begin_child(pid_t parent)
{
    const struct tm__head *head = &tm__region_now()->head;
    child.parent = parent;
    const struct copy *made = atomic_load(&copy);
    child.tag_count = tag_count != 0 ? tag_count : atomic_load(&head->tags_used);
    /* Without a copy no generation that ended in the parent is known here, so there are no names for them either. */
    child.retired_count = made ? atomic_load(&made->head->retired_used) : 1;
    child.slot_count = tm__slots_used();
    child.flow = atomic_load(&tm__flow_is_on) || (made && made->flows);
}

size_t tm__used_in_child(enum tm__area area)
{
    size_t used = area == TM__TAGS_AREA ? offsetof(struct tm__region, tags) + child.tag_count * sizeof(struct tm__tag)
                  : area == TM__RETIRED_AREA ? child.retired_count * sizeof(struct tm__retired)
                  : area == TM__SLOTS_AREA   ? child.slot_count * sizeof(struct tm__slot)
                  : child.flow               ? sizeof(struct tm__flows)
                                             : 0;
    return whole_pages(used);
}

static void make_head(bool published)
{
    const struct copy *made = atomic_load(&copy);
    if (made)
        memcpy(&tm__made_page.head, made->head, sizeof tm__made_page.head);
    else
        copy_part(&tm__made_page.head, &tm__region_now()->head, sizeof tm__made_page.head);
    atomic_store(&tm__made_page.head.tags_used, child.tag_count);
    atomic_store(&tm__made_page.head.retired_used, child.retired_count);
    atomic_store(&tm__made_page.head.slots_used, child.slot_count);
    atomic_store(&tm__made_page.head.flow_is_on, child.flow);
    atomic_store(&tm__made_page.head.ended, 0);
    atomic_store(&tm__made_page.head.locked, 0);
    tm__made_page.head.pid = 0;
    if (published)
        tm__describe_process(&tm__made_page.head, child.parent);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/*
 * Makes a page of `present` bytes of the copy, or, if `copied` is NULL, of the parent's memory; the rest of the page is
 * 0.
 */
static void make_bytes(const void *copied, const void *parents, size_t present)
{
    size_t size = least(present, sizeof tm__made_page);
    memset(tm__made_page.bytes + size, 0, sizeof tm__made_page - size);
    if (copied)
        memcpy(tm__made_page.bytes, copied, size);
    else
        copy_part(tm__made_page.bytes, parents, size);
}

/*
 * If a thread began during the fork, it is not known what it has freed, so all that it allocated counts as live. The
 * same is true for all threads, except the caller itself, if there was no memory for a copy, or no region: another
 * thread may have opened it during the fork.
 */
static void make_slot(struct tm__slot *slot, uint32_t number)
{
    const struct copy *made = atomic_load(&copy);
    const struct tm__slot *parents = tm__slot_at(number);
    const struct tm__slot *copied = made && number < made->slot_count ? &made->slots[number] : NULL;
    bool is_shared = number < TM__SHARED_SLOTS;
    bool is_own = tm__survives_fork(number, copied ? copied : parents);
    if (copied)
        memcpy(slot, copied, sizeof *slot);
    else if (is_own || (is_shared && !made))
        copy_slot(slot, parents);
    if (!is_own)
        merge_with_parent(slot, parents, is_shared);
}

static void make_slots(size_t offset)
{
    uint32_t first = (uint32_t)(offset / sizeof(struct tm__slot));
    memset(&tm__made_page, 0, sizeof tm__made_page);
    for (uint32_t i = 0; i < sizeof tm__made_page / sizeof tm__made_page.slots[0] && first + i < child.slot_count; i++)
        make_slot(&tm__made_page.slots[i], first + i);
}

const char *tm__child_page(enum tm__area area, size_t offset, bool published)
{
    const struct copy *made = atomic_load(&copy);
    size_t tag = (offset - TM__HEAD) / sizeof(struct tm__tag);
    if (area == TM__SLOTS_AREA)
        make_slots(offset);
    else if (area == TM__RETIRED_AREA && made)
        make_bytes((char *)made->retired + offset, NULL, child.retired_count * sizeof(struct tm__retired) - offset);
    else if (area == TM__RETIRED_AREA)
        memset(&tm__made_page, 0, sizeof tm__made_page);
    else if (area == TM__FLOWS_AREA)
        make_bytes(made && made->flows ? (char *)made->flows + offset : NULL, (char *)tm__flows_now() + offset,
                   sizeof(struct tm__flows) - offset);
    else if (offset == 0)
        make_head(published);
    else
        make_bytes(made ? &made->tags[tag] : NULL, &tm__region_now()->tags[tag],
                   (child.tag_count - tag) * sizeof(struct tm__tag));
    return tm__made_page.bytes;
}

char *tm__copied_page(enum tm__area area, size_t offset)
{
    const struct copy *made = atomic_load(&copy);
    if (!made || (area == TM__FLOWS_AREA && !made->flows) ||
        (area == TM__RETIRED_AREA && offset >= child.retired_count * sizeof(struct tm__retired)) ||
        (area == TM__SLOTS_AREA && offset >= made->slot_count * sizeof(struct tm__slot)))
        return NULL;
    return offset + (area == TM__TAGS_AREA      ? (char *)made->head
                     : area == TM__RETIRED_AREA ? (char *)made->retired
                     : area == TM__SLOTS_AREA   ? (char *)made->slots
                                                : (char *)made->flows);
}
