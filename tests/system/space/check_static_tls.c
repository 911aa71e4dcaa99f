/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loader reserves some static thread-local storage for libraries that a program loads while it runs. Measures how
 * much of it other libraries may use until a plugin with threadmeter cannot be loaded, compared with one with bare
 * tcmalloc.
 */
#define _GNU_SOURCE
#include "support/support.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

enum { UNIT = 8, HOLDERS = 8, MOST = UNIT * ((1 << HOLDERS) - 1) };

static const char *value(const char *variable)
{
    const char *found = getenv(variable);
    ck_assert_msg(found != NULL, "%s is not set", variable);
    return found;
}

/* Whether the plugin loads after libraries that use `held` bytes: HOLD0 uses a unit, each next one twice as much. */
static bool loads(const char *plugin, int held)
{
    char *arguments[HOLDERS + 3] = {(char *)value("LOAD")}, variable[8];
    int count = 1;
    for (int i = 0; i < HOLDERS; i++) {
        snprintf(variable, sizeof variable, "HOLD%d", i);
        if (held & UNIT << i)
            arguments[count++] = (char *)value(variable);
    }
    arguments[count] = (char *)plugin;
    pid_t child;
    int status;
    ck_assert_int_eq(posix_spawn(&child, arguments[0], NULL, NULL, arguments, environ), 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_msg(WEXITSTATUS(status) <= 2, "status %d with %d bytes held", WEXITSTATUS(status), held);
    return WEXITSTATUS(status) == 0;
}

/* The most bytes that other libraries may use. */
static int most_held(const char *plugin)
{
    int fits = 0, too_many = MOST;
    ck_assert(loads(plugin, fits));
    while (too_many - fits > UNIT) {
        int held = (fits + too_many) / 2 / UNIT * UNIT;
        if (loads(plugin, held))
            fits = held;
        else
            too_many = held;
    }
    return fits;
}

/* It is 104 bytes; but tcmalloc's 88 bytes come first, and what follows begins at a multiple of 64. */
enum { OURS = 128 };

START_TEST(a_plugin_loads_but_for_what_is_ours)
{
    static const char *const forms[] = {"PLUGIN", "PLUGIN_STATIC"};
    int bare = most_held(value("PLUGIN_BARE")), with_ours = most_held(value(forms[_i]));
    ck_assert_int_gt(bare, 0);
    ck_assert_int_lt(bare, MOST - UNIT);
    ck_assert_int_ge(with_ours, bare - OURS);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("static_tls");
    TCase *tcase = add_case(suite, "static_tls", 120);
    tcase_add_loop_test(tcase, a_plugin_loads_but_for_what_is_ours, 0, 2);
    return run_suite(suite);
}
