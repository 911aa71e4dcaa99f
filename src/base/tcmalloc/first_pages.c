/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "base/tcmalloc/first_pages.h"
#include "base/kernel.h"
#include "base/populate.h"

void tm__populate_leaf(void *leaf)
{
    tm__sys_madvise(leaf, TM__LEAF, MADV_HUGEPAGE);
    tm__sys_madvise(leaf, TM__LEAF, MADV_POPULATE_WRITE);
}
