/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Programs that open plugins with all kinds of flags, with the library preloaded. Environment variables are the paths
 * of the plugin and of the library that it opens. Run without the preloaded library, the same program shows that the
 * tests are right.
 */
#define _GNU_SOURCE
#include "support/support.h"

#include <dlfcn.h>
#include <malloc.h>

struct plugin {
    void *handle;
    char *(*text)(void);
    void (*free)(void *);
    void *(*open)(const char *);
};

static struct plugin in_handle(void *handle)
{
    ck_assert_msg(handle, "%s", dlerror());
    return (struct plugin){
        .handle = handle,
        .text = (char *(*)(void))dlsym(handle, "plugin_text"),
        .free = (void (*)(void *))dlsym(handle, "plugin_free"),
        .open = (void *(*)(const char *))dlsym(handle, "plugin_open"),
    };
}

static bool preloaded(void)
{
    return getenv("LD_PRELOAD") != NULL;
}

/* Program and plugin free each other's blocks. If the library is preloaded, all of them are ours. */
static void exchange(const struct plugin *plugin)
{
    struct tm_totals before = thread_totals();
    char *text = plugin->text();
    struct tm_totals after = thread_totals();
    uint64_t more = tm_live_bytes(&after) - tm_live_bytes(&before);
    void *volatile block = malloc(100);
    plugin->free(block);
    free(text);
    ck_assert_uint_eq(more, preloaded() ? 10 : 0);
    struct tm_cross_allocator_calls calls = cross_allocator_calls();
    ck_assert_uint_eq(calls.foreign_frees, 0);
    expect_invariant();
}

START_TEST(a_plugin_that_looks_into_itself_first)
{
    struct plugin plugin = in_handle(dlopen(getenv("PLUGIN"), RTLD_NOW | RTLD_DEEPBIND));
    exchange(&plugin);
}
END_TEST

START_TEST(the_same_by_dlmopen)
{
    struct plugin plugin = in_handle(dlmopen(LM_ID_BASE, getenv("PLUGIN"), RTLD_LAZY | RTLD_DEEPBIND));
    exchange(&plugin);
}
END_TEST

/* It has none of our libraries, and a libc of its own, with its own malloc. */
START_TEST(another_namespace_is_left_alone)
{
    struct plugin plugin = in_handle(dlmopen(LM_ID_NEWLM, getenv("PLUGIN"), RTLD_NOW | RTLD_DEEPBIND));
    Lmid_t space = LM_ID_BASE;
    ck_assert_int_eq(dlinfo(plugin.handle, RTLD_DI_LMID, &space), 0);
    ck_assert_int_ne(space, LM_ID_BASE);
    struct tm_totals before = thread_totals();
    char *text = plugin.text();
    struct tm_totals after = thread_totals();
    ck_assert_uint_eq(tm_live_bytes(&after), tm_live_bytes(&before));
    plugin.free(text);
    dlclose(plugin.handle);
}
END_TEST

/* dlopen() searches the RUNPATH of its caller: that must be the plugin, and not our library. */
START_TEST(a_library_that_only_its_caller_knows_where_to_find)
{
    struct plugin plugin = in_handle(dlopen(getenv("PLUGIN"), RTLD_NOW));
    void *neighbour = plugin.open(getenv("NEIGHBOUR"));
    ck_assert_msg(neighbour, "%s", dlerror());
    dlclose(neighbour);
    ck_assert_ptr_null(dlopen(getenv("NEIGHBOUR"), RTLD_NOW));
}
END_TEST

START_TEST(errno_and_dlerror)
{
    errno = 5;
    void *itself = dlopen(NULL, RTLD_NOW | RTLD_DEEPBIND);
    ck_assert_ptr_nonnull(itself);
    ck_assert_int_eq(errno, 5);
    ck_assert_ptr_null(dlerror());
    ck_assert_ptr_null(dlopen("/nowhere/at/all.so", RTLD_NOW | RTLD_DEEPBIND));
    ck_assert_ptr_nonnull(strstr(dlerror(), "/nowhere/at/all.so"));
    ck_assert_ptr_null(dlerror());
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dlopen");
    TCase *tcase = add_case(suite, "dlopen", 60);
    tcase_add_test(tcase, a_plugin_that_looks_into_itself_first);
    tcase_add_test(tcase, the_same_by_dlmopen);
    tcase_add_test(tcase, another_namespace_is_left_alone);
    tcase_add_test(tcase, a_library_that_only_its_caller_knows_where_to_find);
    tcase_add_test(tcase, errno_and_dlerror);
    return run_suite(suite);
}
