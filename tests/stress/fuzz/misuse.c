/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Broken programs: each misuse here must be reported, and with THREADMETER_ON_ERROR=report it must have no other
 * effect. A misuse that a sanitizer would report first is tried in builds with tcmalloc only.
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

static unsigned kind; /* of the present misuse */
static bool guarded;

/* The library's messages of misuse would be many lines. FUZZ_LOUD in the environment shows them. */
static int real_stderr, silent_stderr;

void misuse_begin(void)
{
    const char *guard = getenv("THREADMETER_GUARD");
    guarded = guard && strcmp(guard, "1") == 0;
    setenv("THREADMETER_ON_ERROR", "report", 1);
    real_stderr = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    silent_stderr = getenv("FUZZ_LOUD") ? real_stderr : open("/dev/null", O_WRONLY | O_CLOEXEC);
}

static void silence_messages(void)
{
    dup2(silent_stderr, STDERR_FILENO);
    set_errno();
}

static void expect_one_message(void)
{
    int saved = errno;
    dup2(real_stderr, STDERR_FILENO);
    errno = saved;
    ledger_cross_allocator_calls.errors_reported++;
}

static void free_or_realloc(void *pointer)
{
    bool by_realloc = take_byte() % 2;
    void *moved = NULL;
    silence_messages();
    if (by_realloc)
        moved = tm_realloc(pointer, 10);
    else
        tm_free(pointer);
    expect_one_message();
    if (by_realloc)
        EXPECT(!moved && errno == EINVAL, "misuse %u of %p: realloc gives %p, errno %d", kind, pointer, moved, errno);
    else
        expect_errno_untouched("a free of a broken pointer");
}

static void free_as(void *pointer, size_t alignment, size_t size)
{
    silence_messages();
    if (alignment == 0)
        tm_free_sized(pointer, size);
    else
        tm_free_aligned_sized(pointer, alignment, size);
    expect_one_message();
    expect_errno_untouched("a sized free");
}

static void free_damaged(struct block *block, uint8_t *damage, size_t length)
{
    uint8_t before[16], change = take_byte() | 1;
    memcpy(before, damage, length);
    for (size_t i = 0; i < length; i++)
        damage[i] ^= change;
    free_or_realloc(block->at);
    memcpy(damage, before, length);
}

/* Frees the block twice, with no other call in between. */
static void free_twice(struct block *block)
{
    uint8_t *at = block->at;
    free_block(block);
    free_or_realloc(at);
}

/*
 * The library reports a pointer that is less than 64 KiB after the beginning of a block. Further inside an object that
 * has whole pages, it reports one only if nothing there looks like a chunk of another malloc.
 */
static void free_inside(struct block *block, size_t offset)
{
    enum { MOST_IN_CLASS = 256 << 10, FAR = 65536 };
    if (block->size > 1 && block->size + block->alignment + 48 <= MOST_IN_CLASS)
        free_or_realloc(block->at + 1 + offset % ((block->size < FAR ? block->size : FAR) - 1));
}

void call_misuse(void)
{
    struct block *block = take_place();
    kind = take_byte() % KINDS;
    size_t length = 1 + take_byte();
    bool ours = block->at && block->owner;

    if (kind == ON_STACK) /* not a variable's address, which a sanitizer may have moved elsewhere */
        free_or_realloc((void *)((uintptr_t)__builtin_frame_address(0) & -UINT64_C(16)));
    else if (kind == STATIC && ON_TCMALLOC)
        free_or_realloc(&guarded);
    else if (!ours)
        return;
    else if (kind == WRONG_SIZE)
        free_as(block->at, 0, block->size + length);
    else if (kind == WRONG_ALIGNMENT)
        free_as(block->at, 2 * ((uintptr_t)block->at & -(uintptr_t)block->at), block->size);
    else if (!ON_TCMALLOC)
        return;
    else if (kind == OVERRUN && guarded)
        free_damaged(block, block->at + block->size, 1 + length % 16);
    else if (kind == TWICE)
        free_twice(block);
    else if (kind == INSIDE)
        free_inside(block, length * 211);
    else if (kind == DAMAGED)
        free_damaged(block, length % 2 ? block->at - 16 : block->at - 1 - length % 8, 1 + length % 8);
}
