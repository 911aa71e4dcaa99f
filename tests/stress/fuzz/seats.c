/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "seats.h"
#include "ledger.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>

static struct {
    bool taken;
    pthread_t thread;
    sem_t turn;
} seats[SEATS];

static sem_t someone_left;
static unsigned leaver, next;
static bool ended;
static void (*play_here)(void);
static _Thread_local unsigned here;

static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0)
        EXPECT(errno == EINTR, "sem_wait");
}

static void *sit(void *arg)
{
    char name[16];
    here = (unsigned)(size_t)arg;
    snprintf(name, sizeof name, "seat %u", here);
    pthread_setname_np(pthread_self(), name);
    wait_for(&seats[here].turn);
    play_here();
    leaver = here;
    sem_post(&someone_left);
    return NULL;
}

static void give_turn(unsigned seat)
{
    if (!seats[seat].taken) {
        sem_init(&seats[seat].turn, 0, 0);
        EXPECT(pthread_create(&seats[seat].thread, NULL, sit, (void *)(size_t)seat) == 0, "no thread");
        seats[seat].taken = true;
    }
    sem_post(&seats[seat].turn);
}

bool seats_pass(unsigned seat)
{
    if (seat != here) {
        give_turn(seat);
        wait_for(&seats[here].turn);
    }
    return !ended;
}

void seats_leave_to(unsigned seat)
{
    next = seat;
}

void seats_end(void)
{
    ended = true;
}

/* Who is still there; SEATS if nobody is. */
static unsigned who_is_left(void)
{
    unsigned seat = 0;
    while (seat < SEATS && !seats[seat].taken)
        seat++;
    return seat;
}

void seats_run(void (*play)(void))
{
    play_here = play;
    ended = false;
    next = 0;
    sem_init(&someone_left, 0, 0);
    while (next < SEATS) {
        give_turn(next);
        wait_for(&someone_left);
        pthread_join(seats[leaver].thread, NULL);
        seats[leaver].taken = false;
        if (ended)
            next = who_is_left();
    }
}
