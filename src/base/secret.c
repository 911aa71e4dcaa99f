/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/secret.h"
#include "base/kernel.h"

#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <time.h>

uint64_t tm__secret = TM__NO_SECRET;

void tm__choose_secret(void)
{
    uint64_t random = 0, undecided = TM__NO_SECRET;
    if (tm__sys_getrandom(&random, sizeof random, GRND_NONBLOCK) != sizeof random) {
        /* An early boot. The kernel's bytes for this process are spoken for, so they are stirred, not shown. */
        struct timespec now;
        tm__sys_clock_gettime(CLOCK_MONOTONIC, &now);
        const void *given = (const void *)getauxval(AT_RANDOM); /* aligned to nothing */
        uint64_t words[2] = {1, 0};
        if (given)
            memcpy(words, given, sizeof words);
        random = ((words[0] ^ words[1]) + (uint64_t)now.tv_nsec) * UINT64_C(0x9e3779b97f4a7c15);
    }
    random |= UINT64_C(1) << 31; /* see tm__secret */
    /* Relaxed: a number with nothing behind it. Who swaps in vain has read it; who has a block got it with that. */
    __atomic_compare_exchange_n(&tm__secret, &undecided, random, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}
