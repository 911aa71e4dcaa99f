/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * misuse.c and foreign.c: each misuse that docs/guide/misuse.md says is reported ends with SIGABRT and exactly one line,
 * which is the guide's. MISUSE is the program; the end of its name says which malloc is the process's.
 */
#define _GNU_SOURCE
#include "misuse/misuse.h"
#include "support/support.h"

#include <regex.h>
#include <signal.h>
#include <sys/wait.h>

/* What the program says of itself: a case with `up_to` is run with each number from 1 on. */
struct told {
    char name[64], line[256];
    int up_to;
};

enum { MOST = 200 };
static struct told cases[MOST], guarded[MOST];
static int case_count, guarded_count;

/* Told by a thread's cache, if the link that was overwritten is one of its own. */
static const struct told in_caches[] = {
    {"overrun_into_a_free_one_and_free", "overrun into a free block of 17 to 32 bytes \\(found by " FIRST "\\)", 8},
    {"overrun_into_a_free_one_and_exit", "overrun into a free block of 17 to 32 bytes \\(found by " SECOND "\\)", 8},
    {"overrun_into_a_spare_list", "overrun into a free block of 17 to 32 bytes \\(found by " FIRST "\\)", 8},
    {"overrun_into_the_depot", "overrun into a free block of 17 to 32 bytes \\(found by " FIRST "\\)", 8},
};

/*
 * Where nothing can be read, off the edges of pages: the fast path reads it at once, and the kernel has the word. With
 * THREADMETER_GUARD it is looked at first, before the first block, too. From 4 KiB to 1 TiB after a block.
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

static void read_cases(void)
{
    char command[4096], line[512];
    snprintf(command, sizeof command, "'%s' --list-told", getenv("MISUSE"));
    FILE *list = popen(command, "re");
    while (list && fgets(line, sizeof line, list)) {
        struct told told;
        int with_guard;
        bool whole = sscanf(line, "%d %d %63s %255[^\n]", &with_guard, &told.up_to, told.name, told.line) == 4;
        if (!whole || case_count == MOST || guarded_count == MOST)
            abort();
        if (with_guard)
            guarded[guarded_count++] = told;
        else
            cases[case_count++] = told;
    }
    if (!list || pclose(list) != 0 || case_count < 30 || guarded_count < 5)
        abort();
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

/* What a malloc does that is given such a pointer is not specified. */
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

/* What was freed waits, before it goes to a bin of the cache. */
START_TEST(is_told_of_what_waits_too)
{
    setenv("THREADMETER_CACHE", "1", 1);
    setenv("MISUSE_AMONG_MANY", "1", 1);
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

/* As in the guide: up to what is in parentheses, and with no number for an address. */
static void shorten(char text[256], const char *line)
{
    const char *end = strstr(line, " \\(");
    size_t used = 0;
    while (*line && line != end && used < 240)
        if (strncmp(line, "0x", 2) == 0) {
            used += (size_t)sprintf(text + used, "ADDRESS");
            line += strcspn(line, " ,");
        } else {
            text[used++] = *line++;
        }
    text[used] = '\0';
}

/* Each case has its row in docs/guide/misuse.md, which says so of it. */
START_TEST(is_in_the_guide)
{
    const struct told *told = _i < case_count ? &cases[_i] : &guarded[_i - case_count];
    FILE *guide = fopen(getenv("MISUSE_GUIDE"), "re");
    ck_assert_ptr_nonnull(guide);
    char row[80], text[256], line[4096];
    snprintf(row, sizeof row, "| %s", told->name);
    for (char *at = row; (at = strchr(at, '_'));)
        *at = ' ';
    shorten(text, told->line);
    bool found = false;
    while (!found && fgets(line, sizeof line, guide)) {
        size_t length = strlen(row);
        if (strncmp(line, row, length) != 0 ||
            (line[length] != ',' && strncmp(line + length, " |", 2) != 0 && strncmp(line + length, " (", 2) != 0))
            continue;
        found = true;
        ck_assert_msg(strstr(line, text) != NULL, "\"%s\" is not in: %s", text, line);
    }
    fclose(guide);
    ck_assert_msg(found, "no row \"%s\": scripts/checks/compare-misuse makes them", row);
}
END_TEST

int main(void)
{
    read_cases();
    Suite *suite = suite_create("misuse");
    TCase *tcase = add_case(suite, "misuse", 60);
    tcase_add_loop_test(tcase, is_told_in_one_line, 0, case_count);
    tcase_add_loop_test(tcase, is_in_the_guide, 0, case_count + guarded_count);
    tcase_add_loop_test(tcase, is_told_with_guards_too, 0, case_count);
    tcase_add_loop_test(tcase, is_told_with_caches_too, 0, case_count);
    tcase_add_loop_test(tcase, is_told_of_what_waits_too, 0, case_count);
    tcase_add_loop_test(tcase, is_told_with_guards_only, 0, guarded_count);
    if (HAS_CACHES)
        tcase_add_loop_test(tcase, is_told_by_caches, 0, sizeof in_caches / sizeof in_caches[0]);
    tcase_add_loop_test(tcase, is_looked_at_first_with_guards_only, 0, sizeof unreadable / sizeof unreadable[0]);
    tcase_add_loop_test(tcase, an_overrun_no_longer_than_the_guard_is_told, 0, sizeof wide / sizeof wide[0]);
    tcase_add_loop_test(tcase, is_told_as_far_as_possible, 0, sizeof limits / sizeof limits[0]);
    tcase_add_loop_test(tcase, a_header_lost_altogether_is_told_as_no_block, 0, 4);
    return run_suite(suite);
}
