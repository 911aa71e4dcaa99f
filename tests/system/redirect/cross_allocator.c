/* SPDX-License-Identifier: BSD-3-Clause */
/* Two frees and two reallocs in each direction: four foreign calls and four intercepted ones. */
#include <stdlib.h>
#include <string.h>

void other_free(void *block);
void *other_realloc(void *block, size_t size);
char *other_text(void);

int main(void)
{
    other_free(malloc(100));
    char *mine = other_realloc(malloc(10), 1000);
    mine = other_realloc(mine, 100000);
    other_free(mine);

    free(other_text());
    char *theirs = realloc(other_text(), 1000);
    theirs = realloc(theirs, 100000);
    int right = strncmp(theirs, "from the other side", 19) == 0;
    free(theirs);
    return right ? 0 : 1;
}
