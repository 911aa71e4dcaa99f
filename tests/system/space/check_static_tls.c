/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A program that runs has some static thread-local storage left for what it loads. How much of it other libraries may hold
 * before a plugin cannot be loaded: that of one that is linked with bare tcmalloc is the measure.
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

/* HOLD0 holds a unit, and each next one twice as much. Where those cannot be loaded, nor can the plugin. */
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

/* Bytes that others may hold at most. */
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

/* 104 bytes; but tcmalloc's 88, which are there first, end at a multiple of 64. */
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
