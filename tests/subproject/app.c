/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

#include <threadmeter/malloc.h>
#include <threadmeter/totals.h>

#ifdef REDIRECTED
void *plain(void);
#else
static void *plain(void)
{
    return tm_malloc(100);
}
#endif

int main(void)
{
    struct tm_totals totals;
    void *block = plain();
    tm_thread_totals(&totals);
    tm_free(block);
    return tm_live_bytes(&totals) == 100 ? EXIT_SUCCESS : EXIT_FAILURE;
}
