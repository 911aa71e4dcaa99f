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

static sem_t thread_exited;
static unsigned exited_seat, next;
static bool ended;
static void (*play_function)(void);
static _Thread_local unsigned own_seat;

static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0)
        EXPECT(errno == EINTR, "sem_wait");
}

static void *sit(void *arg)
{
    char name[16];
    own_seat = (unsigned)(size_t)arg;
    snprintf(name, sizeof name, "seat %u", own_seat);
    pthread_setname_np(pthread_self(), name);
    wait_for(&seats[own_seat].turn);
    play_function();
    exited_seat = own_seat;
    sem_post(&thread_exited);
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
    if (seat != own_seat) {
        give_turn(seat);
        wait_for(&seats[own_seat].turn);
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

/* The first seat that a thread still has; SEATS if there is none. */
static unsigned first_taken(void)
{
    unsigned seat = 0;
    while (seat < SEATS && !seats[seat].taken)
        seat++;
    return seat;
}

void seats_run(void (*play)(void))
{
    play_function = play;
    ended = false;
    next = 0;
    sem_init(&thread_exited, 0, 0);
    while (next < SEATS) {
        give_turn(next);
        wait_for(&thread_exited);
        pthread_join(seats[exited_seat].thread, NULL);
        seats[exited_seat].taken = false;
        if (ended)
            next = first_taken();
    }
}
