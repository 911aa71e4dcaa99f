/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * realloc: for the books a free by the caller and an allocation by the caller, once it is sure to succeed. Until then
 * nothing changes: neither block, nor contents, nor a total.
 */
#define _GNU_SOURCE
#include "allocate.h"
#include "foreign.h"
#include "slot.h"
#include "threadmeter/malloc.h"

#include <errno.h>
#include <string.h>

/* Plain and to stay plain: the backend may move the object, header and all, or grow it where it is. */
static void *resize_plain(void *user, const struct tm__block *block, size_t size)
{
    tm__bury(user, block); /* if the object moves, what stays behind tells of a later free */
    void *base = backend_realloc(block->base, size + TM__HEADER);
    if (!base) {
        tm__unbury(user, block);
        errno = ENOMEM;
        return NULL;
    }
    tm__credit(block->slot, block->size);
    uint32_t slot = tm__charge(size);
    return tm__seal(base, size, tm__account_of(slot), tm__key_of(slot));
}

/* Aligned or huge, before or after: a new object. As with glibc, the alignment asked for once is not kept. */
static void *resize_wide(void *user, struct tm__block block, size_t size)
{
    void *base;
    void *moved = tm__place(TM__ALIGNMENT, size, &base);
    if (!moved)
        return NULL;
    memcpy(moved, user, size < block.size ? size : block.size);
    tm__release(user, &block);
    tm__seal_at(moved, base, TM__ALIGNMENT, size, tm__charge(size));
    return moved;
}

void *tm_realloc(void *user, size_t size)
{
    if (!user)
        return tm_malloc(size);
    struct tm__block block = tm__inspect_or_die(user, "reallocated");
    if (block.kind == TM__FOREIGN)
        return tm__foreign_realloc(user, size);
    if (size == 0) {
        tm__release(user, &block);
        return NULL;
    }
    if (block.wide || size > TM__PLAIN_MAX)
        return resize_wide(user, block, size);
    return resize_plain(user, &block, size);
}

void *tm_reallocarray(void *user, size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return tm_realloc(user, bytes);
}
