/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Broken programs: each misuse here must be told, and with THREADMETER_ON_ERROR=report nothing else must come of it.
 * What a sanitizer would be first to tell of is left to tcmalloc's builds.
 */
#define _GNU_SOURCE
#include "blocks.h"
#include "calls.h"
#include "input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <threadmeter/malloc.h>

#ifdef TM_BACKEND_LIBC
enum { ON_TCMALLOC = false };
#else
enum { ON_TCMALLOC = true };
#endif

enum { WRONG_SIZE, WRONG_ALIGNMENT, ON_STACK, OVERRUN, STATIC, TWICE, INSIDE, DAMAGED, KINDS };

static unsigned kind;   /* of the misuse at hand */
static int loud, quiet; /* what the library says of misuse is many lines; FUZZ_LOUD in the environment shows them */
static bool guarded;

void misuse_begin(void)
{
    const char *guard = getenv("THREADMETER_GUARD");
    guarded = guard && strcmp(guard, "1") == 0;
    setenv("THREADMETER_ON_ERROR", "report", 1);
    loud = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    quiet = getenv("FUZZ_LOUD") ? loud : open("/dev/null", O_WRONLY | O_CLOEXEC);
}

static void hush(void)
{
    dup2(quiet, STDERR_FILENO);
    set_errno();
}

static void speak(void)
{
    int saved = errno;
    dup2(loud, STDERR_FILENO);
    errno = saved;
    ledger_crossings.errors_reported++;
}

static void give_back(void *pointer)
{
    bool by_realloc = take_byte() % 2;
    void *moved = NULL;
    hush();
    if (by_realloc)
        moved = tm_realloc(pointer, 10);
    else
        tm_free(pointer);
    speak();
    if (by_realloc)
        EXPECT(!moved && errno == EINVAL, "misuse %u of %p: realloc gives %p, errno %d", kind, pointer, moved, errno);
    else
        expect_errno_untouched("a free of a broken pointer");
}

static void free_as(void *pointer, size_t alignment, size_t size)
{
    hush();
    if (alignment == 0)
        tm_free_sized(pointer, size);
    else
        tm_free_aligned_sized(pointer, alignment, size);
    speak();
    expect_errno_untouched("a sized free");
}

static void give_back_damaged(struct block *block, uint8_t *damage, size_t length)
{
    uint8_t before[16], change = take_byte() | 1;
    memcpy(before, damage, length);
    for (size_t i = 0; i < length; i++)
        damage[i] ^= change;
    give_back(block->at);
    memcpy(damage, before, length);
}

/* Twice, with nothing in between. */
static void free_twice(struct block *block)
{
    uint8_t *at = block->at;
    free_block(block);
    give_back(at);
}

/* Told within 64 KiB of the beginning; far inside of what has whole pages, only if nothing there looks like a chunk. */
static void free_inside(struct block *block, size_t offset)
{
    enum { MOST_IN_CLASS = 256 << 10, FAR = 65536 };
    if (block->size > 1 && block->size + block->alignment + 48 <= MOST_IN_CLASS)
        give_back(block->at + 1 + offset % ((block->size < FAR ? block->size : FAR) - 1));
}

void call_misuse(void)
{
    struct block *block = take_place();
    kind = take_byte() % KINDS;
    size_t length = 1 + take_byte();
    bool ours = block->at && block->owner;

    if (kind == ON_STACK) /* not a variable's address, which a sanitizer may have moved elsewhere */
        give_back((void *)((uintptr_t)__builtin_frame_address(0) & -UINT64_C(16)));
    else if (kind == STATIC && ON_TCMALLOC)
        give_back(&guarded);
    else if (!ours)
        return;
    else if (kind == WRONG_SIZE)
        free_as(block->at, 0, block->size + length);
    else if (kind == WRONG_ALIGNMENT)
        free_as(block->at, 2 * ((uintptr_t)block->at & -(uintptr_t)block->at), block->size);
    else if (!ON_TCMALLOC)
        return;
    else if (kind == OVERRUN && guarded)
        give_back_damaged(block, block->at + block->size, 1 + length % 16);
    else if (kind == TWICE)
        free_twice(block);
    else if (kind == INSIDE)
        free_inside(block, length * 211);
    else if (kind == DAMAGED)
        give_back_damaged(block, length % 2 ? block->at - 16 : block->at - 1 - length % 8, 1 + length % 8);
}
