/* SPDX-License-Identifier: BSD-3-Clause */
/* A program for check_linking.c that does not use threadmeter itself, and loads a library that does: argument 1. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { TIMES = 20 };

static const char *path;

static struct plugin {
    void *handle;
    void *(*take)(size_t);
    void (*give)(void *);
} load(void)
{
    struct plugin plugin = {.handle = dlopen(path, RTLD_NOW | RTLD_LOCAL)};
    if (!plugin.handle)
        abort();
    plugin.take = (void *(*)(size_t))(uintptr_t)dlsym(plugin.handle, "plugin_take");
    plugin.give = (void (*)(void *))(uintptr_t)dlsym(plugin.handle, "plugin_give");
    return plugin;
}

static pthread_barrier_t unloaded;

/* A thread that exits when the library is closed. */
static void *use(void *arg)
{
    struct plugin plugin = load();
    plugin.give(plugin.take(10));
    *(void **)arg = plugin.take(6);
    dlclose(plugin.handle);
    pthread_barrier_wait(&unloaded);
    return NULL;
}

int main(int argc, char **argv)
{
    if (argc != 2)
        return 2;
    path = argv[1];
    void *left[TIMES];
    pthread_barrier_init(&unloaded, NULL, 2);
    for (int i = 0; i < TIMES; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, use, &left[i]) != 0)
            return 3;
        pthread_barrier_wait(&unloaded);
        pthread_join(thread, NULL);
        struct plugin plugin = load();
        char *block = plugin.take(9);
        memset(block, 'x', 9);
        plugin.give(block);
        if (i % 2 == 0)
            plugin.give(left[i]); /* its thread has exited */
        dlclose(plugin.handle);
    }
    return 0;
}
