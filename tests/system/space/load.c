/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Loads the libraries that its arguments name, in order. Exit status 1: the last one cannot be loaded; 2: another one
 * cannot. Two threads call the last one's allocation function.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

static void *(*take)(size_t);
static void (*give)(void *);

static void *use(void *unused)
{
    give(take(10));
    return unused;
}

int main(int argc, char **argv)
{
    void *library = NULL;
    for (int i = 1; i < argc; i++)
        if (!(library = dlopen(argv[i], RTLD_NOW | RTLD_LOCAL)))
            return i == argc - 1 ? 1 : 2;
    take = (void *(*)(size_t))(uintptr_t)dlsym(library, "plugin_take");
    give = (void (*)(void *))(uintptr_t)dlsym(library, "plugin_give");
    pthread_t thread;
    if (!take || !give || pthread_create(&thread, NULL, use, NULL) != 0 || pthread_join(thread, NULL) != 0)
        return 3;
    use(NULL);
    return 0;
}
