/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "support/support.h"
#include "support/counters.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef TM_SANITIZED
/* So that it is linked; see meson.build. */
void tm__expect_names(void);
void (*const support_sees_names)(void) = tm__expect_names;
#endif

struct sums {
    struct tm_totals retired, slots, process;
    struct tm_totals retired_by_name;
    size_t impossible; /* slots whose figures are impossible */
};

static int add_slot(const struct tm_slot *slot, void *arg)
{
    struct sums *sums = arg;
    struct tm_totals *sum = &sums->slots;
    const struct tm_totals *t = &slot->totals;
    sums->impossible += t->freed_bytes > t->allocated_bytes || t->freed_blocks > t->allocated_blocks ||
                        t->remote_frees_received_bytes > t->freed_bytes ||
                        t->remote_frees_received_blocks > t->freed_blocks || tm_live_bytes(t) > t->peak_bytes;
    add_counters(sum, t);
    return 0;
}

static int add_retired(const struct tm_retired *row, void *arg)
{
    struct sums *sums = arg;
    add_counters(&sums->retired_by_name, &row->totals);
    return 0;
}

void sums_balance(void)
{
    /* All is read before the first assertion, since assertions allocate, which counts where libc's malloc is ours, too. */
    struct sums sums = {.impossible = 0};
    tm_process_totals(&sums.process);
    tm_retired_totals(&sums.retired);
    int walked = tm_each_slot(add_slot, &sums) + tm_each_retired(add_retired, &sums);
    const struct tm_totals *retired = &sums.retired, *slots = &sums.slots, *process = &sums.process;
    ck_assert_int_eq(walked, 0);
    ck_assert_uint_eq(sums.impossible, 0);
    ck_assert_uint_eq(retired->allocated_bytes, retired->freed_bytes);
    ck_assert_uint_eq(retired->allocated_blocks, retired->freed_blocks);
    struct tm_totals sum = *retired;
    unsigned long long values[2];
    add_counters(&sum, slots);
    const char *counter = differing_counter(&sum, process, values);
    ck_assert_msg(!counter, "%s: the slots and what is retired make %llu, the process %llu", counter, values[0],
                  values[1]);
    counter = differing_counter(&sums.retired_by_name, retired, values);
    ck_assert_msg(!counter, "%s: by name %llu are retired, in all %llu", counter, values[0], values[1]);
    ck_assert_uint_le(tm_live_bytes(process), process->peak_bytes);
}

/* In a fork's child, a region that was published shows no less than is live, but may show more: see state/publish.h. */
static bool live_is_a_bound;

void expect_invariant(void)
{
    sums_balance();
    struct tm_totals process = process_totals();
    size_t heap;
    bool heap_is_known = heap_bytes(&heap);
    ck_assert_uint_eq(process.remote_frees_made_bytes, process.remote_frees_received_bytes);
    if (heap_is_known && !live_is_a_bound)
        ck_assert_uint_ge(heap, tm_live_bytes(&process) + 16 * tm_live_blocks(&process));
}

void expect_live(const struct tm_totals *totals, uint64_t bytes, uint64_t blocks)
{
    ck_assert_uint_eq(tm_live_bytes(totals), bytes);
    ck_assert_uint_eq(tm_live_blocks(totals), blocks);
}

void expect_process_live(uint64_t bytes, uint64_t blocks)
{
    struct tm_totals process = process_totals();
    expect_live(&process, bytes, blocks);
}

void expect_tag(tm_tag tag, uint64_t bytes, uint64_t blocks)
{
    struct tm_totals totals = tag_totals(tag);
    expect_live(&totals, bytes, blocks);
}

struct tm_totals thread_totals(void)
{
    struct tm_totals totals;
    tm_thread_totals(&totals);
    return totals;
}

struct tm_totals process_totals(void)
{
    struct tm_totals totals;
    tm_process_totals(&totals);
    return totals;
}

struct tm_totals tag_totals(tm_tag tag)
{
    struct tm_totals totals;
    ck_assert_int_eq(tm_tag_totals(tag, &totals), 0);
    return totals;
}

struct tm_cross_allocator_calls cross_allocator_calls(void)
{
    struct tm_cross_allocator_calls result;
    tm_process_cross_allocator_calls(&result);
    return result;
}

void expect_no_crossings(void)
{
    struct tm_cross_allocator_calls none = {0}, now = cross_allocator_calls();
    ck_assert_mem_eq(&now, &none, sizeof none);
}

char *filled(size_t size)
{
    char *block = tm_malloc(size);
    ck_assert_ptr_nonnull(block);
    memset(block, 'x', size);
    return block;
}

struct search {
    uint64_t thread; /* 0: any */
    pid_t tid;       /* 0: any */
    int state;       /* -1: any */
    size_t count;
    struct tm_slot first;
};

static int match(const struct tm_slot *slot, void *arg)
{
    struct search *search = arg;
    if ((search->thread == 0 || slot->thread == search->thread) && (search->tid == 0 || slot->tid == search->tid) &&
        (search->state < 0 || (int)slot->state == search->state) && search->count++ == 0)
        search->first = *slot;
    return 0;
}

static size_t look_for(struct search *search, struct tm_slot *found)
{
    tm_each_slot(match, search);
    if (found && search->count > 0)
        *found = search->first;
    return search->count;
}

bool find_slot_of(pid_t tid, struct tm_slot *found)
{
    return look_for(&(struct search){.tid = tid, .state = -1}, found) > 0;
}

bool find_slot_of_thread(uint64_t thread, struct tm_slot *found)
{
    return look_for(&(struct search){.thread = thread, .state = -1}, found) > 0;
}

uint64_t this_thread(void)
{
    struct tm_slot own = {0};
    look_for(&(struct search){.tid = gettid(), .state = TM_LIVE}, &own);
    return own.thread;
}

bool find_slot_in(enum tm_slot_state state, struct tm_slot *found)
{
    return look_for(&(struct search){.state = (int)state}, found) > 0;
}

size_t count_slots(enum tm_slot_state state)
{
    return look_for(&(struct search){.state = (int)state}, NULL);
}

bool raw_heap_bytes(size_t *bytes)
{
    int (*property)(const char *, size_t *) = dlsym(RTLD_DEFAULT, "MallocExtension_GetNumericProperty");
    if (!property || dlsym(RTLD_DEFAULT, "malloc") == dlsym(RTLD_DEFAULT, "tc_malloc"))
        return false;
    return property("generic.current_allocated_bytes", bytes);
}

bool heap_bytes(size_t *bytes)
{
    tm_flush_cache();
    return raw_heap_bytes(bytes);
}

size_t heap_bytes_for(size_t request)
{
    size_t (*size_for)(size_t, int) = dlsym(RTLD_DEFAULT, "nallocx");
    const char *guard = getenv("THREADMETER_GUARD");
    size_t tail = guard ? (strtoul(guard, NULL, 10) + 15) / 16 * 16 : 0;
    return size_for((request + 15) / 16 * 16 + tail, 0);
}

size_t heap_bytes_of(const void *object)
{
    size_t (*size_of)(const void *) = dlsym(RTLD_DEFAULT, "MallocExtension_GetAllocatedSize");
    return size_of(object);
}

struct errand {
    void *(*body)(void *);
    void *arg;
    pid_t tid;
};

static void *run_errand(void *arg)
{
    struct errand *errand = arg;
    errand->tid = gettid();
    return errand->body(errand->arg);
}

void in_thread(void *(*body)(void *), void *arg)
{
    pthread_t thread;
    struct errand errand = {.body = body, .arg = arg};
    /* Not ck_assert(): even one that passes takes a lock of Check's, which a fork at that moment would leave locked. */
    if (pthread_create(&thread, NULL, run_errand, &errand) != 0 || pthread_join(thread, NULL) != 0)
        ck_abort_msg("no thread");
    /* A thread that has been joined may not have left the kernel yet, and would still be found alive. */
    int saved = errno;
    while (syscall(SYS_tgkill, getpid(), errand.tid, 0) == 0)
        sched_yield();
    errno = saved;
}

void *free_it(void *block)
{
    tm_free(block);
    return NULL;
}

void in_child(void (*body)(void))
{
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        live_is_a_bound = getenv("THREADMETER_PUBLISH") != NULL;
        body();
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ended with status %#x", status);
}

/* Meson sets this variable where it runs tests by an emulator. */
static const char *emulator(void)
{
    return getenv("MESON_EXE_WRAPPER");
}

void become(const char *const argv[])
{
    const char *emulated[64] = {emulator()};
    for (size_t i = 0; argv[i] && i + 2 < sizeof emulated / sizeof emulated[0]; i++)
        emulated[i + 1] = argv[i];
    execvp(emulator() ? emulated[0] : argv[0], (char *const *)(emulator() ? emulated : argv));
}

const char *first_thread_name(const char *program, char name[16])
{
    const char *runs = emulator() ? emulator() : program, *slash = strrchr(runs, '/');
    snprintf(name, 16, "%s", slash ? slash + 1 : runs);
    return name;
}

extern void tm__begin_messages(void);

void hear_stderr(int fd)
{
    if (dup2(fd, STDERR_FILENO) != STDERR_FILENO)
        ck_abort_msg("no stderr");
    tm__begin_messages();
}

int run_program(const char *const argv[], char *output, size_t capacity)
{
    int ends[2], status;
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        become(argv);
        _exit(127);
    }
    close(ends[1]);
    size_t used = 0;
    for (ssize_t got; used + 1 < capacity && (got = read(ends[0], output + used, capacity - 1 - used)) > 0;)
        used += (size_t)got;
    output[used] = '\0';
    close(ends[0]);
    char *qemus_own = emulator() ? strstr(output, "qemu: uncaught target signal") : NULL;
    if (qemus_own)
        *qemus_own = '\0';
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    return status;
}

uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

TCase *add_case(Suite *suite, const char *name, double seconds)
{
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, seconds);
    tcase_add_checked_fixture(tcase, NULL, expect_invariant);
    suite_add_tcase(suite, tcase);
    return tcase;
}

bool is_left_out(const char *test, const char *why)
{
    if (emulator())
        printf("# left out: %s: %s\n", test, why);
    return emulator() != NULL;
}

void add_unless_emulated(TCase *tcase, const TTest *test, const char *why)
{
    if (!is_left_out(test->name, why))
        tcase_add_test(tcase, test);
}
