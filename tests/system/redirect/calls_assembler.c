/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>

int answer(void);

int main(void)
{
    free(malloc(10));
    return answer() == ENOMEM ? 0 : 1;
}
