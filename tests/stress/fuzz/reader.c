/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Turns bytes into changes of a published file, and into changes between two reads of the reader, whose pread() is
 * replaced here. The reader must return either an error with a message or a consistent reading. The file is in memory,
 * and small except for the tables of flow. This process has it mapped, as if it were the process that publishes it.
 */
#include "support/small_file.h"
#include "support/counters.h"
#include "input.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <threadmeter/reader.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum { FLOW_SETS = 4 }; /* only the first sets of the flow tables are changed */

static __attribute__((noreturn, format(printf, 1, 2))) void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("fuzz: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    abort();
}

#define EXPECT(condition, ...) ((condition) ? (void)0 : fail(__VA_ARGS__))

/* ---- the file ---- */

static int file;
static struct tm__region *region; /* the whole file, mapped */
static struct tm__flows *flows;
static char path[32];

static void begin_file(void)
{
    EXPECT(ftruncate(file, SIZE) == 0, "no file");
    memset(region, 0, FLOWS_OFFSET);
    for (int set = 0; set < FLOW_SETS; set++) {
        memset(&flows->pairs[set], 0, sizeof flows->pairs[set]);
        memset(&flows->parties[set], 0, sizeof flows->parties[set]);
    }
    flows->displaced_bytes = flows->displaced_blocks = 0;
    region->head = small_head();
    region->head.pid = getpid();
    region->head.slots_used = 4;
    region->head.tags_used = 3;
}

/* ---- how an input changes the file ---- */

static uint64_t take_word(void)
{
    uint64_t word = 0;
    for (int i = 0; i < 8; i++)
        word = word << 8 | take_byte();
    return word;
}

static uint64_t take_value(void)
{
    static const uint64_t limits[] = {UINT64_MAX, INT64_MAX, UINT32_MAX, INT32_MAX,          SIZE,
                                      131072,     131073,    TM__HEAD,   TM__TAG_PLACES + 2, UINT64_MAX - 4095};
    uint8_t first = take_byte();
    if (first < 160)
        return first;
    if (first < 176)
        return UINT64_C(1) << (first - 160) * 4;
    if (first < 192)
        return limits[first % (sizeof limits / sizeof limits[0])];
    if (first < 224)
        return take_byte() << 8 | TM__ORPHAN; /* for example a word with generation and state */
    return take_word();
}

static void put(void *place, size_t size)
{
    uint64_t value = take_value();
    memcpy(place, &value, size);
}

/* Changes one word of one of the first `count` rows. */
static void put_in(void *rows, size_t row_size, unsigned count)
{
    unsigned row = take_byte() % count;
    put((char *)rows + row * row_size + take_byte() * 8u % row_size, 8);
}

static bool is_cut; /* the file is shorter than the mapping; a write after its end would be a SIGBUS */

static void change_file(void)
{
    uint8_t what = take_byte();
    if (is_cut || what % 32 == 31) {
        EXPECT(ftruncate(file, is_cut ? (off_t)SIZE : (off_t)(take_value() % SIZE)) == 0, "no file");
        is_cut = !is_cut;
        return;
    }
    switch (what % 8) {
    case 0: /* not the pid, because the reader would search all processes for one that has the file mapped */
        what = take_byte() % 46 * 4;
        put((char *)&region->head + what, what == offsetof(struct tm__head, pid) ? 0 : 4);
        break;
    case 1:
    case 2:
    case 3:
        put_in((char *)region + SLOTS_OFFSET, sizeof(struct tm__slot), 5);
        break;
    case 4:
    case 5:
        put_in((char *)region + TAGS_OFFSET, sizeof(struct tm__tag), 4);
        break;
    case 6:
        put_in(flows->pairs, sizeof flows->pairs[0], FLOW_SETS);
        break;
    default:
        put_in(flows->parties, sizeof flows->parties[0], FLOW_SETS);
        break;
    }
}

ssize_t __real_pread64(int fd, void *bytes, size_t size, off64_t offset);
ssize_t __wrap_pread64(int fd, void *bytes, size_t size, off64_t offset);

ssize_t __wrap_pread64(int fd, void *bytes, size_t size, off64_t offset)
{
    if (size > 1 && !input_ended() && take_byte() % 4 == 0)
        change_file();
    return __real_pread64(fd, bytes, size, offset);
}

/* ---- what a reading must be ---- */

static void expect_possible(const struct tm_totals *totals, const char *what)
{
    EXPECT(totals->freed_bytes <= totals->allocated_bytes && totals->freed_blocks <= totals->allocated_blocks &&
               totals->remote_frees_received_bytes <= totals->freed_bytes &&
               totals->remote_frees_received_blocks <= totals->freed_blocks,
           "%s freed more than it allocated", what);
    EXPECT(totals->allocated_bytes <= INT64_MAX && totals->allocated_blocks <= INT64_MAX &&
               totals->remote_frees_made_bytes <= INT64_MAX && totals->peak_bytes <= INT64_MAX,
           "%s has more than is possible", what);
}

static void expect_end(const char *name, size_t size)
{
    EXPECT(strnlen(name, size) < size, "a name without a terminating 0");
}

static void expect_process(const struct tm_reading *reading, struct tm_totals *sum, const char *what)
{
    add_counters(sum, &reading->retired);
    sum->peak_bytes = reading->process.peak_bytes;
    EXPECT(memcmp(sum, &reading->process, sizeof *sum) == 0, "%s and the retired total do not add up to the process",
           what);
}

static void expect_slots(const struct tm_reading *reading)
{
    struct tm_totals sum = {0};
    EXPECT(reading->slot_count >= 2 && reading->slots[0].state == TM_LATE && reading->slots[1].state == TM_OVERFLOW,
           "no shared slots");
    for (size_t i = 0; i < reading->slot_count; i++) {
        const struct tm_slot *slot = &reading->slots[i];
        expect_possible(&slot->totals, "a slot");
        expect_end(slot->name, sizeof slot->name);
        EXPECT(tm_live_bytes(&slot->totals) <= slot->totals.peak_bytes, "above its peak");
        EXPECT(slot->totals.peak_bytes <= slot->thread_peak_bytes && slot->thread_peak_bytes <= INT64_MAX,
               "above the thread's peak");
        EXPECT((i < 2) == (slot->thread == 0), "a slot of no thread");
        EXPECT(slot->tag >= 0 && slot->slot < SLOTS, "no such slot");
        EXPECT(i == 0 || slot->slot > slot[-1].slot, "not in order");
        add_counters(&sum, &slot->totals);
    }
    expect_process(reading, &sum, "slots");
}

static void expect_threads(const struct tm_reading *reading)
{
    struct tm_totals sum = {0};
    EXPECT(reading->thread_count >= 2, "no shared threads");
    for (size_t i = 0; i < reading->thread_count; i++) {
        const struct tm_thread_reading *thread = &reading->threads[i];
        bool shared = i + 2 >= reading->thread_count;
        expect_possible(&thread->totals, "a thread");
        expect_end(thread->name, sizeof thread->name);
        EXPECT(shared == (thread->thread == 0), "not in order");
        EXPECT(i == 0 || shared || tm_live_bytes(&thread->totals) <= tm_live_bytes(&thread[-1].totals), "not in order");
        add_counters(&sum, &thread->totals);
    }
    expect_process(reading, &sum, "threads");
}

static void expect_consistent(const struct tm_reading *reading)
{
    uint64_t flow_bytes = 0;
    expect_possible(&reading->process, "the process");
    expect_possible(&reading->retired, "what is retired");
    EXPECT(tm_live_bytes(&reading->process) <= reading->process.peak_bytes, "the process is above its peak");
    expect_end(reading->program, sizeof reading->program);
    expect_slots(reading);
    expect_threads(reading);
    for (size_t i = 0; i < reading->tag_count; i++) {
        expect_possible(&reading->tags[i].totals, "a tag");
        expect_end(reading->tags[i].name, sizeof reading->tags[i].name);
        EXPECT(reading->tags[i].tag > 0, "no such tag");
    }
    for (size_t i = 0; i < reading->flow_count; i++) {
        expect_end(reading->flows[i].owner_name, sizeof reading->flows[i].owner_name);
        expect_end(reading->flows[i].freer_name, sizeof reading->flows[i].freer_name);
        EXPECT(reading->flows[i].bytes <= (uint64_t)INT64_MAX - flow_bytes, "more flow than there can be");
        flow_bytes += reading->flows[i].bytes;
    }
}

static void expect_error(int error, const char *message)
{
    EXPECT(error == -EINVAL || error == -EPROTONOSUPPORT, "error %d: %s", error, message);
    EXPECT(message[0] != '\0' && strnlen(message, TM_READER_MESSAGE) < TM_READER_MESSAGE, "no message");
}

static void read_twice(void)
{
    struct tm_reader *reader;
    char message[TM_READER_MESSAGE] = "";
    int error = tm_reader_open(path, &reader, message);
    if (error) {
        expect_error(error, message);
        return;
    }
    for (int i = 0; i < 2; i++) {
        const struct tm_reading *reading;
        error = tm_reader_read(reader, &reading, message);
        if (error)
            expect_error(error, message);
        else
            expect_consistent(reading);
    }
    tm_reader_close(reader);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    file = memfd_create("reader.tm", MFD_CLOEXEC);
    EXPECT(file >= 0 && ftruncate(file, SIZE) == 0, "no file");
    region = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    EXPECT(region != MAP_FAILED, "no memory");
    flows = (struct tm__flows *)((char *)region + FLOWS_OFFSET);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    is_cut = false;
    begin_file();
    input_begin(bytes, size);
    for (int changes = take_byte() % 64; changes > 0 && !input_ended(); changes--)
        change_file();
    read_twice();
    return 0;
}
