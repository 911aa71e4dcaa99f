/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Two allocators in one process: glibc's malloc, which grows and shrinks by sbrk(), and ours. usage: program [PLUGIN
 * [TCMALLOC]]. With PLUGIN, the program itself does not use threadmeter, but loads a library that does. With TCMALLOC,
 * it loads that library first, so that tcmalloc has started before threadmeter can tell it where to get its memory.
 *
 * Exits with 0 if our allocations never moved the break, and neither allocator changed a byte of the other's blocks.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef void *take_function(size_t size);
typedef void give_function(void *block);

#ifdef LINKED
#include <threadmeter/malloc.h>

static take_function *take = tm_malloc;
static give_function *give = tm_free;

static void load(int argc, char **argv)
{
    (void)argc, (void)argv;
}
#else
static take_function *take;
static give_function *give;

static void *function(void *library, const char *name)
{
    void *found = library ? dlsym(library, name) : NULL;
    if (!found) {
        fprintf(stderr, "%s: %s\n", name, dlerror());
        exit(2);
    }
    return found;
}

static void load(int argc, char **argv)
{
    if (argc > 2) {
        void *tcmalloc = dlopen(argv[2], RTLD_NOW | RTLD_LOCAL);
        if (!((take_function *)(uintptr_t)function(tcmalloc, "tc_malloc"))(100))
            exit(2);
    }
    void *plugin = argc > 1 ? dlopen(argv[1], RTLD_NOW | RTLD_LOCAL) : NULL;
    take = (take_function *)(uintptr_t)function(plugin, "plugin_take");
    give = (give_function *)(uintptr_t)function(plugin, "plugin_give");
    give(take(1));
}
#endif

/* Allocates more than any allocator has in reserve, in blocks of all sizes. */
static bool break_stays(void)
{
    static const size_t sizes[] = {16, 500, 30000, 200000, 1 << 20, 5000001};
    const char *lowest = sbrk(0), *after;
    for (size_t kind = 0; kind < sizeof sizes / sizeof sizes[0]; kind++)
        for (size_t taken = 0; taken < 32 << 20; taken += sizes[kind])
            if (!take(sizes[kind]))
                return fprintf(stderr, "no memory\n"), false;
    after = sbrk(0);
    return lowest == after ? true : (fprintf(stderr, "the break moved by %td bytes\n", after - lowest), false);
}

static int count_mappings(void)
{
    int lines = 0;
    FILE *maps = fopen("/proc/self/maps", "re");
    for (int c; maps && (c = fgetc(maps)) != EOF;)
        lines += c == '\n';
    if (maps)
        fclose(maps);
    return lines;
}

enum { ROUNDS = 8, BLOCKS = 1500, SIZE = 30000, BETWEEN = 1000 };

struct user {
    take_function *take;
    give_function *give;
    unsigned char byte;
    char *blocks[BLOCKS];
    bool intact;
};

static bool is_filled(const char *block, unsigned char byte)
{
    for (size_t i = 0; i < SIZE; i += BETWEEN)
        if ((unsigned char)block[i] != byte)
            return false;
    return true;
}

/* Allocates and fills blocks, checks their contents, and frees them; then glibc gives the top of its heap back. */
static void *use(void *arg)
{
    struct user *user = arg;
    user->intact = true;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < BLOCKS; i++) {
            user->blocks[i] = user->take(SIZE);
            for (size_t at = 0; at < SIZE; at += BETWEEN)
                user->blocks[i][at] = (char)user->byte;
        }
        for (int i = 0; i < BLOCKS; i++) {
            user->intact &= is_filled(user->blocks[i], user->byte);
            user->give(user->blocks[i]);
        }
    }
    return NULL;
}

static bool nothing_is_changed(void)
{
    static struct user users[2];
    pthread_t thread;
    users[0] = (struct user){.take = malloc, .give = free, .byte = 0xa5};
    users[1] = (struct user){.take = take, .give = give, .byte = 0x5a};
    if (pthread_create(&thread, NULL, use, &users[1]) != 0)
        exit(2);
    use(&users[0]); /* glibc's malloc normally uses the break only in the first thread */
    pthread_join(thread, NULL);
    for (int i = 0; i < 2; i++)
        if (!users[i].intact)
            fprintf(stderr, "a block of the %s allocator was changed\n", i == 0 ? "first" : "second");
    return users[0].intact && users[1].intact;
}

int main(int argc, char **argv)
{
    load(argc, argv);
    int before = count_mappings();
    bool stays = break_stays();
    int more = count_mappings() - before;
    if (more > 8) {
        fprintf(stderr, "%d mappings more\n", more);
        stays = false;
    }
    return nothing_is_changed() && stays ? EXIT_SUCCESS : EXIT_FAILURE;
}
