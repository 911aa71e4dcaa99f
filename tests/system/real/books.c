/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Preloaded into the programs of scripts/checks/test-real: when one that has threadmeter exits, checks that its books balance
 * and appends a line to the file that TM_BOOKS names. Allocates nothing.
 */
#define _GNU_SOURCE
#include "../../support/counters.h"

#include <threadmeter/malloc.h>
#include <threadmeter/totals.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <gperftools/malloc_extension_c.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* The shells and scripts of a suite are preloaded too, and have none of these. */
#pragma weak tm_each_slot
#pragma weak tm_process_totals
#pragma weak tm_retired_totals
#pragma weak tm_flush_cache
#pragma weak MallocExtension_GetNumericProperty

struct books {
    struct tm_totals sum;
    size_t others; /* that live */
    const char *wrong;
};

static bool equal(const struct tm_totals *a, const struct tm_totals *b)
{
    unsigned long long values[2];
    return !differing_counter(a, b, values);
}

static int audit_slot(const struct tm_slot *slot, void *arg)
{
    struct books *books = arg;
    const struct tm_totals *totals = &slot->totals;
    books->others += slot->state == TM_LIVE && slot->tid != gettid();
    if (totals->freed_bytes > totals->allocated_bytes || totals->freed_blocks > totals->allocated_blocks)
        books->wrong = "a slot freed more than it allocated";
    else if (totals->remote_frees_received_bytes > totals->freed_bytes ||
             totals->remote_frees_received_blocks > totals->freed_blocks)
        books->wrong = "a slot's blocks freed by others are more than those freed";
    else if (totals->peak_bytes < tm_live_bytes(totals))
        books->wrong = "a slot's peak is below what lives";
    add_counters(&books->sum, totals);
    return 0;
}

/*
 * tcmalloc's own count is the second witness. No object is smaller than the block in it with its 16-byte header. And
 * none is more than twice that: the smallest is 32 bytes for a header alone, a size class is at most 1.25 of the
 * request, growing in place rounds up to 1.25 of the object before that, and a realloc that does not shrink an object
 * to less than half leaves it as it is. Alignments larger than 16 add to a request, so there is some slack for the few.
 * Other threads that still run have caches.
 * A count of 0 is no witness: valgrind, which some suites use, puts its own malloc in tcmalloc's place.
 */
static const char *audit_heap(const struct tm_totals *process, size_t others)
{
    enum { HEADER = 16, SLACK = 64 << 10, CACHE = 256 << 10 };
    size_t heap;
    tm_flush_cache();
    if (!MallocExtension_GetNumericProperty ||
        !MallocExtension_GetNumericProperty("generic.current_allocated_bytes", &heap) || heap == 0)
        return NULL;
    uint64_t least = tm_live_bytes(process) + HEADER * tm_live_blocks(process);
    if (heap < least)
        return "tcmalloc has less in use than the blocks that live";
    /* Where tcmalloc is the process's malloc too, it also serves what is not ours. */
    bool shared = dlsym(RTLD_DEFAULT, "malloc") == dlsym(RTLD_DEFAULT, "tc_malloc");
    if (!shared && heap > 2 * least + SLACK + others * CACHE)
        return "tcmalloc has more in use than the blocks that live can need";
    return NULL;
}

static const char *audit(void)
{
    struct books books = {0};
    struct tm_totals retired, process;
    tm_each_slot(audit_slot, &books);
    tm_retired_totals(&retired);
    add_counters(&books.sum, &retired);
    tm_process_totals(&process);
    if (books.wrong)
        return books.wrong;
    if (!equal(&books.sum, &process))
        return "slots and retired do not add up to the process";
    return audit_heap(&process, books.others);
}

static char file[4096];

/* Programs may have taken their environment apart as they end, as PHP does. */
__attribute__((constructor)) static void know_file(void)
{
    const char *name = getenv("TM_BOOKS");
    if (name)
        snprintf(file, sizeof file, "%s", name);
}

__attribute__((destructor)) static void close_books(void)
{
    if (!*file || !tm_each_slot || !tm_process_totals || !tm_retired_totals || !tm_flush_cache)
        return;

    /* Threads that still run may allocate between two readings. The books must balance whenever they all rest. */
    enum { TRIES = 50 };
    const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
    const char *wrong = audit();
    for (int i = 1; wrong && i < TRIES; i++) {
        nanosleep(&pause, NULL);
        wrong = audit();
    }

    char line[256];
    int length = snprintf(line, sizeof line, "%s%s %s %ld\n", wrong ? "UNBALANCED: " : "balanced", wrong ? wrong : "",
                          program_invocation_short_name, (long)getpid());
    int fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0 || write(fd, line, (size_t)length) != length)
        fprintf(stderr, "books: cannot write to %s\n", file);
    if (fd >= 0)
        close(fd);
}
