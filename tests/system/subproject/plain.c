/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdlib.h>

void *plain(void);

void *plain(void)
{
    return malloc(100);
}
