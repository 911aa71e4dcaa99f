/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/header.h"

#include <stdatomic.h>

char tm__pool;

void tm__make_pool(void)
{
    /*
     * Memory order does not matter here: valgrind runs one thread at a time, and would have to switch threads between
     * the two lines below.
     */
    static atomic_flag made = ATOMIC_FLAG_INIT;
    if (!atomic_flag_test_and_set(&made))
        VALGRIND_CREATE_MEMPOOL(&tm__pool, TM__HEADER, 0);
}
