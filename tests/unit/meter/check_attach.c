/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * threads.c: the attaching of a thread, interrupted at each of its steps by a signal handler that allocates, or failing
 * there. The linker puts the functions below in front of those that attaching calls; each is a step.
 */
#define _GNU_SOURCE
#include "support/support.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <unistd.h>

static int step, interrupt_at = -1;
static bool fail_setspecific, fail_getrandom;
static void *by_handler;

static void take_step(void)
{
    if (step++ == interrupt_at) {
        int saved = errno;
        by_handler = tm_malloc(11); /* what a handler would do at this point */
        errno = saved;
    }
}

ssize_t __real_tm__sys_getrandom(void *buffer, size_t size, unsigned flags);
ssize_t __wrap_tm__sys_getrandom(void *buffer, size_t size, unsigned flags);
ssize_t __wrap_tm__sys_getrandom(void *buffer, size_t size, unsigned flags)
{
    take_step();
    return fail_getrandom ? -EAGAIN : __real_tm__sys_getrandom(buffer, size, flags);
}

void *__real_tm__sys_mmap(void *address, size_t size, int protection, int flags, int fd);
void *__wrap_tm__sys_mmap(void *address, size_t size, int protection, int flags, int fd);
void *__wrap_tm__sys_mmap(void *address, size_t size, int protection, int flags, int fd)
{
    take_step();
    return __real_tm__sys_mmap(address, size, protection, flags, fd);
}

int __real_pthread_key_create(pthread_key_t *key, void (*destructor)(void *));
int __wrap_pthread_key_create(pthread_key_t *key, void (*destructor)(void *));
int __wrap_pthread_key_create(pthread_key_t *key, void (*destructor)(void *))
{
    take_step();
    return __real_pthread_key_create(key, destructor);
}

pid_t __real_tm__sys_gettid(void);
pid_t __wrap_tm__sys_gettid(void);
pid_t __wrap_tm__sys_gettid(void)
{
    take_step();
    return __real_tm__sys_gettid();
}

int __real_tm__sys_get_name(char name[16]);
int __wrap_tm__sys_get_name(char name[16]);
int __wrap_tm__sys_get_name(char name[16])
{
    take_step();
    return __real_tm__sys_get_name(name);
}

int __real_pthread_setspecific(pthread_key_t key, const void *value);
int __wrap_pthread_setspecific(pthread_key_t key, const void *value);
int __wrap_pthread_setspecific(pthread_key_t key, const void *value)
{
    take_step();
    return fail_setspecific ? ENOMEM : __real_pthread_setspecific(key, value);
}

/* As if pthread_atfork() had failed when the library was loaded: then the first thread that attaches calls it again. */
static bool atfork_works;
static void (*before_atfork)(void);

int __real_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void));
int __wrap_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void));
int __wrap_pthread_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void))
{
    if (!atfork_works)
        return ENOMEM;
    if (before_atfork)
        before_atfork();
    return __real_pthread_atfork(prepare, parent, child);
}

enum { STEPS = 6 };

static void *start(void *arg)
{
    (void)arg;
    step = 0;
    void *block = tm_malloc(22);
    step = 1000; /* exit takes some of the same steps */
    struct tm_totals totals = thread_totals();
    expect_live(&totals, 33, 2);
    ck_assert_uint_eq(count_slots(TM_LIVE) + count_slots(TM_ORPHAN), 1);
    tm_free(block);
    tm_free(by_handler);
    return NULL;
}

START_TEST(the_first_thread_interrupted_at_each_step)
{
    interrupt_at = _i;
    start(NULL);
    ck_assert_ptr_nonnull(by_handler); /* there was such a step */
}
END_TEST

START_TEST(a_later_thread_interrupted_at_each_step)
{
    in_thread(start, (interrupt_at = 0, NULL)); /* all is decided */
    by_handler = NULL;
    interrupt_at = _i;
    in_thread(start, NULL);
    ck_assert_ptr_nonnull(by_handler);
    ck_assert_uint_eq(count_slots(TM_LIVE) + count_slots(TM_ORPHAN), 0);
}
END_TEST

static void *start_unseen(void *arg)
{
    fail_setspecific = true;
    *(void **)arg = tm_malloc(100);
    fail_setspecific = false;
    return NULL;
}

START_TEST(a_thread_whose_end_cannot_be_seen_holds_no_slot)
{
    void *first = tm_malloc(1), *block;
    in_thread(start_unseen, &block);
    struct tm_slot overflow;
    ck_assert(find_slot_in(TM_OVERFLOW, &overflow));
    expect_live(&overflow.totals, 100, 1);
    ck_assert_uint_eq(count_slots(TM_LIVE), 1);
    ck_assert_uint_eq(count_slots(TM_ORPHAN), 0);
    tm_free(block);
    tm_free(first);
    expect_process_live(0, 0);
}
END_TEST

/* As early in a boot: what is random is then taken from elsewhere. A header is still one that no zeros pass for. */
START_TEST(without_random_bytes)
{
    fail_getrandom = true;
    uint64_t *block = tm_malloc(100), *other = tm_calloc(4, 8);
    expect_process_live(132, 2);
    ck_assert_uint_eq(tm_malloc_usable_size(block), 100);
    if (ON_TCMALLOC) { /* else checkers are told that headers are ours */
        ck_assert_uint_ne(block[-2], 0);
        ck_assert_uint_ne(block[-2], other[-2]);
    }
    tm_free(block);
    tm_free(other);
    expect_process_live(0, 0);
}
END_TEST

static void *attach_another(void *unused)
{
    tm_free(tm_malloc(1));
    return unused;
}

static void attach_and_live(void)
{
    void *block = tm_malloc(10);
    struct tm_slot slot;
    in_thread(attach_another, NULL); /* looks for dead threads before the table grows */
    ck_assert(find_slot_of(gettid(), &slot) && slot.state == TM_LIVE);
    tm_free(block);
}

static void *fork_here(void *unused)
{
    in_child(attach_and_live);
    return unused;
}

static void fork_by_another_thread(void)
{
    before_atfork = NULL;
    in_thread(fork_here, NULL);
}

/* No fork handler of ours is there yet to run in the child, and none is needed, since no thread has attached. */
START_TEST(a_fork_before_there_are_handlers)
{
    before_atfork = fork_by_another_thread;
    tm_free(tm_malloc(1));
    expect_process_live(0, 0);
}
END_TEST

static sem_t attached, finish;

static void *attach_and_wait(void *unused)
{
    void *block = tm_malloc(30);
    sem_post(&attached);
    sem_wait(&finish);
    tm_free(block);
    return unused;
}

static void expect_to_be_alone(void)
{
    ck_assert_uint_eq(count_slots(TM_LIVE), 1);
    ck_assert_uint_eq(count_slots(TM_ORPHAN), 1);
    expect_process_live(31, 2);
}

static void *fork_beside_another(void *unused)
{
    pthread_t other;
    ck_assert_int_eq(pthread_create(&other, NULL, attach_and_wait, NULL), 0);
    sem_wait(&attached);
    void *block = tm_malloc(1);
    in_child(expect_to_be_alone);
    tm_free(block);
    sem_post(&finish);
    pthread_join(other, NULL);
    return unused;
}

static void others_come_first(void)
{
    before_atfork = NULL;
    in_thread(fork_beside_another, NULL);
}

/* Two more threads attach, and one of them forks, while the first is attaching. */
START_TEST(no_thread_attaches_before_there_are_handlers)
{
    sem_init(&attached, 0, 0);
    sem_init(&finish, 0, 0);
    before_atfork = others_come_first;
    tm_free(tm_malloc(1));
    expect_process_live(0, 0);
}
END_TEST

int main(void)
{
    atfork_works = true;
    Suite *suite = suite_create("attach");
    TCase *tcase = add_case(suite, "attach", 30);
    tcase_add_loop_test(tcase, the_first_thread_interrupted_at_each_step, 0, STEPS);
    tcase_add_loop_test(tcase, a_later_thread_interrupted_at_each_step, 0, 2);
    tcase_add_test(tcase, a_fork_before_there_are_handlers);
    tcase_add_test(tcase, no_thread_attaches_before_there_are_handlers);
    tcase_add_test(tcase, a_thread_whose_end_cannot_be_seen_holds_no_slot);
    tcase_add_test(tcase, without_random_bytes);
    return run_suite(suite);
}
