/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "block/misuse.h"
#include "state/open.h"
#include "base/cancel.h"
#include "base/kernel.h"
#include "base/messages.h"
#include "state/names.h"
#include "base/options.h"
#include "state/slot.h"
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>

/* Memory order does not matter here: this is the thread that has the slot now, which may change at any moment. */
static void put_thread(struct tm__text *text, const struct tm__identity *identity)
{
    char name[TM__NAME];
    tm__copy_name(identity, name);
    tm__put_padded(text, name, 0);
    tm__put(text, " tid ");
    tm__put_number(text, (uint64_t)atomic_load(&identity->tid));
}

static void put_owner(struct tm__text *text, uint32_t slot)
{
    tm__put(text, "owner ");
    if (slot == TM__LATE_SLOT) {
        tm__put(text, "an exiting thread");
    } else if (slot == TM__OVERFLOW_SLOT) {
        tm__put(text, "a thread without a slot");
    } else if (slot < tm__slots_used()) {
        struct tm__identity *identity = &tm__slot_at(slot)->identity;
        tm__refresh_name(identity);
        put_thread(text, identity);
    } else {
        tm__put(text, "unknown");
    }
}

static void put_block(struct tm__text *text, const char *intro, const struct tm__block *block)
{
    tm__put(text, intro);
    tm__put_number(text, block->size);
    tm__put(text, " bytes, ");
    put_owner(text, block->slot);
}

/* Ends the line, and then the program, if the environment does not say otherwise. */
static void finish(struct tm__text *text, const char *verb)
{
    tm__open_region(); /* a misuse may come before the first block */
    /* Cancellation stays suspended if this is the end: a handler of SIGABRT may write something, too. */
    int saved = errno, cancellation = tm__suspend_cancellation();
    struct tm__identity caller = {.tid = tm__sys_gettid()};
    tm__learn_own_name(&caller);
    tm__put(text, verb);
    tm__put(text, " by ");
    put_thread(text, &caller);
    tm__put(text, ")\n");
    tm__print_fatal(text);
    errno = saved;
    if (!tm__continue_after_misuse)
        abort();
    tm__resume_cancellation(cancellation);
    atomic_fetch_add_explicit(&tm__region_now()->head.errors_reported, 1, memory_order_relaxed); /* only a count */
}

static const char *block_fault(const struct tm__block *block, const char *verb)
{
    switch (block->kind) {
    case TM__DAMAGED:
        return "damaged header of ";
    case TM__OVERRUN:
        return "overrun of ";
    default:
        return verb[0] == 'f' ? "double free of " : "realloc after free of ";
    }
}

void tm__report_block_error(const void *user, const struct tm__block *block, const char *verb)
{
    if (block->kind == TM__FREED)
        tm__report_freed_again(user);
    char line[TM__MESSAGE];
    struct tm__text text = TM__TEXT(line, -1);
    tm__put(&text, "threadmeter: ");
    tm__put(&text, block_fault(block, verb));
    tm__put_address(&text, user);
    put_block(&text, block->kind == TM__DAMAGED ? " (says " : " (", block);
    tm__put(&text, ", ");
    finish(&text, verb);
}

void tm__report_pointer_error(const void *user, const char *where, const struct tm__block *around, const char *verb)
{
    char line[TM__MESSAGE];
    struct tm__text text = TM__TEXT(line, -1);
    tm__put(&text, "threadmeter: ");
    tm__put(&text, verb[0] == 'f' ? "free of " : "realloc of ");
    tm__put_address(&text, user);
    tm__put(&text, ", which is ");
    tm__put(&text, where);
    tm__put(&text, " (");
    if (around) {
        put_block(&text, "", around);
        tm__put(&text, ", ");
    }
    finish(&text, verb);
}

void tm__report_cache_error(size_t least, size_t most)
{
    char line[TM__MESSAGE];
    struct tm__text text = TM__TEXT(line, -1);
    tm__put(&text, "threadmeter: overrun into a free block of ");
    tm__put_number(&text, least);
    tm__put(&text, " to ");
    tm__put_number(&text, most);
    tm__put(&text, " bytes (");
    finish(&text, "found");
}

void tm__report_size_error(const void *user, const struct tm__block *block, size_t size, size_t alignment)
{
    char line[TM__MESSAGE];
    struct tm__text text = TM__TEXT(line, -1);
    tm__put(&text, "threadmeter: sized free of ");
    tm__put_address(&text, user);
    tm__put(&text, " as ");
    tm__put_number(&text, size);
    tm__put(&text, " bytes");
    if (alignment != 0) {
        tm__put(&text, " aligned to ");
        tm__put_number(&text, alignment);
    }
    put_block(&text, " (", block);
    tm__put(&text, ", ");
    finish(&text, "freed");
}
