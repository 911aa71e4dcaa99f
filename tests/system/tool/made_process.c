/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A process with made-up figures: its threads, tags and flows are real, and then it writes the figures over those that
 * it publishes. It prints its threads' ids, then tm_report(), and ends with the end of stdin. outputs.py has the same
 * figures once more, and computes from them what all outputs must show.
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

/* The figures of a slot, with frees by its owner, and remote frees. */
struct figures {
    const char *thread;
    const char *tag;
    uint64_t allocated, allocated_blocks, freed, freed_blocks, received, received_blocks, made, peak, thread_peak;
};

static const struct figures rows[] = {
    {"(late)", "", 80, 2, 0, 0, 9, 1, 0, 77, 0},
    {"(overflow)", "", 21, 3, 1, 1, 0, 0, 6, 21, 0},
    {"(exited)", "", 30, 8, 18, 7, 12, 1, 3, 22, 22},
    {"main", "", 350, 17, 50, 2, 50, 4, 47, 255, 360},
    {"main", "upload", 90, 4, 0, 0, 0, 0, 0, 92, 0},
    {"w\001rk<er>&\"", "", 300, 5, 10, 1, 20, 2, 36, 280, 320},
    {"w\001rk<er>&\"", "upload", 7, 1, 0, 0, 0, 0, 0, 7, 0},
    {"w\001rk<er>&\"", "o\"dd<b>", 44, 3, 0, 0, 4, 1, 0, 41, 0},
    {"(unnamed)", "ended", 66, 6, 3, 1, 2, 1, 5, 63, 63},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

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

static void write_slot(struct tm__slot *slot, const struct figures *row)
{
    slot->owner.allocated_bytes = row->allocated;
    slot->owner.allocated_blocks = row->allocated_blocks;
    slot->owner.freed_bytes = row->freed;
    slot->owner.freed_blocks = row->freed_blocks;
    for (int i = 0; i < TM__LANES; i++)
        slot->lanes[i].freed_bytes = slot->lanes[i].freed_blocks = slot->lanes[i].shared_bytes =
            slot->lanes[i].shared_blocks = 0;
    slot->lanes[0].freed_bytes = row->received;
    slot->lanes[0].freed_blocks = row->received_blocks;
    slot->own.remote_frees_made_bytes = row->made;
    slot->identity.peak_bytes = row->peak;
    slot->identity.thread_peak_bytes = row->thread_peak;
    slot->live_bytes = row->allocated - row->freed - row->received; /* only shared slots have this counter */
    if ((slot->identity.generation_state & 0xff) == TM__FREE && slot->identity.generation_state != 0) {
        slot->identity.before.allocated_bytes = row->allocated;
        slot->identity.before.allocated_blocks = row->allocated_blocks;
        slot->identity.before.remote_frees_received_bytes = row->received;
        slot->identity.before.remote_frees_received_blocks = row->received_blocks;
        slot->identity.before_peak_bytes = row->peak;
        slot->identity.before.remote_frees_made_bytes = row->made;
    }
}

static void write_slots(const struct tm__head *head, struct tm__slot *slots)
{
    bool written[ROWS] = {false};
    for (uint32_t number = 0; number < head->slots_used; number++)
        for (size_t i = 0; i < ROWS; i++)
            if (strcmp(rows[i].thread, name_of(slots, number)) == 0 && is_in_tag(&slots[number], rows[i].tag)) {
                fail_unless(!written[i], rows[i].thread);
                written[i] = true;
                write_slot(&slots[number], &rows[i]);
            }
    for (size_t i = 0; i < ROWS; i++)
        fail_unless(written[i], rows[i].thread);
}

/* The key of a pair is made of the lower halves of both thread numbers, plus 1 each. */
static const char *party_of(const struct tm__head *head, const struct tm__slot *slots, uint32_t half)
{
    for (uint32_t number = 0; half > 1 && number < head->slots_used; number++)
        if (slots[number].identity.thread == half - 1)
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

    struct tm__head *head = map_published();
    struct tm__slot *slots = (void *)((char *)head + head->slots_offset);
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
