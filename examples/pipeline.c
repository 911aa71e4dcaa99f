/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A pipeline over text files: a reader allocates lines, workers allocate words, and a writer frees what all the others
 * allocated. A block is charged to the thread that allocated it until it is freed, whichever thread frees it. The
 * program prints a report in the middle of its work, and totals at its end.
 *
 *     pipeline [-w WORKERS] FILE...
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <threadmeter/malloc.h>
#include <threadmeter/totals.h>

enum { ROOM = 1024, MOST_WORKERS = 64 };

struct line {
    struct line *next;
    char *text;
    char **words;
    size_t count;
};

/* A bounded queue. A producer puts NULL when it has finished. */
struct queue {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct line *items[ROOM];
    size_t head, tail;
};

static struct queue read_lines = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, {NULL}, 0, 0};
static struct queue split_lines = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, {NULL}, 0, 0};

static void put(struct queue *queue, struct line *line)
{
    pthread_mutex_lock(&queue->mutex);
    while (queue->tail - queue->head == ROOM)
        pthread_cond_wait(&queue->changed, &queue->mutex);
    queue->items[queue->tail++ % ROOM] = line;
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->mutex);
}

static struct line *take(struct queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    while (queue->tail == queue->head)
        pthread_cond_wait(&queue->changed, &queue->mutex);
    struct line *line = queue->items[queue->head++ % ROOM];
    pthread_cond_broadcast(&queue->changed);
    pthread_mutex_unlock(&queue->mutex);
    return line;
}

static void *need(void *block)
{
    if (!block) {
        perror("pipeline");
        exit(EXIT_FAILURE);
    }
    return block;
}

static const char *next_file(char **files)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static size_t index;
    pthread_mutex_lock(&mutex);
    const char *file = files[index] ? files[index++] : NULL;
    pthread_mutex_unlock(&mutex);
    return file;
}

static _Atomic bool some_failed;

static void *reader(void *files)
{
    char *buffer = NULL;
    size_t size = 0;
    for (const char *name; (name = next_file(files));) {
        FILE *file = fopen(name, "r");
        if (!file) {
            fprintf(stderr, "pipeline: %s: %s\n", name, strerror(errno));
            some_failed = true;
            continue;
        }
        while (tm_getline(&buffer, &size, file) >= 0) {
            struct line *line = need(tm_calloc(1, sizeof *line));
            line->text = need(tm_strdup(buffer));
            put(&read_lines, line);
        }
        fclose(file);
    }
    tm_free(buffer);
    put(&read_lines, NULL);
    return NULL;
}

static void *worker(void *unused)
{
    for (struct line *line; (line = take(&read_lines));) {
        for (char *rest = line->text, *word; (word = strtok_r(rest, " \t\n", &rest));) {
            line->words = need(tm_reallocarray(line->words, line->count + 1, sizeof *line->words));
            line->words[line->count++] = need(tm_strdup(word));
        }
        put(&split_lines, line);
    }
    put(&read_lines, NULL); /* for the next worker */
    put(&split_lines, NULL);
    return unused;
}

static size_t lines_written, words_written;

static void *writer(void *workers)
{
    for (size_t running = *(size_t *)workers; running > 0;) {
        struct line *line = take(&split_lines);
        if (!line) {
            running--;
            continue;
        }
        lines_written++;
        words_written += line->count;
        while (line->count > 0)
            tm_free(line->words[--line->count]);
        tm_free(line->words);
        tm_free(line->text);
        tm_free(line);
        if (lines_written == 10000) {
            printf("after 10000 lines:\n");
            fflush(stdout);
            tm_report(STDOUT_FILENO);
        }
    }
    return NULL;
}

static pthread_t start(const char *name, unsigned number, void *(*body)(void *), void *arg)
{
    pthread_t thread;
    char label[16];
    errno = pthread_create(&thread, NULL, body, arg);
    if (errno != 0)
        need(NULL);
    snprintf(label, sizeof label, number ? "%s-%u" : "%s", name, number % 1000);
    pthread_setname_np(thread, label);
    return thread;
}

static int usage(void)
{
    fprintf(stderr, "usage: pipeline [-w WORKERS] FILE...\n");
    return 2;
}

int main(int argc, char **argv)
{
    size_t workers = 3;
    for (int option; (option = getopt(argc, argv, "w:")) != -1;) {
        char *end = NULL;
        if (option == 'w')
            workers = strtoul(optarg, &end, 10);
        if (!end || *end || workers < 1 || workers > MOST_WORKERS)
            return usage();
    }
    if (optind == argc)
        return usage();

    pthread_t worker_threads[MOST_WORKERS];
    pthread_t writer_thread = start("writer", 0, writer, &workers);
    for (unsigned i = 0; i < workers; i++)
        worker_threads[i] = start("worker", i + 1, worker, NULL);
    pthread_t reader_thread = start("reader", 0, reader, argv + optind);
    pthread_join(reader_thread, NULL);
    for (size_t i = 0; i < workers; i++)
        pthread_join(worker_threads[i], NULL);
    pthread_join(writer_thread, NULL);

    struct tm_totals process;
    tm_process_totals(&process);
    printf(
        "%zu lines, %zu words. All threads allocated %" PRIu64 " blocks, %" PRIu64 " bytes; %.0f%% of it was freed by "
        "another thread than its owner; %" PRIu64 " bytes live.\n",
        lines_written, words_written, process.allocated_blocks, process.allocated_bytes,
        process.allocated_bytes ? 100.0 * (double)process.remote_frees_received_bytes / (double)process.allocated_bytes
                                : 0,
        tm_live_bytes(&process));
    return some_failed || tm_live_bytes(&process) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
