/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A thread gives pages back to the system after many modules with thread-local variables were loaded: ./module1.so and
 * so on. Then the next call of __tls_get_addr in this thread allocates, and tcmalloc must not hold a lock at that time.
 */
#include <dlfcn.h>
#include <gperftools/malloc_extension_c.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <threadmeter/malloc.h>
#include <unistd.h>

static sem_t started, loaded;

static void *release_pages(void *unused)
{
    tm_free(tm_malloc(1));
    sem_post(&started);
    sem_wait(&loaded);
    tm_free(tm_malloc(1 << 20));
    MallocExtension_ReleaseFreeMemory();
    return unused;
}

int main(int argc, char *argv[])
{
    int modules = argc > 1 ? atoi(argv[1]) : 0;
    pthread_t thread;
    if (sem_init(&started, 0, 0) != 0 || sem_init(&loaded, 0, 0) != 0 ||
        pthread_create(&thread, NULL, release_pages, NULL) != 0)
        return 1;
    sem_wait(&started);
    for (int i = 1; i <= modules; i++) {
        char name[64];
        snprintf(name, sizeof name, "./module%d.so", i);
        if (!dlopen(name, RTLD_NOW)) {
            fprintf(stderr, "%s\n", dlerror());
            return 1;
        }
    }
    alarm(60); /* ends the program if it hangs */
    sem_post(&loaded);
    return pthread_join(thread, NULL);
}
