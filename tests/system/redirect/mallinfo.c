/* SPDX-License-Identifier: BSD-3-Clause */
/* mallinfo() and its relatives answer for the program's blocks. The structs, which have the same names, keep these. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    struct mallinfo2 before = mallinfo2();
    void *volatile block = malloc(1000);
    struct mallinfo2 mallinfo2_now = mallinfo2();
    struct mallinfo (*volatile narrow)(void) = mallinfo;
    struct mallinfo mallinfo = narrow();
    free(block);
    char document[4096] = "";
    FILE *stream = fmemopen(document, sizeof document, "w");
    int right = malloc_info(0, stream) == 0;
    fclose(stream);
    return right && document[0] == '<' && mallinfo2_now.uordblks == before.uordblks + 1000 &&
                   (size_t)mallinfo.uordblks == mallinfo2_now.uordblks && mallopt(M_ARENA_MAX, 1) == 1 &&
                   malloc_trim(0) >= 0
               ? 0
               : 1;
}
