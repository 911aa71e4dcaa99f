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
        /*
         * The machine has just booted, and has no random bytes yet. The process may use the bytes of AT_RANDOM for its
         * own secrets, so ours must not reveal them: they are only mixed in.
         */
        struct timespec now;
        tm__sys_clock_gettime(CLOCK_MONOTONIC, &now);
        const void *given = (const void *)getauxval(AT_RANDOM); /* need not be aligned */
        uint64_t words[2] = {1, 0};
        if (given)
            memcpy(words, given, sizeof words);
        random = ((words[0] ^ words[1]) + (uint64_t)now.tv_nsec) * UINT64_C(0x9e3779b97f4a7c15);
    }
    random |= UINT64_C(1) << 31; /* see tm__secret */
    /*
     * Relaxed: the number publishes no other data. A thread whose exchange fails has read the number by it, and a
     * thread that has a block got the number's value with the block.
     */
    __atomic_compare_exchange_n(&tm__secret, &undecided, random, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}
