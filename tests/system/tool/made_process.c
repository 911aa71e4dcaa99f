/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A process with made-up figures: its threads, tags and flows are real, and then it writes the figures over those that
 * it publishes; of slots those that outputs.py writes to stdin, which computes from them what all outputs must show. It
 * prints its threads' ids, then tm_report(), and ends with the end of stdin.
 */
#define _GNU_SOURCE
#include "state/layout.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <threadmeter/limits.h>
#include <threadmeter/malloc.h>
#include <threadmeter/tags.h>
#include <threadmeter/totals.h>

/* The figures of a slot; of its thread and tag, the names. */
struct figures {
    char thread[16], tag[TM__TAG_NAME];
    struct tm_totals totals;
    uint64_t thread_peak;
};

enum { MOST_ROWS = 20 };
static struct figures rows[MOST_ROWS];
static size_t row_count;

/* The flows, with the names of the owner and of the thread that freed. */
static const struct {
    const char *owner, *freer;
    uint64_t bytes, blocks;
} flows[] = {{"main", "w\001rk<er>&\"", 36, 2},
             {"w\001rk<er>&\"", "main", 24, 3},
             {"(late)", "main", 9, 1},
             {"(unnamed)", "main", 2, 1},
             {"(exited)", "main", 12, 1}};
enum { FLOWS = sizeof flows / sizeof flows[0] };

static pthread_barrier_t barrier;
static pthread_key_t key;
static tm_tag upload, odd, ended;
static void *of_main, *of_worker, *of_late, *of_lost, *of_exited;

static void fail_unless(bool good, const char *what)
{
    if (good)
        return;
    perror(what);
    exit(1);
}

static void *in_tag(tm_tag tag)
{
    tm_tag before = tm_tag_enter(tag);
    void *block = tm_malloc(1);
    tm_tag_leave(before);
    return block;
}

static void name_and_tell(const char *name)
{
    pthread_setname_np(pthread_self(), name);
    printf("%d\n", (int)gettid());
}

/* Runs after the library's destructor in each round, because the library's key is older. */
static void allocate_late(void *round)
{
    if ((uintptr_t)round == PTHREAD_DESTRUCTOR_ITERATIONS)
        of_late = tm_malloc(1);
    else
        pthread_setspecific(key, (char *)round + 1);
}

static void *work(void *arg)
{
    name_and_tell("w\001rk<er>&\"");
    of_worker = tm_malloc(1);
    in_tag(upload);
    in_tag(odd);
    tm_free(of_main);
    pthread_barrier_wait(&barrier);
    pthread_barrier_wait(&barrier);
    return arg;
}

static void *lose(void *arg)
{
    name_and_tell("");
    tm_tag_enter(ended);
    of_lost = tm_malloc(1);
    arg = tm_malloc(1);
    return arg;
}

static void *come_and_go(void *arg)
{
    name_and_tell("brief");
    of_exited = tm_malloc(1);
    pthread_setspecific(key, (void *)1);
    return arg;
}

static void in_thread(void *(*body)(void *))
{
    pthread_t thread;
    fail_unless(pthread_create(&thread, NULL, body, NULL) == 0 && pthread_join(thread, NULL) == 0, "a thread");
}

/* Maps what this process publishes: the same memory that the library uses. */
static void *map_published(void)
{
    const char *directory = getenv("THREADMETER_PUBLISH");
    DIR *listing = directory ? opendir(directory) : NULL;
    fail_unless(listing, "THREADMETER_PUBLISH");
    for (const struct dirent *entry; (entry = readdir(listing));) {
        size_t length = strlen(entry->d_name);
        if (length < 3 || strcmp(entry->d_name + length - 3, ".tm") != 0)
            continue;
        int file = openat(dirfd(listing), entry->d_name, O_RDWR | O_CLOEXEC);
        struct tm__head head;
        fail_unless(file >= 0 && read(file, &head, sizeof head) == sizeof head, entry->d_name);
        void *region = mmap(NULL, head.size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        fail_unless(region != MAP_FAILED, "mmap");
        close(file);
        closedir(listing);
        return region;
    }
    fail_unless(false, "nothing is published");
    return NULL;
}

static const char *name_of(const struct tm__slot *slots, uint32_t number)
{
    const struct tm__identity *identity = &slots[number].identity;
    if (number < TM__SHARED_SLOTS)
        return number == TM__LATE_SLOT ? "(late)" : "(overflow)";
    return (identity->generation_state & 0xff) == TM__FREE ? "(exited)" : (const char *)identity->name;
}

static bool is_in_tag(const struct tm__slot *slot, const char *name)
{
    int32_t tag = (int32_t)slot->identity.tag;
    return strcmp(name, tag == upload ? "upload" : tag == odd ? "o\"dd<b>" : tag == ended ? "ended" : "") == 0;
}

static uint64_t take_number(char **line)
{
    const char *number = strsep(line, "\t");
    fail_unless(number, "a figure is missing");
    return strtoull(number, NULL, 10);
}

/* A line for each slot: thread, tag, all counters in the order of the list, the peak, the thread's; then an empty one. */
static void read_figures(void)
{
    char line[512];
    while (fgets(line, sizeof line, stdin) && line[0] != '\n') {
        fail_unless(row_count < MOST_ROWS, "too many rows");
        struct figures *row = &rows[row_count++];
        char *rest = line;
        snprintf(row->thread, sizeof row->thread, "%s", strsep(&rest, "\t"));
        snprintf(row->tag, sizeof row->tag, "%s", strsep(&rest, "\t"));
#define TAKE(name, unit, meaning) row->totals.name = take_number(&rest);
        TM_COUNTERS(TAKE)
#undef TAKE
        row->totals.peak_bytes = take_number(&rest);
        row->thread_peak = take_number(&rest);
        fail_unless(!rest, "a figure too many");
    }
}

static void write_slot(struct tm__slot *slot, const struct figures *row)
{
    const struct tm_totals *totals = &row->totals;
    slot->owner.allocated_bytes = totals->allocated_bytes;
    slot->owner.allocated_blocks = totals->allocated_blocks;
    slot->owner.freed_bytes = totals->freed_bytes - totals->remote_frees_received_bytes;
    slot->owner.freed_blocks = totals->freed_blocks - totals->remote_frees_received_blocks;
    for (int i = 0; i < TM__LANES; i++)
        slot->lanes[i].freed_bytes = slot->lanes[i].freed_blocks = slot->lanes[i].shared_bytes =
            slot->lanes[i].shared_blocks = 0;
    slot->lanes[0].freed_bytes = totals->remote_frees_received_bytes;
    slot->lanes[0].freed_blocks = totals->remote_frees_received_blocks;
#define WRITE(name) slot->own.name = totals->name;
    TM__OWN_COUNTERS(WRITE)
#undef WRITE
    slot->identity.peak_bytes = totals->peak_bytes;
    slot->identity.thread_peak_bytes = row->thread_peak;
    slot->live_bytes = tm_live_bytes(totals); /* only shared slots have this counter */
    if ((slot->identity.generation_state & 0xff) == TM__FREE && slot->identity.generation_state != 0) {
#define WRITE(name) slot->identity.before.name = totals->name;
        TM__SETTLED_COUNTERS(WRITE)
#undef WRITE
        slot->before_peak_bytes = totals->peak_bytes;
    }
}

static void write_slots(const struct tm__head *head, struct tm__slot *slots)
{
    bool written[MOST_ROWS] = {false};
    for (uint32_t number = 0; number < head->slots_used; number++)
        for (size_t i = 0; i < row_count; i++)
            if (strcmp(rows[i].thread, name_of(slots, number)) == 0 && is_in_tag(&slots[number], rows[i].tag)) {
                /* Of threads that exited there are two slots: the home of "" waits for the slot of its tag. */
                fail_unless(!written[i] || strcmp(rows[i].thread, "(exited)") == 0, rows[i].thread);
                write_slot(&slots[number], written[i] ? &(struct figures){0} : &rows[i]);
                written[i] = true;
            }
    for (size_t i = 0; i < row_count; i++)
        fail_unless(written[i], rows[i].thread);
}

/* The key of a pair is made of the lower halves of both thread numbers, plus 1 each. */
static const char *party_of(const struct tm__head *head, const struct tm__slot *slots, uint32_t half)
{
    for (uint32_t number = 0; half > 1 && number < head->slots_used; number++)
        if (slots[number].identity.thread == half - 1 && (slots[number].identity.generation_state & 0xff) != TM__FREE)
            return name_of(slots, number);
    return half == 1 ? "(late)" : "(exited)";
}

static void write_flows(const struct tm__head *head, const struct tm__slot *slots, struct tm__flows *all)
{
    size_t written = 0;
    for (size_t set = 0; set < TM__FLOW_SETS; set++)
        for (int way = 0; way < TM__FLOW_WAYS; way++) {
            struct tm__flow_pair *pair = &all->pairs[set].pairs[way];
            for (size_t i = 0; pair->key != 0 && i < FLOWS; i++)
                if (strcmp(flows[i].owner, party_of(head, slots, (uint32_t)(pair->key >> 32))) == 0 &&
                    strcmp(flows[i].freer, party_of(head, slots, (uint32_t)pair->key)) == 0) {
                    pair->bytes = flows[i].bytes;
                    pair->blocks = flows[i].blocks;
                    written++;
                }
        }
    fail_unless(written == FLOWS, "a flow is missing");
    all->displaced_bytes = 14;
    all->displaced_blocks = 2;
}

int main(void)
{
    pthread_t worker;
    pthread_barrier_init(&barrier, NULL, 2);
    name_and_tell("main");
    of_main = tm_malloc(1);
    upload = tm_tag_open("upload");
    odd = tm_tag_open("o\"dd<b>");
    ended = tm_tag_open("ended");
    fail_unless(upload > 0 && odd > 0 && ended > 0, "tm_tag_open");
    fail_unless(tm_tag_limit(upload, 900) == 0, "tm_tag_limit");
    in_tag(upload);
    fail_unless(pthread_create(&worker, NULL, work, NULL) == 0, "pthread_create");
    pthread_barrier_wait(&barrier);
    in_thread(lose);
    fail_unless(pthread_key_create(&key, allocate_late) == 0, "pthread_key_create");
    in_thread(come_and_go);
    tm_free(of_worker);
    tm_free(of_lost);
    tm_free(of_exited);
    tm_free(of_late);
    tm_tag_close(ended);
    fflush(stdout);

    read_figures();
    struct tm__head *head = map_published();
    struct tm__slot *slots = (void *)((char *)head + head->slots_offset);
    atomic_store(&head->retired_used, 0); /* the figures of what is retired have no name, either */
    write_slots(head, slots);
    write_flows(head, slots, (void *)((char *)head + head->flows_offset));
    head->foreign_frees = 1;
    head->foreign_reallocs = 2;
    head->intercepted_frees = 3;
    head->intercepted_reallocs = 4;
    head->errors_reported = 5;

    fail_unless(tm_report(STDOUT_FILENO) == 0, "tm_report");
    fclose(stdout);
    while (getchar() != EOF)
        ;
    _exit(0);
}
