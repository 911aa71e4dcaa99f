/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Linked into each probe, not redirected. Checks at exit that the program's blocks were charged and are all freed, and
 * that there were exactly EXPECT_FOREIGN foreign and EXPECT_INTERCEPTED intercepted calls. If not, prints the totals.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <threadmeter/totals.h>

#ifndef EXPECT_BLOCKS
#define EXPECT_BLOCKS 1
#endif
#ifndef EXPECT_FOREIGN
#define EXPECT_FOREIGN 0
#endif
#ifndef EXPECT_INTERCEPTED
#define EXPECT_INTERCEPTED 0
#endif

__attribute__((destructor)) static void check_totals(void)
{
    struct tm_totals totals;
    struct tm_cross_allocator_calls cross_allocator_calls;
    tm_process_totals(&totals);
    tm_process_cross_allocator_calls(&cross_allocator_calls);
    uint64_t foreign = cross_allocator_calls.foreign_frees + cross_allocator_calls.foreign_reallocs;
    uint64_t intercepted = cross_allocator_calls.intercepted_frees + cross_allocator_calls.intercepted_reallocs;
    if (totals.allocated_blocks >= EXPECT_BLOCKS && tm_live_blocks(&totals) == 0 && tm_live_bytes(&totals) == 0 &&
        foreign == EXPECT_FOREIGN && intercepted == EXPECT_INTERCEPTED)
        return;
    fprintf(stderr, "%" PRIu64 " blocks allocated, %" PRIu64 " live, %" PRIu64 " foreign, %" PRIu64 " intercepted\n",
            totals.allocated_blocks, tm_live_blocks(&totals), foreign, intercepted);
    _exit(99);
}
