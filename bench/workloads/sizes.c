/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Blocks of many sizes, at random, so that no branch on a size can be predicted. What is drawn is not the size, but one
 * of a table of sizes, so that all distributions take equally long.
 */
#define _GNU_SOURCE
#include "sizes.h"
#include "workloads.h"

#include <math.h>

enum { SOME = 1 << 10, OPERATIONS = 200000 };

/* Blocks of programs are on average 148 bytes long: this many make 1 MiB. */
enum { MEAN = 148, MIB = (1 << 20) / MEAN };

static void *live[100 * MIB];
static uint16_t sizes[SIZES];

static void replace_by_sizes(unsigned count, unsigned operations, uint64_t seed)
{
    for (unsigned i = 0; i < operations; i++) {
        void **at = &live[(uint64_t)next_random(&seed) * count >> 31];
        free(*at);
        *at = malloc(sizes[next_random(&seed) >> 4 & (SIZES - 1)]);
        *(volatile char *)*at = 1;
    }
}

static double mixed(unsigned count)
{
    double start = now_ns();
    replace_by_sizes(count, OPERATIONS, 1);
    double ns = now_ns() - start;
    for (unsigned i = 0; i < count; i++) {
        free(live[i]);
        live[i] = NULL;
    }
    return ns / OPERATIONS;
}

/* ---- sizes that are all as frequent ---- */

static double mixed_up_to(unsigned largest)
{
    uint64_t seed = 1;
    for (unsigned i = 0; i < SIZES; i++)
        sizes[i] = (uint16_t)(next_random(&seed) % largest + 1);
    return mixed(SOME);
}

/* Half of 1 to 512 bytes, half of 513 to 1,024: a limit at 512, where some allocators have one, is passed at random. */
double mixed_half(void)
{
    return mixed_up_to(1024);
}

double mixed_1000(void)
{
    return mixed_up_to(1000);
}

double mixed_4096(void)
{
    return mixed_up_to(4096);
}

/* ---- sizes as in programs: many small, few large ---- */

/*
 * The logarithm is distributed normally, with median 48 bytes and sigma 1.5: 1 of 17 is above 512 bytes, 1 of 670 above
 * 4,096, the largest has 11 KiB. By bench/record.c, bash asks for a median of 17 with sigma 1.4, gcc's cc1 47 and 1.8,
 * sort 30 and 1.5, the perl of words.pl 17 and 0.9; git log for 531 and 2.3.
 */
void draw_sizes_of_programs(uint16_t drawn[SIZES])
{
    double normal = -4;
    for (unsigned i = 0; i < SIZES; i++) {
        while (erfc(-normal / sqrt(2)) / 2 < (i + 0.5) / SIZES)
            normal += 0.001;
        drawn[i] = (uint16_t)ceil(48 * exp(1.5 * normal));
    }
}

double program_1k(void)
{
    draw_sizes_of_programs(sizes);
    return mixed(SOME);
}

/* The blocks stay until the process ends, so only the first run takes the time to fill them. */
static double kept(unsigned count)
{
    if (!live[0]) {
        uint64_t seed = 2;
        draw_sizes_of_programs(sizes);
        for (unsigned i = 0; i < count; i++) {
            live[i] = malloc(sizes[next_random(&seed) >> 4 & (SIZES - 1)]);
            *(volatile char *)live[i] = 1;
        }
        replace_by_sizes(count, count, 3);
    }
    double start = now_ns();
    replace_by_sizes(count, OPERATIONS, 1);
    return (now_ns() - start) / OPERATIONS;
}

double program_1m(void)
{
    return kept(MIB);
}

double program_10m(void)
{
    return kept(10 * MIB);
}

double program_100m(void)
{
    return kept(100 * MIB);
}
