/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes one byte after the end of a block, whose size FORTIFY should know. ALLOCATE allocates it, with 10 bytes. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    char *block = (char *)ALLOCATE;
    (void)argv;
    memset(block, 'x', 10 + (size_t)argc);
    puts(block + 9);
    free(block);
    return 0;
}
