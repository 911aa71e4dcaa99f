/* SPDX-License-Identifier: BSD-3-Clause */
/* A program that does not know threadmeter, for bench/count to run with it preloaded: count_plain OPERATION TIMES. */
#include "count_pairs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char *argv[])
{
    size_t times = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
    free(malloc(1));
    if (argc == 3 && strcmp(argv[1], "pairs") == 0)
        count_pairs(times);
    else if (argc == 3 && strcmp(argv[1], "larger_pairs") == 0)
        count_larger_pairs(times);
    else if (argc == 3 && strcmp(argv[1], "threads") == 0)
        count_threads_pairs(times);
    else if (argc == 3 && strcmp(argv[1], "handed") == 0)
        count_handed_pairs(times);
    else
        return fprintf(stderr, "usage: count_plain OPERATION TIMES\n"), 2;
    return 0;
}
