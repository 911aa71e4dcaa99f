/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * On a tcmalloc that was built for an alignment of 8, and promises no more than that says: an object begins at a multiple
 * of 16 if that many bytes were asked for, else at one of 8. Ours, in front of the real one, keeps to that and to nothing
 * beyond, and sees whether anything was written outside an object.
 */
#define _GNU_SOURCE
#include "support/support.h"

#include <gperftools/malloc_extension_c.h>
#include <sys/mman.h>

enum { EDGE = 64, PAGE = 8192, MOST_IN_CLASS = 256 << 10, ARENA = 512 << 20, MOST_OBJECTS = 200000 };

static struct object {
    char *base;
    size_t size;
    bool live;
} objects[MOST_OBJECTS];
static size_t count;
static char *arena, *next;

size_t __wrap_tc_nallocx(size_t size, int flags);
void *__wrap_tc_malloc(size_t size);
void __wrap_tc_free(void *base);
MallocExtension_Ownership __wrap_MallocExtension_GetOwnership(const void *address);
size_t __wrap_MallocExtension_GetAllocatedSize(const void *address);

static size_t round_up(size_t size, size_t step)
{
    return (size + step - 1) / step * step;
}

/* As small as may be: classes 8 bytes apart, and then whole pages. */
size_t __wrap_tc_nallocx(size_t size, int flags)
{
    (void)flags;
    return round_up(size ? size : 1, size > MOST_IN_CLASS ? PAGE : 8);
}

/* Never the same memory twice. */
void *__wrap_tc_malloc(size_t size)
{
    if (!arena)
        next = arena = mmap(NULL, ARENA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    struct object *object = &objects[count];
    size_t spans = __wrap_tc_nallocx(size, 0), step = size > MOST_IN_CLASS ? PAGE : 16;
    char *base = (char *)round_up((uintptr_t)next + EDGE, step) + (size % 16 != 0 && step == 16 ? 8 : 0);
    if (count == MOST_OBJECTS || spans > (size_t)(arena + ARENA - base) - 2 * EDGE)
        return NULL;
    *object = (struct object){base, spans, true};
    count++;
    memset(base - EDGE, 0xed, EDGE);
    memset(base + spans, 0xed, EDGE);
    next = base + spans;
    return base;
}

/* The last one that begins there or before it. */
static struct object *object_at(const void *address)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if ((uintptr_t)objects[middle].base <= (uintptr_t)address)
            low = middle + 1;
        else
            high = middle;
    }
    return low > 0 ? &objects[low - 1] : NULL;
}

static void expect_edges(const struct object *object)
{
    for (int i = 0; i < EDGE; i++)
        ck_assert_msg((unsigned char)object->base[-1 - i] == 0xed &&
                          (unsigned char)object->base[object->size + (size_t)i] == 0xed,
                      "written outside an object of %zu bytes at %p", object->size, (void *)object->base);
}

void __wrap_tc_free(void *base)
{
    struct object *object = object_at(base);
    if (!base)
        return;
    ck_assert(object && object->base == base && object->live);
    expect_edges(object);
    object->live = false;
    memset(base, 0, sizeof(void *)); /* as a list of free objects would */
}

MallocExtension_Ownership __wrap_MallocExtension_GetOwnership(const void *address)
{
    bool inside = arena && (uintptr_t)address - (uintptr_t)arena < ARENA;
    return inside ? MallocExtension_kOwned : MallocExtension_kNotOwned;
}

size_t __wrap_MallocExtension_GetAllocatedSize(const void *address)
{
    const struct object *object = object_at(address);
    return object ? object->size : 8;
}

static const size_t alignments[] = {16, 32, 64, 256, 4096, 16384};
static const size_t large[] = {1000, 4095, 4096, 32777, 262100, 262129, 262144, 262150, 300001};
enum { ALIGNMENTS = 6, SMALL = 140, SIZES = SMALL + 9 };

static size_t size_number(int number)
{
    return number < SMALL ? (size_t)number : large[number - SMALL];
}

/* Written to the last byte. */
static void *use(void *user, size_t size, size_t alignment)
{
    ck_assert_ptr_nonnull(user);
    ck_assert_uint_eq((uintptr_t)user % alignment, 0);
    ck_assert_uint_eq((uintptr_t)user % 16, 0);
    ck_assert_uint_eq(tm_malloc_usable_size(user), size);
    return memset(user, 0x11, size);
}

static void at_rest(void)
{
    tm_flush_cache();
    for (size_t i = 0; i < count; i++)
        ck_assert(!objects[i].live);
    expect_process_live(0, 0);
    ck_assert_uint_eq(cross_allocator_calls().foreign_frees + cross_allocator_calls().foreign_reallocs, 0);
    count = 0;
    next = arena;
}

START_TEST(plain_blocks)
{
    for (int s = 0; s < SIZES; s++) {
        size_t size = size_number(s);
        void *first = use(tm_malloc(size), size, 16), *second = use(tm_calloc(1, size), size, 16);
        tm_free(first);
        tm_free_sized(second, size);
        tm_free(use(tm_aligned_alloc(8, size), size, 16));
    }
    at_rest();
}
END_TEST

START_TEST(aligned_blocks)
{
    for (int a = 0; a < ALIGNMENTS; a++)
        for (int s = 0; s < SIZES; s++) {
            size_t alignment = alignments[a], size = size_number(s);
            void *block;
            ck_assert_int_eq(tm_posix_memalign(&block, alignment, size), 0);
            tm_free(use(block, size, alignment));
            tm_free(use(tm_memalign(alignment - 1, size), size, alignment));
            block = use(tm_aligned_alloc(alignment, size), size, alignment);
            tm_free_aligned_sized(block, alignment, size);
        }
    at_rest();
}
END_TEST

START_TEST(blocks_of_pages)
{
    for (int s = 0; s < SIZES; s++) {
        size_t size = size_number(s);
        tm_free(use(tm_valloc(size), size, 4096));
        tm_free(use(tm_pvalloc(size), round_up(size, 4096), 4096));
    }
    at_rest();
}
END_TEST

/* From each size to each of some others, plain ones and aligned ones. */
START_TEST(reallocated_blocks)
{
    for (int a = 0; a < 3; a++)
        for (int s = 0; s < SIZES; s++)
            for (int t = 1; t < SIZES; t += 7) {
                void *block = use(tm_aligned_alloc(alignments[a], size_number(s)), size_number(s), alignments[a]);
                tm_free(use(tm_realloc(block, size_number(t)), size_number(t), 16));
            }
    at_rest();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("narrow_backend");
    TCase *tcase = add_case(suite, "narrow_backend", 60);
    tcase_add_test(tcase, plain_blocks);
    tcase_add_test(tcase, aligned_blocks);
    tcase_add_test(tcase, blocks_of_pages);
    tcase_add_test(tcase, reallocated_blocks);
    return run_suite(suite);
}
