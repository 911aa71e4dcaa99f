/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "scenario.h"
#include "support/support.h"

#include <dirent.h>
#include <execinfo.h>
#include <fcntl.h>
#include <pthread.h>
#include <threadmeter/tags.h>
#include <unistd.h>

enum { PARTS = 4, MOST = 200, WRONG = 3 };

/* Not one of Check's macros: these take locks, and here the first failure of any thread must end the process. */
#define RIGHT(condition) ((condition) ? (void)0 : wrong(#condition, __LINE__))

static void wrong(const char *condition, int line)
{
    dprintf(STDERR_FILENO, "faults/scenario.c:%d: not so: %s\n", line, condition);
    _exit(WRONG);
}

struct part;

struct held {
    unsigned char *bytes; /* NULL: freed */
    size_t size;
    unsigned char fill;
    struct part *owner;
};

/* A thread, its blocks, and what it owns, as the test counts it. */
static struct part {
    pthread_t thread;
    pid_t tid;
    unsigned number;
    struct held held[MOST];
    int count;
    int rounds;       /* rounds of destructors in which it must still allocate */
    bool in_overflow; /* blocks in its tag were charged to the overflow slot, because there was no other */
    _Atomic uint64_t bytes, blocks;
} parts[PARTS];

static pthread_barrier_t rest, checked;

static void charge(struct part *part, size_t size)
{
    part->bytes += size;
    part->blocks++;
}

static void credit(struct part *part, size_t size)
{
    part->bytes -= size;
    part->blocks--;
}

/* Records the result of a call: a block of `size` bytes, or NULL. */
static void keep(struct part *part, void *block, size_t size)
{
    if (!block) {
        RIGHT(errno == ENOMEM);
        return;
    }
    RIGHT(tm_malloc_usable_size(block) == size && part->count < MOST);
    struct held *held = &part->held[part->count++];
    *held = (struct held){block, size, (unsigned char)(part->number * 50 + (unsigned)part->count), part};
    memset(block, held->fill, size);
    charge(part, size);
}

static void keep_string(struct part *part, char *string, const char *expected)
{
    RIGHT(!string || !expected || strcmp(string, expected) == 0);
    keep(part, string, string ? strlen(string) + 1 : 0);
}

static bool intact(const struct held *held, size_t size)
{
    for (size_t i = 0; i < size; i += i < 5000 ? 1 : 61)
        if (held->bytes[i] != held->fill)
            return false;
    return true;
}

/* Resizes a block of any thread. If that succeeds, the calling thread owns it. */
static void resize(struct part *part, struct held *held, size_t size)
{
    unsigned char *moved = tm_realloc(held->bytes, size);
    if (!moved) {
        RIGHT(errno == ENOMEM && intact(held, held->size) && tm_malloc_usable_size(held->bytes) == held->size);
        return;
    }
    size_t before = held->size;
    held->bytes = moved;
    held->size = size;
    RIGHT(intact(held, before < size ? before : size) && tm_malloc_usable_size(moved) == size);
    memset(moved, held->fill, size);
    credit(held->owner, before);
    charge(part, size);
    held->owner = part;
}

static void dispose(struct held *held)
{
    if (!held->bytes)
        return;
    RIGHT(intact(held, held->size));
    tm_free(held->bytes);
    held->bytes = NULL;
    credit(held->owner, held->size);
}

/* ---- the steps: each calls one function, or some related ones ---- */

static void plain(struct part *part)
{
    static const size_t sizes[] = {1, 24, 0, 1000, 40000, 300000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        keep(part, tm_malloc(sizes[i]), sizes[i]);
    unsigned char *cleared = tm_calloc(100, 10);
    for (size_t i = 0; cleared && i < 1000; i++)
        RIGHT(cleared[i] == 0);
    keep(part, cleared, 1000);
    keep(part, tm_calloc(3, 10000), 30000);
    keep(part, tm_reallocarray(NULL, 30, 30), 900);
    keep(part, tm_malloc(SIZE_MAX), 0);
    keep(part, tm_calloc(SIZE_MAX / 2, 3), 0);
}

static void aligned(struct part *part)
{
    static const struct {
        size_t alignment, size;
    } asked[] = {{32, 100}, {64, 0}, {4096, 10}, {4096, 70000}, {1 << 20, 100}};
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        void *block = tm_memalign(asked[i].alignment, asked[i].size);
        RIGHT((uintptr_t)block % asked[i].alignment == 0);
        keep(part, block, asked[i].size);
    }
    keep(part, tm_aligned_alloc(128, 128), 128);
    keep(part, tm_valloc(500), 500);
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    keep(part, tm_pvalloc(page + 1), 2 * page);
    void *block = NULL;
    errno = EDOM;
    int error = tm_posix_memalign(&block, 256, 300);
    RIGHT(errno == (block ? EDOM : ENOMEM) && error == (block ? 0 : ENOMEM));
    errno = error;
    keep(part, block, 300);
}

static void resized(struct part *part)
{
    static const size_t ways[][2] = {{10, 20},         {10, 5000},       {5000, 10},       {1000, 300000},
                                     {300000, 350000}, {300000, 600000}, {600000, 300000}, {300000, 100}};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        int count = part->count;
        keep(part, tm_malloc(ways[i][0]), ways[i][0]);
        if (part->count > count)
            resize(part, &part->held[count], ways[i][1]);
    }
    int count = part->count;
    keep(part, tm_memalign(64, 5000), 5000);
    if (part->count > count)
        resize(part, &part->held[count], 200);
}

static void strings(struct part *part)
{
    keep_string(part, tm_strdup("a string"), "a string");
    keep_string(part, tm_strndup("a string", 3), "a s");
    wchar_t *wide = tm_wcsdup(L"wide");
    keep(part, wide, wide ? 5 * sizeof *wide : 0);
    static const int widths[] = {5, 700};
    for (size_t i = 0; i < 2; i++) {
        char *printed = (char *)part;
        int length = tm_asprintf(&printed, "%*d", widths[i], 12345);
        RIGHT(length == (printed ? widths[i] : -1));
        keep(part, printed, (size_t)widths[i] + 1);
    }
}

static void paths(struct part *part)
{
    char here[1000], *block;
    RIGHT(readlink("/proc/self/cwd", here, sizeof here - 1) > 0);
    block = tm_realpath("/proc/self/../../usr/.", NULL);
    keep_string(part, block, "/usr");
    keep_string(part, tm_canonicalize_file_name("/usr/./"), "/usr");
    keep_string(part, tm_getcwd(NULL, 0), NULL);
    keep(part, tm_getcwd(NULL, sizeof here), sizeof here);
    keep_string(part, tm_get_current_dir_name(), NULL);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    keep_string(part, tm_tempnam("/tmp", "tm"), NULL);
#pragma GCC diagnostic pop
    void *addresses[] = {__builtin_return_address(0)};
    block = (char *)tm_backtrace_symbols(addresses, 1);
    keep(part, block, block ? sizeof(char *) + strlen(*(char **)block) + 1 : 0);
}

static void lines(struct part *part)
{
    char text[1200], *line = NULL;
    size_t capacity = 0;
    memset(text, 'x', sizeof text);
    text[50] = text[400] = ';';
    FILE *stream = fmemopen(text, sizeof text, "r");
    RIGHT(stream != NULL);
    for (int i = 0; i < 4; i++) {
        ssize_t length = tm_getdelim(&line, &capacity, ';', stream);
        RIGHT(length != 0 && (length > 0 || feof(stream) || errno == ENOMEM));
        RIGHT(length < 0 || (line && (size_t)length < capacity && line[length] == '\0'));
    }
    fclose(stream);
    errno = ENOMEM;
    keep(part, line, capacity);
}

static void memory_stream(struct part *part)
{
    char *buffer = NULL;
    size_t size = 0;
    FILE *stream = tm_open_memstream(&buffer, &size);
    if (!stream) {
        RIGHT(errno == ENOMEM);
        return;
    }
    for (int i = 0; i < 50; i++)
        fprintf(stream, "line %2d, and something more than that\n", i);
    fclose(stream);
    RIGHT(buffer && buffer[size] == '\0');
    size_t usable = tm_malloc_usable_size(buffer); /* more than `size` if the last realloc failed */
    RIGHT(usable > size);
    keep(part, buffer, usable);
}

static int without_dots(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void keep_entries(struct part *part, struct dirent **list, int count)
{
    RIGHT(count > 0 || (count < 0 && errno == ENOMEM && !list));
    for (int i = 0; i < count; i++)
        keep(part, list[i], list[i]->d_reclen);
    if (count > 0)
        keep(part, list, (size_t)count * sizeof *list);
}

static void directory(struct part *part)
{
    struct dirent **list = NULL;
    int count = tm_scandir("/proc/self/task", &list, without_dots, alphasort);
    keep_entries(part, list, count);
}

/* Memory of the process's own malloc. */
static void foreign(struct part *part)
{
    (void)part;
    tm_free(strdup("foreign"));
    char *memory = strdup("foreign"), *moved = tm_realloc(memory, 1000);
    RIGHT(moved || errno == ENOMEM);
    tm_free(moved ? moved : memory);
}

static void (*const steps[])(struct part *) = {plain, aligned,       resized,   strings, paths,
                                               lines, memory_stream, directory, foreign};
enum { STEPS = sizeof steps / sizeof steps[0] };

/* ---- comparisons ---- */

/* Compares a thread that has its own slots. At this moment no other thread may free its blocks. */
static void compare(const struct part *part)
{
    struct tm_totals totals;
    if (tm_thread_totals_of(part->tid, &totals) == 0 && !part->in_overflow)
        RIGHT(tm_live_bytes(&totals) == part->bytes && tm_live_blocks(&totals) == part->blocks &&
              tm_live_bytes(&totals) <= totals.peak_bytes);
}

static int add_live(const struct tm_slot *slot, void *sum)
{
    const struct tm_totals *totals = &slot->totals;
    RIGHT(totals->freed_bytes <= totals->allocated_bytes && totals->freed_blocks <= totals->allocated_blocks);
    RIGHT(totals->remote_frees_received_bytes <= totals->freed_bytes);
    ((uint64_t *)sum)[0] += tm_live_bytes(totals);
    ((uint64_t *)sum)[1] += tm_live_blocks(totals);
    return 0;
}

static void compare_all(void)
{
    uint64_t bytes = 0, blocks = 0, seen[2] = {0};
    struct tm_totals process = process_totals();
    for (int i = 0; i < PARTS; i++) {
        compare(&parts[i]);
        bytes += parts[i].bytes;
        blocks += parts[i].blocks;
    }
    RIGHT(tm_live_bytes(&process) == bytes && tm_live_blocks(&process) == blocks);
    tm_each_slot(add_live, seen);
    RIGHT(seen[0] == bytes && seen[1] == blocks);
    int dev_null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    RIGHT(dev_null < 0 || tm_report(dev_null) == 0);
    close(dev_null);
}

/* All threads wait, while the first one compares. */
static void rest_and_check(const struct part *part)
{
    pthread_barrier_wait(&rest);
    if (part->number == 0)
        compare_all();
    pthread_barrier_wait(&checked);
}

/* ---- the threads ---- */

static pthread_key_t exit_key;

static void allocate_at_exit(void *rounds)
{
    char *text = tm_strdup("at exit"), *longer = tm_realloc(text, 2000);
    RIGHT((text && longer) || errno == ENOMEM);
    tm_free(longer ? longer : text);
    if (--*(int *)rounds > 0)
        pthread_setspecific(exit_key, rounds);
}

/* Does a step in a tag of the thread's own. */
static void act_in_tag(struct part *part, void (*step)(struct part *))
{
    tm_tag tag = tm_tag_open((char[]){'p', (char)('0' + part->number), '\0'});
    RIGHT(tag > TM_TAG_OTHER && tm_tag_enter(tag) == 0 && tm_tag_current() == tag);
    step(part);
    tm_tag_leave(0);
    struct tm_totals totals;
    RIGHT(tm_tag_totals(tag, &totals) == 0);
    part->in_overflow |= totals.allocated_blocks == 0;
}

static void claim(struct part *part, struct held *held)
{
    RIGHT(tm_claim(held->bytes) == (held->bytes ? 0 : -EINVAL));
    if (!held->bytes)
        return;
    credit(held->owner, held->size);
    charge(part, held->size);
    held->owner = part;
}

static void *act(void *arg)
{
    struct part *part = arg, *neighbour = &parts[(part->number + 1) % PARTS];
    part->tid = gettid();
    part->rounds = SANITIZED ? 1 : PTHREAD_DESTRUCTOR_ITERATIONS;
    pthread_setspecific(exit_key, &part->rounds);
    for (unsigned i = 0; i < STEPS; i++) {
        void (*step)(struct part *) = steps[(i + part->number) % STEPS];
        if (i % 2 == 0)
            step(part);
        else
            act_in_tag(part, step);
        compare(part);
    }
    rest_and_check(part);
    for (int i = 0; i < neighbour->count; i++) {
        struct held *held = &neighbour->held[i];
        if (i % 3 == 0)
            resize(part, held, held->size / 2 + 40);
        else if (i % 3 == 1)
            dispose(held);
        else
            claim(part, held);
    }
    rest_and_check(part);
    for (int i = 0; i < part->count; i++)
        dispose(&part->held[i]);
    rest_and_check(part);
    return NULL;
}

void prepare_scenario(void)
{
    pthread_key_create(&exit_key, allocate_at_exit);
}

void run_scenario(void)
{
    pthread_barrier_init(&rest, NULL, PARTS);
    pthread_barrier_init(&checked, NULL, PARTS);
    for (unsigned i = 0; i < PARTS; i++) {
        parts[i].number = i;
        RIGHT(pthread_create(&parts[i].thread, NULL, act, &parts[i]) == 0);
    }
    for (int i = 0; i < PARTS; i++)
        RIGHT(pthread_join(parts[i].thread, NULL) == 0);
    compare_all();
    RIGHT(count_slots(TM_LIVE) + count_slots(TM_ORPHAN) == 0);
}
