/* SPDX-License-Identifier: BSD-3-Clause */
#define _GNU_SOURCE
#include "base/options.h"
#include "base/backend.h"
#include "base/header.h"
#include "base/environment.h"
#include "base/kernel.h"
#include "base/messages.h"
#include "base/text.h"
#include "threadmeter/tags.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

_Atomic size_t tm__tail;
uint32_t tm__edge_bits = TM__SMALLEST_PAGE - TM__HEADER;
_Atomic unsigned tm__cache_after;
_Atomic uint64_t tm__cache_bytes;
_Atomic bool tm__continue_after_misuse;
_Atomic bool tm__flow_requested;
char tm__publish_directory[PATH_MAX];
static const char *_Atomic limits; /* a copy of THREADMETER_LIMIT; memory order as for the variables above */

/* The names from CACHE_BYTES on are not our options: see base/backend.h. */
enum option { GUARD, ON_ERROR, LIMIT, FLOW, PUBLISH, CACHE, CACHE_BYTES, FIRST_OBSERVER };
static const char *const names[] = {[GUARD] = "THREADMETER_GUARD",           [ON_ERROR] = "THREADMETER_ON_ERROR",
                                    [LIMIT] = "THREADMETER_LIMIT",           [FLOW] = "THREADMETER_FLOW",
                                    [PUBLISH] = "THREADMETER_PUBLISH",       [CACHE] = "THREADMETER_CACHE",
                                    [CACHE_BYTES] = TM__BACKEND_CACHE_BYTES, TM__BACKEND_OBSERVERS};
enum { OPTIONS = sizeof names / sizeof *names };

/*
 * Values as they were when the program started. The copy is stored before `seen` (release), so a thread that loads
 * `seen` (acquire) and finds the same string may read the copy.
 */
static struct {
    const char *copy;
    const char *_Atomic seen;
} kept[OPTIONS];

/* Of any length; it is never freed. */
static const char *copy_of(enum option option, const char *value)
{
    size_t size = strlen(value) + 1;
    char *copy = tm__sys_mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
    if (!tm__sys_failed(copy))
        return memcpy(copy, value, size);
    char line[128];
    struct tm__text text = TM__TEXT(line, tm__fd_for_notice());
    tm__put(&text, "threadmeter: no memory to keep ");
    tm__put(&text, names[option]);
    tm__put(&text, ", and it is ignored\n");
    tm__flush(&text);
    return "";
}

/* Not strcmp(): see read_tail(). */
static bool equal(const char *a, const char *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

/*
 * The value with which the program was started, even if the program has since overwritten its environment (to set its
 * title, say) or removed the variable. But if the program itself has set the variable before its first block, that
 * value is at another address, and counts. NULL if there is no value.
 */
static const char *value_of(enum option option)
{
    const char *now = tm__getenv(names[option]);
    const char *seen = atomic_load_explicit(&kept[option].seen, memory_order_acquire);
    /* The strings are compared, too, since the program may have moved its environment. */
    bool same = seen && (!now || now == seen || equal(now, kept[option].copy));
    return same ? kept[option].copy : now;
}

/* Whether the variable is `yes`. Any other word than `no` is reported, and taken for `no`, the default. */
static bool env_is(enum option option, const char *yes, const char *no)
{
    const char *value = value_of(option);
    if (!value || !*value || equal(value, no))
        return false;
    if (equal(value, yes))
        return true;
    char line[512];
    struct tm__text text = TM__TEXT(line, tm__fd_for_notice());
    tm__put(&text, "threadmeter: ");
    tm__put(&text, names[option]);
    tm__put(&text, " is neither ");
    tm__put(&text, yes);
    tm__put(&text, " nor ");
    tm__put(&text, no);
    tm__put(&text, ", and ignored\n");
    tm__flush(&text);
    return false;
}

static bool is_set(enum option option)
{
    const char *value = value_of(option);
    return value && *value;
}

/* An observer must see each malloc and free, so threads have no cache then. */
static bool is_observed(void)
{
    for (unsigned option = FIRST_OBSERVER; option < OPTIONS; option++)
        if (is_set((enum option)option))
            return true;
    return false;
}

static unsigned read_cache(void)
{
    enum { USUAL = 64 };
    const char *value = value_of(CACHE);
    if (value && equal(value, "1"))
        return 0;
    bool off = env_is(CACHE, "0", "1") || is_observed();
    return off ? UINT_MAX : USUAL;
}

static uint64_t read_cache_bytes(void)
{
    enum { USUAL = 32 << 20 };
    const char *value = value_of(CACHE_BYTES);
    return value && *value >= '0' && *value <= '9' ? strtoull(value, NULL, 10) : USUAL;
}

/*
 * Reads name=bytes, with an optional K, M or G after it. Returns where the next entry begins; NULL if this is not an
 * entry.
 */
static const char *read_limit(const char *entry, size_t *name_length, uint64_t *bytes)
{
    const char *value = strchr(entry, '='), *comma = strchr(entry, ',');
    size_t entry_length = comma ? (size_t)(comma - entry) : strlen(entry);
    if (!value || value == entry || value > entry + entry_length || value[1] < '0' || value[1] > '9')
        return NULL;
    char *end;
    int saved = errno;
    errno = 0;
    unsigned long long number = strtoull(value + 1, &end, 10);
    bool overflows = errno != 0;
    errno = saved;
    static const char units[] = "KMG";
    const char *unit = *end ? strchr(units, *end) : NULL;
    int shift = unit ? 10 * (int)(unit - units + 1) : 0;
    end += unit != NULL;
    if (overflows || number > UINT64_MAX >> shift || value - entry > TM_TAG_NAME_MAX || end != entry + entry_length)
        return NULL;
    *name_length = (size_t)(value - entry);
    *bytes = (uint64_t)number << shift;
    return *end ? end + 1 : end;
}

uint64_t tm__limit_from_environment(const char *name)
{
    size_t length = 0;
    uint64_t bytes = 0;
    for (const char *entry = limits, *next; entry && *entry; entry = next) {
        next = read_limit(entry, &length, &bytes);
        if (next && strlen(name) == length && memcmp(name, entry, length) == 0)
            return bytes;
    }
    return 0;
}

static const char *read_limits(void)
{
    const char *value = value_of(LIMIT);
    if (value && value != kept[LIMIT].copy)
        value = copy_of(LIMIT, value);
    const char *entry = value;
    size_t length;
    uint64_t bytes;
    while (entry && *entry) {
        const char *next = read_limit(entry, &length, &bytes);
        if (!next) {
            char line[512];
            struct tm__text text = TM__TEXT(line, tm__fd_for_notice());
            tm__put(&text, "threadmeter: THREADMETER_LIMIT is no list of tag=bytes[K|M|G], and ignored from here on: ");
            tm__put(&text, entry);
            tm__put(&text, "\n");
            tm__flush(&text);
        }
        entry = next;
    }
    return value;
}

/* Two threads that do this at once write the same bytes. */
static void keep_directory(const char *value)
{
    size_t length = strlen(value);
    if (length < PATH_MAX)
        memcpy(tm__publish_directory, value, length + 1);
    else
        tm__notice("threadmeter: THREADMETER_PUBLISH is too long, and ignored\n");
}

/* The path is made absolute now, since programs change their working directory. */
static __attribute__((noinline)) void keep_relative(const char *value)
{
    char path[PATH_MAX];
    if (tm__sys_getcwd(path, sizeof path) < 0)
        return;
    size_t used = strlen(path), length = strlen(value);
    path[used++] = '/';
    size_t fits = used + length < sizeof path ? length : sizeof path - 1 - used;
    memcpy(path + used, value, fits);
    path[used + fits] = '\0';
    keep_directory(fits == length ? path : value);
}

static void read_publish(const char *value)
{
    if (value && *value == '/')
        keep_directory(value);
    else if (value && *value)
        keep_relative(value);
    else
        tm__publish_directory[0] = '\0';
}

static _Atomic bool known; /* two threads that read the options at once store the same values */

/* Digits only. The result is above TM__MOST_TAIL if the value is not a number, or too large. */
static size_t read_guard(const char *value)
{
    size_t bytes = 0;
    while (*value >= '0' && *value <= '9' && bytes <= TM__MOST_TAIL)
        bytes = bytes * 10 + (size_t)(*value++ - '0');
    return *value ? TM__MOST_TAIL + 1 : bytes;
}

/*
 * This option is read first, and without libc, whose functions may be interposed and allocate: the block that they
 * allocate must have its guard, too. False if the value is not understood, which is reported later.
 */
static bool read_tail(void)
{
    const char *value = value_of(GUARD);
    size_t bytes = value ? read_guard(value) : 0;
    bool understood = bytes <= TM__MOST_TAIL;
    tm__tail = understood ? (bytes + TM__ALIGNMENT - 1) & -(size_t)TM__ALIGNMENT : 0;
    __atomic_store_n(&tm__edge_bits, tm__tail ? 0 : TM__SMALLEST_PAGE - TM__HEADER, __ATOMIC_RELAXED);
    return understood;
}

/*
 * Options are copied when the program starts, since it may change its environment or its directory long before its
 * first block.
 */
__attribute__((constructor(TM__OUTERMOST))) static void keep_options(void)
{
    if (atomic_load_explicit(&known, memory_order_acquire))
        return;
    for (unsigned option = 0; option < OPTIONS; option++) {
        const char *value = tm__getenv(names[option]);
        if (!value)
            continue;
        kept[option].copy = copy_of((enum option)option, value);
        if (option == PUBLISH)
            read_publish(kept[option].copy);
        atomic_store_explicit(&kept[option].seen, value, memory_order_release);
    }
    if (!atomic_load_explicit(&known, memory_order_acquire))
        read_tail(); /* a pointer that is not ours may be freed before there is a block of ours */
}

static void warn_of_guard(void)
{
    char line[128];
    struct tm__text text = TM__TEXT(line, tm__fd_for_notice());
    tm__put(&text, "threadmeter: THREADMETER_GUARD is no number of bytes up to ");
    tm__put_number(&text, TM__MOST_TAIL);
    tm__put(&text, ", and ignored\n");
    tm__flush(&text);
}

void tm__read_options(bool *is_reading)
{
    if (atomic_load_explicit(&known, memory_order_acquire))
        return;
    bool guard_is_known = read_tail();
    if (*is_reading)
        return;
    *is_reading = true;
    atomic_signal_fence(memory_order_seq_cst); /* the compiler assumes that libc's functions do not come back here */
    int saved = errno;
    if (!guard_is_known)
        warn_of_guard();
    bool report = env_is(ON_ERROR, "report", "abort");
    limits = read_limits();
    tm__flow_requested = env_is(FLOW, "1", "0");
    const char *publish = value_of(PUBLISH);
    if (publish != kept[PUBLISH].copy)
        read_publish(publish);
    unsigned cache_after = read_cache();
    tm__cache_after = tm__tail != 0 ? UINT_MAX : cache_after;
    tm__cache_bytes = read_cache_bytes();
    tm__continue_after_misuse = report;
    atomic_store_explicit(&known, true, memory_order_release);
    *is_reading = false;
    errno = saved;
}
