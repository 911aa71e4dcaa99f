/* SPDX-License-Identifier: BSD-3-Clause */
#include "soak_growth.h"
#include "soak_ledger.h"

#include <stdio.h>
#include <unistd.h>

static double resident[QUARTERS]; /* the most at the rests of each quarter of the run */
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
    slots[quarter] = last_rest().highest_slot + 1; /* this number only grows */
}

double most_resident(int quarter)
{
    return resident[quarter];
}

/*
 * The load is the same all the time. So after less than half a minute, when the caches are full, quarters differ only
 * by chance: by how many large blocks are live, of up to 4 MiB each, and by which pages are given back. Runs of ten
 * minutes were at 39 to 41 MiB. A lost slot for each thread would add 18 MiB in ten minutes, 16 lost bytes in a hundred
 * operations 128 MiB. And after twice the time, twice as many slots would be lost.
 */
void check_growth(double seconds)
{
    double margin = 8 + resident[1] / 8;
    if (seconds >= 120 && resident[3] > resident[1] + margin)
        fail("resident memory grows: %.1f MiB in the second quarter, %.1f MiB in the last", resident[1], resident[3]);
    if (slots[3] > slots[1] * 3 / 2 + 16)
        fail("slots are lost: %llu were used in the second quarter, %llu in the last", (unsigned long long)slots[1],
             (unsigned long long)slots[3]);
}
