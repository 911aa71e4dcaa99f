/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Preloaded into the programs of scripts/checks/test-real, test-peers and test-preload. When a program that has
 * threadmeter exits, this checks that its totals balance, and appends a line to the file that TM_BALANCE names.
 * It allocates nothing.
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

/* The shells of a test suite have this library preloaded, too, but they do not have these functions. */
#pragma weak tm_each_slot
#pragma weak tm_process_totals
#pragma weak tm_retired_totals
#pragma weak tm_flush_cache
#pragma weak MallocExtension_GetNumericProperty

struct audit {
    struct tm_totals sum;
    size_t other_threads; /* that are alive */
    const char *wrong;
};

static bool equal(const struct tm_totals *a, const struct tm_totals *b)
{
    unsigned long long values[2];
    return !differing_counter(a, b, values);
}

static int add_slot(const struct tm_slot *slot, void *arg)
{
    struct audit *audit = arg;
    const struct tm_totals *totals = &slot->totals;
    audit->other_threads += slot->state == TM_LIVE && slot->tid != gettid();
    if (totals->freed_bytes > totals->allocated_bytes || totals->freed_blocks > totals->allocated_blocks)
        audit->wrong = "a slot freed more than it allocated";
    else if (totals->remote_frees_received_bytes > totals->freed_bytes ||
             totals->remote_frees_received_blocks > totals->freed_blocks)
        audit->wrong = "a slot's remote frees are more than its frees";
    else if (totals->peak_bytes < tm_live_bytes(totals))
        audit->wrong = "a slot's peak is below its live bytes";
    add_counters(&audit->sum, totals);
    return 0;
}

/*
 * tcmalloc's own count is an independent check. No object is smaller than its block with the 16-byte header. And none
 * is larger than twice that: the smallest object is 32 bytes, for a header alone; a size class is at most 1.25 of the
 * request; a block that grows gets an object of up to 1.25 of the old one; and a realloc that does not shrink an
 * object to less than half leaves it as it is. Alignments larger than 16 add to a request; SLACK allows for these few.
 * Other threads that still run have caches.
 * A count of 0 says nothing: valgrind, which some suites use, puts its own malloc in tcmalloc's place.
 */
static const char *compare_heap(const struct tm_totals *process, size_t other_threads)
{
    enum { HEADER = 16, SLACK = 64 << 10, CACHE = 256 << 10 };
    size_t heap;
    tm_flush_cache();
    if (!MallocExtension_GetNumericProperty ||
        !MallocExtension_GetNumericProperty("generic.current_allocated_bytes", &heap) || heap == 0)
        return NULL;
    uint64_t least = tm_live_bytes(process) + HEADER * tm_live_blocks(process);
    if (heap < least)
        return "tcmalloc has less in use than the live blocks";
    /* If tcmalloc is also the process's malloc, then its count includes memory that is not ours. */
    bool shared = dlsym(RTLD_DEFAULT, "malloc") == dlsym(RTLD_DEFAULT, "tc_malloc");
    if (!shared && heap > 2 * least + SLACK + other_threads * CACHE)
        return "tcmalloc has more in use than the live blocks can need";
    return NULL;
}

static const char *find_imbalance(void)
{
    struct audit audit = {0};
    struct tm_totals retired, process;
    tm_each_slot(add_slot, &audit);
    tm_retired_totals(&retired);
    add_counters(&audit.sum, &retired);
    tm_process_totals(&process);
    if (audit.wrong)
        return audit.wrong;
    if (!equal(&audit.sum, &process))
        return "slots and retired do not add up to the process";
    return compare_heap(&process, audit.other_threads);
}

static char file[4096];

/* At the start, because some programs, such as PHP, free their environment before they exit. */
__attribute__((constructor)) static void read_file_name(void)
{
    const char *name = getenv("TM_BALANCE");
    if (name)
        snprintf(file, sizeof file, "%s", name);
}

__attribute__((destructor)) static void write_balance(void)
{
    if (!*file || !tm_each_slot || !tm_process_totals || !tm_retired_totals || !tm_flush_cache)
        return;

    /* Threads that still run may allocate between two readings. The totals must balance when no thread allocates. */
    enum { TRIES = 50 };
    const struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
    const char *wrong = find_imbalance();
    for (int i = 1; wrong && i < TRIES; i++) {
        nanosleep(&pause, NULL);
        wrong = find_imbalance();
    }

    char line[256];
    int length = snprintf(line, sizeof line, "%s%s %s %ld\n", wrong ? "UNBALANCED: " : "balanced", wrong ? wrong : "",
                          program_invocation_short_name, (long)getpid());
    int fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (fd < 0 || write(fd, line, (size_t)length) != length)
        fprintf(stderr, "balance: cannot write to %s\n", file);
    if (fd >= 0)
        close(fd);
}
