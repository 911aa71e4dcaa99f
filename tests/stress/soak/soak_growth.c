/* SPDX-License-Identifier: BSD-3-Clause */
#include "soak_growth.h"
#include "soak_ledger.h"

#include <stdio.h>
#include <unistd.h>

static double resident[QUARTERS]; /* at most, at the rests of each quarter of the run */
static uint64_t slots[QUARTERS];

double resident_mib(void)
{
    long pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    if (!statm || fscanf(statm, "%*d %ld", &pages) != 1)
        fail("no /proc/self/statm");
    fclose(statm);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / (1 << 20);
}

void note_growth(double part)
{
    int quarter = part < 1 ? (int)(part * QUARTERS) : QUARTERS - 1;
    double now = resident_mib();
    if (now > resident[quarter])
        resident[quarter] = now;
    slots[quarter] = last_rest().highest_slot + 1; /* which only grows */
}

double most_resident(int quarter)
{
    return resident[quarter];
}

/*
 * The load is the same all the time, so once the caches are full, which takes less than half a minute, the most in one
 * quarter is that in another but for chance: how many large blocks live, of up to 4 MiB each, and which pages are given
 * back. Ten minutes were at 39 to 41 MiB. A slot lost for each thread would be 18 MiB more after ten minutes, 16 bytes
 * lost in a hundred operations 128. Of lost slots there would be twice as many after twice the time.
 */
void check_growth(double seconds)
{
    double margin = 8 + resident[1] / 8;
    if (seconds >= 120 && resident[3] > resident[1] + margin)
        fail("what is resident grows: %.1f MiB in the second quarter, %.1f MiB in the last", resident[1], resident[3]);
    if (slots[3] > slots[1] * 3 / 2 + 16)
        fail("slots are lost: %llu were used in the second quarter, %llu in the last", (unsigned long long)slots[1],
             (unsigned long long)slots[3]);
}
