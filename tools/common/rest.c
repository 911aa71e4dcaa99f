/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/rest.h"
#include "common/numbers.h"

/* HEADER: bytes before each block, threadmeter(7). A rest is worth a hint if it is MUCH, and most by so many TIMES. */
enum { HEADER = 16, MUCH = 16 << 20, TIMES = 4 };

void tool_print_rest(FILE *out, const struct tm_totals *totals, const struct tool_memory *memory)
{
    char resident[TOOL_BYTES], anonymous[TOOL_BYTES], live[TOOL_BYTES], headers[TOOL_BYTES], rest[TOOL_BYTES];
    uint64_t header_bytes = HEADER * tm_live_blocks(totals), counted = tm_live_bytes(totals) + header_bytes;
    tool_format_bytes(resident, memory->resident_bytes);
    tool_format_bytes(anonymous, memory->anonymous_bytes);
    tool_format_bytes(live, tm_live_bytes(totals));
    tool_format_bytes(headers, header_bytes);
    fprintf(out, "resident %s, of that %s anonymous", resident, anonymous);
    if (memory->anonymous_bytes < counted) {
        fprintf(out, ": less than %s live + %s headers, some of which was never touched or is swapped out\n", live,
                headers);
        return;
    }
    uint64_t left = memory->anonymous_bytes - counted;
    fprintf(out, " = %s live + %s headers + %s rounding, caches, stacks, mapped outside malloc\n", live, headers,
            tool_format_bytes(rest, left));
    if (left >= MUCH && left / TIMES >= counted)
        fputs("most of it is not counted: it is mapped past malloc, from an allocator of the program's own, or kept "
              "after it "
              "was freed\n",
              out);
}
