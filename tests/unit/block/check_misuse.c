/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * misuse.c and foreign.c: every misuse that docs/guide/misuse.md calls told ends with SIGABRT and exactly one line,
 * this one. MISUSE is the program, its name's end says whose malloc is the process's.
 */
#define _GNU_SOURCE
#include "support/support.h"

#include <regex.h>
#include <signal.h>
#include <sys/wait.h>

#define ADDRESS "0x[0-9a-f]+"
#define FIRST "first tid [0-9]+"
#define SECOND "second tid [0-9]+"
#define WORKER "worker-3 tid [0-9]+"
#define NEXT_WORKER "worker-4 tid [0-9]+"
#define ANYONE "[a-z0-9 -]+"

/* A case with `up_to` is run with each number from 1 on. */
struct told {
    const char *name, *line;
    int up_to;
};

static const struct told cases[] = {
    {"double_free", "double free of " ADDRESS " \\(96 bytes, owner " FIRST ", freed by " FIRST "\\)", 0},
    {"double_free_small", "double free of " ADDRESS " \\(0 bytes, owner " FIRST ", freed by " FIRST "\\)", 0},
    {"double_free_large", "double free of " ADDRESS " \\(3145728 bytes, owner " FIRST ", freed by " FIRST "\\)", 0},
    {"double_free_aligned", "double free of " ADDRESS " \\(100 bytes, owner " FIRST ", freed by " FIRST "\\)", 0},
    {"double_free_of_shrunk", "double free of " ADDRESS " \\(600 bytes, owner " FIRST ", freed by " FIRST "\\)", 0},
    {"double_free_of_grown", "double free of " ADDRESS " \\(1040 bytes, owner " FIRST ", freed by " FIRST "\\)", 0},
    {"double_free_of_trimmed", "double free of " ADDRESS " \\(3045728 bytes, owner " FIRST ", freed by " FIRST "\\)",
     0},
    {"double_free_delayed", "double free of " ADDRESS " \\(96 bytes, owner " FIRST ", freed by " FIRST "\\)", 0},
    {"double_free_interleaved", "double free of " ADDRESS " \\(96 bytes, owner " FIRST ", freed by " FIRST "\\)", 0},
    {"double_free_on_another_thread", "double free of " ADDRESS " \\(96 bytes, owner " FIRST ", freed by " SECOND "\\)",
     0},
    {"double_free_large_on_another_thread",
     "double free of " ADDRESS " \\(3145728 bytes, owner " FIRST ", freed by " SECOND "\\)", 0},
    {"double_free_aligned_on_another_thread",
     "double free of " ADDRESS " \\(100 bytes, owner " FIRST ", freed by " SECOND "\\)", 0},
    {"double_free_of_anothers", "double free of " ADDRESS " \\(96 bytes, owner " WORKER ", freed by " WORKER "\\)", 0},
    {"double_free_after_the_slot_was_used_again",
     "double free of " ADDRESS " \\(96 bytes, owner " NEXT_WORKER ", freed by " FIRST "\\)", 0},
    {"double_free_of_an_exiting_threads",
     "double free of " ADDRESS " \\(96 bytes, owner an exiting thread, freed by " FIRST "\\)", 0},
    {"double_free_by_a_cancelled_thread",
     "double free of " ADDRESS " \\(96 bytes, owner " FIRST ", freed by " SECOND "\\)", 0},
    {"freed_and_used_again_and_freed", "double free of " ADDRESS " \\(96 bytes, owner " FIRST ", freed by " FIRST "\\)",
     0},
    {"realloc_after_free",
     "realloc after free of " ADDRESS " \\(96 bytes, owner " FIRST ", reallocated by " FIRST "\\)", 0},
    {"free_after_realloc_moved_it", "double free of " ADDRESS " \\(96 bytes, owner " FIRST ", freed by " FIRST "\\)",
     0},
    {"free_after_realloc_to_nothing", "double free of " ADDRESS " \\(96 bytes, owner " FIRST ", freed by " FIRST "\\)",
     0},
    {"underflow", "damaged header of " ADDRESS " \\(says [0-9]+ bytes, owner " ANYONE ", freed by " FIRST "\\)", 8},
    {"overflow_from_below",
     "damaged header of " ADDRESS " \\(says [0-9]+ bytes, owner " ANYONE ", freed by " FIRST "\\)", 8},
    {"size_changed", "damaged header of " ADDRESS " \\(says 97 bytes, owner " FIRST ", freed by " FIRST "\\)", 0},
    {"slot_changed", "damaged header of " ADDRESS " \\(says 96 bytes, owner " ANYONE ", freed by " FIRST "\\)", 0},
    {"mark_changed", "damaged header of " ADDRESS " \\(says 96 bytes, owner " FIRST ", freed by " FIRST "\\)", 0},
    {"damaged_realloc", "damaged header of " ADDRESS " \\(says 96 bytes, owner " FIRST ", reallocated by " FIRST "\\)",
     0},
    {"damaged_aligned", "damaged header of " ADDRESS " \\(says 100 bytes, owner " FIRST ", freed by " FIRST "\\)", 0},
    {"aligned_underflow", "damaged header of " ADDRESS " \\(says [0-9]+ bytes, owner " ANYONE ", freed by " FIRST "\\)",
     8},
    {"aligned_overflow_from_below",
     "damaged header of " ADDRESS " \\(says 4096 bytes, owner " FIRST ", freed by " FIRST "\\)", 8},
    {"damaged_prefix", "damaged header of " ADDRESS " \\(says 100 bytes, owner " FIRST ", freed by " FIRST "\\)", 0},
    {"inside_small", "free of " ADDRESS ", which is inside a block \\(96 bytes, owner " FIRST ", freed by " FIRST "\\)",
     0},
    {"inside_unaligned",
     "free of " ADDRESS ", which is inside a block \\(96 bytes, owner " FIRST ", freed by " FIRST "\\)", 0},
    {"inside_large",
     "free of " ADDRESS ", which is inside a block \\(3145728 bytes, owner " FIRST ", freed by " FIRST "\\)", 0},
    {"inside_large_far", "free of " ADDRESS ", which is no heap memory \\(freed by " FIRST "\\)", 0},
    {"inside_realloc",
     "realloc of " ADDRESS ", which is inside a block \\(96 bytes, owner " FIRST ", reallocated by " FIRST "\\)", 0},
    {"on_stack", "free of " ADDRESS ", which is on the stack \\(freed by " FIRST "\\)", 0},
    {"on_threads_stack", "free of " ADDRESS ", which is on the stack \\(freed by " SECOND "\\)", 0},
    {"static_memory", "free of " ADDRESS ", which is static memory \\(freed by " FIRST "\\)", 0},
    {"static_memory_beside_a_remainder", "free of " ADDRESS ", which is static memory \\(freed by " FIRST "\\)", 0},
    {"string_constant", "free of " ADDRESS ", which is static memory \\(freed by " FIRST "\\)", 0},
    {"mapped", "free of " ADDRESS ", which is no heap memory \\(freed by " FIRST "\\)", 0},
    {"mapped_behind_a_guard", "free of " ADDRESS ", which is no heap memory \\(freed by " FIRST "\\)", 0},
    {"mapped_middle", "free of " ADDRESS ", which is no heap memory \\(freed by " FIRST "\\)", 0},
    {"realloc_of_stack", "realloc of " ADDRESS ", which is on the stack \\(reallocated by " FIRST "\\)", 0},
    {"realloc_of_static", "realloc of " ADDRESS ", which is static memory \\(reallocated by " FIRST "\\)", 0},
    {"realloc_of_mapped", "realloc of " ADDRESS ", which is no heap memory \\(reallocated by " FIRST "\\)", 0},
    {"realloc_of_mapped_with_nothing_before",
     "realloc of " ADDRESS ", which is no heap memory \\(reallocated by " FIRST "\\)", 0},
    {"unmapped", "free of 0x1000, which is no heap memory \\(freed by " FIRST "\\)", 0},
    {"not_canonical", "free of 0x8000000000001000, which is no heap memory \\(freed by " FIRST "\\)", 0},
    {"wrong_size", "sized free of " ADDRESS " as 95 bytes \\(96 bytes, owner " FIRST ", freed by " FIRST "\\)", 0},
    {"wrong_alignment",
     "sized free of " ADDRESS " as 96 bytes aligned to 4096 \\(96 bytes, owner " FIRST ", freed by " FIRST "\\)", 0},
};

/* Told with THREADMETER_GUARD=1 only; each kind of block, each of the 16 bytes behind it. */
static const struct told guarded[] = {
    {"overrun", "overrun of " ADDRESS " \\(96 bytes, owner " FIRST ", freed by " FIRST "\\)", 16},
    {"overrun_of_last", "overrun of " ADDRESS " \\(96 bytes, owner " FIRST ", freed by " FIRST "\\)", 16},
    {"string_end_lost", "overrun of " ADDRESS " \\(96 bytes, owner " FIRST ", freed by " FIRST "\\)", 0},
    {"overrun_of_empty", "overrun of " ADDRESS " \\(0 bytes, owner " FIRST ", freed by " FIRST "\\)", 16},
    {"overrun_of_large", "overrun of " ADDRESS " \\(3145728 bytes, owner " FIRST ", freed by " FIRST "\\)", 16},
    {"overrun_of_aligned", "overrun of " ADDRESS " \\(100 bytes, owner " FIRST ", freed by " FIRST "\\)", 16},
    {"overrun_of_resized", "overrun of " ADDRESS " \\(50 bytes, owner " FIRST ", freed by " FIRST "\\)", 16},
    {"overrun_and_realloc", "overrun of " ADDRESS " \\(96 bytes, owner " FIRST ", reallocated by " FIRST "\\)", 16},
    {"overrun_and_free_on_another_thread",
     "overrun of " ADDRESS " \\(96 bytes, owner " FIRST ", freed by " SECOND "\\)", 16},
};

/* Told by a thread's cache, if the link that was overwritten is one of its own. */
static const struct told in_caches[] = {
    {"overrun_into_a_free_one_and_free", "overrun into a free block of 17 to 32 bytes \\(found by " FIRST "\\)", 8},
    {"overrun_into_a_free_one_and_exit", "overrun into a free block of 17 to 32 bytes \\(found by " SECOND "\\)", 8},
};

/*
 * Where nothing can be read, off the edges of pages: the fast path reads it at once, and the kernel has the word. With
 * THREADMETER_GUARD it is looked at first, before the first block, too. From 4 KiB to 1 TiB behind a block.
 */
static const struct {
    const char *name, *verb, *by;
    int from, to;
} unreadable[] = {
    {"unmapped_inside_a_page", "free", "freed", 12, 40},
    {"realloc_of_unmapped_inside_a_page", "realloc", "reallocated", 12, 40},
    {"not_accessible_inside_a_page", "free", "freed", 0, 1},
    {"not_canonical_inside_a_page", "free", "freed", 0, 1},
    {"the_kernels_inside_a_page", "free", "freed", 0, 1},
};

/* A wider guard keeps what would reach the next object away from it, so that the malloc underneath goes on. */
static const struct {
    const char *guard;
    int amount;
} wide[] = {{"32", 32}, {"52", 64}, {"64", 40}, {"256", 256}, {"4096", 4000}};

/* Told with the one malloc and not with the other, or with neither. */
static const struct {
    const char *name, *with_glibc, *with_tcmalloc;
} limits[] = {
    {"freed_and_used_again", NULL, NULL},
    {"given_to_libc", NULL, NULL}, /* nothing of ours runs */
    {"reallocated_by_libc", NULL, NULL},
    {"inside_large_like_a_chunk", NULL, "free of " ADDRESS ", which is no heap memory \\(freed by " FIRST "\\)"},
    {"mapped_like_a_chunk", NULL, "free of " ADDRESS ", which is no heap memory \\(freed by " FIRST "\\)"},
};

static const char *program(void)
{
    const char *path = getenv("MISUSE");
    ck_assert_ptr_nonnull(path);
    return path;
}

static bool on_tcmalloc(void)
{
    const char *form = strrchr(program(), '-');
    ck_assert_ptr_nonnull(form);
    return strcmp(form, "-tcmalloc") == 0;
}

enum { NO_NUMBER = -1 };

/* What it says of the case, as said to the program by `amount`; its status. */
static int run_misuse(const char *name, int amount, char *said, size_t capacity)
{
    char number[12];
    snprintf(number, sizeof number, "%d", amount);
    return run_program((const char *[]){program(), name, amount != NO_NUMBER ? number : NULL, NULL}, said, capacity);
}

static void run_case(const char *name, int amount, const char *line)
{
    char said[4096], pattern[512];
    int status = run_misuse(name, amount, said, sizeof said);
    snprintf(pattern, sizeof pattern, "^threadmeter: %s\n$", line);
    regex_t expression;
    ck_assert_int_eq(regcomp(&expression, pattern, REG_EXTENDED | REG_NOSUB), 0);
    ck_assert_msg(regexec(&expression, said, 0, NULL, 0) == 0, "%s %d said: %s", name, amount, said);
    regfree(&expression);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "%s %d: status %#x", name, amount, status);
}

/* What a malloc does that is given such a pointer is its own matter. */
static void expect_not_told(const char *name, int amount)
{
    char said[4096];
    run_misuse(name, amount, said, sizeof said);
    ck_assert_msg(strstr(said, "threadmeter: ") == NULL, "%s %d said: %s", name, amount, said);
}

static void expect_told(const struct told *told)
{
    if (told->up_to == 0)
        run_case(told->name, NO_NUMBER, told->line);
    for (int amount = 1; amount <= told->up_to; amount++)
        run_case(told->name, amount, told->line);
}

START_TEST(is_told_in_one_line)
{
    expect_told(&cases[_i]);
}
END_TEST

START_TEST(is_told_with_guards_too)
{
    setenv("THREADMETER_GUARD", "1", 1);
    expect_told(&cases[_i]);
}
END_TEST

/* What was freed is in the thread's cache then, not in the backend's. */
START_TEST(is_told_with_caches_too)
{
    setenv("THREADMETER_CACHE", "1", 1);
    expect_told(&cases[_i]);
}
END_TEST

START_TEST(is_told_with_guards_only)
{
    char said[4096];
    run_program((const char *[]){program(), guarded[_i].name, NULL}, said, sizeof said);
    ck_assert_msg(strstr(said, "threadmeter: overrun") == NULL, "%s said: %s", guarded[_i].name, said);
    setenv("THREADMETER_GUARD", "1", 1);
    expect_told(&guarded[_i]);
}
END_TEST

START_TEST(is_told_by_caches)
{
    expect_told(&in_caches[_i]);
    setenv("THREADMETER_CACHE", "1", 1);
    expect_told(&in_caches[_i]);
}
END_TEST

START_TEST(is_looked_at_first_with_guards_only)
{
    char line[128], said[4096];
    snprintf(line, sizeof line, "%s of " ADDRESS ", which is no heap memory \\(%s by " FIRST "\\)", unreadable[_i].verb,
             unreadable[_i].by);
    for (int amount = unreadable[_i].from; amount <= unreadable[_i].to; amount += unreadable[_i].to > 1 ? 4 : 1) {
        unsetenv("THREADMETER_GUARD");
        int status = run_misuse(unreadable[_i].name, amount, said, sizeof said);
        ck_assert_str_eq(said, "");
        ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "%d: status %#x", amount, status);
        setenv("THREADMETER_GUARD", "1", 1);
        run_case(unreadable[_i].name, amount, line);
    }
}
END_TEST

START_TEST(an_overrun_no_longer_than_the_guard_is_told)
{
    setenv("THREADMETER_GUARD", wide[_i].guard, 1);
    run_case("overrun_into_a_free_one", wide[_i].amount,
             "overrun of " ADDRESS " \\(20 bytes, owner " FIRST ", freed by " FIRST "\\)");
}
END_TEST

START_TEST(is_told_as_far_as_possible)
{
    const char *line = on_tcmalloc() ? limits[_i].with_tcmalloc : limits[_i].with_glibc;
    if (line)
        run_case(limits[_i].name, NO_NUMBER, line);
    else
        expect_not_told(limits[_i].name, NO_NUMBER);
}
END_TEST

/*
 * Of the header too little is left to say what it was: but no object begins here, or none of the process's malloc. What
 * comes from below spares the slot at first.
 */
START_TEST(a_header_lost_altogether_is_told_as_no_block)
{
    static const struct {
        const char *name;
        int spares_slot;
        bool may_begin_here;
    } lost[] = {
        {"underflow", 0, false},
        {"overflow_from_below", 12, false},
        {"aligned_underflow", 0, true},
        {"aligned_overflow_from_below", 12, true},
    };
    for (int amount = 9; amount <= 16; amount++)
        if (amount <= lost[_i].spares_slot)
            run_case(lost[_i].name, amount,
                     "damaged header of " ADDRESS " \\(says [0-9]+ bytes, owner " FIRST ", freed by " FIRST "\\)");
        else if (amount == lost[_i].spares_slot + 1)
            continue; /* of the slot's four bytes one is lost: what is there is another slot by chance, three times in 256 */
        else if (lost[_i].may_begin_here && on_tcmalloc())
            expect_not_told(lost[_i].name, amount);
        else
            run_case(lost[_i].name, amount, "free of " ADDRESS ", which is no block \\(freed by " FIRST "\\)");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("misuse");
    TCase *tcase = add_case(suite, "misuse", 60);
    tcase_add_loop_test(tcase, is_told_in_one_line, 0, sizeof cases / sizeof cases[0]);
    tcase_add_loop_test(tcase, is_told_with_guards_too, 0, sizeof cases / sizeof cases[0]);
    tcase_add_loop_test(tcase, is_told_with_caches_too, 0, sizeof cases / sizeof cases[0]);
    tcase_add_loop_test(tcase, is_told_with_guards_only, 0, sizeof guarded / sizeof guarded[0]);
    tcase_add_loop_test(tcase, is_told_by_caches, 0, sizeof in_caches / sizeof in_caches[0]);
    tcase_add_loop_test(tcase, is_looked_at_first_with_guards_only, 0, sizeof unreadable / sizeof unreadable[0]);
    tcase_add_loop_test(tcase, an_overrun_no_longer_than_the_guard_is_told, 0, sizeof wide / sizeof wide[0]);
    tcase_add_loop_test(tcase, is_told_as_far_as_possible, 0, sizeof limits / sizeof limits[0]);
    tcase_add_loop_test(tcase, a_header_lost_altogether_is_told_as_no_block, 0, 4);
    return run_suite(suite);
}
