/* SPDX-License-Identifier: BSD-3-Clause */
/* A program that calls plain malloc, with our library preloaded. By our names it calls only functions for totals. */
#define _GNU_SOURCE
#include "support/support.h"

#include <dirent.h>
#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

extern char *early_block, *early_copy;

/* The caller's totals at begin(). */
static struct tm_totals since;

static void begin(void)
{
    since = thread_totals();
}

/* Not by an assertion of Check's, which allocates even if it holds. */
static void expect_more(uint64_t bytes, uint64_t blocks)
{
    struct tm_totals now = thread_totals();
    uint64_t more_bytes = tm_live_bytes(&now) - tm_live_bytes(&since);
    uint64_t more_blocks = tm_live_blocks(&now) - tm_live_blocks(&since);
    if (more_bytes != bytes || more_blocks != blocks)
        ck_abort_msg("%llu bytes more in %llu blocks, not %llu in %llu", (unsigned long long)more_bytes,
                     (unsigned long long)more_blocks, (unsigned long long)bytes, (unsigned long long)blocks);
}

/* For the same reason, to be used between begin() and expect_more(). */
#define expect(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            ck_abort_msg("%s", #condition);                                                                            \
    } while (0)

static void expect_nothing_foreign(void)
{
    struct tm_cross_allocator_calls calls = cross_allocator_calls();
    ck_assert_uint_eq(calls.foreign_frees, 0);
    ck_assert_uint_eq(calls.foreign_reallocs, 0);
    ck_assert_uint_eq(calls.intercepted_frees, 0);
}

START_TEST(each_function_of_the_family_is_ours)
{
    void *volatile blocks[9];
    begin();
    blocks[0] = malloc(100);
    expect_more(100, 1);
    blocks[1] = calloc(10, 10);
    expect_more(200, 2);
    blocks[2] = realloc(NULL, 100);
    blocks[2] = realloc(blocks[2], 300);
    expect_more(500, 3);
    blocks[3] = reallocarray(NULL, 5, 20);
    expect_more(600, 4);
    blocks[4] = memalign(64, 100);
    expect_more(700, 5);
    blocks[5] = aligned_alloc(256, 256);
    expect_more(956, 6);
    void *aligned = NULL;
    expect(posix_memalign(&aligned, 4096, 44) == 0);
    blocks[6] = aligned;
    expect_more(1000, 7);
    blocks[7] = valloc(1000);
    expect_more(2000, 8);
    blocks[8] = pvalloc(1);
    expect_more(2000 + (uint64_t)getpagesize(), 9);
    expect(((uintptr_t)blocks[4] % 64 | (uintptr_t)blocks[5] % 256 | (uintptr_t)blocks[6] % 4096) == 0);
    expect(malloc_usable_size(blocks[0]) == 100);
    for (int i = 0; i < 9; i++)
        free(blocks[i]);
    expect_more(0, 0);
    expect_nothing_foreign();
}
END_TEST

/* Functions of C23, and an old one of glibc: no header declares all of them. */
START_TEST(functions_that_few_headers_have)
{
    void (*free_sized)(void *, size_t) = dlsym(RTLD_DEFAULT, "free_sized");
    void (*free_aligned_sized)(void *, size_t, size_t) = dlsym(RTLD_DEFAULT, "free_aligned_sized");
    void (*cfree)(void *) = dlsym(RTLD_DEFAULT, "cfree");
    begin();
    void *volatile plain = malloc(10), *volatile aligned = aligned_alloc(64, 64), *volatile old = malloc(30);
    expect_more(104, 3);
    free_sized(plain, 10);
    free_aligned_sized(aligned, 64, 64);
    cfree(old);
    expect_more(0, 0);
}
END_TEST

START_TEST(what_libc_allocates_is_ours)
{
    begin();
    char *copy = strdup("123456789");
    expect_more(10, 1);
    char *text = NULL;
    expect(asprintf(&text, "%d", 12345) == 5);
    expect(malloc_usable_size(text) == 6);
    expect_more(16, 2);
    FILE *file = fopen("/dev/null", "w");
    DIR *directory = opendir("/");
    struct tm_totals now = thread_totals();
    expect(tm_live_bytes(&now) - tm_live_bytes(&since) > 16 + 1024);
    closedir(directory);
    fclose(file);
    expect_more(16, 2);
    free(copy);
    free(text);
    expect_more(0, 0);
    expect_nothing_foreign();
}
END_TEST

START_TEST(what_is_refused)
{
    volatile size_t huge = SIZE_MAX / 2;
    begin();
    errno = 0;
    expect(!malloc(huge));
    expect(errno == ENOMEM);
    errno = 0;
    expect(!calloc(huge, 3));
    expect(errno == ENOMEM);
    errno = 0;
    void *volatile block = malloc(10);
    expect(!realloc(block, huge));
    expect(errno == ENOMEM);
    void *untouched = block;
    expect(posix_memalign(&untouched, 3, 10) == EINVAL);
    expect(untouched == block);
    expect_more(10, 1);
    free(block);
    free(NULL);
    expect_more(0, 0);
}
END_TEST

static void *make_block(void *arg)
{
    *(void **)arg = malloc(700);
    return NULL;
}

START_TEST(blocks_of_other_threads)
{
    void *block;
    in_thread(make_block, &block);
    struct tm_slot orphan;
    expect(find_slot_in(TM_ORPHAN, &orphan));
    expect_live(&orphan.totals, 700, 1);
    begin();
    free(block);
    expect_more(0, 0);
    expect(!find_slot_in(TM_ORPHAN, &orphan));
    expect_invariant();
}
END_TEST

START_TEST(constructors_come_before_us_and_are_counted)
{
    struct tm_slot mine;
    expect(find_slot_of(gettid(), &mine));
    expect(malloc_usable_size(early_block) == 1234);
    expect(malloc_usable_size(early_copy) == 6);
    expect(tm_live_bytes(&mine.totals) >= 1240);
}
END_TEST

START_TEST(the_dynamic_linker_is_counted)
{
    begin();
    for (int i = 0; i < 3; i++) {
        void *library = dlopen(getenv("PLUGIN"), RTLD_NOW);
        ck_assert_msg(library, "%s", dlerror());
        dlclose(library);
        expect(!dlopen("/nowhere/at/all.so", RTLD_NOW));
        expect(dlerror());
    }
    struct tm_totals now = thread_totals();
    expect(now.allocated_blocks > since.allocated_blocks);
    expect_nothing_foreign();
    expect_invariant();
}
END_TEST

/* A program can still find glibc's own malloc. Our free and realloc pass its blocks on to glibc. */
START_TEST(blocks_that_libc_itself_gave)
{
    void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD);
    void *(*libc_malloc)(size_t) = dlsym(libc, "malloc");
    expect(libc_malloc);
    begin();
    void *volatile block = libc_malloc(5000);
    memset(block, 1, 5000);
    expect_more(0, 0);
    expect(malloc_usable_size(block) >= 5000);
    block = realloc(block, 9000);
    expect(((char *)block)[0] == 1 && ((char *)block)[4999] == 1);
    free(block);
    block = tm_libc_malloc(100);
    expect_more(0, 0);
    tm_libc_free(block);
    expect_more(0, 0);
    struct tm_cross_allocator_calls calls = cross_allocator_calls();
    expect(calls.foreign_reallocs == 1);
    expect(calls.foreign_frees == 1);
}
END_TEST

static void serve(void)
{
    struct tm_slot mine;
    expect(find_slot_of(gettid(), &mine) && count_slots(TM_LIVE) == 1); /* no thread of the parent */
    void *stack_and_all;
    in_thread(make_block, &stack_and_all); /* libc keeps the stack of a thread for the next one */
    free(stack_and_all);
    begin();
    void *volatile block = malloc(4321);
    expect_more(4321, 1);
    in_thread(make_block, (void *)&block);
    expect_more(4321, 1);
    expect(count_slots(TM_ORPHAN) == 1);
    free(block);
    expect(count_slots(TM_ORPHAN) == 0);
    expect_invariant();
}

static pthread_barrier_t accepted, closed;

static void *accept_clients(void *arg)
{
    (void)arg;
    free(malloc(100));
    pthread_barrier_wait(&accepted);
    pthread_barrier_wait(&closed);
    return NULL;
}

START_TEST(children_of_a_fork_server)
{
    pthread_t thread;
    pthread_barrier_init(&accepted, NULL, 2);
    pthread_barrier_init(&closed, NULL, 2);
    pthread_create(&thread, NULL, accept_clients, NULL);
    pthread_barrier_wait(&accepted);
    for (int i = 0; i < 20; i++)
        in_child(serve);
    pthread_barrier_wait(&closed);
    pthread_join(thread, NULL);
    expect_invariant();
}
END_TEST

static void free_twice(void)
{
    close(2);
    void *volatile block = malloc(10);
    free(block);
    free(block);
}

START_TEST(a_double_free_ends_the_program)
{
    pid_t child = fork();
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        free_twice();
        _exit(0);
    }
    int status;
    expect(waitpid(child, &status, 0) == child);
    expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}
END_TEST

static void *churn(void *arg)
{
    uint64_t random = (uintptr_t)arg;
    void *volatile blocks[64] = {0};
    for (int i = 0; i < 20000; i++) {
        unsigned at = random_next(&random) % 64;
        size_t size = random_next(&random) % 500;
        switch (random_next(&random) % 4) {
        case 0:
            blocks[at] = realloc(blocks[at], size + 1);
            break;
        case 1:
            free(blocks[at]);
            blocks[at] = calloc(1, size);
            break;
        default:
            free(blocks[at]);
            blocks[at] = malloc(size);
        }
    }
    for (int i = 0; i < 64; i++)
        free(blocks[i]);
    return NULL;
}

START_TEST(threads_leave_nothing)
{
    struct tm_totals before = process_totals();
    pthread_t threads[4];
    for (uintptr_t i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, churn, (void *)(i + 1));
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    expect_invariant();
    expect(process_totals().allocated_blocks > before.allocated_blocks + 4 * 15000);
    struct tm_slot orphan;
    expect(!find_slot_in(TM_ORPHAN, &orphan));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("preload");
    TCase *tcase = add_case(suite, "preload", 60);
    tcase_add_test(tcase, each_function_of_the_family_is_ours);
    tcase_add_test(tcase, functions_that_few_headers_have);
    tcase_add_test(tcase, what_libc_allocates_is_ours);
    tcase_add_test(tcase, what_is_refused);
    tcase_add_test(tcase, blocks_of_other_threads);
    tcase_add_test(tcase, constructors_come_before_us_and_are_counted);
    tcase_add_test(tcase, the_dynamic_linker_is_counted);
    tcase_add_test(tcase, blocks_that_libc_itself_gave);
    tcase_add_test(tcase, children_of_a_fork_server);
    tcase_add_test(tcase, a_double_free_ends_the_program);
    tcase_add_test(tcase, threads_leave_nothing);
    return run_suite(suite);
}
