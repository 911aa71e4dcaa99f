/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What it costs to read totals: the calling thread's, and a snapshot of many slots; and what threads that allocate pay
 * while another thread takes snapshots. Also what a free costs if one producer has many consumers, compared with bare
 * tcmalloc and with a header that counts nothing.
 */
#define _GNU_SOURCE
#include "workloads/workloads.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <gperftools/tcmalloc.h>
#include <threadmeter/malloc.h>
#include <threadmeter/totals.h>

enum { ROUNDS = 41, SLOTS = 10000 };

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static FILE *json;
static const char *separator = "";

static void note(const char *name, const char *unit, double *values)
{
    qsort(values, ROUNDS, sizeof *values, ascending);
    if (json)
        fprintf(json, "%s\n  \"%s\": {\"unit\": \"%s\", \"min\": %.2f, \"median\": %.2f}", separator, name, unit,
                values[0], values[ROUNDS / 2]);
    separator = ",";
}

/* What is printed is Markdown. */
static void print(const char *what, const char *name, const char *unit, double *values)
{
    note(name, unit, values);
    printf("| %s | %.1f | %.1f | %s |\n", what, values[0], values[ROUNDS / 2], unit);
}

static pthread_t started(void *(*body)(void *), void *argument)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, body, argument) != 0)
        abort();
    return thread;
}

static void own_totals(void)
{
    enum { TIMES = 100000 };
    double ns[ROUNDS];
    struct tm_totals totals;
    for (int round = 0; round < ROUNDS; round++) {
        double start = now_ns();
        for (int i = 0; i < TIMES; i++) {
            tm_thread_totals(&totals);
            used(&totals);
        }
        ns[round] = (now_ns() - start) / TIMES;
    }
    print("tm_thread_totals()", "thread_totals", "ns", ns);
}

static void *leave_a_block(void *argument)
{
    *(void **)argument = tm_malloc(100);
    return NULL;
}

static struct tm_slot slots[SLOTS + 100];

/* A thread allocates for some milliseconds, without and with another thread that takes snapshots meanwhile. */
static _Atomic bool working;

static void *allocate(void *argument)
{
    enum { OPERATIONS = 300000 };
    double *ns = argument, start = now_ns();
    for (int i = 0; i < OPERATIONS; i++)
        tm_free(used(tm_malloc(64)));
    *ns = (now_ns() - start) / OPERATIONS;
    working = false;
    return NULL;
}

static void snapshots(void)
{
    static void *left[SLOTS];
    double us[ROUNDS], undisturbed[ROUNDS], disturbed[ROUNDS];
    for (int i = 0; i < SLOTS; i++)
        pthread_join(started(leave_a_block, &left[i]), NULL);
    for (int round = 0; round < ROUNDS; round++) {
        double start = now_ns();
        if (tm_snapshot(slots, SLOTS + 100) < SLOTS)
            abort();
        us[round] = (now_ns() - start) / 1000;
    }
    print("tm_snapshot() of 10,000 slots", "snapshot_of_10000", "us", us);

    struct timespec pause = {0, 1000000};
    for (int round = 0; round < ROUNDS; round++)
        for (int asking = 0; asking < 2; asking++) {
            working = true;
            pthread_t worker = started(allocate, asking ? &disturbed[round] : &undisturbed[round]);
            while (working)
                if (asking)
                    tm_snapshot(slots, SLOTS + 100);
                else
                    nanosleep(&pause, NULL);
            pthread_join(worker, NULL);
        }
    print("malloc and free of 64 bytes, nobody asks", "pair_unasked", "ns", undisturbed);
    print("the same while another thread takes snapshots", "pair_asked", "ns", disturbed);
    for (int i = 0; i < SLOTS; i++)
        tm_free(left[i]);
}

/* ---- one producer, many consumers: processor time a free ---- */

enum { MOST_CONSUMERS = 64, HANDED = 1 << 16 };
static void *handed[HANDED];
static pthread_barrier_t all_there;

/* contenders/floor.c, whose functions have these names here. */
void *floor_malloc(size_t size);
void floor_free(void *user);

struct consumer {
    void (*release)(void *block);
    unsigned first, count;
    double ns;
};

static double thread_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void *consume(void *argument)
{
    struct consumer *consumer = argument;
    pthread_barrier_wait(&all_there);
    double start = thread_ns();
    for (unsigned i = 0; i < consumer->count; i++)
        consumer->release(handed[consumer->first + i]);
    consumer->ns = thread_ns() - start;
    return NULL;
}

static double consumed(unsigned consumers, void *(*produce)(size_t size), void (*release)(void *block))
{
    pthread_t threads[MOST_CONSUMERS];
    struct consumer work[MOST_CONSUMERS];
    uint64_t seed = 1;
    double ns = 0;
    for (unsigned i = 0; i < HANDED; i++)
        handed[i] = produce((next_random(&seed) & 255) + 1);
    pthread_barrier_init(&all_there, NULL, consumers);
    for (unsigned c = 0; c < consumers; c++) {
        work[c] = (struct consumer){release, HANDED / consumers * c, HANDED / consumers, 0};
        threads[c] = started(consume, &work[c]);
    }
    for (unsigned c = 0; c < consumers; c++) {
        pthread_join(threads[c], NULL);
        ns += work[c].ns;
    }
    pthread_barrier_destroy(&all_there);
    return ns / HANDED;
}

static void consumers(void)
{
    static double bare[7][ROUNDS], header[7][ROUNDS], metered[7][ROUNDS];
    for (int round = 0; round < ROUNDS; round++)
        for (int shift = 0; shift < 7; shift++) {
            bare[shift][round] = consumed(1u << shift, tc_malloc, tc_free);
            header[shift][round] = consumed(1u << shift, floor_malloc, floor_free);
            metered[shift][round] = consumed(1u << shift, tm_malloc, tm_free);
        }
    puts("\nProcessor time of a free where new threads share out the 65,536 blocks of one producer, ns, medians:\n\n"
         "| consumers | bare tcmalloc | header | threadmeter |\n|---|---:|---:|---:|");
    for (int shift = 0; shift < 7; shift++) {
        char name[32];
        snprintf(name, sizeof name, "free_by_%d", 1 << shift);
        note(name, "ns", metered[shift]);
        snprintf(name, sizeof name, "bare_free_by_%d", 1 << shift);
        note(name, "ns", bare[shift]);
        snprintf(name, sizeof name, "header_free_by_%d", 1 << shift);
        note(name, "ns", header[shift]);
        printf("| %d | %.1f | %.1f | %.1f |\n", 1 << shift, bare[shift][ROUNDS / 2], header[shift][ROUNDS / 2],
               metered[shift][ROUNDS / 2]);
    }
}

int main(int argc, char **argv)
{
    if (argc > 2 || (argc == 2 && argv[1][0] == '-')) {
        fprintf(stderr, "usage: questions [JSON-FILE]\n");
        return 2;
    }
    if (argc == 2 && !(json = fopen(argv[1], "w"))) {
        perror(argv[1]);
        return 1;
    }
    if (json)
        fputc('{', json);
    puts("| | min | median | |\n|---|---:|---:|---|");
    own_totals();
    snapshots();
    consumers();
    if (json)
        fprintf(json, "\n}\n");
    return json && fclose(json) != 0;
}
