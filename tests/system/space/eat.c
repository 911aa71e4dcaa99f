/* SPDX-License-Identifier: BSD-3-Clause */
/* Allocates until that fails, within the limits that it was started with, and prints how many KiB it got. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef WITH_THREADMETER
#include <threadmeter/malloc.h>
#define TAKE tm_malloc
#else
#include <gperftools/tcmalloc.h>
#define TAKE tc_malloc
#endif

int main(void)
{
    enum { SIZE = 65000 }; /* in whole pages; any mapping that tcmalloc gets from the system is filled without a rest */
    size_t blocks = 0;
    while (TAKE(SIZE))
        blocks++;
    char line[32];
    int length = snprintf(line, sizeof line, "%zu\n", blocks * SIZE / 1024);
    return write(STDOUT_FILENO, line, (size_t)length) == length ? 0 : 1;
}
