/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fatal.c and foreign.c: every misuse that docs/design.md calls told ends with SIGABRT and exactly one line, this one.
 * MISUSE is the program, its name's end says whose malloc is the process's.
 */
#define _GNU_SOURCE
#include "support.h"

#include <regex.h>
#include <signal.h>
#include <sys/wait.h>

#define ADDRESS "0x[0-9a-f]+"
#define FIRST "first tid [0-9]+"
#define SECOND "second tid [0-9]+"
#define WORKER "worker-3 tid [0-9]+"

static const struct {
    const char *name, *line;
} cases[] = {
    {"double_free", "double free of " ADDRESS " \\(96 bytes, owner " FIRST ", freed by " FIRST "\\)"},
    {"double_free_small", "double free of " ADDRESS " \\(0 bytes, owner " FIRST ", freed by " FIRST "\\)"},
    {"double_free_large", "double free of " ADDRESS " \\(3145728 bytes, owner " FIRST ", freed by " FIRST "\\)"},
    {"double_free_aligned", "double free of " ADDRESS " \\(100 bytes, owner " FIRST ", freed by " FIRST "\\)"},
    {"double_free_of_shrunk", "double free of " ADDRESS " \\(600 bytes, owner " FIRST ", freed by " FIRST "\\)"},
    {"double_free_of_grown", "double free of " ADDRESS " \\(1040 bytes, owner " FIRST ", freed by " FIRST "\\)"},
    {"double_free_of_trimmed", "double free of " ADDRESS " \\(3045728 bytes, owner " FIRST ", freed by " FIRST "\\)"},
    {"double_free_on_another_thread",
     "double free of " ADDRESS " \\(96 bytes, owner " FIRST ", freed by " SECOND "\\)"},
    {"double_free_of_anothers", "double free of " ADDRESS " \\(96 bytes, owner " WORKER ", freed by " WORKER "\\)"},
    {"realloc_after_free",
     "realloc after free of " ADDRESS " \\(96 bytes, owner " FIRST ", reallocated by " FIRST "\\)"},
    {"free_after_realloc_moved_it", "double free of " ADDRESS " \\(96 bytes, owner " FIRST ", freed by " FIRST "\\)"},
    {"underflow_of_one", "damaged header of " ADDRESS " \\(says 96 bytes, owner unknown, freed by " FIRST "\\)"},
    {"underflow_of_eight",
     "damaged header of " ADDRESS " \\(says 2139062143 bytes, owner unknown, freed by " FIRST "\\)"},
    {"overflow_from_below_of_one",
     "damaged header of " ADDRESS " \\(says 96 bytes, owner " FIRST ", freed by " FIRST "\\)"},
    {"overflow_from_below_of_eight",
     "damaged header of " ADDRESS " \\(says 96 bytes, owner " FIRST ", freed by " FIRST "\\)"},
    {"size_changed", "damaged header of " ADDRESS " \\(says 97 bytes, owner " FIRST ", freed by " FIRST "\\)"},
    {"slot_changed", "damaged header of " ADDRESS " \\(says 96 bytes, owner [a-z ]+, freed by " FIRST "\\)"},
    {"damaged_realloc", "damaged header of " ADDRESS " \\(says 96 bytes, owner " FIRST ", reallocated by " FIRST "\\)"},
    {"damaged_aligned", "damaged header of " ADDRESS " \\(says 100 bytes, owner " FIRST ", freed by " FIRST "\\)"},
    {"damaged_prefix", "damaged header of " ADDRESS " \\(says 100 bytes, owner " FIRST ", freed by " FIRST "\\)"},
    {"inside_small",
     "free of " ADDRESS ", which is inside a block \\(96 bytes, owner " FIRST ", freed by " FIRST "\\)"},
    {"inside_unaligned",
     "free of " ADDRESS ", which is inside a block \\(96 bytes, owner " FIRST ", freed by " FIRST "\\)"},
    {"inside_large",
     "free of " ADDRESS ", which is inside a block \\(3145728 bytes, owner " FIRST ", freed by " FIRST "\\)"},
    {"inside_large_far", "free of " ADDRESS ", which is no heap memory \\(freed by " FIRST "\\)"},
    {"inside_realloc",
     "realloc of " ADDRESS ", which is inside a block \\(96 bytes, owner " FIRST ", reallocated by " FIRST "\\)"},
    {"on_stack", "free of " ADDRESS ", which is on the stack \\(freed by " FIRST "\\)"},
    {"on_threads_stack", "free of " ADDRESS ", which is on the stack \\(freed by " FIRST "\\)"},
    {"static_memory", "free of " ADDRESS ", which is static memory \\(freed by " FIRST "\\)"},
    {"string_constant", "free of " ADDRESS ", which is static memory \\(freed by " FIRST "\\)"},
    {"mapped", "free of " ADDRESS ", which is no heap memory \\(freed by " FIRST "\\)"},
    {"mapped_behind_a_guard", "free of " ADDRESS ", which is no heap memory \\(freed by " FIRST "\\)"},
    {"mapped_middle", "free of " ADDRESS ", which is no heap memory \\(freed by " FIRST "\\)"},
    {"unmapped", "free of 0x1000, which is no heap memory \\(freed by " FIRST "\\)"},
    {"not_canonical", "free of 0x8000000000001000, which is no heap memory \\(freed by " FIRST "\\)"},
    {"wrong_size", "sized free of " ADDRESS " as 95 bytes \\(96 bytes, owner " FIRST ", freed by " FIRST "\\)"},
    {"wrong_alignment",
     "sized free of " ADDRESS " as 96 bytes aligned to 4096 \\(96 bytes, owner " FIRST ", freed by " FIRST "\\)"},
};

/* Told with the one malloc and not with the other, or with neither. */
static const struct {
    const char *name, *with_glibc, *with_tcmalloc;
} limits[] = {
    {"freed_and_used_again", NULL, NULL},
    {"header_overwritten", "free of " ADDRESS ", which is no block \\(freed by " FIRST "\\)", NULL},
    {"inside_large_like_a_chunk", NULL, "free of " ADDRESS ", which is no heap memory \\(freed by " FIRST "\\)"},
    {"mapped_like_a_chunk", NULL, "free of " ADDRESS ", which is no heap memory \\(freed by " FIRST "\\)"},
};

static const char *program(void)
{
    const char *path = getenv("MISUSE");
    ck_assert_ptr_nonnull(path);
    return path;
}

static void expect_line(const char *name, const char *line)
{
    char said[4096], pattern[512];
    int status = run_program((const char *[]){program(), name, NULL}, said, sizeof said);
    snprintf(pattern, sizeof pattern, "^threadmeter: %s\n$", line);
    regex_t expression;
    ck_assert_int_eq(regcomp(&expression, pattern, REG_EXTENDED | REG_NOSUB), 0);
    ck_assert_msg(regexec(&expression, said, 0, NULL, 0) == 0, "%s said: %s", name, said);
    regfree(&expression);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "%s: status %#x", name, status);
}

START_TEST(is_told_in_one_line)
{
    expect_line(cases[_i].name, cases[_i].line);
}
END_TEST

START_TEST(is_told_as_far_as_possible)
{
    const char *form = strrchr(program(), '-');
    ck_assert_ptr_nonnull(form);
    const char *line = strcmp(form, "-tcmalloc") == 0 ? limits[_i].with_tcmalloc : limits[_i].with_glibc;
    if (line) {
        expect_line(limits[_i].name, line);
        return;
    }
    /* What a malloc does that is given such a pointer is its own matter. */
    char said[4096];
    run_program((const char *[]){program(), limits[_i].name, NULL}, said, sizeof said);
    ck_assert_msg(strstr(said, "threadmeter: ") == NULL, "%s said: %s", limits[_i].name, said);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fatal");
    TCase *tcase = add_case(suite, "fatal", 30);
    tcase_add_loop_test(tcase, is_told_in_one_line, 0, sizeof cases / sizeof cases[0]);
    tcase_add_loop_test(tcase, is_told_as_far_as_possible, 0, sizeof limits / sizeof limits[0]);
    return run_suite(suite);
}
